"""TIFF files, against tifffile."""

import builtins
import sys

import numpy as np
import pytest
import tifffile

from bsn.data.files.images import Image, read_image, write_image
from bsn.data.files.regions import open_image

SIZES = {"T": 3, "Z": 4, "C": 2, "Y": 16, "X": 18, "Q": 2}


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("axes", ["YX", "ZYX", "CYX", "TYX", "TZYX", "TCYX", "ZCYX", "TZCYX"])
def test_hyperstacks_keep_axes_for_imagej(axes, dtype, tmp_path, draw):
    pixels = draw([SIZES[a] for a in axes], dtype)
    write_image(tmp_path / "a.tif", Image(pixels, axes))
    with tifffile.TiffFile(tmp_path / "a.tif") as tif:
        assert tif.is_imagej
        assert tif.series[0].axes == axes
        assert tif.series[0].dtype == np.dtype(dtype)
        np.testing.assert_array_equal(tif.series[0].asarray(), pixels)
    image = read_image(tmp_path / "a.tif")
    assert (image.axes, image.pixels.dtype) == (axes, np.dtype(dtype))
    np.testing.assert_array_equal(image.pixels, pixels)


@pytest.mark.parametrize("dtype", ["float16", "float64"])
@pytest.mark.parametrize("axes", ["YX", "ZYX", "TCYX", "QZYX"])
def test_other_types_keep_axes_too(axes, dtype, tmp_path, draw):
    pixels = draw([SIZES[a] for a in axes], dtype)
    write_image(tmp_path / "a.tif", Image(pixels, axes))
    with tifffile.TiffFile(tmp_path / "a.tif") as tif:
        assert (tif.series[0].axes, tif.series[0].dtype) == (axes, np.dtype(dtype))
        np.testing.assert_array_equal(tif.asarray(), pixels)
    assert read_image(tmp_path / "a.tif").axes == axes


@pytest.mark.parametrize(("axes", "stored"), [("CZYX", "ZCYX"), ("YXZ", "ZYX"), ("XYT", "TYX"), ("ZTYX", "TZYX")])
def test_unusual_orders_become_the_usual_one(axes, stored, tmp_path, draw):
    pixels = draw([SIZES[a] for a in axes])
    write_image(tmp_path / "a.tif", Image(pixels, axes))
    image = read_image(tmp_path / "a.tif")
    assert image.axes == stored
    np.testing.assert_array_equal(image.pixels, pixels.transpose([axes.index(a) for a in stored]))


@pytest.mark.parametrize(("shape", "axes"), [((1, 16, 18), "ZYX"), ((3, 1, 16, 18), "TCYX"), ((4, 1, 1), "ZYX")])
def test_axes_of_size_one_survive(shape, axes, tmp_path, draw):
    pixels = draw(shape, "uint16")
    write_image(tmp_path / "a.tif", Image(pixels, axes))
    image = read_image(tmp_path / "a.tif")
    assert image.axes == axes
    np.testing.assert_array_equal(image.pixels, pixels)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize(("shape", "axes"), [((16, 18, 3), "YXC"), ((4, 16, 18, 3), "ZYXC")])
def test_rgb_is_stored_as_rgb(shape, axes, dtype, tmp_path, draw):
    pixels = draw(shape, dtype)
    write_image(tmp_path / "a.tif", Image(pixels, axes))
    with tifffile.TiffFile(tmp_path / "a.tif") as tif:
        assert tif.pages[0].photometric == tifffile.PHOTOMETRIC.RGB
        assert tif.pages[0].shape == (16, 18, 3)
        np.testing.assert_array_equal(tif.asarray(), pixels)
    image = read_image(tmp_path / "a.tif")
    assert image.axes == axes
    np.testing.assert_array_equal(image.pixels, pixels)


def test_planar_rgb_stays_rgb(tmp_path, draw):
    pixels = draw((3, 16, 18), "uint16")
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="rgb", planarconfig="separate")
    image = read_image(tmp_path / "a.tif")
    assert image.axes == "CYX"
    np.testing.assert_array_equal(image.pixels, pixels)
    write_image(tmp_path / "b.tif", image)
    with tifffile.TiffFile(tmp_path / "b.tif") as tif:
        assert tif.pages[0].photometric == tifffile.PHOTOMETRIC.RGB
        np.testing.assert_array_equal(tif.asarray(), np.moveaxis(pixels, 0, -1))


