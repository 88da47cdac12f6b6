"""Filling of missing pixels: what is filled in, from where, and that single neighbours do not shine through."""

import numpy as np
import pytest

from bsn.data import fill_missing

RNG = np.random.default_rng(5)


def test_what_is_complete_is_given_back():
    pixels = RNG.random((2, 9, 11)).astype(np.float32)
    filled, missing = fill_missing(pixels)
    assert filled is pixels
    assert not missing.any()
    counts = np.arange(30, dtype=np.uint16).reshape(5, 6)
    assert fill_missing(counts)[0] is counts


def literal(plane, y, x):
    """Mean of the smallest square around a pixel with eight present ones, among the radii that are tried."""
    radius = 1
    while True:
        part = plane[max(y - radius, 0) : y + radius + 1, max(x - radius, 0) : x + radius + 1]
        present = part[np.isfinite(part)]
        if len(present) >= 8:
            return present.mean()
        radius += max(1, radius // 2)


def test_each_hole_takes_the_mean_of_its_surroundings():
    image = RNG.random((3, 40, 50))
    image[0, 3, 4] = np.nan
    image[0, 0, 0] = np.inf
    image[1, 10:32, 7:40] = np.nan
    image[2, :, 20:30] = -np.inf
    before = image.copy()
    filled, missing = fill_missing(image)
    np.testing.assert_array_equal(image, before)
    np.testing.assert_array_equal(missing, ~np.isfinite(before))
    np.testing.assert_array_equal(filled[~missing], before[~missing])
    for channel, y, x in zip(*np.nonzero(missing), strict=True):
        assert filled[channel, y, x] == pytest.approx(literal(before[channel], y, x), rel=1e-9)


def test_large_values_keep_their_digits():
    image = np.full((64, 64), 1e6, np.float32)
    image[20:50, 20:50] = np.nan
    assert np.ptp(fill_missing(image)[0]) == 0


def test_no_neighbour_weighs_more_than_an_eighth():
    image = RNG.random((20, 20))
    image[8:11, 8:11] = np.nan
    plain = fill_missing(image)[0]
    image[7, 9] += 1
    assert 0 < np.abs(fill_missing(image)[0] - plain)[8:11, 8:11].max() <= 0.125 + 1e-12


def test_a_part_of_an_image_is_filled_as_the_whole():
    image = RNG.random((60, 60))
    image[20:25, 20:28] = np.nan
    whole, part = fill_missing(image)[0], fill_missing(image[10:40, 12:44])[0]
    np.testing.assert_allclose(part[10:15, 8:16], whole[20:25, 20:28], rtol=1e-12)


def test_nearly_nothing_left():
    image = np.full((5, 6), np.nan)
    np.testing.assert_array_equal(fill_missing(image)[0], np.zeros((5, 6)))
    image[4, 5] = 3.0
    np.testing.assert_array_equal(fill_missing(image)[0], np.full((5, 6), 3.0))
