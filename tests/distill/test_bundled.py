"""The model in the box: denoises, colour and grey, scales, says what it is, and knows where it does not help."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

import bsn
from bsn.cli import main
from bsn.data import Gaussian, Image, read_image, write_image
from bsn.data.photographs import photograph
from bsn.inference.fitness import DenoisingWarning
from bsn.models import Model, create
from bsn.models.bundled import bundled_path, load_bundled


def psnr(a, b):
    return -10 * np.log10(np.mean((np.asarray(a, np.float64) - b) ** 2))


@pytest.fixture(scope="module")
def clean():
    return photograph("astronaut.png")[:, 100:228, 150:278]


@pytest.fixture(scope="module")
def denoiser():
    return bsn.Denoiser(device="cpu")


def test_size_and_card():
    assert bundled_path().stat().st_size <= 1_000_000
    card = bundled_path().with_suffix(".md").read_text(encoding="utf-8")
    for word in ("Data", "Terms", "Steps", "Numbers", "Limits"):
        assert f"## {word}" in card
    model = load_bundled()
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
    tiled = bsn.Denoiser(tile=240, device="cpu")(image)
    assert np.abs(denoiser(image) - tiled).max() < 1e-5


def test_half_precision_is_for_storage_only(tmp_path):
    model = load_bundled()
    model.save(tmp_path / "half.safetensors", half=True)
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
    assert "photo-tiny, for photographs" in out
    assert "note" not in err
    result = np.moveaxis(read_image(tmp_path / "clean.png").pixels, -1, 0) / 255
    assert psnr(result, clean) > psnr(noisy, clean) + 8


def test_correlated_noise_is_told(tmp_path, capsys, clean):
    blurred = gaussian_filter(np.random.default_rng(0).standard_normal(clean.shape), (0, 0.8, 0.8))
    noisy = np.clip(clean + blurred / blurred.std() * 25 / 255, 0, 1)
    pixels = np.moveaxis((255 * noisy).astype(np.uint8), 0, -1)
    write_image(tmp_path / "jpeg_like.png", Image(pixels, "YXC"))
    assert main(["denoise", str(tmp_path / "jpeg_like.png"), "-o", str(tmp_path / "out.png"), "--device", "cpu"]) == 0
    err = capsys.readouterr().err
    assert "jpeg_like.png is correlated between neighbours" in err
    assert "bsn train noisy/ -o run --recipe camera" in err
