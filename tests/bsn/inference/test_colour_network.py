"""A model of two networks: the second one denoises photographs in colour, whole or in tiles."""

import numpy as np
import pytest

from bsn.data.photographs import TEST_PHOTOGRAPH, photograph
from bsn.inference import Denoiser
from bsn.models import LightPair, Model, first_network, load


@pytest.fixture(scope="module")
def model():
    """A denoiser, and a second network that returns black."""
    network = first_network(load("photo-tiny").network)
    pair = LightPair.of(network, network, 60 / 255)
    for parameter in pair.colour.parameters():
        parameter.data.zero_()
    pair.colour.tail.conv.weight.data[:, :12, 1, 1] = 1  # what is given back is the image less this
    return Model(pair)


def noisy_photograph(sigma, *, channels=3, factor=1.0):
    clean = photograph(TEST_PHOTOGRAPH)[:channels].transpose(1, 2, 0)
    return (factor * (clean + np.random.default_rng(0).normal(0, sigma / 255, clean.shape))).astype(np.float32)


def denoised_by_second(model, image, **options):
    """Whether the result is not that of the first network."""
    plain = Denoiser(Model(first_network(model.network)), device="cpu")(image)
    return not np.allclose(Denoiser(model, device="cpu", **options)(image), plain, atol=1e-4)


def test_colours_are_for_the_second_network(model):
    assert denoised_by_second(model, noisy_photograph(2))
    assert denoised_by_second(model, noisy_photograph(50))
    assert not denoised_by_second(model, noisy_photograph(80))


def test_a_dark_image_counts_as_a_bright_one_with_stronger_noise(model):
    assert denoised_by_second(model, noisy_photograph(15, factor=0.2))
    assert not denoised_by_second(model, noisy_photograph(125, factor=0.2)), "noise of 25, which is weak in the light"


def test_grey_images_are_for_the_first_network_also_as_colours(model):
    grey = noisy_photograph(15, channels=1)
    assert not denoised_by_second(model, grey[..., 0])
    assert not denoised_by_second(model, np.repeat(grey, 3, -1))


def test_tiles_of_either_network_equal_the_whole(model):
    for sigma in (15, 80):
        image = noisy_photograph(sigma)
        whole, tiled = (Denoiser(model, device="cpu", tile=tile)(image) for tile in (0, 208))
        np.testing.assert_allclose(tiled, whole, atol=1e-5)
