"""Names that a terminal or markup could stumble over."""

import shutil
from pathlib import Path

import pytest

from bsn.models import Model
from tests.helpers.command_line import complaint, run
from tests.helpers.fresh import run_fresh
from tests.helpers.networks import small

ROOT = Path(__file__).resolve().parents[3]
NAMES = ROOT / "tests" / "cases" / "inputs" / "F15_names"


@pytest.fixture
def names(tmp_path):
    shutil.copytree(NAMES, tmp_path / "in")
    return tmp_path / "in"


def test_brackets_are_no_markup(capsys, names):
    code, out, _ = run(capsys, "inspect", names)
    assert code in (0, 1)
    assert "x[red]y.png" in out.replace("\n", "")
    (names / "broken[bold].png").write_bytes(b"no picture")
    _, out, _ = run(capsys, "inspect", names)
    assert "broken[bold].png: " in out
    assert "\x1b" not in out


@pytest.mark.parametrize("command", ["inspect", "denoise"])
def test_letters_that_the_terminal_lacks_are_printed_as_codes(names, tmp_path, command):
    words = [command, str(names)] + (["-o", str(tmp_path / "out")] if command == "denoise" else [])
    code = "import sys; from bsn.cli import main; sys.exit(main(sys.argv[1:]))"
    environment = {"PYTHONIOENCODING": "ascii", "LC_ALL": "C", "LANG": "C"}
    done = run_fresh(code, *words, folder=tmp_path, path=[ROOT], environment=environment)
    assert done.returncode in (0, 1), done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout.isascii()
    if command == "denoise":
        assert sorted(p.name for p in (tmp_path / "out").iterdir()) == sorted(p.name for p in names.iterdir())


def test_a_denoiser_does_not_restore(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr("bsn.models.bundled.WEIGHTS", tmp_path / "empty")
    message = complaint(capsys, "restore", "apply", NAMES, "-o", tmp_path / "out")
    assert "this installation has none for rain; restoration needs --model" in message
    Model(small("phase-unet-tiny")).save(tmp_path / "denoiser.safetensors")
    words = ("restore", "apply", NAMES, "--model", tmp_path / "denoiser.safetensors", "-o", tmp_path / "out")
    assert "is a denoiser, not a restoration model" in complaint(capsys, *words)
    assert not (tmp_path / "out").exists()
    Model(small("drt-tiny")).save(tmp_path / "restorer.safetensors")
    code, _, err = run(
        capsys, "restore", "apply", NAMES, "--model", tmp_path / "restorer.safetensors", "-o", tmp_path / "out"
    )
    assert code == 0, err
