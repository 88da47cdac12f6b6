"""The map of the noise's correlation against noise whose correlation is known from its kernel."""

import numpy as np
import pytest
from scipy.ndimage import convolve
from scipy.signal import correlate2d

from bsn.data import DataError
from bsn.noise import measure_correlation_map
from bsn.noise.correlation_map import REACH, _lags, _shifted_mean, _through_plane

KERNELS = {
    "white": np.ones((1, 1)),
    "diamond": np.array([[0.0, 1, 0], [1, 3, 1], [0, 1, 0]]),
    "rows": np.ones((1, 5)),
    "diagonal": np.fliplr(np.eye(3)),
    "smooth": np.exp(-(np.arange(-4, 5)[:, None] ** 2 + np.arange(-4, 5) ** 2) / 4.5),
}


def truth(kernel):
    """Autocorrelation of a kernel on the lags of the map."""
    full = correlate2d(kernel, kernel) / np.square(kernel).sum()
    expected = np.zeros((2 * REACH + 1,) * 2)
    y, x = (side // 2 for side in full.shape)
    expected[REACH - y : REACH + y + 1, REACH - x : REACH + x + 1] = full
    return expected


def noisy(kernel, seed=0, size=512, sigma=0.05):
    """A smooth scene with an edge, and stationary noise of that kernel."""
    rng = np.random.default_rng(seed)
    noise = convolve(rng.normal(size=(size, size)), kernel / np.sqrt(np.square(kernel).sum()), mode="wrap")
    scene = 0.5 + 0.2 * np.sin(np.arange(size) / 60)[None] + 0.2 * (np.arange(size) > size / 3)[:, None]
    return (scene + sigma * noise)[None]


@pytest.mark.parametrize("name", KERNELS)
def test_the_map_is_that_of_the_noise_and_knows_its_error(name):
    found = measure_correlation_map([noisy(KERNELS[name], seed) for seed in range(2)])
    off = found.values - truth(KERNELS[name])
    assert np.abs(off).max() < max(0.05, 4 * found.error.max())
    seen = found.error > 0
    assert np.count_nonzero(~seen) == 1  # the middle, by definition
    assert 0.5 < np.sqrt(np.square(off[seen] / found.error[seen]).mean()) < 1.5
    np.testing.assert_array_equal(found.values, found.values[::-1, ::-1])
    assert found.values[REACH, REACH] == 1


def test_the_matrix_is_what_simulated_blocks_show():
    """White noise through the plane: the first column of the matrix, and independent draws."""
    rng = np.random.default_rng(3)
    from bsn.noise.measurement.flat_blocks import cut_blocks

    residual = cut_blocks(rng.normal(size=(2048, 2048)), -np.inf, np.inf).residual
    shown = np.array([_shifted_mean(residual, *lag).mean() for lag in _lags()])
    np.testing.assert_allclose(_through_plane(16)[:, 0], shown, atol=3e-3)


def test_outliers_holes_and_other_channels_have_no_say():
    plain = noisy(KERNELS["diamond"])
    spoiled = np.concatenate([plain, noisy(KERNELS["diamond"], 5)])
    places = np.random.default_rng(1).integers(0, 512, (2, 40))
    spoiled[0, places[0], places[1]] = 30
    spoiled[:, 200:260] = np.nan
    assert np.abs(measure_correlation_map([spoiled]).values - truth(KERNELS["diamond"])).max() < 0.06


def test_images_too_small_or_without_noise_are_refused():
    for image in (np.zeros((1, 40, 40)), np.zeros((1, 8, 8)), np.zeros((1, 512, 512))):
        with pytest.raises(DataError, match="give larger images"):
            measure_correlation_map([image])
