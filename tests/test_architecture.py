"""The arrows of the design, held over the imports of the code itself."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# What each package may import of ours. The folder ``data`` is installed as ``bsn.data``, where the name belongs to nobody else.
PACKAGES = {
    "data": {"bsn"},
    "bsn": {"bsn"},
    "distill": {"distill", "bsn"},
    "restoration": {"restoration", "bsn"},
}

# Floors of bsn from the top down; a floor imports lower ones only. The ground floor's rooms know nothing of each other.
FLOORS = [
    {"cli", "pytest_plugin"},
    {"demo"},
    {"training"},
    {"inference"},
    {"models"},
    {"noise"},
    {"ops", "selfsup", "blindness", "engine", "evaluation"},
    {"data"},
    {"lattice", "coupling", "hole"},
    {"mirror"},
    {"shapes", "constants", "plugins"},
]

LIBRARIES_THAT_NETWORKS_DO_NOT_NEED = {"lightning_fabric", "jsonargparse", "rich", "matplotlib", "skimage"}


def imports(path):
    """Modules that a file imports, inside functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def files(package):
    return sorted((ROOT / package).rglob("*.py"))


def floor_of(parts):
    name = parts[1] if len(parts) > 1 else None
    return next((index for index, floor in enumerate(FLOORS) if name in floor), None)


@pytest.mark.parametrize("package", PACKAGES)
def test_no_arrow_runs_back_between_packages(package):
    for path in files(package):
        for module in imports(path):
            root = module.split(".")[0]
            assert root not in PACKAGES or root in PACKAGES[package], f"{path.relative_to(ROOT)} imports {module}"


def test_data_imports_nothing_of_ours_but_itself():
    for path in files("data"):
        ours = {module for module in imports(path) if module.split(".")[0] == "bsn"}
        assert all(module.startswith("bsn.data") for module in ours), f"{path.relative_to(ROOT)} imports {ours}"


def test_the_losses_know_nothing_of_files():
    for path in files("bsn/selfsup"):
        ours = {module for module in imports(path) if module.startswith("bsn.data")}
        assert not ours, f"{path.relative_to(ROOT)} imports {ours}"


def test_a_floor_of_bsn_imports_only_lower_ones():
    seen = 0
    for path in files("bsn"):
        parts = path.relative_to(ROOT).with_suffix("").parts
        own = floor_of(parts)
        if own is None:
            assert str(path.relative_to(ROOT)) in ("bsn/__init__.py", "bsn/__main__.py"), f"{path} stands on no floor"
            continue
        for module in imports(path):
            target = module.split(".")
            other = floor_of(target) if target[0] == "bsn" else None
            if other is None:
                continue
            same_room = target[1] == parts[1]
            assert same_room or other > own, f"{path.relative_to(ROOT)} imports {module}, which is not below it"
            seen += 1
    assert seen > 50


def test_networks_and_operators_need_torch_only():
    drawing = ROOT / "bsn/noise/drawing.py"
    for room in ("ops", "selfsup", "blindness", "models", "noise"):
        for path in set(files(f"bsn/{room}")) - {drawing}:
            heavy = {module.split(".")[0] for module in imports(path)} & LIBRARIES_THAT_NETWORKS_DO_NOT_NEED
            assert not heavy, f"{path.relative_to(ROOT)} imports {heavy}"


def test_no_argument_of_a_wrong_type_is_hidden():
    """Such an ignore hid a crash: an object without the method that was called on it."""
    for package in PACKAGES:
        for path in files(package):
            assert "ignore[arg-type" not in path.read_text(encoding="utf-8"), path.relative_to(ROOT)


def test_nothing_imports_the_tests():
    for package in PACKAGES:
        for path in files(package):
            assert not any(module.split(".")[0] in ("data", "tests", "benchmarks", "tools") for module in imports(path))


def test_importing_bsn_imports_nothing_heavy():
    """A stand-in for the time budget (0.3 s beyond torch) that does not depend on the machine."""
    code = "import sys, bsn, bsn.data; print(sorted({m.split('.')[0] for m in sys.modules}))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    loaded = set(ast.literal_eval(out))
    assert not loaded & {
        "torch",
        "scipy",
        "skimage",
        "matplotlib",
        "h5py",
        "tifffile",
        "rich",
        "jsonargparse",
        "lightning_fabric",
    }


def test_no_file_is_longer_than_500_lines():
    for folder in (*PACKAGES, "tests", "benchmarks", "tools"):
        for path in files(folder):
            assert len(path.read_text(encoding="utf-8").splitlines()) <= 500, path
