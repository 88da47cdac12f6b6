"""What is measured on stacks, against noise that was made."""

import functools

import numpy as np
import pytest
from scipy.ndimage import shift
from skimage import data

from bsn.data import DataError
from bsn.noise.stacks import measure_stack
from bsn.noise.stacks.blocks import as_blocks, plane_removed, quiet_blocks, second_differences

SIGMA, COUNT = 20.0, 20


@functools.cache
def scene(speed=0.0):
    """A photograph, standing still or moving by some pixels a frame."""
    picture = data.camera().astype(float)
    if not speed:
        return np.repeat(picture[None, 150:278, 100:228], COUNT, 0)
    return np.stack([shift(picture, (0, -speed * t), order=3)[150:278, 100:228] for t in range(COUNT)])


def rng():
    return np.random.default_rng(3)


def white(shape, sigma=SIGMA):
    return rng().normal(0, sigma, shape)


def autoregressive(shape, rho):
    fresh = rng().normal(0, SIGMA, shape)
    noise = fresh.copy()
    for t in range(1, len(noise)):
        noise[t] = rho * noise[t - 1] + np.sqrt(1 - rho**2) * fresh[t]
    return noise


def measured(frames, **options):
    return measure_stack(np.asarray(frames)[:, None], **options)


@pytest.mark.parametrize("speed", [0.0, 0.7])
@pytest.mark.parametrize("rho", [0.0, 0.1, 0.3])
def test_correlation_between_frames_is_found_in_scenes_that_stand_and_move(rho, speed):
    readings = measured(scene(speed) + autoregressive((COUNT, 128, 128), rho))
    between = readings.between
    assert between.correlation == pytest.approx(rho, abs=0.04)
    assert between.error == pytest.approx(0.008, abs=0.001)
    assert between.correlated(0.05) is (rho > 0.05)
    assert readings.within.sigma == pytest.approx(SIGMA * np.sqrt(1 - rho), rel=0.03)
    assert abs(readings.within.strongest) < 0.03


def test_a_mean_of_two_frames_is_half_correlated():
    noise = rng().normal(0, SIGMA * np.sqrt(2), (COUNT + 1, 128, 128))
    between = measured(scene() + (noise[1:] + noise[:-1]) / 2).between
    assert between.correlation == pytest.approx(0.5, abs=0.03)
    assert between.linear == pytest.approx(0.5, abs=0.04)


@pytest.mark.parametrize("speed", [0.1, 0.3, 0.5])
def test_slow_motion_of_texture_is_not_called_correlation(speed):
    readings = measured(scene(speed) + white((COUNT, 128, 128), 8.0))
    assert readings.between.correlated(0.05) is False
    assert readings.within.sigma == pytest.approx(8.0, rel=0.04)


@pytest.mark.parametrize("speed", [0.0, 0.7])
def test_a_fixed_pattern_of_a_fifth_of_the_variance(speed):
    noise = white((COUNT, 128, 128))
    pattern = np.random.default_rng(9).normal(0, SIGMA / 2, (128, 128))
    readings = measured(scene(speed) + noise + pattern)
    assert readings.pattern == pytest.approx(0.2, abs=0.04)
    assert readings.between.plateau == pytest.approx(0.19, abs=0.03)
    assert readings.between.correlated(0.05) is False
    assert measured(scene(speed) + noise).pattern < 0.03


def test_fixed_columns_count_as_a_pattern_and_smooth_pictures_do_not():
    columns = np.random.default_rng(9).normal(0, 0.3 * SIGMA, 128)
    assert measured(scene() + white((COUNT, 128, 128)) + columns).pattern == pytest.approx(0.083, abs=0.05)
    y, x = np.mgrid[:128, :128]
    assert measured(100 + 50 * np.sin(x / 9) * np.cos(y / 7) + white((COUNT, 128, 128), 2.0)).pattern < 0.03


def test_equal_pixels_of_rounded_noise_and_of_copies():
    frames = np.round(128 + white((COUNT, 64, 64), 2.0))
    equal = measured(frames, grey_level=1.0).equal
    assert equal.expected == pytest.approx(0.14, abs=0.005)
    assert equal.median == pytest.approx(equal.expected, rel=0.05)
    twice = measured(np.repeat(frames[:10], 2, 0), grey_level=1.0)
    assert twice.equal.largest == 1.0
    assert twice.between.correlation == pytest.approx(0.5, abs=0.06)
    clipped = np.clip(frames, 128, None)  # the floor of the detector, in half of all pixels, is no copy
    assert measured(clipped, grey_level=1.0).equal.median < 0.2


