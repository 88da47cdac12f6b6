"""Exported files, run by onnxruntime and torch.export, give the Denoiser's images; what cannot be exported is told."""

import json
import logging
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as Pillow

from bsn.data import Gaussian, Image, read_image, write_image
from bsn.data.photographs import photograph
from bsn.inference import Denoiser
from bsn.models import Model, ValueScale, load
from distill.export import ExportError, export_darktable, export_onnx, export_program, quantise_onnx
from distill.export.onnx import check_onnx
from tests.helpers.networks import randomise, small

onnxruntime = pytest.importorskip("onnxruntime", reason="the extra [export] is not installed")
EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "onnx_denoise.py"
SIZES = [(1, 1), (9, 50), (64, 64), (37, 23)]


def student(name="tiny", channels=3, seed=0):
    torch.manual_seed(0)
    return Model(
        randomise(small(name, channels=channels), seed).eval(), ValueScale(0.3, 0.4), provenance={"made": "by a test"}
    )


def denoised(model, image):
    """Truth: the toolkit's own inference, which pads by another way."""
    return np.stack([Denoiser(model, device="cpu")(one, "CYX") for one in image])


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    path = tmp_path_factory.mktemp("onnx") / "student.onnx"
    return student(), path, export_onnx(student(), path)


def run(path, image):
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"]).run(None, {"image": image})[0]


@pytest.mark.parametrize("size", SIZES)
def test_onnx_gives_the_denoisers_images(exported, size):
    model, path, worst = exported
    assert worst <= 1e-5
    image = np.random.default_rng(0).random((2, 3, *size), np.float32)
    assert np.abs(run(path, image) - denoised(model, image)).max() < 1e-5


@pytest.mark.slow
def test_the_student_of_a_half_plane_network_gives_the_denoisers_images(tmp_path):
    model = student("nbsn-lean", channels=1)
    assert export_onnx(model, tmp_path / "student.onnx") <= 1e-5
    image = np.random.default_rng(0).random((1, 1, 40, 37), np.float32)
    assert np.abs(run(tmp_path / "student.onnx", image) - denoised(model, image)).max() < 1e-5


@pytest.mark.slow
def test_a_package_for_darktable_has_its_layout_and_the_denoisers_images(tmp_path):
    target = tmp_path / "My Camera.dtmodel"
    assert export_darktable(student(), target) <= 1e-5
    with zipfile.ZipFile(target) as archive:
        assert sorted(archive.namelist()) == ["denoise-my-camera/config.json", "denoise-my-camera/model.onnx"]
        config = json.loads(archive.read("denoise-my-camera/config.json"))
        (tmp_path / "model.onnx").write_bytes(archive.read("denoise-my-camera/model.onnx"))
    assert (config["id"], config["name"], config["task"]) == ("denoise-my-camera", "My Camera", "denoise")
    assert (config["backend"], config["tiling"]) == ("onnx", True)
    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"), providers=["CPUExecutionProvider"])
    assert [end.name for end in (*session.get_inputs(), *session.get_outputs())] == ["input", "output"]
    image = np.random.default_rng(0).random((1, 3, 37, 23), np.float32)
    assert np.abs(session.run(None, {"input": image})[0] - denoised(student(), image)).max() < 1e-5
    with pytest.raises(ExportError, match="has 1 channels"):
        export_darktable(student(channels=1), tmp_path / "grey.dtmodel")
    assert not (tmp_path / "grey.dtmodel").exists()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["photo-tiny", "photo-base", "camera-tiny", "camera-base"])
def test_tiles_as_darktable_cuts_them_show_no_seams(tmp_path, name):
    """They overlap by 64 pixels (its src/ai/README.md), less than the halo: below half a grey level, nobody sees it."""
    export_onnx(load(name), tmp_path / "model.onnx", check=False)
    clean = np.tile(photograph("astronaut.png")[:, 100:228], 2)
    image = Gaussian.from_grey_levels(25)(clean, 0)[None].astype(np.float32)
    whole, cut = run(tmp_path / "model.onnx", image), 512
    left = run(tmp_path / "model.onnx", image[..., : cut + 64])[..., :cut]
    right = run(tmp_path / "model.onnx", image[..., cut - 64 :])[..., 64:]
    difference = 255 * np.abs(np.concatenate([left, right], -1) - whole).max()
    assert 0 < difference < 0.5


def test_the_file_says_what_it_is(exported):
    _, path, _ = exported
    about = onnxruntime.InferenceSession(str(path)).get_modelmeta().custom_metadata_map
    assert about["channels"] == "3"
    assert about["pixels"] == "float"
    assert json.loads(about["provenance"]) == {"made": "by a test"}


def test_the_check_would_find_other_weights(exported):
    _, path, _ = exported
    with pytest.raises(ExportError, match="differs from PyTorch by"):
        check_onnx(path, student(seed=1))


