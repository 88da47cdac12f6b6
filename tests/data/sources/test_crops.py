"""Random crops: a pure function of seed, step and sample number."""

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from bsn.data.arrays.geometry import transform
from bsn.data.errors import DataError
from bsn.data.sources.array_source import ArraySource
from bsn.data.sources.crops import RandomCrops, grid_crops

FROZEN = [(1, 9, 53, 6), (1, 0, 27, 1), (0, 19, 29, 0)]


@pytest.fixture
def source(draw):
    return ArraySource([draw((40, 50), seed=1), draw((30, 90), seed=2), draw((34, 32), seed=3)])


def test_crops_are_what_they_say(source):
    batch = RandomCrops(source, 16, seed=5).batch(step=3, batch_size=64)
    assert batch.pixels.shape == (64, 1, 16, 16)
    assert batch.pixels.dtype == np.float32
    assert len(set(batch.positions[:, 3].tolist())) == 8
    for pixels, name, (index, top, left, turn) in zip(batch.pixels, batch.names, batch.positions.tolist(), strict=True):
        assert name == source.name(index)
        np.testing.assert_array_equal(pixels, transform(source.image(index)[:, top : top + 16, left : left + 16], turn))


def test_any_split_over_processes_sees_the_same_crops(source):
    crops = RandomCrops(source, 16, seed=5)
    whole = crops.batch(7, 12)
    for world_size in (2, 3, 4):
        parts = [RandomCrops(source, 16, seed=5).batch(7, 12 // world_size, r, world_size) for r in range(world_size)]
        np.testing.assert_array_equal(np.concatenate([p.pixels for p in parts]), whole.pixels)
        np.testing.assert_array_equal(np.concatenate([p.positions for p in parts]), whole.positions)
        assert [name for p in parts for name in p.names] == whole.names


def test_no_state_between_steps(source):
    straight = RandomCrops(source, 16, seed=5)
    history = [straight.batch(step, 4).pixels for step in range(6)]
    resumed = RandomCrops(source, 16, seed=5)
    for step in (5, 2, 4):
        np.testing.assert_array_equal(resumed.batch(step, 4).pixels, history[step])


def test_seed_step_and_number_all_matter(source):
    first = RandomCrops(source, 16, seed=5)
    positions = [first.position(3, 1), first.position(1, 3), first.position(3, 2), first.position(4, 1)]
    positions += [RandomCrops(source, 16, seed=s).position(3, 1) for s in (6, 2**64 - 1)]
    assert len(set(positions)) == 6


def test_the_global_generator_is_left_alone(source):
    np.random.seed(0)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    RandomCrops(source, 16, seed=5).batch(0, 8)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_crops_stay_the_same_in_later_versions(source):
    """Frozen numbers: whoever changes them breaks the resuming of runs begun before."""
    crops = RandomCrops(source, 16, seed=2026)
    assert [crops.position(0, 0), crops.position(0, 1), crops.position(123456, 7)] == FROZEN


@pytest.mark.parametrize("weighting", ["area", "uniform"])
def test_images_are_drawn_in_proportion(weighting, source):
    crops = RandomCrops(source, 16, seed=0, weighting=weighting)
    drawn = [crops.position(step, n)[0] for step in range(100) for n in range(40)]
    areas = np.array([40 * 50, 30 * 90, 34 * 32])
    share = areas / areas.sum() if weighting == "area" else np.full(3, 1 / 3)
    assert scipy.stats.chisquare(np.bincount(drawn, minlength=3), share * len(drawn)).pvalue > 1e-4


def test_positions_and_transforms_are_uniform(source):
    crops = RandomCrops(source, (16, 16), seed=1)
    drawn = np.array([crops.position(step, n) for step in range(100) for n in range(40)])
    first = drawn[drawn[:, 0] == 0]
    for column, count in ((1, 40 - 16 + 1), (2, 50 - 16 + 1), (3, 8)):
        assert scipy.stats.chisquare(np.bincount(first[:, column], minlength=count)).pvalue > 1e-4
    assert (first[:, 1].min(), first[:, 1].max()) == (0, 24)


def test_without_augmentation(source):
    plain, augmented = (RandomCrops(source, 16, seed=5, augment=a).batch(3, 32) for a in (False, True))
    assert set(plain.positions[:, 3].tolist()) == {0}
    np.testing.assert_array_equal(plain.positions[:, :3], augmented.positions[:, :3])


def test_oblong_crops_keep_their_shape(source):
    batch = RandomCrops(source, (16, 24), seed=5).batch(3, 64)
    assert batch.pixels.shape == (64, 1, 16, 24)
    assert set(batch.positions[:, 3].tolist()) == {0, 2, 4, 6}


@settings(max_examples=40, deadline=None)
@given(
    size=st.tuples(st.integers(1, 30), st.integers(1, 32)), seed=st.integers(0, 2**64 - 1), step=st.integers(0, 10**9)
)
def test_any_size_seed_and_step(size, seed, step):
    source = ArraySource([np.zeros((40, 50), np.uint8), np.zeros((30, 90), np.uint8), np.zeros((34, 32), np.uint8)])
    batch = RandomCrops(source, size, seed=seed).batch(step, 3)
    assert batch.pixels.shape == (3, 1, *size)


def test_whole_images_can_be_crops(source):
    assert RandomCrops(ArraySource(np.zeros((16, 24), np.uint8)), (16, 24), seed=0).position(0, 0)[1:3] == (0, 0)


def test_crops_larger_than_an_image(source, refused):
    line = refused(RandomCrops, source, 33, seed=0)
    assert "'array 1' is only 30 x 90" in line
    assert "at most 30 x 32" in line
    assert "at most 30 x 32" in refused(grid_crops, source, (31, 8), 4, 0)
    RandomCrops(source, (30, 32), seed=0).batch(0, 1)


@pytest.mark.parametrize(
    ("size", "options", "words"),
    [
        (0, {}, "no pixels"),
        ((16, -1), {}, "no pixels"),
        (20, {"multiple_of": 8}, "use 16 x 16"),
        (4, {"multiple_of": 8}, "use 8 x 8"),
        (16, {"multiple_of": 0}, "1 or more"),
        (16, {"seed": -1}, "64 bits"),
        (16, {"seed": 2**64}, "64 bits"),
        (16, {"weighting": "size"}, "uniform"),
    ],
)
def test_bad_requests(size, options, words, source, refused):
    assert words in refused(RandomCrops, source, size, **{"seed": 0, **options})


@pytest.mark.parametrize("request_", [(-1, 4), (0, 0), (0, 4, 2, 2), (0, 4, -1, 2)])
def test_bad_batches(request_, source, refused):
    assert "no such batch" in refused(RandomCrops(source, 16, seed=0).batch, *request_)


def test_grid_crops_do_not_overlap_and_are_fixed(source, refused):
    batch = grid_crops(source, (10, 16), 15, seed=3)
    again = grid_crops(source, (10, 16), 15, seed=3)
    np.testing.assert_array_equal(batch.pixels, again.pixels)
    assert batch.pixels.shape == (15, 1, 10, 16)
    assert (grid_crops(source, (10, 16), 15, seed=4).positions != batch.positions).any()
    covered = [np.zeros(source.size(i), int) for i in range(3)]
    for pixels, (index, top, left, turn) in zip(batch.pixels, batch.positions.tolist(), strict=True):
        covered[index][top : top + 10, left : left + 16] += 1
        np.testing.assert_array_equal(pixels, source.crop(index, top, left, 10, 16))
        assert turn == 0
    assert max(c.max() for c in covered) == 1
    cells = 4 * 3 + 3 * 5 + 3 * 2
    assert len(grid_crops(source, (10, 16), 1000, seed=3).names) == cells
    assert "at least one" in refused(grid_crops, source, 16, 0, 0)


def test_crops_avoid_what_is_held_back():
    source = ArraySource(np.zeros((64, 96), np.uint8))
    held = grid_crops(source, 16, 4, seed=1)
    crops = RandomCrops(source, 16, seed=0, avoid=held)
    mask = np.zeros((64, 96), bool)
    for _, top, left, _ in held.positions.tolist():
        mask[top : top + 16, left : left + 16] = True
    free, met = RandomCrops(source, 16, seed=0), 0
    for step in range(200):
        _, top, left, _ = crops.position(step, 0)
        assert not mask[top : top + 16, left : left + 16].any()
        _, top, left, _ = free.position(step, 0)
        met += mask[top : top + 16, left : left + 16].any()
    assert met > 50, "without holding back, crops must have met the held-back cells"


def test_no_room_beside_what_is_held_back_is_an_error():
    source = ArraySource(np.zeros((32, 32), np.uint8))
    crops = RandomCrops(source, 16, seed=0, avoid=grid_crops(source, 32, 1, seed=0))
    with pytest.raises(DataError, match="hardly any place is left"):
        crops.batch(0, 1)
