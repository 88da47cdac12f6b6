import numpy as np
import pytest
from scipy.ndimage import convolve1d

from bsn.evaluation import autocorrelation, residual_statistics


def test_white_noise_has_none():
    noise = np.random.default_rng(0).normal(size=(512, 512))
    for axis in (-1, -2):
        for lag in (1, 2, 5):
            assert abs(autocorrelation(noise, lag, axis)) < 4 / 512


def test_moving_average_has_the_theoretical_one_and_its_direction():
    noise = np.random.default_rng(1).normal(size=(512, 512))
    smooth = convolve1d(noise, [0.5, 0.5], axis=1)
    assert autocorrelation(smooth, 1, -1) == pytest.approx(0.5, abs=0.01)
    assert autocorrelation(smooth, 2, -1) == pytest.approx(0, abs=0.01)
    assert autocorrelation(smooth, 1, -2) == pytest.approx(0, abs=0.01)


def test_residual_of_a_perfect_denoiser_is_the_noise():
    rng = np.random.default_rng(2)
    clean = rng.random((1, 256, 256)) * 0 + np.linspace(0, 1, 256)
    noise = rng.normal(0.01, 0.1, clean.shape)
    found = residual_statistics(clean + noise, clean)
    assert found.mean == pytest.approx(0.01, abs=0.002)
    assert found.std == pytest.approx(0.1, rel=0.02)
    assert np.abs([found.lags_x, found.lags_y]).max() < 0.02


def test_lags_beyond_the_image():
    assert residual_statistics(np.zeros((1, 1, 3)), np.zeros((1, 1, 3))).lags_y == ()
    with pytest.raises(ValueError, match="lag 3 does not fit an axis of 3"):
        autocorrelation(np.zeros((3, 3)), 3, -1)
