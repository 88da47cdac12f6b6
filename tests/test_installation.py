"""The installed package, from wheel, sdist and editable install, beside a user's files that have the names of our folders.

What runs here is installed in a virtual environment of its own, which takes its dependencies from the running one.
"""

import functools
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ["bsn", "data", "distill", "restoration", "pyproject.toml", "setup.py", "README.md", "LICENSE"]

BUILD = "import sys, setuptools.build_meta as backend; print(getattr(backend, 'build_' + sys.argv[1])(sys.argv[2]))"

SCRIPT = """
import sys
from pathlib import Path

import numpy as np

import bsn
from bsn.cli import main

print(Path(bsn.__file__).parent)
Path("noisy").mkdir()
for seed in range(2):
    noise = np.random.default_rng(seed).normal(0, 20, (64, 64))
    np.save(f"noisy/{seed}.npy", np.uint8(np.clip(128 + noise, 0, 255)))
STEPS = "--steps 2 --crop 32 --batch_size 1 --validation_crops 1 --stride 1 --noise none --accelerator cpu".split()
codes = [
    main(["train", "noisy", "-o", "run", *STEPS]),
    main(["denoise", "noisy", "--model", "run", "-o", "trained"]),
    main(["denoise", "noisy", "-o", "box"]),
    main(["--help"]),
]
print("codes", codes)
for name in ("run/final.safetensors", "trained/0.npy", "box/1.npy"):
    assert Path(name).is_file(), name
assert np.load("box/0.npy").std() < 0.5 * np.load("noisy/0.npy").std()
"""

RAISES = "raise RuntimeError('a file of the user')"


def run(words, folder, **environment):
    """Output of a command, in an environment where nothing but `environment` says where modules are found."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PIP_"))}
    done = subprocess.run(
        [str(word) for word in words],
        cwd=folder,
        env={**clean, "PIP_DISABLE_PIP_VERSION_CHECK": "1", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def build(what, source, place):
    """Path of a wheel, an sdist or an editable wheel, as pip asks the backend for it."""
    place.mkdir(exist_ok=True)
    return place / run([sys.executable, "-c", BUILD, what, place], source).splitlines()[-1]


def install(wheel, place):
    """Python of a fresh environment with a wheel and the running environment's dependencies."""
    run([sys.executable, "-m", "venv", "--without-pip", place], place.parent)
    python = place / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    words = ["install", "-q", "--no-deps", "--no-index", "--ignore-installed", wheel]
    run([sys.executable, "-m", "pip", "--python", python, *words], place.parent)
    folder = Path(run([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], place).strip())
    others = [entry for entry in sys.path if Path(entry).name in ("site-packages", "dist-packages")]
    (folder / "dependencies.pth").write_text("\n".join(others), encoding="utf-8")
    return python


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """The files that are packed, away from the checkout, into which a build would write."""
    place = tmp_path_factory.mktemp("source") / "blindspot"
    place.mkdir()
    for name in SOURCE:
        if (ROOT / name).is_dir():
            skip = shutil.ignore_patterns("__pycache__", "*.egg-info")
            shutil.copytree(ROOT / name, place / name, symlinks=True, ignore=skip)
        else:
            shutil.copy(ROOT / name, place / name)
    return place


@pytest.fixture(scope="module")
def wheel(source):
    return build("wheel", source, source.parent / "wheel")


@pytest.fixture(scope="module")
def pythons(source):
    """Python with the package as it is asked for: installed from the wheel, or editable; each is made once."""

    @functools.cache
    def python(how):
        return install(build(how, source, source.parent / how), source.parent / f"venv-{how}")

    return python


def names_in(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return sorted(archive.namelist())


def test_the_wheel_has_the_packages_and_no_top_level_data(wheel):
    names = names_in(wheel)
    tops = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    assert tops == {"bsn", "distill", "restoration"}
    inside = {str(path.relative_to(ROOT)) for path in ROOT.glob("bsn/models/weights/*")}
    for others in (
        "restoration/manas/genotype/*.json",
        "bsn/ops/*.json",
        "bsn/napari/*.yaml",
        "bsn/app/page/*",
        "distill/export/page/*",
    ):
        inside |= {str(path.relative_to(ROOT)) for path in ROOT.glob(others)}
    for package in ("bsn", "distill", "restoration"):
        inside |= {str(path.relative_to(ROOT)) for path in (ROOT / package).rglob("*.py")}
    inside |= {f"bsn/{path.relative_to(ROOT)}" for path in (ROOT / "data").rglob("*.py")}
    inside |= {f"{name}/py.typed" for name in ("bsn", "bsn/data", "distill", "restoration")}
    assert {name for name in names if ".dist-info/" not in name} == inside


def test_the_sdist_gives_the_same_wheel(source, wheel):
    sdist = build("sdist", source, source.parent / "sdist")
    with tarfile.open(sdist) as archive:
        archive.extractall(source.parent / "unpacked", filter="data")
    (unpacked,) = (source.parent / "unpacked").iterdir()
    assert names_in(build("wheel", unpacked, source.parent / "again")) == names_in(wheel)


def put_beside(folder, form):
    """Files of a user in one of the forms that a module can have."""
    for name in ("data", "distill", "restoration"):
        if form == "file":
            (folder / f"{name}.py").write_text(RAISES)
        elif form == "package":
            (folder / name).mkdir()
            (folder / name / "__init__.py").write_text(RAISES)
        else:
            (folder / name).mkdir()
            (folder / name / "picture.txt").touch()


@pytest.mark.parametrize(
    ("installed", "form"),
    [
        pytest.param("wheel", "file", marks=pytest.mark.slow),
        pytest.param("wheel", "package", marks=pytest.mark.slow),
        pytest.param("wheel", "folder", marks=pytest.mark.slow),
        pytest.param("editable", "file", marks=pytest.mark.slow),
        pytest.param("editable", "package", marks=pytest.mark.slow),
        pytest.param("editable", "folder", marks=pytest.mark.slow),
    ],
)
def test_files_beside_a_script_change_nothing_for_bsn(pythons, source, tmp_path, installed, form):
    put_beside(tmp_path, form)
    (tmp_path / "script.py").write_text(SCRIPT)
    said = run(
        [pythons(installed), "script.py"], tmp_path, OMP_NUM_THREADS="1", PYTHONWARNINGS="error::ResourceWarning"
    )
    home = source.parent / "venv-wheel" if installed == "wheel" else source
    assert Path(said.splitlines()[0]).is_relative_to(home), said
    # A folder without modules hides only what is found by a hook, which stands behind the folders of the path.
    hides = form != "folder" or installed == "editable"
    assert "codes [0, 0, 0, 0]" in said, said
    for name in ("distill", "restoration"):
        place = {"file": f"{name}.py", "package": f"{name}/__init__.py", "folder": name}[form]
        lines = [
            line for line in said.splitlines() if line.startswith(f"{tmp_path / place} hides the package '{name}'")
        ]
        assert len(lines) == hides, said
    assert " hides the package 'data'" not in said
