"""Crops of several degraded images of one background."""

import numpy as np
import pytest

from bsn.data import DataError, GroupedCrops, background_members
from bsn.data.sources.array_source import ArraySource

GROUPS = ["a", "b", "a", "c", "b", "a"]


def source(sizes=((24, 30),) * 6):
    """Every pixel says which image it is of, and where it lies."""
    images = []
    for number, (rows, columns) in enumerate(sizes):
        y, x = np.mgrid[:rows, :columns]
        images.append(np.stack([np.full((rows, columns), number), y, x], -1).astype(np.float32))
    return ArraySource(images, axes="YXC")


def test_a_batch_shows_each_background_at_one_place():
    crops = GroupedCrops(source(), GROUPS, 8, 2, seed=0)
    seen = set()
    for step in range(20):
        batch = crops.batch(step, 3)
        assert batch.pixels.shape == (6, 3, 8, 8)
        for first, second in zip(batch.pixels[::2], batch.pixels[1::2], strict=True):
            numbers = int(first[0, 0, 0]), int(second[0, 0, 0])
            assert numbers[0] != numbers[1]
            assert GROUPS[numbers[0]] == GROUPS[numbers[1]]
            np.testing.assert_array_equal(first[1:], second[1:])
            seen.add(GROUPS[numbers[0]])
    assert seen == {"a", "b"}, "c has one image only"


def test_a_batch_is_a_function_of_seed_and_step():
    a, b = (GroupedCrops(source(), GROUPS, 8, 2, seed=3) for _ in range(2))
    a.batch(0, 2)
    np.testing.assert_array_equal(a.batch(5, 2).pixels, b.batch(5, 2).pixels)
    assert not np.array_equal(a.batch(5, 2).positions, a.batch(6, 2).positions)
    parts = [b.batch(5, 1, rank, 2).pixels for rank in (0, 1)]
    np.testing.assert_array_equal(a.batch(5, 2).pixels, np.concatenate(parts))


def test_only_some_backgrounds():
    crops = GroupedCrops(source(), GROUPS, 8, 2, seed=0, only=["b"])
    assert {GROUPS[index] for index in crops.batch(0, 8).positions[:, 0]} == {"b"}


def test_without_augmentation_crops_are_upright():
    positions = GroupedCrops(source(), GROUPS, 8, 2, seed=0, augment=False).batch(0, 20).positions
    assert not positions[:, 3].any()
    flips = GroupedCrops(source(), GROUPS, 8, 2, seed=0, augment="flips").batch(0, 40).positions[:, 3]
    assert set(flips.tolist()) == {0, 2, 4, 6}


def test_what_cannot_be_grouped():
    assert background_members(GROUPS, 3) == {"a": [0, 2, 5]}
    with pytest.raises(DataError, match="have 3 at most; use a group size of 3"):
        background_members(GROUPS, 4)
    with pytest.raises(DataError, match="have 1 at most; use a group size of 1"):
        background_members(["a", "b"], 2)
    with pytest.raises(DataError, match="background 'a': has images of 20 x 30 and 24 x 30"):
        GroupedCrops(source(((24, 30), (24, 30), (20, 30), (24, 30), (24, 30), (24, 30))), GROUPS, 8, 2, seed=0)
    with pytest.raises(DataError, match="is only 24 x 30; use a smaller crop"):
        GroupedCrops(source(), GROUPS, 25, 2, seed=0)
