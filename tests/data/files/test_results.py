"""Results of the images of a file: one for most files, one for each image of a packed one."""

import h5py
import numpy as np
import pytest

from bsn.data import HDF5Source, ReadOptions, pack, read_image
from bsn.data.files.results import Target, open_results


def process(source, targets, options=None, scale=2):
    with np.errstate(divide="raise"), open_results(source, targets, options) as images:
        for reader, writers in images:
            for plane in range(reader.planes):
                for writer in writers:
                    writer.write(plane, 0, 0, (reader.read_plane(plane) // scale).astype(writer.dtype))


@pytest.fixture
def packed(tmp_path, draw):
    """Two images of different size, one of them a stack, packed; and the planes."""
    first, second = draw((2, 40, 30), "uint16", 1), draw((24, 28), "uint16", 2)
    np.save(tmp_path / "a.npy", first)
    np.save(tmp_path / "b.npy", second)
    np.save(tmp_path / "c.npy", second)
    pack([tmp_path / "a.npy"], tmp_path / "stack.h5", axes="ZYX")
    pack([tmp_path / "b.npy", tmp_path / "c.npy"], tmp_path / "packed.h5", ReadOptions(value_range=(0, 4095)))
    return tmp_path, first, second


def test_a_packed_file_is_processed_whole(packed):
    folder, first, _ = packed
    process(folder / "stack.h5", [Target(folder / "out.h5"), Target(folder / "float.h5", "float32")])
    for name, dtype in (("out.h5", np.uint16), ("float.h5", np.float32)):
        result = HDF5Source(folder / name)
        assert (len(result), result.dtype) == (2, dtype)
        assert [result.name(i) for i in range(2)] == ["a.npy[z=0]", "a.npy[z=1]"]
        for index in range(2):
            np.testing.assert_array_equal(result.native(index, 0, 0, 40, 30)[0], first[index] // 2)
    with h5py.File(folder / "stack.h5") as before, h5py.File(folder / "out.h5") as after:
        np.testing.assert_array_equal(before["images/000001"][0], first[1])
        kept, given = after["images/000001"].attrs, before["images/000001"].attrs
        assert set(kept) == set(given)
        for name, value in given.items():
            np.testing.assert_array_equal(kept[name], value)


def test_one_image_of_a_packed_file(packed):
    folder, _, second = packed
    process(folder / "packed.h5", [Target(folder / "out.tif")], ReadOptions(key="images/000001"))
    image = read_image(folder / "out.tif")
    np.testing.assert_array_equal(image.pixels.squeeze(), second // 2)


def test_packed_files_tell_their_range(packed):
    folder = packed[0]
    with open_results(folder / "packed.h5", []) as images:
        seen = [(reader.options.value_range, reader.axes) for reader, _ in images]
    assert seen == [((0.0, 4095.0), "CYX")] * 2


def test_the_result_of_a_packed_file_is_one(packed, refused):
    folder = packed[0]
    assert "end its name in .h5" in refused(process, folder / "packed.h5", [Target(folder / "out.tif")])
    assert not (folder / "out.tif").exists()


def test_nothing_is_left_of_a_run_that_fails(packed):
    folder = packed[0]
    before = sorted(folder.iterdir())
    with pytest.raises(FloatingPointError):
        process(folder / "packed.h5", [Target(folder / "o.h5")], scale=0)
    assert sorted(folder.iterdir()) == before


def test_other_files_have_one_result(tmp_path, draw):
    pixels = draw((3, 16, 18), "uint16")
    np.save(tmp_path / "a.npy", pixels)
    process(tmp_path / "a.npy", [Target(tmp_path / "b.npy"), Target(tmp_path / "c.tif", "float32")], ReadOptions("ZYX"))
    np.testing.assert_array_equal(np.load(tmp_path / "b.npy"), pixels // 2)
    np.testing.assert_array_equal(read_image(tmp_path / "c.tif").pixels, (pixels // 2).astype(np.float32))
