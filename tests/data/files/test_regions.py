"""Regions equal the whole, and only what is needed is read and decoded."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from bsn.data.arrays.axes import PlaneIndex
from bsn.data.files.formats.tiff_segments import SegmentBoxes
from bsn.data.files.images import read_image
from bsn.data.files.regions import open_image

ROOT = Path(__file__).resolve().parents[3]


def planes_of(pixels, axes):
    index = PlaneIndex(axes, pixels.shape)
    return pixels.transpose(index.order).reshape(index.count, index.depth, *index.size)


def check_regions(path, regions=6, **options):
    whole = read_image(path, **options)
    rng = np.random.default_rng(0)
    with open_image(path, **options) as image:
        assert (image.axes, image.shape, image.dtype) == (whole.axes, whole.pixels.shape, whole.pixels.dtype)
        assert image.metadata.keys() == whole.metadata.keys()
        planes = planes_of(whole.pixels, whole.axes)
        assert (image.planes, image.channels, *image.size) == planes.shape
        height, width = image.size
        for _ in range(regions):
            plane = int(rng.integers(image.planes))
            top, left = int(rng.integers(height)), int(rng.integers(width))
            rows, columns = int(rng.integers(1, height - top + 1)), int(rng.integers(1, width - left + 1))
            region = image.read(plane, top, left, rows, columns)
            assert region.dtype.isnative
            assert region.flags.c_contiguous
            np.testing.assert_array_equal(region, planes[plane, :, top : top + rows, left : left + columns])
        np.testing.assert_array_equal(image.read_plane(image.planes - 1), planes[-1])


LAYOUTS = {
    "contiguous": {},
    "strips": {"rowsperstrip": 5},
    "deflate strips": {"compression": "zlib", "rowsperstrip": 5},
    "lzw with predictor": {"compression": "lzw", "predictor": 2, "rowsperstrip": 7},
    "one strip": {"compression": "zlib", "rowsperstrip": 100},
    "tiles": {"tile": (16, 32)},
    "deflate tiles": {"compression": "zlib", "tile": (32, 16)},
    "big-endian": {"byteorder": ">"},
    "big-endian deflate": {"byteorder": ">", "compression": "zlib", "rowsperstrip": 4},
    "BigTIFF": {"bigtiff": True, "compression": "zlib", "tile": (16, 16)},
}
KINDS = {
    "grey": ((37, 45), {"photometric": "minisblack"}),
    "stack": ((4, 37, 45), {"photometric": "minisblack"}),
    "hyperstack": ((2, 3, 37, 45), {"photometric": "minisblack", "metadata": {"axes": "TCYX"}}),
    "RGB": ((37, 45, 3), {"photometric": "rgb"}),
    "RGB stack": ((4, 37, 45, 3), {"photometric": "rgb"}),
    "planar RGB": ((3, 37, 45), {"photometric": "rgb", "planarconfig": "separate"}),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_tiff(kind, layout, dtype, tmp_path, draw):
    shape, options = KINDS[kind]
    tifffile.imwrite(tmp_path / "a.tif", draw(shape, dtype), **options, **LAYOUTS[layout])
    check_regions(tmp_path / "a.tif")


@pytest.mark.parametrize(
    ("shape", "axes", "planar"), [((37, 45, 3), "YXZ", "contig"), ((3, 37, 45), "ZYX", "separate")]
)
def test_tiff_samples_that_are_said_to_be_planes(shape, axes, planar, tmp_path, draw):
    tifffile.imwrite(
        tmp_path / "a.tif", draw(shape), photometric="rgb", planarconfig=planar, compression="zlib", rowsperstrip=8
    )
    check_regions(tmp_path / "a.tif", axes=axes)


def test_tiff_of_separate_uncompressed_pages(tmp_path, draw):
    with tifffile.TiffWriter(tmp_path / "a.tif") as tif:
        for page in draw((4, 37, 45), "float32"):
            tif.write(page, metadata=None, extratags=[(65000, 2, 0, "x" * 33, True)])
    check_regions(tmp_path / "a.tif")


def test_tiff_with_jpeg_inside(tmp_path, draw):
    smooth = np.add.outer(np.arange(64), np.arange(80)).astype(np.uint8)
    rgb = np.stack([smooth, 255 - smooth, smooth // 2], axis=-1)
    tifffile.imwrite(
        tmp_path / "a.tif", rgb, photometric="ycbcr", compression="jpeg", tile=(32, 32), subsampling=(2, 2)
    )
    check_regions(tmp_path / "a.tif")


def test_tiff_with_tiles_that_are_not_there(tmp_path):
    """A tile of zero bytes stands for zeros."""
    pixels = np.zeros((64, 64), np.uint8)
    pixels[:32, :32] = 7

    def tiles():
        yield np.full((32, 32), 7, np.uint8).tobytes()
        yield from [b""] * 3

    tifffile.imwrite(
        tmp_path / "a.tif", tiles(), shape=(64, 64), dtype="uint8", tile=(32, 32), photometric="minisblack"
    )
    with open_image(tmp_path / "a.tif") as image:
        np.testing.assert_array_equal(image.read_plane(0)[0], pixels)


def test_tiff_palette_and_alpha_are_read_whole(tmp_path, draw):
    tifffile.imwrite(tmp_path / "a.tif", draw((37, 45)), photometric="palette", colormap=draw((3, 256), "uint16"))
    check_regions(tmp_path / "a.tif")
    pixels = draw((37, 45, 4))
    pixels[..., 3] = 255
    tifffile.imwrite(tmp_path / "b.tif", pixels, photometric="rgb", extrasamples=["unassalpha"])
    check_regions(tmp_path / "b.tif")


def test_tiff_whose_pages_are_not_planes(tmp_path, draw):
    tifffile.imwrite(
        tmp_path / "a.tif", draw((37, 45, 5)), photometric="minisblack", metadata={"axes": "YXZ"}, compression="zlib"
    )
    check_regions(tmp_path / "a.tif")


@pytest.mark.parametrize("fortran", [False, True])
@pytest.mark.parametrize(("shape", "axes"), [((37, 45), "YX"), ((4, 37, 45), "CYX"), ((2, 37, 3, 45), "TYZX")])
def test_npy(shape, axes, fortran, tmp_path, draw):
    pixels = draw(shape, "uint16")
    np.save(tmp_path / "a.npy", np.asfortranarray(pixels) if fortran else pixels.astype(">u2"))
    check_regions(tmp_path / "a.npy", axes=axes)


def test_hdf5_and_mat(tmp_path, draw):
    pixels = draw((4, 37, 45), "uint16")
    for name in ("a.h5", "a.mat"):
        with h5py.File(tmp_path / name, "w", userblock_size=512 if name == "a.mat" else 0) as file:
            file.create_dataset("image", data=pixels, chunks=(1, 16, 16), compression="gzip")
        check_regions(tmp_path / name, axes="ZYX")


@pytest.mark.parametrize("name", ["a.png", "a.jpg"])
def test_pictures(name, tmp_path, draw):
    Pillow.fromarray(draw((37, 45, 3))).save(tmp_path / name)
    check_regions(tmp_path / name)


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_any_region_of_any_layout(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("regions") / "a.tif"
    shape = tuple(data.draw(st.integers(1, 40)) for _ in range(2))
    count = data.draw(st.integers(1, 3))
    options = data.draw(
        st.one_of(
            st.builds(lambda r: {"rowsperstrip": r}, st.integers(1, 50)),
            st.builds(lambda h, w: {"tile": (16 * h, 16 * w)}, st.integers(1, 3), st.integers(1, 3)),
        )
    )
    pixels = np.random.default_rng(0).integers(0, 255, (count, *shape), np.uint8)
    with tifffile.TiffWriter(path) as tif:
        for page in pixels:
            tif.write(page, photometric="minisblack", metadata=None, compression="zlib", **options)
    with open_image(path, axes="ZYX"[-2:] if count == 1 else "ZYX") as image:
        top, left = (data.draw(st.integers(0, n - 1)) for n in shape)
        height, width = (data.draw(st.integers(1, n - s)) for n, s in zip(shape, (top, left), strict=True))
        plane = data.draw(st.integers(0, count - 1))
        expected = pixels[plane, top : top + height, left : left + width]
        np.testing.assert_array_equal(image.read(plane, top, left, height, width)[0], expected)


def test_only_the_tiles_touched_are_decoded_and_only_once(tmp_path, draw, monkeypatch):
    tifffile.imwrite(tmp_path / "a.tif", draw((3, 64, 64)), photometric="minisblack", compression="zlib", tile=(16, 16))
    decoded = []
    original = SegmentBoxes._decode

    def counted(self, page, number):
        decoded.append((page, number))
        return original(self, page, number)

    monkeypatch.setattr(SegmentBoxes, "_decode", counted)
    with open_image(tmp_path / "a.tif") as image:
        image.read(1, 15, 17, 2, 2)
        assert sorted(decoded) == [(1, 1), (1, 5)]
        image.read(1, 0, 0, 20, 20)
        assert sorted(decoded) == [(1, 0), (1, 1), (1, 4), (1, 5)]


def test_decoded_segments_are_forgotten(tmp_path, draw, monkeypatch):
    monkeypatch.setattr("bsn.data.files.formats.tiff_segments._CACHE_BYTES", 1000)
    pixels = draw((64, 64))
    tifffile.imwrite(tmp_path / "a.tif", pixels, compression="zlib", rowsperstrip=4)
    with open_image(tmp_path / "a.tif") as image:
        for top in range(64):
            np.testing.assert_array_equal(image.read(0, top, 0, 1, 64)[0, 0], pixels[top])
        assert image._boxes.held <= 1000
        assert sum(s.nbytes for s in image._boxes.decoded.values()) == image._boxes.held


def test_damage_inside_is_one_line(tmp_path, draw, refused):
    tifffile.imwrite(tmp_path / "a.tif", draw((64, 64)), compression="zlib", rowsperstrip=8)
    with tifffile.TiffFile(tmp_path / "a.tif") as tif:
        offset = tif.pages[0].dataoffsets[4]
    with (tmp_path / "a.tif").open("r+b") as file:
        file.seek(offset)
        file.write(b"\xff" * 20)
    with open_image(tmp_path / "a.tif") as image:
        image.read(0, 0, 0, 32, 64)
        assert "damaged" in refused(image.read, 0, 30, 0, 10, 64)


def test_a_file_cut_off_while_open_is_one_line(tmp_path, draw, refused):
    np.save(tmp_path / "a.npy", draw((512, 512)))
    with open_image(tmp_path / "a.npy") as image:
        os.truncate(tmp_path / "a.npy", 1000)
        assert "ends before its pixels do" in refused(image.read, 0, 500, 0, 10, 64)


def test_truncation_is_found_when_the_file_is_opened(tmp_path, draw, refused):
    np.save(tmp_path / "a.npy", draw((64, 64)))
    tifffile.imwrite(tmp_path / "b.tif", draw((64, 64, 3)), photometric="rgb")
    tifffile.imwrite(tmp_path / "c.tif", draw((64, 64, 3)), photometric="rgb", compression="zlib", rowsperstrip=16)
    for name in ("a.npy", "b.tif", "c.tif"):
        os.truncate(tmp_path / name, (tmp_path / name).stat().st_size - 10)
        assert "ends before its pixels do" in refused(open_image, tmp_path / name)


def test_regions_outside_and_missing_files(tmp_path, draw, refused):
    np.save(tmp_path / "a.npy", draw((6, 7)))
    with open_image(tmp_path / "a.npy") as image:
        assert "the plane is 6 x 7" in refused(image.read, 0, 0, 0, 7, 7)
        assert "count from 0 to 0" in refused(image.read, 1, 0, 0, 6, 7)
    assert "no such file" in refused(open_image, tmp_path / "b.npy")
    assert "3 letters" in refused(open_image, tmp_path / "a.npy", axes="ZYX")


MEMORY = """
    import resource, sys
    from pathlib import Path
    import numpy as np
    from bsn.data import open_image, open_writer

    path, axes = Path(sys.argv[1]), sys.argv[2]
    channels = 3 if axes == "YXC" else 1
    shape = (6000, 6000, 3) if axes == "YXC" else (6000, 6000)
    warm = path.with_name("warm" + path.suffix)
    for target, target_shape in ((warm, (64, 64, *shape[2:])), (path, shape)):
        if target == path:
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with open_writer(target, target_shape, axes, "uint16") as out:
            size = min(1000, target_shape[0])
            for top in range(0, target_shape[0], size):
                for left in range(0, target_shape[1], size):
                    out.write(0, top, left, np.full((channels, size, size), top + left, np.uint16))
        with open_image(target, axes=axes) as image:
            for top in range(0, target_shape[0], size):
                for left in range(0, target_shape[1], size):
                    assert (image.read(0, top, left, size, size) == top + left).all()
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak memory as Linux gives it, in kB")
@pytest.mark.parametrize(("name", "axes"), [("a.tif", "YX"), ("a.tif", "YXC"), ("a.npy", "YX"), ("a.h5", "YX")])
def test_memory_is_that_of_a_region(name, axes, tmp_path):
    """Six thousand pixels square, 72 or 216 MB, written and read in regions of 2 or 6 MB."""
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(MEMORY), str(tmp_path / name), axes],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert run.stderr == ""
    assert int(run.stdout) < 45_000
