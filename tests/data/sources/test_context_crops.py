"""Crops with their neighbours: a pure function of seed, step and sample number, never across files or channels."""

import numpy as np
import pytest
import tifffile

from bsn.data import (
    ArraySource,
    ContextCrops,
    DataError,
    FolderSource,
    JoinedSource,
    MirroredSource,
    RandomCrops,
    open_source,
    pack,
    subset,
)
from bsn.data.arrays.geometry import transform
from bsn.data.sources.neighbours import neighbour_of


def numbered(count, channels=1, size=(20, 24), first=0):
    """Frames whose pixels say which frame and channel they are, and where."""
    frames = np.arange(first, first + count, dtype=np.float32)[:, None, None, None]
    places = np.arange(size[0] * size[1], dtype=np.float32).reshape(1, 1, *size)
    return 1e6 * frames + 1e5 * np.arange(channels, dtype=np.float32)[None, :, None, None] + places


@pytest.fixture
def source():
    return ArraySource([numbered(5), numbered(3, first=50), numbered(1, first=90)], "TCYX")


def test_neighbours_are_the_same_place_of_the_next_frames(source):
    crops = ContextCrops(RandomCrops(source, 8, seed=1), 2, reversal=False, dropped=0, sides=0)
    batch = crops.batch(3, 40)
    plain = RandomCrops(source, 8, seed=1).batch(3, 40)
    np.testing.assert_array_equal(batch.pixels, plain.pixels)
    np.testing.assert_array_equal(batch.positions, plain.positions)
    assert batch.neighbours.shape == (40, 4, 1, 8, 8)
    first = {0: 0, 1: 0, 2: 0, 3: 0, 4: 0, 5: 5, 6: 5, 7: 5, 8: 8}
    last = {**dict.fromkeys(range(5), 4), **dict.fromkeys((5, 6, 7), 7), 8: 8}
    for row, (index, top, left, turn) in enumerate(batch.positions.tolist()):
        for slot, offset in enumerate((-2, -1, 1, 2)):
            inside = first[index] <= index + offset <= last[index]
            assert batch.available[row, slot] == inside
            expected = np.zeros((1, 8, 8), np.float32)
            if inside:
                whole = source.image(index + offset)
                expected = transform(whole[:, top : top + 8, left : left + 8], turn)
            np.testing.assert_array_equal(batch.neighbours[row, slot], expected)
    np.testing.assert_array_equal(
        batch.windows, np.concatenate([batch.pixels, batch.neighbours.reshape(40, 4, 8, 8)], 1)
    )


def test_half_is_reversed_and_slots_are_left_out_as_often_as_asked(source):
    one = ArraySource(numbered(9), "TCYX")
    kept = RandomCrops(one, 8, seed=2)
    crops = ContextCrops(kept, 1, dropped=0.2, sides=0)
    batch, plain = crops.batch(0, 800), ContextCrops(kept, 1, reversal=False, dropped=0, sides=0).batch(0, 800)
    inner = plain.available.all(1)
    both = inner & batch.available.all(1)
    backwards = (batch.neighbours[both] == plain.neighbours[both, ::-1]).all((1, 2, 3, 4))
    forwards = (batch.neighbours[both] == plain.neighbours[both]).all((1, 2, 3, 4))
    assert (backwards ^ forwards).all()
    assert 0.42 < backwards.mean() < 0.58
    assert 0.15 < 1 - batch.available[inner].mean() < 0.25
    assert not batch.neighbours[batch.available == 0].any()
    sides = ContextCrops(kept, 2, dropped=0, sides=1.0).batch(0, 50).available
    assert ((sides[:, :2].sum(1) == 0) | (sides[:, 2:].sum(1) == 0)).all()


def test_any_split_over_processes_and_any_history_gives_the_same(source):
    crops = ContextCrops(RandomCrops(source, 8, seed=5), 2)
    whole = crops.batch(7, 12)
    parts = [ContextCrops(RandomCrops(source, 8, seed=5), 2).batch(7, 4, rank, 3) for rank in range(3)]
    np.testing.assert_array_equal(np.concatenate([p.windows for p in parts]), whole.windows)
    np.testing.assert_array_equal(np.concatenate([p.available for p in parts]), whole.available)
    assert not np.array_equal(crops.batch(8, 12).windows, whole.windows)


def test_files_of_all_kinds_know_their_neighbours(tmp_path):
    folder = tmp_path / "stacks"
    folder.mkdir()
    hyper = np.random.default_rng(0).integers(0, 255, (3, 2, 2, 24, 20), np.uint8)
    tifffile.imwrite(folder / "a.tif", hyper, imagej=True, metadata={"axes": "TZCYX"})
    tifffile.imwrite(folder / "b.tif", hyper[0], imagej=True, metadata={"axes": "ZCYX"})
    pack(folder, tmp_path / "p.h5")
    for source in (open_source(folder), open_source(tmp_path / "p.h5")):
        names = [source.name(i) for i in range(len(source))]
        assert names[:3] == ["a.tif[t=0,z=0]", "a.tif[t=0,z=1]", "a.tif[t=1,z=0]"]
        assert [neighbour_of(source, i, 1) for i in range(8)] == [2, 3, 4, 5, None, None, 7, None]
        assert [neighbour_of(source, i, -1, "Z") for i in range(8)] == [None, 0, None, 2, None, 4, None, 6]
        np.testing.assert_array_equal(source.native(neighbour_of(source, 1, 1), 0, 0, 24, 20), hyper[1, 1])


def test_axes_that_are_only_guessed_make_no_neighbours(tmp_path):
    np.save(tmp_path / "a.npy", numbered(6)[:, 0])
    tifffile.imwrite(tmp_path / "b.tif", numbered(6)[:, 0])
    for name in ("a.npy", "b.tif"):
        assert neighbour_of(FolderSource(tmp_path / name), 1, 1) is None
        assert neighbour_of(FolderSource(tmp_path / name, axes="TYX"), 1, 1) == 2
    assert neighbour_of(ArraySource(numbered(6)[:, 0]), 1, 1) is None


def test_sources_of_sources_pass_neighbours_on(source):
    part = subset(source, [4, 3, 1, 5])
    assert [neighbour_of(part, i, -1) for i in range(4)] == [1, None, None, None]
    assert neighbour_of(MirroredSource(source, 64), 1, 2) == 3
    joined = JoinedSource([source, source])
    assert [neighbour_of(joined, i, 1) for i in (3, 4, 9, 12, 13)] == [4, None, 10, 13, None]
    assert neighbour_of(object(), 0, 1) is None


@pytest.mark.parametrize("options", [{"context": 0}, {"context": 1, "dropped": 1.0}, {"context": 1, "sides": 2}])
def test_impossible_options_are_refused(source, options):
    with pytest.raises(DataError):
        ContextCrops(RandomCrops(source, 8, seed=0), **options)
