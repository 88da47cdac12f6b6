"""The noise of the simple camera against what its steps predict."""

import numpy as np
import pytest

from bsn.data import DataError
from bsn.data.synthetic.camera_noise import SensorNoise


def test_without_noise_a_grey_picture_stays_itself():
    grey = np.full((3, 16, 16), 100 / 255, np.float32)
    np.testing.assert_allclose(SensorNoise(0.0)(grey, rng=0), grey, atol=1e-6)
    np.testing.assert_allclose(SensorNoise(0.0, quality=75)(grey, rng=0), grey, atol=1.01 / 255)


def test_noise_has_the_strength_that_the_steps_predict():
    value, gain, read = 0.5, 1e-3, 4e-3
    grey = np.full((3, 256, 256), value, np.float32)
    noise = SensorNoise(gain, read, white_balance=(2.0, 1.5)).sample_like(grey, rng=0)
    light = 0.21404114
    slope = 1.055 / 2.4 * light ** (1 / 2.4 - 1)
    # Of four pixels, one colour is kept as it is; the rest are means of 2 or 4 (red, blue) or of 4 (green).
    kept = {0: (1 + 1 / 2 + 1 / 2 + 1 / 4) / 4, 1: (1 + 1 + 1 / 4 + 1 / 4) / 4, 2: (1 + 1 / 2 + 1 / 2 + 1 / 4) / 4}
    for channel, factor in enumerate((2.0, 1.0, 1.5)):
        variance = (gain * light / factor + read**2) * factor**2 * kept[channel] * slope**2
        assert noise[channel].var() == pytest.approx(variance, rel=0.05)


def test_neighbours_share_the_noise_of_what_they_were_made_from():
    noise = SensorNoise(1e-3, white_balance=(1.0, 1.0)).sample_like(np.full((3, 256, 256), 0.5, np.float32), rng=0)
    red, green, _ = noise
    # By hand: along a row, red pixels and their means share half of it in rows with red, 1/4 of 1/2 in the others.
    expected = (1 / 2 + 1 / 4) / 2 / ((1 + 1 / 2 + 1 / 2 + 1 / 4) / 4)
    assert (red[:, 1:] * red[:, :-1]).mean() / red.var() == pytest.approx(expected, abs=0.03)
    assert (green[:, 1:] * green[:, :-1]).mean() / green.var() == pytest.approx((1 / 4) / (5 / 8), abs=0.03)


def test_jpeg_takes_fine_noise_from_flat_parts():
    grey = np.full((3, 64, 64), 0.5, np.float32)
    camera, lossless = SensorNoise(2e-4, quality=75), SensorNoise(2e-4)
    assert camera.sample_like(grey, 0).std() < 0.5 * lossless.sample_like(grey, 0).std()


def test_the_same_seed_gives_the_same_photograph():
    picture = np.random.default_rng(0).uniform(0, 1, (3, 24, 31)).astype(np.float32)
    camera = SensorNoise(1e-3, 1e-3, quality=85)
    assert np.array_equal(camera(picture, 5), camera(picture, 5))
    assert not np.array_equal(camera(picture, 5), camera(picture, 6))


@pytest.mark.parametrize(
    "arguments",
    [(-1.0,), (0.1, -1.0), (0.1, 0.0, (0.0, 1.0)), (0.1, 0.0, (1.0, 1.0), 0)],
)
def test_what_no_camera_does_is_refused(arguments):
    with pytest.raises(DataError):
        SensorNoise(*arguments)


def test_other_shapes_are_refused():
    with pytest.raises(DataError, match="three colours"):
        SensorNoise(0.1)(np.zeros((8, 8), np.float32), 0)
