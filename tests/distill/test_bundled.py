"""The models in the box: found by name and by the noise, and what the small one for white noise can do and cannot."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

import bsn
from bsn.cli import main
from bsn.data import Gaussian, Image, read_image, write_image
from bsn.data.photographs import photograph
from bsn.inference.fitness import DenoisingWarning
from bsn.models import Model, ModelFileError, create
from bsn.models.bundled import boxed_models, find_boxed, load_bundled


def psnr(a, b):
    return -10 * np.log10(np.mean((np.asarray(a, np.float64) - b) ** 2))


@pytest.fixture(scope="module")
def clean():
    return photograph("astronaut.png")[:, 100:228, 150:278]


@pytest.fixture(scope="module")
def denoiser():
    return bsn.Denoiser("photo-tiny", device="cpu")


@pytest.mark.parametrize("boxed", [*boxed_models(), *boxed_models(restoring=True)], ids=lambda boxed: boxed.name)
def test_size_and_card(boxed):
    assert boxed.path.stat().st_size <= {"tiny": 1_000_000, "base": 10_000_000}[boxed.size]
    card = boxed.path.with_suffix(".md").read_text(encoding="utf-8")
    for word in ("Data", "Terms", "Steps", "Numbers", "Limits"):
        assert f"## {word}" in card
    model = boxed.load()
    assert model.weights_licence.startswith("Apache-2.0")
    for file in model.provenance["photographs"]:
        assert file in card
    assert next(model.network.parameters()).dtype.is_floating_point
    assert next(model.network.parameters()).element_size() == 4


@pytest.mark.parametrize(("sigma", "least"), [(15, 6.5), (25, 8.5), (50, 11.0)])
@pytest.mark.parametrize("grey", [False, True])
def test_it_beats_non_local_means(clean, denoiser, sigma, least, grey):
    from skimage.restoration import denoise_nl_means

    truth = clean.mean(0, keepdims=True) if grey else clean
    noisy = Gaussian.from_grey_levels(sigma)(truth, 0)
    found = psnr(denoiser(noisy, "CYX"), truth)
    s = sigma / 255
    other = denoise_nl_means(noisy, 5, 6, 0.6 * s, fast_mode=True, sigma=s, channel_axis=0)
    assert found > psnr(other, truth)
    assert found - psnr(noisy, truth) > (least if not grey else 0.85 * least)


def test_brightness_does_not_matter(clean, denoiser):
    """A 16-bit image that uses a twentieth of its range is denoised like one that uses all of it."""
    noisy = Gaussian.from_grey_levels(25)(clean, 0)
    assert np.abs(denoiser(noisy / 20, "CYX") * 20 - denoiser(noisy, "CYX")).max() < 1e-5


def test_grey_images_stay_grey(denoiser):
    image = np.random.default_rng(0).integers(0, 65536, (37, 50), dtype=np.uint16)
    result = denoiser(image)
    assert result.shape == image.shape
    assert result.dtype == np.uint16
    two = np.random.default_rng(1).random((2, 32, 32), np.float32)
    with pytest.warns(DenoisingWarning, match="channel"):
        apart = denoiser(two, "CYX")
    for result, channel in zip(apart, two, strict=True):
        np.testing.assert_allclose(result, denoiser(channel, "YX"), atol=1e-5)
    with pytest.warns(DenoisingWarning, match="channel"):
        assert bsn.denoise(np.zeros((32, 32), np.float32), create("tiny"), axes="YX").shape == (32, 32)


def test_tiles_equal_the_whole_grey_image(denoiser):
    image = np.random.default_rng(0).random((400, 60)).astype(np.float32)
    tiled = bsn.Denoiser("photo-tiny", tile=240, device="cpu")(image)
    assert np.abs(denoiser(image) - tiled).max() < 1e-5


def test_half_precision_is_for_storage_only(tmp_path):
    model = load_bundled("photo-tiny")
    model.save(tmp_path / "half.safetensors", bits=16)
    model.save(tmp_path / "whole.safetensors")
    half, whole = (Model.load(tmp_path / f"{name}.safetensors").network.state_dict() for name in ("half", "whole"))
    assert all(half[key].dtype == whole[key].dtype for key in whole)
    assert (tmp_path / "half.safetensors").stat().st_size < 0.55 * (tmp_path / "whole.safetensors").stat().st_size


def test_without_a_model_it_says_which_one_it_uses(tmp_path, capsys, clean):
    noisy = np.clip(Gaussian.from_grey_levels(25)(clean, 0), 0, 1)
    pixels = np.moveaxis((255 * noisy).astype(np.uint8), 0, -1)
    write_image(tmp_path / "photo.png", Image(pixels, "YXC"))
    assert main(["denoise", str(tmp_path / "photo.png"), "-o", str(tmp_path / "clean.png"), "--device", "cpu"]) == 0
    out, err = capsys.readouterr()
    assert f"{find_boxed('photo').name}, for photographs" in out
    assert "the noise is independent between neighbours (correlation" in out
    assert "note" not in err
    result = np.moveaxis(read_image(tmp_path / "clean.png").pixels, -1, 0) / 255
    assert psnr(result, clean) > psnr(noisy, clean) + 8


def test_correlated_noise_is_told_where_no_model_knows_it(tmp_path, capsys, clean, monkeypatch):
    only_photo(tmp_path, monkeypatch)
    noisy = np.clip(clean + shared_noise(clean.shape), 0, 1)
    pixels = np.moveaxis((255 * noisy).astype(np.uint8), 0, -1)
    write_image(tmp_path / "jpeg_like.png", Image(pixels, "YXC"))
    assert main(["denoise", str(tmp_path / "jpeg_like.png"), "-o", str(tmp_path / "out.png"), "--device", "cpu"]) == 0
    err = capsys.readouterr().err
    assert "jpeg_like.png is correlated between neighbours" in err
    assert "bsn train noisy/ -o run --recipe camera" in err


def shared_noise(shape):
    blurred = gaussian_filter(np.random.default_rng(0).standard_normal(shape), (0, 0.8, 0.8))
    return blurred / blurred.std() * 25 / 255


def only_photo(folder, monkeypatch, *others):
    """A box of the small model for white noise and of others, which are copies of it that halve the picture."""
    box = folder / "box"
    box.mkdir()
    model = load_bundled("photo-tiny")
    model.save(box / "photo-tiny.safetensors")
    for name in others:
        dark = dataclasses.replace(model, provenance={**model.provenance, "trained_for": f"{name}'s images"})
        torch.nn.init.zeros_(list(dark.network.parameters())[-1])
        dark.save(box / f"{name}.safetensors")
    monkeypatch.setattr("bsn.models.bundled.WEIGHTS", box)


def test_each_image_gets_the_model_for_its_noise(tmp_path, capsys, clean, monkeypatch):
    only_photo(tmp_path, monkeypatch, "camera-tiny")
    noises = {"white.png": Gaussian.from_grey_levels(25).sample_like(clean, 0), "shared.png": shared_noise(clean.shape)}
    for name, noise in noises.items():
        pixels = np.moveaxis((255 * np.clip(clean + noise, 0, 1)).astype(np.uint8), 0, -1)
        write_image(tmp_path / name, Image(pixels, "YXC"))
    inputs = [str(tmp_path / name) for name in noises]
    assert main(["denoise", *inputs, "-o", str(tmp_path / "out"), "--device", "cpu"]) == 0
    out, err = capsys.readouterr()
    assert "model in the box for 1 of 2 images: photo-tiny, for photographs" in out
    assert "for 1 of 2 images: camera-tiny, for camera-tiny's images; the noise of shared.png is correlated" in out
    assert "note" not in err
    for name, model in (("white.png", "photo"), ("shared.png", "camera")):
        noisy = read_image(tmp_path / name).pixels
        assert np.array_equal(read_image(tmp_path / "out" / name).pixels, bsn.denoise(noisy, model, device="cpu"))
        assert np.array_equal(bsn.denoise(noisy, device="cpu"), bsn.denoise(noisy, model, device="cpu"))


def test_stacks_are_told_of_their_neighbours_where_their_axes_are_known(tmp_path, capsys, monkeypatch):
    only_photo(tmp_path, monkeypatch)
    frames = np.random.default_rng(0).integers(90, 160, (3, 40, 40), np.uint8)
    write_image(tmp_path / "lapse.tif", Image(frames, "TYX"))
    write_image(tmp_path / "single.png", Image(frames[0], "YX"))
    for words, told in (([], True), (["--neighbours", "1"], False)):
        inputs = [str(tmp_path / name) for name in ("lapse.tif", "single.png")]
        assert main(["denoise", *inputs, "-o", str(tmp_path / f"out{told}"), "--device", "cpu", *words]) == 0
        assert ("each plane of lapse.tif is denoised by itself" in capsys.readouterr().out) is told


def test_models_are_found_by_name(tmp_path, monkeypatch, capsys):
    only_photo(tmp_path, monkeypatch, "photo-base")
    assert [boxed.name for boxed in boxed_models()] == ["photo-base", "photo-tiny"]
    assert find_boxed("photo").name == "photo-base"
    assert find_boxed("camera") is None
    assert bsn.load("photo").provenance["trained_for"] == "photo-base's images"
    assert bsn.load("photo-tiny").provenance["trained_for"].startswith("photographs")
    with pytest.raises(ModelFileError, match=r"no model camera.*photo-base, photo-tiny"):
        bsn.load("camera")
    assert main(["denoise", str(tmp_path), "-o", "out", "--model", "camera"]) == 2
    assert "photo-base, photo-tiny" in capsys.readouterr().err
    monkeypatch.setattr("bsn.models.presets", dict)  # the networks are not asked for here
    assert main(["models", "--no_speed", "--json"]) == 0
    box = json.loads(capsys.readouterr().out)["box"]
    assert [(row["name"], row["short_name"]) for row in box] == [("photo-base", "photo"), ("photo-tiny", None)]
    # A run of one's own comes before the box, a folder of images does not.
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photo").mkdir()
    assert bsn.load("photo").provenance["trained_for"] == "photo-base's images"
    bsn.load("photo-tiny").save(tmp_path / "photo" / "final.safetensors")
    assert bsn.load("photo").provenance["trained_for"].startswith("photographs")


def test_models_in_the_box_are_exported_by_name(tmp_path, capsys):
    assert (
        main(["export", "--model", "photo-tiny", "-o", str(tmp_path / "p.safetensors"), "--format", "safetensors"]) == 0
    )
    assert "Apache-2.0" in capsys.readouterr().out
    for words in ([], ["photo", "--model", "photo"]):
        assert main(["export", *words, "-o", str(tmp_path / "q.onnx")]) == 2
        assert "give one of them" in capsys.readouterr().err


def test_the_documentation_shows_every_card():
    page = (Path(__file__).resolve().parents[2] / "docs" / "results" / "model_in_the_box.md").read_text(
        encoding="utf-8"
    )
    for boxed in (*boxed_models(), *boxed_models(restoring=True)):
        assert f"weights/{boxed.name}.md" in page
