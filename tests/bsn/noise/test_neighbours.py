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
