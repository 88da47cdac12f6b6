"""How much of the noise is removed: the ends are exact, the ways up follow the posterior, the filter or a second pass."""

import dataclasses

import numpy as np
import pytest
import torch

import bsn
from bsn.data import Image, read_image, write_image
from bsn.inference import Denoiser, InferenceConfig
from bsn.models import InferenceDefaults, Model, NoiseModel, ValueScale
from bsn.noise import measure_spectrum, wiener_filter


class Smooth(torch.nn.Module):
    """A local network that gives the mean of the rows above and below."""

    lattice, size_multiple, halo, channels, global_statistics = 0, 1, 1, 1, False

    def forward(self, x):
        x = torch.nn.functional.pad(x, (0, 0, 1, 1), mode="replicate")
        return (x[..., :-2, :] + x[..., 2:, :]) / 2


class Unsure(Smooth):
    """The same with variance 1."""

    def forward(self, x):
        mean = super().forward(x)
        return torch.cat([mean, torch.zeros_like(mean)], 1)


def surroundings(image):
    framed = np.pad(image, ((1, 1), (0, 0)), mode="edge")
    return (framed[:-2] + framed[2:]) / 2


@pytest.fixture
def image():
    return np.random.default_rng(0).normal(5, 1, (96, 80)).astype(np.float32)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
def test_nothing_is_removed_at_zero(dtype, tmp_path):
    rng = np.random.default_rng(0)
    pixels = (
        rng.random((300, 40)).astype(dtype)
        if dtype in (np.float32, np.float64)
        else rng.integers(0, 256, (300, 40), dtype)
    )
    assert np.array_equal(bsn.denoise(pixels, Model(Smooth()), strength=0), pixels)
    tensor = torch.from_numpy(pixels.astype(np.float32))
    assert torch.equal(bsn.denoise(tensor, Model(Smooth()), strength=0), tensor)
    write_image(tmp_path / "in.npy", Image(pixels, "YX"))
    Denoiser(Model(Smooth()), strength=0).denoise_file(tmp_path / "in.npy", tmp_path / "out.npy")
    found = read_image(tmp_path / "out.npy").pixels
    assert found.dtype == dtype
    assert np.array_equal(found, pixels)


def test_noise_is_put_back_evenly(image):
    expected = image + 0.3 * (surroundings(image) - image)
    np.testing.assert_allclose(bsn.denoise(image, Model(Smooth()), strength=0.3), expected, atol=1e-5)
    # Also by a model with a noise model, whose result is a posterior.
    model = Model(Unsure(), noise=NoiseModel(0, 1.0))
    whole = bsn.denoise(image, model)
    np.testing.assert_allclose(bsn.denoise(image, model, strength=0.6), image + 0.6 * (whole - image), atol=1e-5)


def test_one_changes_no_bit(image):
    for model in (Model(Smooth()), Model(Unsure(), noise=NoiseModel(0, 1.0))):
        assert np.array_equal(bsn.denoise(image, model, strength=1), bsn.denoise(image, model))


def test_the_posterior_takes_the_noise_to_be_stronger(image):
    noise, prior = 0.5, surroundings(image)
    model = Model(Unsure(), noise=NoiseModel(0, noise))
    for strength in (1.0, 1.4):
        level = noise * strength**2
        expected = (prior * level + image) / (1 + level)  # the prior has variance 1
        found = bsn.denoise(image, model, strength=strength, calibrate=False)
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_the_filter_takes_the_noise_to_be_stronger(image):
    model = Model(Smooth(), inference=InferenceDefaults(wiener=True))
    spectrum = measure_spectrum([image[None]])
    raised = dataclasses.replace(spectrum, power=spectrum.power * 1.5**2)
    noisy, smooth = (torch.from_numpy(a)[None, None] for a in (image, surroundings(image)))
    expected = wiener_filter(noisy, smooth, raised)[0, 0].numpy()
    np.testing.assert_allclose(bsn.denoise(image, model, strength=1.5), expected, atol=1e-5)


def test_other_networks_see_their_result_again(image):
    once = surroundings(image)
    twice = surroundings(once)
    found = bsn.denoise(image, Model(Smooth()), strength=1.5)
    np.testing.assert_allclose(found, twice, atol=1e-5)
    np.testing.assert_allclose(
        bsn.denoise(image, Model(Smooth()), strength=1.1), once + 0.2 * (twice - once), atol=1e-5
    )
    # Also without the noisy pixel, and where an image is too small for the filter.
    model = Model(Unsure(), ValueScale(2.0, 1.0), noise=NoiseModel(0, 1.0))
    np.testing.assert_allclose(bsn.denoise(image, model, strength=1.5, posterior=False), twice, atol=1e-5)
    filtering = Model(Smooth(), inference=InferenceDefaults(wiener=True))
    small = image[:20, :20]
    np.testing.assert_allclose(
        bsn.denoise(small, filtering, strength=1.5), surroundings(surroundings(small)), atol=1e-5
    )


def test_tiles_equal_the_whole_image_at_any_strength(image):
    large = np.tile(image, (4, 4))
    for strength in (0.4, 1.3):
        whole, tiles = (Denoiser(Model(Smooth()), strength=strength, tile=tile)(large) for tile in (0, 64))
        np.testing.assert_allclose(tiles, whole, atol=1e-6)


def test_missing_pixels_stay_missing(image):
    image[3, 4] = np.nan
    found = bsn.denoise(image, Model(Smooth()), strength=0.5, nan="keep")
    assert np.isnan(found).sum() == 1
    assert np.isnan(found[3, 4])


def test_strengths_that_cannot_be_are_refused(image):
    for wrong in (-0.1, 1.6, float("nan")):
        with pytest.raises(ValueError, match=r"strength .* is out of range; use 0 for the image itself"):
            InferenceConfig(strength=wrong)
    model = Model(Unsure(), noise=NoiseModel(0, 1.0))
    with pytest.raises(ValueError, match="mix='check' judges results; use a strength of at most 1"):
        Denoiser(model, strength=1.2, mix="check")
    with pytest.raises(ValueError, match=r"strength 0.5; leave one of them out"):
        bsn.denoise_with_deviation(image, model, strength=0.5)
