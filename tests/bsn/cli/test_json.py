"""``--json`` of every command that finds something: one JSON document on standard output, and nothing else there."""

import json

import numpy as np
import pytest
import torch

from bsn.cli.json_output import print_json
from bsn.data import Image, write_image
from bsn.models import Model, ValueScale, presets
from tests.helpers.command_line import complaint, run
from tests.helpers.networks import small


def strict(text):
    """The document; JSON knows neither NaN nor Infinity."""

    def refuse(word):
        raise AssertionError(f"{word} is not JSON")

    return json.loads(text, parse_constant=refuse)


@pytest.fixture
def folder(tmp_path):
    """Two noisy 8-bit images with their truth, and a blind model and a student."""
    rng = np.random.default_rng(0)
    for name in ("noisy", "clean"):
        (tmp_path / name).mkdir()
    for index in range(2):
        clean = np.full((96, 80), 90 + 40 * index, np.uint8)
        noisy = np.clip(clean + rng.normal(0, 9, clean.shape), 0, 255).astype(np.uint8)
        write_image(tmp_path / "clean" / f"{index}.png", Image(clean, "YX"))
        write_image(tmp_path / "noisy" / f"{index}.png", Image(noisy, "YX"))
    torch.manual_seed(0)
    for name in ("phase-unet-tiny", "tiny"):
        Model(small(name, channels=1).eval(), ValueScale(0.4, 0.1)).save(tmp_path / f"{name}.safetensors")
    return tmp_path


def words_of(command, folder):
    noisy, clean = folder / "noisy", folder / "clean"
    teacher, student = folder / "phase-unet-tiny.safetensors", folder / "tiny.safetensors"
    return {
        "inspect": ["inspect", noisy],
        "models": ["models", "--no_speed", "--channels", 1],
        "verify": ["verify", teacher, "--size", 16, "--checks", "structure", "--learn", "never"],
        "evaluate": ["evaluate", "--model", teacher, "--noisy", noisy, "--clean", clean],
        "residual": ["evaluate", "--model", teacher, "--noisy", noisy],
        "results": ["evaluate", "--result", clean, "--clean", clean],
        "restore": ["restore", "evaluate", "--results", clean, "--degraded", noisy, "--clean", clean],
        "report": ["distill", "report", "--teacher", teacher, "--students", student, "--noisy", noisy, "--repeats", 1],
    }[command]


FOUND = {
    "inspect": lambda found: len(found["files"]) == 2 and found["together"]["sigma"] > 0,
    "models": lambda found: {"name", "parameters"} <= set(found["models"][0]),
    "verify": lambda found: "checks" in found,
    "evaluate": lambda found: (
        {"psnr", "ssim", "noisy_psnr", "noisy_ssim"} == set(found["means"]) and found["images"] == 2
    ),
    "residual": lambda found: "residual_lag1_x" in found["means"],
    "results": lambda found: found["means"] == {"psnr": None, "ssim": 1.0},  # equal images: infinitely good
    "restore": lambda found: found["degraded"]["means"]["psnr"] > 20 and len(found) == 2,
    "report": lambda found: [row["db_to_teacher"] is None for row in found["rows"]] == [True, False],
}


@pytest.mark.parametrize("command", FOUND)
def test_standard_output_is_one_document(capsys, folder, command, monkeypatch):
    few = {name: presets()[name] for name in ("phase-unet-tiny", "tiny")}
    monkeypatch.setattr("bsn.models.presets", lambda: few)  # for the list of models
    code, out, err = run(capsys, *words_of(command, folder), "--json")
    assert code in (0, 1), err
    assert FOUND[command](strict(out))


@pytest.mark.parametrize("command", FOUND)
def test_a_file_after_json_is_refused_with_the_form_that_works(capsys, folder, command):
    said = complaint(capsys, *words_of(command, folder), "--json", "found.json")
    assert "--json > found.json" in said


def test_the_document_is_the_file_that_output_writes(capsys, folder):
    code, out, _ = run(capsys, *words_of("evaluate", folder), "--json", "-o", folder / "scores")
    assert code == 0
    assert strict(out) == json.loads((folder / "scores" / "scores.json").read_text())


def test_what_fails_prints_no_document(capsys, folder):
    (folder / "clean" / "1.png").unlink()
    code, out, err = run(capsys, *words_of("evaluate", folder), "--json")
    assert (code, out) == (2, "")
    assert "have no clean partner: 1.png" in err


def test_numbers_that_json_does_not_know_become_null(capsys):
    print_json({"a": [1, float("inf"), {"b": float("nan")}], 3: (2.5, None, "x")})
    assert strict(capsys.readouterr().out) == {"a": [1, None, {"b": None}], "3": [2.5, None, "x"]}
