"""Writing by regions gives the file that writing at once gives."""

import shutil
import tracemalloc
from collections import namedtuple

import h5py
import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from bsn.data.arrays.axes import PlaneIndex
from bsn.data.files.images import Image, read_image, write_image
from bsn.data.files.regions import open_image
from bsn.data.files.writers import open_writer

SIZES = {"T": 2, "Z": 3, "C": 3, "Y": 21, "X": 26, "Q": 2}


def fill(out, pixels, axes, order, step=8):
    index = PlaneIndex(axes, pixels.shape)
    planes = pixels.transpose(index.order).reshape(index.count, index.depth, *index.size)
    height, width = index.size
    regions = [(p, t, s) for p in range(index.count) for t in range(0, height, step) for s in range(0, width, step)]
    order(regions)
    for plane, top, left in regions:
        out.write(plane, top, left, planes[plane, :, top : top + step, left : left + step])


@pytest.mark.parametrize("axes", ["YX", "YXC", "CYX", "ZYX", "TZCYX", "CZYX", "TYXC", "YXZ", "QYX"])
@pytest.mark.parametrize(
    ("suffix", "dtype"),
    [
        (".tif", "uint8"),
        (".tif", "uint16"),
        (".tif", "float64"),
        (".npy", "float16"),
        (".h5", "uint16"),
        (".mat", "uint8"),
    ],
)
def test_regions_in_any_order_give_the_same_file(axes, suffix, dtype, tmp_path, draw):
    pixels = draw([SIZES[a] for a in axes], dtype)
    whole, pieces = tmp_path / f"whole{suffix}", tmp_path / f"pieces{suffix}"
    write_image(whole, Image(pixels, axes))
    with open_writer(pieces, pixels.shape, axes, dtype) as out:
        fill(out, pixels, axes, np.random.default_rng(0).shuffle)
    options = {"axes": axes} if suffix == ".npy" else {}
    expected, image = read_image(whole, **options), read_image(pieces, **options)
    assert (image.axes, image.pixels.dtype) == (expected.axes, expected.pixels.dtype)
    np.testing.assert_array_equal(image.pixels, expected.pixels)
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([whole.name, pieces.name])