def test_calibration_survives(tmp_path, draw):
    pixels = draw((2, 4, 16, 18), "uint16")
    settings = {"spacing": 0.5, "unit": "um", "finterval": 1.5, "min": 10.0, "max": 4000.0, "Info": "objective 60x"}
    tifffile.imwrite(
        tmp_path / "a.tif", pixels, imagej=True, resolution=(9.5, 9.25), metadata={"axes": "TZYX", **settings}
    )
    image = read_image(tmp_path / "a.tif")
    write_image(tmp_path / "b.tif", Image(pixels, image.axes, image.metadata))
    with tifffile.TiffFile(tmp_path / "b.tif") as tif:
        assert {k: tif.imagej_metadata[k] for k in settings} == settings
        assert tif.pages[0].resolution == pytest.approx((9.5, 9.25))
    again = read_image(tmp_path / "b.tif").metadata
    assert again["resolution"] == pytest.approx(image.metadata["resolution"])
    assert again["imagej"] == image.metadata["imagej"]


def test_tags_of_photographs_survive(tmp_path, draw):
    tags = {"iccprofile": b"p" * 300, "extratags": [(274, 3, 1, 6, True)]}
    pixels = draw((16, 18, 3), "uint16")
    tifffile.imwrite(
        tmp_path / "a.tif",
        pixels,
        photometric="rgb",
        resolution=(300, 300),
        resolutionunit="INCH",
        metadata=None,
        **tags,
    )
    image = read_image(tmp_path / "a.tif")
    write_image(tmp_path / "b.tif", image)
    with tifffile.TiffFile(tmp_path / "b.tif") as tif:
        page = tif.pages[0]
        assert page.tags["InterColorProfile"].value == tags["iccprofile"]
        assert int(page.tags["Orientation"].value) == 6
        assert (page.resolution, page.resolutionunit) == ((300.0, 300.0), tifffile.RESUNIT.INCH)


def test_white_is_zero_survives(tmp_path, draw):
    pixels = draw((16, 18))
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="miniswhite")
    image = read_image(tmp_path / "a.tif")
    np.testing.assert_array_equal(image.pixels, pixels)
    write_image(tmp_path / "b.tif", image)
    with tifffile.TiffFile(tmp_path / "b.tif") as tif:
        assert tif.pages[0].photometric == tifffile.PHOTOMETRIC.MINISWHITE


def test_plain_stack_of_pages(tmp_path, draw):
    pixels = draw((3, 16, 18))
    with tifffile.TiffWriter(tmp_path / "a.tif") as tif:
        for page in pixels:
            tif.write(page, metadata=None)
    image = read_image(tmp_path / "a.tif")
    assert image.axes == "IYX"
    np.testing.assert_array_equal(image.pixels, pixels)


def test_unknown_axes_get_letters_of_their_own(tmp_path, draw):
    pixels = draw((2, 3, 16, 18))
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="minisblack")
    image = read_image(tmp_path / "a.tif")
    assert len(set(image.axes)) == 4
    assert image.axes.endswith("YX")
    assert "C" not in image.axes


def test_ome_axes(tmp_path, draw):
    pixels = draw((2, 3, 16, 18))
    tifffile.imwrite(tmp_path / "a.ome.tif", pixels, photometric="minisblack", metadata={"axes": "CZYX"})
    image = read_image(tmp_path / "a.ome.tif")
    assert image.axes == "CZYX"
    np.testing.assert_array_equal(image.pixels, pixels)


def test_several_images_need_a_key(tmp_path, draw, refused):
    large, small = draw((16, 18)), draw((13, 9))
    with tifffile.TiffWriter(tmp_path / "a.tif") as tif:
        tif.write(large, metadata=None)
        tif.write(small, metadata=None)
    assert "0 (YX 16 x 18), 1 (YX 13 x 9)" in refused(read_image, tmp_path / "a.tif")
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif", key="1").pixels, small)
    for key in ("2", "-1", "x"):
        assert "0 (YX 16 x 18)" in refused(read_image, tmp_path / "a.tif", key=key)


