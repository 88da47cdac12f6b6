"""The judgement of a set: from one sample of it, whatever outliers and holes it has."""

import numpy as np
import pytest

from bsn.data import ArraySource, ReadOptions
from bsn.noise import judge_noise, measure_noise, measure_spectrum
from bsn.noise.judgement import grey_level_of, sample_of

SIGMA = 200.0


def images(count=4, size=160, seed=0):
    """Smooth scenes of 16 bits with white noise of 200 counts."""
    rng = np.random.default_rng(seed)
    ramp = np.add.outer(np.linspace(0, 1, size), np.linspace(0, 1, size))
    return [np.round(4000 + 1000 * ramp + rng.normal(0, SIGMA, ramp.shape)).astype(np.uint16) for _ in range(count)]


def with_hot_pixels(arrays, count=15):
    rng = np.random.default_rng(1)
    hot = [array.copy() for array in arrays]
    for array in hot:
        array.ravel()[rng.choice(array.size, count, replace=False)] = 65535
    return hot


def test_outliers_change_neither_level_nor_advice():
    clean, hot = (judge_noise(ArraySource(arrays, axes="YX")) for arrays in (images(), with_hot_pixels(images())))
    assert clean.statistics.sigma * 65535 == pytest.approx(SIGMA, rel=0.03)
    assert hot.statistics.sigma == pytest.approx(clean.statistics.sigma, rel=0.01)
    assert hot.statistics.gain == pytest.approx(clean.statistics.gain, abs=1e-3)
    assert (clean.statistics.outliers, hot.statistics.outliers) == (0, 60)
    assert (hot.advice.stride, hot.advice.noise, hot.advice.scope) == (
        clean.advice.stride,
        clean.advice.noise,
        clean.advice.scope,
    )
    assert any(reason.startswith("60 outliers") for reason in hot.advice.reasons)
    assert not any("outlier" in reason for reason in clean.advice.reasons)


def test_the_range_of_floats_is_not_that_of_their_outliers():
    floats = [array.astype(np.float32) for array in images()]
    hot = [array.astype(np.float32) for array in with_hot_pixels(images())]
    assert measure_noise([h[None] for h in hot]).sigma == pytest.approx(
        measure_noise([f[None] for f in floats]).sigma, rel=0.01
    )


@pytest.mark.parametrize("share", [0.3, 0.9])
def test_missing_parts_have_no_say(share):
    rng = np.random.default_rng(2)
    whole = [rng.normal(0.5, 0.05, (1, 256, 256)).astype(np.float32) for _ in range(3)]
    holed = [image.copy() for image in whole]
    for image in holed:
        image[..., : round(256 * share)] = np.nan
    assert measure_noise(holed).sigma == pytest.approx(0.05, rel=0.05)
    assert float(measure_spectrum(holed).power.mean()) ** 0.5 == pytest.approx(0.05, rel=0.05)


def test_images_too_small_are_judged_all_the_same():
    judgement = judge_noise(ArraySource([np.zeros((20, 20), np.float32)], axes="YX"))
    assert judgement.statistics is None
    assert (judgement.advice.stride, judgement.advice.noise) == (1, "none")
    assert "too small" in judgement.advice.reasons[0]


def test_the_sample_is_bounded():
    source = ArraySource(np.zeros((40, 600, 700), np.uint8), axes="ZYX")
    assert [image.shape for image in sample_of(source)] == [(1, 512, 512)] * 16


def test_the_grey_level_follows_the_value_range():
    stack = np.zeros((2, 32, 32), np.uint16)
    assert grey_level_of(ArraySource(stack, axes="ZYX")) == 1 / 65535
    assert grey_level_of(ArraySource(stack, options=ReadOptions(axes="ZYX", value_range=(0, 4095)))) == 1 / 4095
    assert grey_level_of(ArraySource(stack.astype(np.float32), axes="ZYX")) == 0
