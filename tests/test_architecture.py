"""The arrows of the design, held over the imports of the code itself."""

import ast
import functools
import re
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
    {"cli", "napari", "pytest_plugin"},
    {"app"},
    {"demo"},
    {"training"},
    {"inference"},
    {"models"},
    {"noise"},
    {"ops", "selfsup", "blindness", "engine", "evaluation"},
    {"frames"},
    {"data"},
    {"lattice", "coupling", "hole"},
    {"mirror"},
    {"shapes", "constants", "plugins"},
]

LIBRARIES_THAT_NETWORKS_DO_NOT_NEED = {"lightning_fabric", "jsonargparse", "rich", "matplotlib", "skimage"}


@functools.cache
def import_statements(path):
    """Statements of a file that import, inside functions too."""
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]


@functools.cache
def imports(path):
    """Modules that a file imports, inside functions too."""
    found = []
    for node in import_statements(path):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif node.module:
            found += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return found


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


# What other packages use of bsn is exported by its rooms; a command's parts and the photographs are rooms of their own.
SEAM_BEHIND_ROOMS = {
    "bsn.cli.command",
    "bsn.cli.denoise",
    "bsn.cli.json_output",
    "bsn.cli.outcome",
    "bsn.cli.reading",
    "bsn.cli.terminal",
    "bsn.data.photographs",
}


@pytest.mark.parametrize("package", ["distill", "restoration", "tools"])
def test_other_packages_enter_bsn_by_its_rooms(package):
    for path in files(package):
        for node in import_statements(path):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "bsn":
                inner = node.module.count(".") > 1 and node.module not in SEAM_BEHIND_ROOMS
                assert not inner, f"{path.relative_to(ROOT)} imports {node.module}; export the name from its room"


def modules_of_ours():
    """Every module of ours by its import name."""
    found = {}
    for package in PACKAGES:
        for path in files(package):
            parts = path.relative_to(ROOT).with_suffix("").parts
            parts = (*(("bsn",) if package == "data" else ()), *(parts[:-1] if parts[-1] == "__init__" else parts))
            found[".".join(parts)] = path
    return found


def find_circle(graph):
    """Modules that import each other, directly or by others; None if there are none."""
    done, way = set(), []

    def visit(name):
        if name in way:
            return way[way.index(name) :]
        if name in done:
            return None
        way.append(name)
        found = next((circle for other in sorted(graph[name]) if (circle := visit(other))), None)
        way.pop()
        done.add(name)
        return found

    return next((circle for name in sorted(graph) if (circle := visit(name))), None)


def test_no_modules_import_each_other_not_even_for_types_or_inside_functions():
    modules = modules_of_ours()
    graph = {name: {m for m in imports(path) if m in modules and m != name} for name, path in modules.items()}
    # `from package import module` names the package too; that it runs first is not a circle.
    for name in graph:
        graph[name] -= {m for m in graph[name] if modules[m].name == "__init__.py" and name.startswith(f"{m}.")}
    assert sum(map(len, graph.values())) > 500
    assert find_circle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c"]
    assert find_circle(graph) is None


IGNORED = "type: " + "ignore"  # in two parts, so that this file is held to the rule, too
EXCUSED = re.compile(re.escape(IGNORED) + r"\[(?!arg-type\])[a-z-]+\]  # \w+( \S+){2,}$")


@pytest.mark.parametrize(
    ("comment", "excused"),
    [
        ("[attr-defined]  # the stub leaves it out", True),
        ("", False),
        ("[attr-defined]", False),
        ("[attr-defined]  # see above", False),
        ("[arg-type]  # the function takes it nevertheless", False),
        ("[attr-defined, arg-type]  # the function takes it nevertheless", False),
    ],
)
def test_an_excuse_for_an_ignored_type_is_recognised(comment, excused):
    assert bool(EXCUSED.search(f"x = f(y)  # {IGNORED}{comment}")) is excused


def rooms_of(package, modules):
    """What stands directly in a package, and which of these import each other: ``{room: {room, ...}}``."""
    depth = package.count(".") + 1
    graph = {}
    for name, path in modules.items():
        own = name.split(".")
        if len(own) <= depth or not name.startswith(f"{package}."):
            continue
        room = graph.setdefault(own[depth], set())
        for module in imports(path):
            other = module.split(".")
            if other[:depth] == own[:depth] and len(other) > depth and other[depth] != own[depth]:
                room.add(other[depth])
    return {room: {other for other in others if other in graph} for room, others in graph.items()}


def test_no_rooms_of_a_package_use_each_other_both_ways_not_even_by_different_files():
    """Files without a circle can still tie two rooms together: a file of each imports a file of the other."""
    modules = modules_of_ours()
    packages = [name for name, path in modules.items() if path.name == "__init__.py"]
    assert len(packages) > 30
    for package in packages:
        circle = find_circle(rooms_of(package, modules))
        assert circle is None, f"{package}: {' -> '.join([*circle, circle[0]])}"


def test_circles_between_rooms_are_found(tmp_path):
    texts = {
        "p.a.one": "import p.b.two",
        "p.b.two": "",
        "p.b.three": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from p.a import four",
        "p.a.four": "",
        "p.c": "from p import b",
    }
    modules = {name: tmp_path / f"{name}.py" for name in texts}
    for name, path in modules.items():
        path.write_text(texts[name])
    assert rooms_of("p", modules) == {"a": {"b"}, "b": {"a"}, "c": {"b"}}
    assert find_circle(rooms_of("p", modules)) == ["a", "b"]


def test_imports_are_absolute():
    """So that the tests of this file see them all."""
    for package in PACKAGES:
        for path in files(package):
            nodes = import_statements(path)
            assert not any(isinstance(node, ast.ImportFrom) and node.level for node in nodes), path.relative_to(ROOT)


def test_one_place_knows_which_process_speaks_for_a_run():
    told = [path for package in PACKAGES for path in files(package) if "LOCAL_RANK" in path.read_text(encoding="utf-8")]
    assert told == [ROOT / "bsn/engine/devices.py"]


def test_every_ignored_type_names_its_error_and_reason_and_none_is_an_argument():
    for folder in (*PACKAGES, "tools", "tests", "benchmarks", "examples", "docs"):
        for path in files(folder):
            for line in path.read_text(encoding="utf-8").splitlines():
                assert IGNORED not in line or EXCUSED.search(line), f"{path.relative_to(ROOT)}: {line.strip()}"


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
