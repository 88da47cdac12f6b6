"""``bsn inspect``: what it measures, says and draws."""

import json
import re

import numpy as np
import pytest
import torch

from bsn.data import Image, pack, read_image, write_image
from bsn.models import Model, NoiseModel, ValueScale, create
from tests.helpers.command_line import complaint, run

FAST = [
    "--steps",
    "3",
    "--crop",
    "16",
    "--batch_size",
    "2",
    "--warmup_steps",
    "1",
    "--precision",
    "32-true",
    "--accelerator",
    "cpu",
]


def numbers(capsys, *words):
    """Exit code and numbers of ``bsn inspect --json``, which prints nothing else."""
    code, out, _ = run(capsys, "inspect", *words, "--json")
    return code, json.loads(out)


def test_a_file_after_json_is_refused_with_the_new_form(capsys):
    said = complaint(capsys, "inspect", "noisy/", "--json", "noise.json")
    assert "--json > noise.json" in said


def test_inspect_takes_the_picture_off_without_the_noisy_pixel(capsys, tmp_path):
    """A model that believes in next to no noise gives the noisy image back; what it predicts blindly does not."""
    image = 0.5 + 0.1 * np.random.default_rng(0).normal(size=(128, 128))
    np.save(tmp_path / "noisy.npy", image.astype(np.float32))
    torch.manual_seed(0)
    network = create("phase-unet-tiny", channels=1, outputs=2).eval()
    Model(network, ValueScale(0.5, 0.1), noise=NoiseModel(0.0, 1e-9)).save(tmp_path / "model.safetensors")
    _, content = numbers(capsys, tmp_path / "noisy.npy", "--model", tmp_path / "model.safetensors")
    assert content["together"]["sigma"] == pytest.approx(0.1, rel=0.15)


def test_inspect_measures_and_says_what_to_do(capsys, tmp_path):
    rng = np.random.default_rng(0)
    folder = tmp_path / "in"
    folder.mkdir()
    for index in range(2):
        scene = 60 + 100 * np.add.outer(np.linspace(0, 1, 256), np.linspace(0, index, 256)) / 2
        write_image(
            folder / f"{index}.png",
            Image(np.clip(scene + rng.normal(0, 8, scene.shape), 0, 255).astype(np.uint8), "YX"),
        )
    (folder / "broken.png").write_text("no picture")
    code, out, _ = run(capsys, "inspect", folder, "--plot", tmp_path / "n.png")
    assert code == 0
    assert "stride 1" in out
    assert "broken.png" in out
    code, content = numbers(capsys, folder)
    assert code == 0
    assert content["together"]["sigma"] * 255 == pytest.approx(8, rel=0.06)
    assert content["advice"]["suitable"]
    assert read_image(tmp_path / "n.png").pixels.shape[1] > 500
    for name in ("0.png", "1.png"):
        write_image(folder / name, Image(np.full((256, 256), 7, np.uint8), "YX"), overwrite=True)
    code, out, _ = run(capsys, "inspect", folder)
    assert code == 1
    assert "not suitable" in out


def test_inspect_gives_the_words_that_training_uses(capsys, tmp_path):
    rng = np.random.default_rng(0)
    grey = np.clip(rng.normal(100, 8, (256, 256)), 0, 255).astype(np.uint8)
    for name, pixels, axes, words in (
        ("grey", grey, "YX", r"--stride 1 --stride_test 1 --noise (poisson-)?gaussian --noise_scope image   \(what"),
        ("false_colour", np.stack([grey] * 3, -1), "YXC", r"--stride 1 --stride_test 1 --noise none   \(what"),
    ):
        write_image(tmp_path / f"{name}.png", Image(pixels, axes))
        code, out, _ = run(capsys, "inspect", tmp_path / f"{name}.png")
        assert code == 0
        assert re.search(words, out), out


def test_inspect_and_training_judge_the_same_sample(capsys, tmp_path):
    """The middle of a large image has white noise, its rim has not: both see the middle."""
    rng = np.random.default_rng(0)
    noise = np.kron(rng.normal(0, 9, (400, 400)), np.ones((2, 2)))
    noise[144:656, 144:656] = rng.normal(0, 9, (512, 512))
    write_image(tmp_path / "a.png", Image(np.clip(100 + noise, 0, 255).astype(np.uint8), "YX"))
    code, inspected, _ = run(capsys, "inspect", tmp_path / "a.png")
    assert code == 0
    code, trained, _ = run(capsys, "train", tmp_path / "a.png", "-o", tmp_path / "run", *FAST)
    assert code == 0
    reasons = [line[2:] for line in inspected.splitlines() if line.startswith("- ")]
    assert "neighbouring noise is independent" in reasons[0]
    assert all(reason in trained for reason in reasons)


def test_inspect_counts_and_names_outliers(capsys, tmp_path):
    rng = np.random.default_rng(0)
    stack = rng.normal(1000, 30, (2, 160, 160))
    stack[1, 20, 30] = stack[1, 100, 7] = 65535
    write_image(tmp_path / "hot.tif", Image(stack.astype(np.uint16), "ZYX"))
    write_image(tmp_path / "clean.tif", Image(stack[:1].astype(np.uint16), "ZYX"))
    files = (tmp_path / "hot.tif", tmp_path / "clean.tif")
    code, out, _ = run(capsys, "inspect", *files, "--plot", tmp_path / "n.png")
    assert code == 0
    assert "hot.tif: outliers at (row, column) (20, 30), (100, 7)" in out
    assert "clean.tif: outliers" not in out
    assert "2 outliers" in out
    _, content = numbers(capsys, *files)
    assert [entry["outliers"] for entry in content["files"]] == [2, 0]
    assert content["files"][0]["places"] == [
        {"plane": 1, "row": 20, "column": 30},
        {"plane": 1, "row": 100, "column": 7},
    ]
    assert content["together"]["sigma"] * 65535 == pytest.approx(30, rel=0.03)
    assert read_image(tmp_path / "n.png").pixels.shape[1] > 1200


def test_inspect_measures_files_of_another_kind_apart(capsys, tmp_path):
    rng = np.random.default_rng(0)
    grey = np.clip(rng.normal(100, 8, (128, 128)), 0, 255).astype(np.uint8)
    write_image(tmp_path / "a.png", Image(grey, "YX"))
    write_image(tmp_path / "b.png", Image(np.stack([grey] * 3, -1), "YXC"))
    code, out, _ = run(capsys, "inspect", tmp_path)
    assert code == 0
    assert "b.png: 3 channels of uint8 beside 1 of uint8" in out
    _, content = numbers(capsys, tmp_path)
    assert all(entry["statistics"]["sigma"] * 255 == pytest.approx(8, rel=0.1) for entry in content["files"])


def test_inspect_looks_into_a_packed_file(capsys, tmp_path):
    rng = np.random.default_rng(0)
    for name in ("a.png", "b.png"):
        write_image(tmp_path / name, Image(np.clip(rng.normal(100, 8, (128, 128)), 0, 255).astype(np.uint8), "YX"))
    pack([tmp_path], tmp_path / "both.h5")
    code, out, _ = run(capsys, "inspect", tmp_path / "both.h5")
    assert code == 0
    assert "a.png" in out
    assert "b.png" in out
    assert "stride 1" in out
