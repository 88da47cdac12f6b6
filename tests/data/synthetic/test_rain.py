"""Synthetic rain: what its parameters mean."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bsn.data import SyntheticRain


def direction(light):
    """Angle from the vertical, in degrees, along which the autocorrelation is widest."""
    spectrum = np.abs(np.fft.fft2(light - light.mean())) ** 2
    correlation = np.fft.fftshift(np.fft.ifft2(spectrum).real)
    centre = np.array(correlation.shape) // 2
    rows, columns = np.mgrid[-8:9, -8:9]
    patch = np.clip(correlation[centre[0] - 8 : centre[0] + 9, centre[1] - 8 : centre[1] + 9], 0, None)
    second = [[(patch * a * b).sum() for a in (rows, columns)] for b in (rows, columns)]
    vector = np.linalg.eigh(np.array(second))[1][:, -1]
    return float(np.rad2deg(np.arctan(vector[1] / vector[0])))


@pytest.mark.parametrize("angle", [-40.0, 0.0, 25.0])
def test_streaks_have_their_direction(angle):
    light = SyntheticRain(angle=angle, spread=0.0, length=25, density=2).streaks((256, 256), 0)
    assert abs(direction(light) - angle) < 3


def test_light_grows_with_density_and_length():
    def mean(**options):
        return np.mean([SyntheticRain(**options).streaks((128, 128), seed).mean() for seed in range(4)])

    assert mean(density=2) == pytest.approx(2 * mean(density=1), rel=0.25)
    assert mean(length=40) > 1.5 * mean(length=20)
    assert mean(density=0) == 0


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32), shape=st.sampled_from([(20, 30), (1, 25, 25), (3, 16, 40)]))
def test_rain_is_a_function_of_its_seed_and_only_brightens_dark_images(seed, shape):
    clean = np.full(shape, 0.2, np.float32)
    rain = SyntheticRain()
    rainy = rain(clean, seed)
    np.testing.assert_array_equal(rainy, rain(clean, seed))
    assert rainy.shape == shape
    assert rainy.dtype == np.float32
    assert rainy.min() >= 0.2
    assert rainy.max() <= 1
    if len(shape) == 3:
        np.testing.assert_array_equal(rainy, np.broadcast_to(rainy[:1], shape))


def test_a_veil_alone_is_haze():
    clean = np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8)
    np.testing.assert_allclose(SyntheticRain(density=0, veil=0.5)(clean, 0), 0.5 * clean + 0.375, atol=1e-6)


@pytest.mark.parametrize("options", [{"density": -1}, {"veil": 2}, {"angle": 90}, {"width": 0}, {"length": 0}])
def test_no_rain_is_like_that(options, refused):
    assert "no rain is like that" in refused(lambda: SyntheticRain(**options))


def test_integers_are_refused(refused):
    assert "convert it with bsn.data.to_unit" in refused(SyntheticRain(), np.zeros((8, 8), np.uint8), 0)
