"""Whether neighbours share their noise, told from one image."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from bsn.noise.neighbours import neighbour_noise


def picture(sigma, blur, seed=0):
    """A ramp with noise of this standard deviation, white or blurred."""
    noise = gaussian_filter(np.random.default_rng(seed).standard_normal((1, 128, 128)), (0, blur, blur))
    return np.linspace(0.1, 0.9, 128) + sigma * noise / noise.std()


@pytest.mark.parametrize("share", [1.0, 0.06])
def test_the_part_of_the_range_that_is_used_does_not_matter(share):
    """Twelve bits in sixteen, as cameras and scanners write them."""
    shared = neighbour_noise(share * picture(0.05, 0.7), 1 / 65535)
    assert shared.shared
    assert shared.correlation == pytest.approx(0.37, abs=0.08)
    assert not neighbour_noise(share * picture(0.05, 0.0), 1 / 65535).shared


def test_what_is_no_more_than_rounding_or_picture_is_not_called_noise():
    assert not neighbour_noise(np.rint(picture(0.003, 0.7) * 255) / 255, 1 / 255).shared
    assert not neighbour_noise(0.06 * picture(0.003, 0.7), 1 / 65535).shared


def weak(blur):
    """Eight bits of a dark half with faint noise and a bright half with weak noise, as lossless files of cameras are."""
    noise = gaussian_filter(np.random.default_rng(1).standard_normal((1, 128, 256)), (0, blur, blur))
    level = np.repeat(np.float64([[0.06, 0.8]]), 128, 1)
    sigma = np.where(level < 0.5, 1.3, 3.0)
    return np.rint(255 * level + sigma * noise / noise.std()) / 255


def test_weak_noise_of_neighbours_is_told_from_louder_parts():
    """The flattest blocks hold rounding as well as noise: the louder ones tell."""
    shared, white = neighbour_noise(weak(0.9), 1 / 255), neighbour_noise(weak(0.0), 1 / 255)
    assert shared.sigma < shared.least
    assert shared.shared
    assert shared.strongest == pytest.approx(0.73, abs=0.06)  # exp(-1 / (4 * 0.9**2)), less the plane that is fitted
    assert white.sigma < white.least
    assert not white.shared
