"""The grid of JPEG against compressed photographs, and what only looks like it."""

import numpy as np
import pytest

from bsn.data import jpeg_compressed
from bsn.data.photographs import photograph
from bsn.noise.measurement.jpeg_grid import grid_strength


def noisy(size=192):
    image = photograph("coffee.png")[:, 100 : 100 + size, 200 : 200 + size]
    return np.clip(image + np.random.default_rng(0).normal(0, 0.015, image.shape), 0, 1).astype(np.float32)


@pytest.mark.parametrize("offset", [(0, 0), (3, 5), (7, 1)])
def test_the_grid_is_seen_wherever_it_begins(offset):
    assert grid_strength([jpeg_compressed(noisy(), 60, offset)]) > 1.1


def test_pictures_without_it_and_of_high_quality_show_none():
    assert grid_strength([noisy()]) < 1.05
    assert grid_strength([jpeg_compressed(noisy(), 98)]) < 1.05


def test_lines_with_the_period_of_the_grid_are_none():
    """Columns with an offset of their own step as much as blocks do, but along one direction."""
    lined = noisy() + 0.2 * (np.arange(192) // 8 % 2).astype(np.float32)
    assert grid_strength([lined]) < 1.05


def test_missing_and_tiny_parts_do_not_count():
    compressed = jpeg_compressed(noisy(), 60)
    holed = compressed.copy()
    holed[:, 40:60, 30:90] = np.nan
    assert grid_strength([holed]) == pytest.approx(grid_strength([compressed]), rel=0.1)
    assert grid_strength([compressed[:, :8, :8]]) == 1.0
    assert grid_strength([np.zeros((3, 64, 64), np.float32)]) == 1.0
