"""A package of a stranger adds an operator, a network, a loss and a file format, with a file and a line for each."""

import tomllib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from tests.helpers.fresh import run_fresh

ROOT = Path(__file__).resolve().parents[2]
EXTENSION = ROOT / "examples" / "extension"

CODE = """
import sys
from bsn.cli import main
for words in " ".join(sys.argv[1:]).split(" ; "):
    code = main(words.split())
    if code:
        sys.exit(code)
"""


@pytest.fixture
def installed(tmp_path):
    """What pip would leave of the package in a folder of the path, beside its modules."""
    project = tomllib.loads((EXTENSION / "pyproject.toml").read_text())["project"]
    about = tmp_path / "site" / "blindspot_example_extension-0.1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    groups = [
        "\n".join([f"[{group}]", *(f"{name} = {module}" for name, module in points.items())])
        for group, points in project["entry-points"].items()
    ]
    (about / "entry_points.txt").write_text("\n".join(groups) + "\n")
    return [tmp_path / "site", EXTENSION, ROOT]


@pytest.fixture
def noisy(tmp_path):
    """Two noisy images in the format of the extension, written by another program."""
    (tmp_path / "noisy").mkdir()
    for index in range(2):
        pixels = np.random.default_rng(index).integers(60, 200, (40, 33))
        rows = "\n".join(" ".join(map(str, row)) for row in pixels)
        (tmp_path / "noisy" / f"{index}.pgm").write_text(f"P2\n# by hand\n33 40\n255\n{rows}\n")
    return tmp_path / "noisy"


def test_operator_network_loss_and_format_work_as_if_they_were_ours(installed, noisy, tmp_path):
    settings = "--steps 3 --crop 16 --batch_size 2 --warmup_steps 1 --accelerator cpu --stride 1 --noise none"
    words = (
        "verify ring-small --channels 1 --size 12 --learn never"
        f" ; train {noisy} -o run --model ring-small --loss charbonnier {settings}"
        f" ; denoise {noisy} --model run -o clean"
    )
    done = run_fresh(CODE, words, folder=tmp_path, path=installed)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith(
        "ring-small is BLIND, exactly, for all 144 pixels of 12 x 12, and to its whole lattice 2Z x 2Z"
    )
    assert "loss: charbonnier" in (tmp_path / "run" / "config.yaml").read_text()
    assert sorted(path.name for path in (tmp_path / "clean").iterdir()) == ["0.pgm", "1.pgm"]
    with Pillow.open(tmp_path / "clean" / "0.pgm") as found:
        assert (found.size, found.mode) == ((33, 40), "L")
        assert np.asarray(found).std() > 0


@pytest.mark.slow
def test_what_is_misspelt_is_answered_with_the_names_of_the_extension(installed, noisy, tmp_path):
    for options, name in (("--loss charbonier", "charbonnier"), ("--model ring-smal", "ring-small")):
        done = run_fresh(CODE, f"train {noisy} -o run {options}", folder=tmp_path, path=installed)
        assert done.returncode == 2
        assert name in done.stderr
    done = run_fresh(CODE, "train lost.xyz -o run", folder=tmp_path, path=installed)
    assert "there is no such file" in done.stderr
    (tmp_path / "lost.xyz").touch()
    done = run_fresh(CODE, "train lost.xyz -o run", folder=tmp_path, path=installed)
    assert ".pgm" in done.stderr


@pytest.mark.parametrize(
    ("module", "words", "said"),
    [
        ("pgm_format", "inspect noisy", "the file format 'pgm' is missing: pgm_format cannot be imported"),
        ("charbonnier_loss", "train noisy -o run --loss charbonnier", "there is no loss 'charbonnier'"),
    ],
)
def test_a_module_that_fails_takes_nothing_else_with_it(installed, noisy, tmp_path, module, words, said):
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / f"{module}.py").write_text("raise RuntimeError('half installed')")
    np.save(noisy / "2.npy", np.random.default_rng(0).random((40, 33), np.float32))
    done = run_fresh(CODE, words, folder=tmp_path, path=[broken, *installed])
    assert said in done.stderr
    assert "half installed" in done.stderr
    assert "Traceback" not in done.stderr