def test_thumbnails_are_no_second_image(tmp_path, draw):
    large, small = draw((16, 18)), draw((8, 9))
    with tifffile.TiffWriter(tmp_path / "a.tif") as tif:
        tif.write(large, metadata=None)
        tif.write(small, metadata=None, subfiletype=1)
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif").pixels, large)


@pytest.mark.parametrize("repeated", [True, False])
def test_palette_becomes_rgb(repeated, tmp_path, draw):
    pixels = draw((16, 18))
    colours = draw((3, 256), "uint16") if not repeated else draw((3, 256)).astype(np.uint16) * 257
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="palette", colormap=colours)
    image = read_image(tmp_path / "a.tif")
    assert image.axes == "YXC"
    expected = np.moveaxis(colours[:, pixels], 0, -1)
    np.testing.assert_array_equal(image.pixels, expected // 257 if repeated else expected)


def test_palette_of_imagej_is_a_display_setting(tmp_path, draw):
    pixels = draw((16, 18))
    tifffile.imwrite(tmp_path / "a.tif", pixels, imagej=True, colormap=draw((3, 256), "uint16"))
    image = read_image(tmp_path / "a.tif")
    assert image.axes == "YX"
    np.testing.assert_array_equal(image.pixels, pixels)


@pytest.mark.parametrize(
    ("photometric", "shape", "words"),
    [
        ("separated", (16, 18, 4), "CMYK"),
        ("ycbcr", (16, 18, 3), "YCbCr"),
        ("cielab", (16, 18, 3), "CIE L*a*b*"),
        ("icclab", (16, 18, 3), "ICC L*a*b*"),
        ("itulab", (16, 18, 3), "ITU L*a*b*"),
        ("cfa", (16, 18), "colour filter array"),
        ("linear_raw", (16, 18, 3), "linear raw"),
        ("logluv", (16, 18, 3), "LogLuv"),
    ],
)
def test_colours_that_would_be_relabelled_are_refused(photometric, shape, words, tmp_path, draw, refused):
    tifffile.imwrite(tmp_path / "a.tif", draw(shape), photometric=photometric)
    assert words in refused(read_image, tmp_path / "a.tif")
    assert words in refused(open_image, tmp_path / "a.tif")


def test_colours_of_jpeg_are_decoded_to_rgb(tmp_path):
    ramp = np.broadcast_to(np.arange(32, dtype=np.uint8)[:, None] * 4, (32, 48))
    pixels = np.stack([ramp, 255 - ramp, ramp // 2], -1)
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="rgb", compression="jpeg", compressionargs={"level": 98})
    with tifffile.TiffFile(tmp_path / "a.tif") as tif:
        assert tif.pages[0].photometric == tifffile.PHOTOMETRIC.YCBCR
    assert np.abs(read_image(tmp_path / "a.tif").pixels.astype(int) - pixels).max() <= 6


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_other_types_are_refused(dtype, tmp_path, refused):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((16, 18), dtype))
    assert "pixels must be one of" in refused(read_image, tmp_path / "a.tif")


@pytest.mark.parametrize("compression", ["zlib", "lzw", "zstd", "packbits"])
@pytest.mark.parametrize("predictor", [False, True])
def test_compressed_files(compression, predictor, tmp_path, draw):
    pixels = draw((3, 16, 18), "uint16")
    options = {"predictor": 2} if predictor and compression != "packbits" else {}
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="minisblack", compression=compression, **options)
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif").pixels, pixels)


def test_compression_without_its_library_says_what_to_install(tmp_path, draw, refused, monkeypatch):
    tifffile.imwrite(tmp_path / "a.tif", draw((16, 18)), compression="lzw")

    def missing(*_args, **_kwargs):
        raise ValueError("<COMPRESSION.LZW: 5> requires the 'imagecodecs' package")

    monkeypatch.setattr(tifffile.TiffPage, "decode", property(lambda _: missing))
    assert 'pip install "blindspot-denoising[io]"' in refused(read_image, tmp_path / "a.tif")


