"""``bsn verify``: presets, files, anybody's callable; exit codes, JSON, report."""

import json
import re

import pytest
import torch

from bsn.models import Model, ValueScale, create
from tests.helpers.command_line import run

QUICK = ["--size", "24", "--checks", "jacobian", "perturbation"]


def verify(capsys, *words):
    return run(capsys, "verify", *words)


def test_a_blind_preset(capsys):
    code, out, _ = verify(capsys, "phase-unet-tiny", "--channels", 1, "--size", 32, "--width", 20, *QUICK[2:])
    assert code == 0
    assert "phase-unet-tiny is BLIND, exactly, for all 640 pixels of 32 x 20, and to its whole lattice 4Z x 4Z" in out


def test_a_leaking_preset_with_report(capsys, tmp_path):
    options = ["--set", "channel_attention=global", "widths=[8,16,32]", "head_dim=4", "--learn", "never"]
    report = tmp_path / "leak.html"
    code, out, _ = verify(capsys, "tbsn-small", "--channels", 1, *QUICK, *options, "--report", report, "--json")
    assert code == 1
    content = json.loads(out)
    assert not content["blind"]
    assert content["leak"]["culprit"]["kind"] == "ChannelAttention"
    text = report.read_text()
    assert "LEAKS at encoder.0.0.layers.0 (ChannelAttention)" in text
    assert text.count("data:image/png") >= 2


def test_a_model_file_in_its_own_range(capsys, tmp_path):
    torch.manual_seed(0)
    path = tmp_path / "model.safetensors"
    Model(create("dbsnl", channels=2, width=8, modules=1), ValueScale.eight_bit()).save(path)
    code, out, _ = verify(capsys, path, *QUICK)
    assert code == 0
    assert "6Z x 6Z" in out
    assert verify(capsys, path, "--channels", 3)[0] == 2


def test_a_callable_of_the_user(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "usernets.py").write_text(
        "from torch import nn\n"
        "def build(channels=3):\n    return nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1))\n"
        "text = 'no network'\n"
        "def broken():\n    raise KeyError('weights')\n"
    )
    words = ["usernets:build", "--channels", 2, *QUICK, "--learn", "leaking", "--learn_steps", 60]
    code, out, _ = verify(capsys, *words)
    assert code == 1
    assert "LEAKS at 0 (Conv2d)" in out
    assert re.search(r"learns to copy [1-9]\d*\.\d% of pure noise at (16 x 16|32 x 32)", out)
    for target, said in (
        ("usernets:text", "cannot be called"),
        ("usernets:nothing", "cannot be imported"),
        ("usernets:broken", "KeyError"),
        ("nosuchmodule:build", "cannot be imported"),
    ):
        code, _, err = verify(capsys, target)
        assert code == 2
        assert said in err
        assert len(err.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nothing"], "not a preset"),
        (["phase-unet-tiny", "--checks", "magic"], "there is no check magic"),
        (["phase-unet-tiny", "--set", "window"], "write window=VALUE"),
        (["phase-unet-tiny", "--set", "colour=1"], "has no option 'colour'"),
        (["torch.nn:Identity", "--set", "a=1"], "options of presets"),
        (["torch.nn:Identity"], "give the channels"),
        (["phase-unet-tiny", "--size", "0"], "leave nothing to check"),
        (["halfplane", "--hole", "square:41", "--size", "24"], "larger than the image of 24 x 24"),
        (["halfplane", "--hole", "none"], "no offset that could be certified"),
    ],
)
def test_bad_input_is_one_line(capsys, words, said):
    code, _, err = verify(capsys, *words)
    assert code == 2
    assert said in err
    assert len(err.strip().splitlines()) == 1
