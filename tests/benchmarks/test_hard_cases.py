"""The numbers of the hard cases, on pictures whose faults are known."""

import numpy as np
import pytest

from benchmarks.hard_case_images import _sky, _starry
from benchmarks.hard_case_numbers import colour_cast, found_stars, haloes, run_length, slow_error


def test_a_cast_is_the_shift_of_each_channel():
    clean = np.full((3, 32, 32), 0.5, np.float32)
    result = clean + np.array([2, 0, -1], np.float32)[:, None, None] / 255
    assert colour_cast(result, clean) == pytest.approx([2, 0, -1], abs=1e-3)
    assert slow_error(result, clean) == pytest.approx(0, abs=1e-3), "a cast is no stain"


def test_haloes_are_what_passes_both_sides_of_an_edge():
    clean = np.zeros((1, 64, 64), np.float32)
    clean[..., 32:] = 0.5
    blurred, ringing = clean.copy(), clean.copy()
    blurred[..., 30:34] = 0.25
    ringing[..., 33:36] += 10 / 255
    assert haloes(blurred, clean) == 0, "soft, but between the two sides"
    assert haloes(ringing, clean) == pytest.approx(10, abs=1e-3)


def test_stains_are_slow_and_noise_is_not():
    clean = np.full((1, 128, 128), 0.5)
    noise = np.random.default_rng(0).normal(0, 10 / 255, clean.shape)
    stain = 10 / 255 * np.sin(np.arange(128) * 2 * np.pi / 64)[None, None]
    assert slow_error(clean + noise, clean) < 1
    assert slow_error(clean + np.broadcast_to(stain, clean.shape), clean) == pytest.approx(
        10 / 2**0.5 * np.exp(-((5 * 2 * np.pi / 64) ** 2) / 2), rel=0.02
    )


def test_bands_are_longer_runs():
    sky = _sky()
    assert run_length(np.rint(sky * 40) / 40) > 4 * run_length(sky)


def test_stars_that_were_removed_are_not_found():
    clean, stars = _starry()
    assert found_stars(clean, clean, stars) == 1
    weaker = clean.copy()
    for row, column, _ in stars[: len(stars) // 2]:
        weaker[:, row - 3 : row + 4, column - 3 : column + 4] = clean[:, row - 6, column - 6][:, None, None]
    assert found_stars(weaker, clean, stars) == pytest.approx(0.5, abs=0.02)
