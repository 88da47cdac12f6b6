"""One set of reading options for everything that reads images."""

import numpy as np
import pytest

from bsn.data import (
    ArraySource,
    HDF5Source,
    Pair,
    PairSource,
    ReadOptions,
    from_unit,
    open_image,
    open_source,
    pack,
    read_image,
    read_pair,
    to_planes,
    to_unit,
)


@pytest.mark.parametrize(
    ("fields", "part"),
    [
        ({"nan": "drop"}, '"refuse" or "keep"'),
        ({"value_range": (5, 5)}, "low end is not below"),
        ({"value_range": (0, float("inf"))}, "low end is not below"),
        ({"value_range": (float("nan"), 1)}, "low end is not below"),
    ],
)
def test_options_that_make_no_sense_are_refused(fields, part, refused):
    assert part in refused(ReadOptions, **fields)


def test_single_options_win():
    options = ReadOptions(axes="ZYX", key="a", value_range=(0, 4095))
    assert ReadOptions.of(options, axes="TYX") == ReadOptions("TYX", "a", "refuse", (0.0, 4095.0))
    assert ReadOptions.of(None, key="b") == ReadOptions(key="b")


def test_a_stated_range_is_what_zero_and_one_stand_for():
    counts = np.array([[0, 100, 4195, 5000]], np.uint16)
    unit = to_unit(counts, (100.0, 4195.0))
    np.testing.assert_allclose(unit, (counts - 100.0) / 4095, rtol=1e-6)
    np.testing.assert_array_equal(from_unit(unit, np.uint16, (100.0, 4195.0)), counts)
    # Integers are clipped to what their type holds, not to the range.
    assert from_unit(np.array([-1.0, 20.0]), np.uint16, (100.0, 4195.0)).tolist() == [0, 65535]
    assert from_unit(np.array([-1.0, 2.0]), np.float32, (0.0, 255.0)).tolist() == [-255.0, 510.0]


def test_planes_know_their_range():
    image = np.linspace(0, 255, 64 * 48, dtype=np.float32).reshape(64, 48)
    planes, layout = to_planes(image, value_range=(0, 255))
    assert planes.max() == 1
    np.testing.assert_allclose(layout.restore(planes), image, rtol=1e-6)


@pytest.fixture
def stack(tmp_path, draw):
    """A file of twelve bits with a misleading shape."""
    path = tmp_path / "a.npy"
    np.save(path, draw((4, 32, 24), "uint16") >> 4)
    return path


def test_all_readers_take_them(stack, tmp_path):
    options = ReadOptions(axes="ZYX", value_range=(0, 4095))
    pixels = np.load(stack)
    expected = pixels[2, None, 3:9, 5:8] / np.float64(4095)
    assert read_image(stack, options).axes == "ZYX"
    with open_image(stack, options) as reader:
        np.testing.assert_allclose(reader.read_unit(2, 3, 5, 6, 3), expected, rtol=1e-6)
    source = open_source(stack, options)
    assert len(source) == 4
    np.testing.assert_allclose(source.crop(2, 3, 5, 6, 3), expected, rtol=1e-6)
    np.testing.assert_allclose(ArraySource(pixels, options=options).crop(2, 3, 5, 6, 3), expected, rtol=1e-6)
    pack(stack, tmp_path / "packed.h5", options)
    np.testing.assert_allclose(open_source(tmp_path / "packed.h5").crop(2, 3, 5, 6, 3), expected, rtol=1e-6)
    doubled = HDF5Source(tmp_path / "packed.h5", ReadOptions(value_range=(0, 8190)))
    np.testing.assert_allclose(doubled.crop(2, 3, 5, 6, 3), expected / 2, rtol=1e-6)


def test_missing_values_are_kept_only_where_that_is_said(tmp_path, draw, refused):
    pixels = draw((32, 24), "float32")
    pixels[4:9, 7] = np.nan
    path, clean = tmp_path / "a.npy", tmp_path / "b.npy"
    np.save(path, pixels)
    np.save(clean, draw((32, 24), "float32"))
    keep, pair = ReadOptions(nan="keep"), Pair(path, clean, "b")
    for call in (
        lambda: open_source(path),
        lambda: ArraySource(pixels),
        lambda: to_planes(pixels),
        lambda: PairSource([pair]),
        lambda: pack(path, tmp_path / "packed.h5"),
    ):
        assert "--nan keep" in refused(call)
    with open_image(path) as reader:
        assert "--nan keep" in refused(reader.read_unit, 0, 0, 0, 32, 24)
    pack(path, tmp_path / "packed.h5", keep)
    with open_image(path, keep) as reader:
        kept = [reader.read_unit(0, 0, 0, 32, 24)]
    kept += [open_source(path, keep).image(0), ArraySource(pixels, options=keep).image(0)]
    kept += [to_planes(pixels, nan="keep")[0][0], PairSource([pair], keep).image(0)[:1], read_pair(pair, keep)[0]]
    kept += [open_source(tmp_path / "packed.h5", keep).image(0)]
    for read in kept:
        np.testing.assert_array_equal(read, pixels[None])
