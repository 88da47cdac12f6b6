"""Names that a terminal or markup could stumble over."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bsn.models import Model
from tests.helpers.command_line import complaint, run
from tests.helpers.networks import small

NAMES = Path(__file__).resolve().parents[2] / "cases" / "inputs" / "F15_names"


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
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LC_ALL": "C", "LANG": "C"}
    done = subprocess.run([sys.executable, "-m", "bsn", *words], capture_output=True, env=environment, cwd=tmp_path)
    assert done.returncode in (0, 1), done.stderr
    assert b"Traceback" not in done.stderr
    done.stdout.decode("ascii")
    if command == "denoise":
        assert sorted(p.name for p in (tmp_path / "out").iterdir()) == sorted(p.name for p in names.iterdir())


def test_a_denoiser_does_not_restore(capsys, tmp_path):
    message = complaint(capsys, "restore", "apply", NAMES, "-o", tmp_path / "out")
    assert "no model was given; restoration needs --model" in message
    Model(small("phase-unet-tiny")).save(tmp_path / "denoiser.safetensors")
    words = ("restore", "apply", NAMES, "--model", tmp_path / "denoiser.safetensors", "-o", tmp_path / "out")
    assert "is a denoiser, not a restoration model" in complaint(capsys, *words)
    assert not (tmp_path / "out").exists()
    Model(small("drt-tiny")).save(tmp_path / "restorer.safetensors")
    code, _, err = run(
        capsys, "restore", "apply", NAMES, "--model", tmp_path / "restorer.safetensors", "-o", tmp_path / "out"
    )
    assert code == 0, err