def test_lines_parity_and_frames_that_differ():
    frames = scene() + white((COUNT, 128, 128))
    plain = measured(frames)
    assert 0.7 < plain.rows < 1.4
    assert 0.7 < plain.columns < 1.4
    assert plain.parity < 1.05
    assert plain.energies < 1.3
    rows = measured(frames + np.random.default_rng(1).normal(0, 0.3 * SIGMA, (COUNT, 128))[..., None])
    assert rows.rows == pytest.approx(12, rel=0.2)  # 1 + 128 * 0.09
    field = frames.copy()
    field[:, 1::2] = (frames[:, :-1:2] + np.roll(frames[:, ::2], -1, 1)) / 2
    assert measured(field).parity > 100
    moves = np.random.default_rng(2).uniform(-0.5, 0.5, (COUNT, 2))
    registered = np.stack([shift(f, move, order=1, mode="reflect") for f, move in zip(frames, moves, strict=True)])
    found = measured(registered)
    assert found.energies > 3
    assert found.within.lags_x[0] > 0.15
    assert found.within.lags_y[0] > 0.15
    assert found.between.correlated(0.05) is False


def test_drift_and_flicker_of_the_mean():
    bleached = measured(scene() * np.linspace(1, 0.5, COUNT)[:, None, None] + white((COUNT, 128, 128)))
    assert bleached.drift == pytest.approx(-0.667, abs=0.01)
    assert bleached.between.correlated(0.05) is False
    factors = 1 + 0.03 * np.random.default_rng(4).standard_normal(COUNT)[:, None, None]
    assert measured(scene() * factors + white((COUNT, 128, 128))).flicker == pytest.approx(factors.std(), rel=0.2)


def test_what_the_next_frame_tells():
    still = measured(scene() + white((COUNT, 128, 128))).worth
    assert min(still) > 0.98
    rows = np.random.default_rng(5).integers(0, 380, (COUNT, 2))
    picture = data.camera().astype(float)
    others = np.stack([picture[y : y + 128, x : x + 128] for y, x in rows])
    assert measured(others + white((COUNT, 128, 128))).worth[0] < 0.5


def test_few_frames_and_small_ones():
    frames = scene() + white((COUNT, 128, 128))
    few = measured(frames[:4]).between
    assert few.plateau is None
    assert few.correlated(0.05) is None
    assert len(few.lags) == 3
    assert measured(frames[:5]).between.correlated(0.05) is False
    assert measured(frames[:, :32, :32]).between.correlated(0.01) is None  # too few pixels to tell a hundredth
    for wrong in (frames[:1], frames[:, :20], frames[:, :, :31]):
        with pytest.raises(DataError, match="two frames or more of 32 x 32"):
            measured(wrong)


def test_missing_pixels_and_constant_stacks_do_no_harm():
    frames = scene() + white((COUNT, 128, 128))
    frames[3, 5:9, 7] = np.nan
    assert measured(frames).within.sigma == pytest.approx(SIGMA, rel=0.03)
    constant = measured(np.ones((5, 32, 32)))
    assert (constant.within.sigma, constant.pattern, constant.parity) == (0.0, 0.0, 1.0)
    assert constant.between.correlated(0.05) is None


def test_the_parts():
    noise = white((4, 64, 64))
    assert second_differences(noise).std() == pytest.approx(SIGMA, rel=0.03)
    y, x = np.mgrid[:64, :64].astype(float)
    assert np.abs(second_differences(3 * x + y + 0.1 * x * y)).max() < 1e-9
    blocks = as_blocks(np.arange(40 * 50, dtype=float).reshape(40, 50))
    assert blocks.shape == (6, 256)
    np.testing.assert_array_equal(blocks[4][:3], [16 * 50 + 16, 16 * 50 + 17, 16 * 50 + 18])
    assert np.abs(plane_removed(as_blocks(2 * x - y))).max() < 1e-9
    energy, intensity = np.arange(24.0)[::-1], np.arange(24.0)
    assert quiet_blocks(energy, intensity).tolist() == [3, 7, 11, 15, 19, 23]


@pytest.mark.parametrize("speed", [0.0, 0.3, 0.7, 2.0])
@pytest.mark.parametrize("sigma", [5.0, SIGMA])
def test_shifts_of_the_picture_are_measured(speed, sigma):
    readings = measured(scene(speed) + white((COUNT, 128, 128), sigma))
    assert readings.shift == pytest.approx(speed, abs=0.1)
    assert readings.moving < 0.1 if not speed else readings.moving > 0.1


def test_objects_that_move_before_a_still_background_count_by_their_places():
    frames = np.repeat(scene()[:1], COUNT, 0)
    for t in range(COUNT):
        frames[t, 32:48, 4 * t : 4 * t + 16] = 250
    readings = measured(frames + white((COUNT, 128, 128), 5.0))
    assert readings.shift < 0.2  # the object alone shifts by 4 pixels
    assert readings.moving == pytest.approx(7 / 64, abs=0.05)  # a row of blocks, but for its end
    assert measured(100 + white((COUNT, 128, 128))).shift == 0