def test_uncompressed_files_do_not_need_imagecodecs(tmp_path, draw, monkeypatch):
    pixels = draw((3, 16, 18), "uint16")
    monkeypatch.setitem(sys.modules, "imagecodecs", None)
    assert builtins.__import__("tifffile")
    write_image(tmp_path / "a.tif", Image(pixels, "ZYX"))
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif").pixels, pixels)


@pytest.fixture(params=["imagej", "plain", "shaped", "rgb", "tiled", "big"])
def tiff_bytes(request, tmp_path, draw):
    """Files of several kinds and what they hold."""
    path = tmp_path / "whole.tif"
    pixels = draw((5, 32, 48), "uint16")
    if request.param == "imagej":
        tifffile.imwrite(path, pixels, imagej=True, metadata={"axes": "ZYX"})
    elif request.param == "plain":
        with tifffile.TiffWriter(path) as tif:
            for page in pixels:
                tif.write(page, metadata=None, compression="zlib", rowsperstrip=8)
    elif request.param == "rgb":
        pixels = draw((32, 48, 3))
        tifffile.imwrite(path, pixels, photometric="rgb")
    else:
        options = {"tile": (16, 16), "compression": "zlib"} if request.param == "tiled" else {"bigtiff": True}
        tifffile.imwrite(path, pixels, photometric="minisblack", **options)
    return path.read_bytes(), pixels


def test_truncated_anywhere_is_an_error_never_fewer_planes(tiff_bytes, tmp_path, refused):
    whole, pixels = tiff_bytes
    path = tmp_path / "cut.tif"
    path.write_bytes(whole)
    np.testing.assert_array_equal(read_image(path).pixels, pixels)
    rng = np.random.default_rng(0)
    for length in {0, 1, 4, 7, 8, 15, len(whole) // 2, len(whole) - 4, *rng.integers(9, len(whole) - 4, 25).tolist()}:
        path.write_bytes(whole[:length])
        try:
            image = read_image(path)
        except Exception:
            refused(read_image, path)
        else:  # only what lies behind the pixels may be missing
            np.testing.assert_array_equal(image.pixels, pixels)
            assert length > len(whole) - 1200


def test_channels_last_that_nobody_named_are_not_taken_for_columns(tmp_path, draw, refused):
    pixels = draw((128, 96, 2), "uint16")
    tifffile.imwrite(tmp_path / "a.tif", pixels)
    for read in (read_image, open_image):
        assert "--axes" in refused(read, tmp_path / "a.tif")
    image = read_image(tmp_path / "a.tif", axes="YXC")
    np.testing.assert_array_equal(image.pixels, pixels)
    with open_image(tmp_path / "a.tif", axes="YXC") as reader:
        assert (reader.planes, reader.channels, reader.size) == (1, 2, (128, 96))
    tifffile.imwrite(tmp_path / "b.tif", pixels, metadata={"axes": "QYX"})
    assert read_image(tmp_path / "b.tif").axes == "QYX"
    tifffile.imwrite(tmp_path / "c.tif", draw((5, 128, 96)), photometric="minisblack", metadata=None)
    assert read_image(tmp_path / "c.tif").pixels.shape == (5, 128, 96)


@pytest.mark.parametrize("options", [{}, {"compression": "zlib", "rowsperstrip": 6}, {"tile": (16, 16)}], ids=str)
def test_a_page_that_says_to_be_larger_than_it_is(options, tmp_path, refused):
    """Its pixels would be zeros, half a gigabyte of them here."""
    tifffile.imwrite(tmp_path / "a.tif", np.ones((24, 20), np.uint8), **options)
    with tifffile.TiffFile(tmp_path / "a.tif", mode="r+b") as tif:
        tif.pages[0].tags["ImageLength"].overwrite(9_000_000, dtype="I")
        tif.pages[0].tags["ImageDescription"].overwrite("none")
    for read in (read_image, open_image):
        line = refused(read, tmp_path / "a.tif")
        assert "strips or tiles" in line or "ends before its pixels do" in line