@pytest.mark.parametrize(("axes", "imagej"), [("TZCYX", True), ("YX", True), ("YXC", False)])
def test_tiff_is_understood_by_others(axes, imagej, tmp_path, draw):
    pixels = draw([SIZES[a] for a in axes], "uint16")
    metadata = {"imagej": {"spacing": 0.5, "unit": "um"}, "resolution": (9.5, 9.5), "resolution_unit": "none"}
    with open_writer(tmp_path / "a.tif", pixels.shape, axes, "uint16", metadata) as out:
        fill(out, pixels, axes, list.sort)
    with tifffile.TiffFile(tmp_path / "a.tif") as tif:
        assert tif.is_imagej == imagej
        assert tif.series[0].axes == axes.replace("YXC", "YXS")
        np.testing.assert_array_equal(tif.asarray(), pixels)
        assert tif.pages[0].resolution == pytest.approx((9.5, 9.5))
        if imagej:
            assert tif.imagej_metadata["spacing"] == 0.5


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_pictures_are_collected(suffix, tmp_path, draw):
    pixels = np.tile(np.arange(26, dtype=np.uint8) * 4, (21, 1))
    with open_writer(tmp_path / f"a{suffix}", pixels.shape, "YX", "uint8") as out:
        fill(out, pixels, "YX", list.reverse)
    assert np.abs(read_image(tmp_path / f"a{suffix}").pixels.astype(int) - pixels).max() <= 3 * (suffix == ".jpg")


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_overlapping_regions_the_last_one_counts(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("writers")
    suffix = data.draw(st.sampled_from([".tif", ".npy", ".h5"]))
    axes = data.draw(st.sampled_from(["YXC", "CYX", "ZCYX"]))
    shape = tuple(data.draw(st.integers(1, 6)) for _ in axes)
    index = PlaneIndex(axes, shape)
    expected = np.zeros((index.count, index.depth, *index.size), np.uint8)
    height, width = index.size
    with open_writer(folder / f"a{suffix}", shape, axes, "uint8") as out:
        for plane in range(index.count):
            out.write(plane, 0, 0, expected[plane])
        for value in range(1, data.draw(st.integers(1, 6))):
            plane = data.draw(st.integers(0, index.count - 1))
            top, left = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
            rows, columns = data.draw(st.integers(1, height - top)), data.draw(st.integers(1, width - left))
            region = np.full((index.depth, rows, columns), value, np.uint8)
            out.write(plane, top, left, region)
            expected[plane, :, top : top + rows, left : left + columns] = value
    image = read_image(folder / f"a{suffix}", axes=axes if suffix == ".npy" else None)
    ordered = image.pixels.transpose([image.axes.index(axes[i]) for i in index.order])
    np.testing.assert_array_equal(ordered.reshape(expected.shape), expected)


def test_hdf5_has_its_key_and_axes(tmp_path, draw):
    with open_writer(tmp_path / "a.h5", (21, 26), "YX", "float32", key="result/mean") as out:
        out.write(0, 0, 0, draw((1, 21, 26), "float32"))
    with h5py.File(tmp_path / "a.h5") as file:
        assert file["result/mean"].attrs["axes"] == "YX"


def test_large_files_become_bigtiff(tmp_path):
    """A sparse file of 4.5 GB: only its first and last pixels are written."""
    if shutil.disk_usage(tmp_path).free < 6 * 2**30:
        pytest.skip("needs 6 GiB of free disk")
    shape = (9, 16384, 16384)
    corner = np.full((1, 1, 3), 7, np.uint16)
    with open_writer(tmp_path / "a.tif", shape, "ZYX", "uint16") as out:
        out.write(0, 0, 0, corner)
        out.write(8, 16383, 16381, corner)
        out._written = 10**12  # the rest is left out on purpose
    try:
        with tifffile.TiffFile(tmp_path / "a.tif") as tif:
            assert tif.is_bigtiff
            assert (tif.series[0].axes, tif.series[0].shape) == ("ZYX", shape)
        with open_image(tmp_path / "a.tif") as image:
            assert image.read(8, 16383, 16380, 1, 4).tolist() == [[[0, 7, 7, 7]]]
    finally:
        (tmp_path / "a.tif").unlink()


def test_a_finished_writer_holds_no_pixels(tmp_path):
    pixels, held = np.zeros((1, 1000, 1000), np.uint16), []
    for name in ("a.png", "b.png"):  # the first one loads what is needed
        tracemalloc.start()
        with open_writer(tmp_path / name, (1000, 1000), "YX", "uint16") as out:
            out.write(0, 0, 0, pixels)
        held.append(tracemalloc.get_traced_memory()[0])
        tracemalloc.stop()
    assert out.target == tmp_path / "b.png", "it is still there"
    assert held[1] < pixels.nbytes / 2


def test_missing_regions_are_noticed(tmp_path, draw, refused):
    def work():
        with open_writer(tmp_path / "a.tif", (2, 8, 9), "ZYX", "uint8") as out:
            out.write(0, 0, 0, draw((1, 8, 9)))

    assert "only 72 of 144" in refused(work)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "shape", "axes", "dtype", "words"),
    [
        ("a.png", (8, 9), "YX", "float32", "uint8 and uint16"),
        ("a.png", (4, 8, 9), "ZYX", "uint8", "holds one"),
        ("a.jpg", (8, 9), "YX", "uint16", "JPEG holds uint8"),
        ("a.tif", (8, 9), "YX", "complex64", "pixels must be one of"),
        ("a.tif", (8, 0), "YX", "uint8", "no pixels"),
        ("a.tif", (8, 9), "ZYX", "uint8", "3 letters"),
        ("a.xyz", (8, 9), "YX", "uint8", "is not known"),
        ("no/a.tif", (8, 9), "YX", "uint8", "does not exist"),
    ],
)
def test_what_cannot_work_is_refused_before_the_work(name, shape, axes, dtype, words, tmp_path, refused):
    def work():
        with open_writer(tmp_path / name, shape, axes, dtype):
            pytest.fail("the work began")

    assert words in refused(work)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("pixels", "top"),
    [
        (np.zeros((1, 4, 4), np.uint8), 0),
        (np.zeros((3, 4, 4), np.uint16), 0),
        (np.zeros((4, 4), np.uint8), 0),
        (np.zeros((3, 4, 4), np.uint8), 5),
    ],
)
def test_wrong_regions_are_refused(pixels, top, tmp_path, refused):
    def work():
        with open_writer(tmp_path / "a.tif", (8, 9, 3), "YXC", "uint8") as out:
            out.write(0, top, 0, pixels)

    refused(work)
    assert list(tmp_path.iterdir()) == []


def test_too_little_room_is_told_at_once(tmp_path, monkeypatch, refused):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10, 10, 71))

    def work():
        with open_writer(tmp_path / "a.tif", (8, 9), "YX", "uint8"):
            pytest.fail("the work began")

    assert "it needs 72 bytes and the disk has 71 free" in refused(work)