def test_int8_is_smaller_and_close(exported, tmp_path):
    _, path, _ = exported
    rng = np.random.default_rng(0)
    images = [rng.random((1, 3, 40, 48), np.float32) for _ in range(3)]
    small_file = tmp_path / "small.onnx"
    agreement = quantise_onnx(path, small_file, images)
    error = np.mean([np.mean((run(small_file, image) - run(path, image)) ** 2) for image in images])
    assert agreement == pytest.approx(-10 * np.log10(error), abs=1.0)
    assert agreement > 25
    assert small_file.stat().st_size < path.stat().st_size


def test_the_example_denoises_a_picture(exported, tmp_path):
    model, path, _ = exported
    pixels = np.random.default_rng(1).integers(0, 256, (21, 34, 3), dtype=np.uint8)
    write_image(tmp_path / "noisy.png", Image(pixels, "YXC"))
    words = [sys.executable, str(EXAMPLE), str(path), str(tmp_path / "noisy.png"), str(tmp_path / "clean.png")]
    subprocess.run(words, check=True, capture_output=True)
    result = read_image(tmp_path / "clean.png").pixels.astype(int)
    assert np.abs(result - Denoiser(model, device="cpu")(pixels, "YXC").astype(int)).max() <= 1
    assert len(EXAMPLE.read_text().splitlines()) <= 30


@pytest.mark.parametrize("channels", [pytest.param(1, marks=pytest.mark.slow), 3])
def test_the_example_keeps_sixteen_bits(tmp_path, exported, channels):
    if channels == 3:
        shutil.copy(exported[1], tmp_path / "student.onnx")
    else:
        export_onnx(student("tiny", channels=channels), tmp_path / "student.onnx")
    pixels = np.random.default_rng(2).integers(0, 65536, (21, 34), dtype=np.uint16)
    Pillow.fromarray(pixels).save(tmp_path / "noisy.png")
    words = [str(tmp_path / name) for name in ("student.onnx", "noisy.png", "clean.png")]
    subprocess.run([sys.executable, str(EXAMPLE), *words], check=True, capture_output=True)
    result = np.asarray(Pillow.open(tmp_path / "clean.png"))
    assert result.dtype == np.uint16
    image = np.broadcast_to(pixels / np.float32(65535), (1, channels, 21, 34)).astype(np.float32)
    expected = run(tmp_path / "student.onnx", image).clip(0, 1).mean((0, 1)) * 65535
    assert np.abs(result - expected).max() <= 1


@pytest.mark.slow
def test_the_example_gives_no_sixteen_bits_to_a_file_for_eight(tmp_path):
    export_onnx(student("tiny", channels=1), tmp_path / "student.onnx", pixels="uint8")
    Pillow.fromarray(np.full((21, 34), 30_000, np.uint16)).save(tmp_path / "noisy.png")
    words = [str(tmp_path / name) for name in ("student.onnx", "noisy.png", "clean.png")]
    refused = subprocess.run([sys.executable, str(EXAMPLE), *words], capture_output=True, text=True)
    assert refused.returncode == 1
    assert "has 16 bits" in refused.stderr


def test_quantisation_leaves_the_root_logger_as_it_was(exported, tmp_path):
    _, path, _ = exported
    before = logging.getLogger().level
    quantise_onnx(path, tmp_path / "int8.onnx", [np.random.default_rng(0).random((1, 3, 32, 32), np.float32)])
    assert logging.getLogger().level == before


@pytest.mark.slow
def test_a_torch_program_gives_the_denoisers_images(tmp_path):
    model = student("tiny", channels=1)
    export_program(model, tmp_path / "student.pt2")
    about = {"blindspot.json": ""}
    loaded = torch.export.load(str(tmp_path / "student.pt2"), extra_files=about).module(check_guards=False)
    assert json.loads(about["blindspot.json"])["channels"] == "1"
    for size in SIZES[1:]:
        image = np.random.default_rng(0).random((1, 1, *size), np.float32)
        assert np.abs(loaded(torch.from_numpy(image)).detach().numpy() - denoised(model, image)).max() < 1e-5


@pytest.mark.slow
@pytest.mark.parametrize("name", ["unet", "light"])
@pytest.mark.parametrize("pixels", ["float", "uint8"])
def test_every_student_and_both_kinds_of_pixels(tmp_path, name, pixels):
    model = student(name)
    assert export_onnx(model, tmp_path / "x.onnx", pixels=pixels) <= (1e-5 if pixels == "float" else 1.001 / 255)
    if pixels == "uint8":
        image = np.random.default_rng(0).integers(0, 256, (1, 33, 41, 3), dtype=np.uint8)
        expected = Denoiser(model, device="cpu")(image[0], "YXC").astype(int)
        assert np.abs(run(tmp_path / "x.onnx", image)[0].astype(int) - expected).max() <= 1


def test_teachers_are_refused(tmp_path):
    for name in ("tbsn", "dbsnl"):
        with pytest.raises(ExportError, match="distil it into a student first with `bsn distill`"):
            export_onnx(Model(small(name)), tmp_path / "x.onnx")
    assert not list(tmp_path.iterdir())
