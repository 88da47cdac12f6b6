"""PNG files, against Pillow, scikit-image and imagecodecs."""

import builtins
import struct
import sys
import zlib

import imagecodecs
import numpy as np
import pytest
import skimage.io
from PIL import Image as Pillow
from PIL import PngImagePlugin

from bsn.data.files.images import Image, read_image, write_image


@pytest.fixture
def no_imagecodecs(monkeypatch):
    """As if imagecodecs were not installed."""
    monkeypatch.setitem(sys.modules, "imagecodecs", None)
    original = builtins.__import__

    def guarded(name, *args, **kwargs):
        if name.startswith("imagecodecs"):
            raise ImportError(name)
        return original(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", guarded)


def chunk(kind, payload):
    return struct.pack(">I", len(payload)) + kind + payload + struct.pack(">I", zlib.crc32(kind + payload))


def plain_png(pixels):
    """Encode 16-bit samples by hand: no filter, no library."""
    height, width, samples = pixels.shape
    colour = {1: 0, 2: 4, 3: 2, 4: 6}[samples]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    head = struct.pack(">IIBBBBB", width, height, 16, colour, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize(
    ("shape", "axes"), [((16, 18), "YX"), ((16, 18, 3), "YXC"), ((1, 1), "YX"), ((1, 1, 3), "YXC")]
)
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_written_files_are_read_equal_by_others(shape, axes, dtype, tmp_path, draw):
    pixels = draw(shape, dtype)
    path = tmp_path / "a.png"
    write_image(path, Image(pixels, axes))
    image = read_image(path)
    assert (image.axes, image.pixels.dtype) == (axes, np.dtype(dtype))
    np.testing.assert_array_equal(image.pixels, pixels)
    deep_colour = dtype == "uint16" and axes == "YXC"
    outside = imagecodecs.imread(path) if deep_colour else skimage.io.imread(path)
    assert outside.dtype == pixels.dtype
    np.testing.assert_array_equal(outside.reshape(shape), pixels)


@pytest.mark.parametrize("samples", [1, 3])
def test_sixteen_bits_written_by_hand(samples, tmp_path, draw):
    pixels = draw((5, 7, samples), "uint16")
    path = tmp_path / "a.png"
    path.write_bytes(plain_png(pixels))
    image = read_image(path)
    assert image.pixels.dtype == np.uint16
    np.testing.assert_array_equal(image.pixels.reshape(pixels.shape), pixels)


def test_pillow_would_lose_the_low_byte(tmp_path, draw):
    """The reason for all this; when it fails, Pillow has learnt and the detour may go."""
    path = tmp_path / "a.png"
    path.write_bytes(plain_png(draw((5, 7, 3), "uint16")))
    assert np.asarray(Pillow.open(path)).dtype == np.uint8


@pytest.mark.parametrize("samples", [2, 3, 4])
def test_sixteen_bit_colour_needs_imagecodecs(samples, tmp_path, draw, refused, no_imagecodecs):
    path = tmp_path / "a.png"
    path.write_bytes(plain_png(draw((5, 7, samples), "uint16")))
    assert 'pip install "blindspot-denoising[io]"' in refused(read_image, path)


def test_writing_sixteen_bit_colour_needs_imagecodecs(tmp_path, draw, refused, no_imagecodecs):
    line = refused(write_image, tmp_path / "a.png", Image(draw((5, 7, 3), "uint16"), "YXC"))
    assert 'pip install "blindspot-denoising[io]"' in line
    assert list(tmp_path.iterdir()) == []


def test_other_pngs_do_not_need_imagecodecs(tmp_path, draw, no_imagecodecs):
    for number, (shape, dtype) in enumerate([((5, 7), "uint16"), ((5, 7, 3), "uint8"), ((5, 7), "uint8")]):
        path = tmp_path / f"{number}.png"
        pixels = draw(shape, dtype)
        write_image(path, Image(pixels, "YX" if len(shape) == 2 else "YXC"))
        np.testing.assert_array_equal(read_image(path).pixels, pixels)


def test_palette_becomes_rgb(tmp_path, draw):
    colours = draw((5, 7, 3)) // 64 * 64
    picture = Pillow.fromarray(colours).convert("P", palette=Pillow.Palette.ADAPTIVE)
    picture.save(tmp_path / "a.png")
    image = read_image(tmp_path / "a.png")
    assert image.axes == "YXC"
    np.testing.assert_array_equal(image.pixels, np.asarray(picture.convert("RGB")))


def test_one_bit_grows_to_eight(tmp_path):
    pixels = np.arange(35).reshape(5, 7) % 3 == 0
    Pillow.fromarray(pixels).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_image(tmp_path / "a.png").pixels, pixels.astype(np.uint8) * 255)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3)])
def test_resolution_and_colour_profile_survive(shape, dtype, tmp_path, draw):
    profile = bytes(range(256)) * 3
    metadata = {"resolution": (300.0, 150.0), "resolution_unit": "inch", "icc_profile": profile}
    write_image(tmp_path / "a.png", Image(draw(shape, dtype), "YXC"[: len(shape)], metadata))
    kept = read_image(tmp_path / "a.png").metadata
    assert kept["resolution"] == pytest.approx((300, 150), rel=1e-3)
    assert (kept["resolution_unit"], kept["icc_profile"]) == ("inch", profile)


def test_animation_is_refused(tmp_path, draw, refused):
    frames = [Pillow.fromarray(draw((5, 7), seed=s)) for s in range(3)]
    frames[0].save(tmp_path / "a.png", save_all=True, append_images=frames[1:])
    assert isinstance(Pillow.open(tmp_path / "a.png"), PngImagePlugin.PngImageFile)
    assert "animation" in refused(read_image, tmp_path / "a.png")


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_floats_are_refused_with_what_holds_them(dtype, tmp_path, draw, refused):
    line = refused(write_image, tmp_path / "a.png", Image(draw((5, 7), dtype), "YX"))
    assert "uint8 and uint16" in line
    assert ".tif, .npy, .h5 or .mat" in line


@pytest.mark.parametrize(("shape", "axes"), [((4, 5, 7), "ZYX"), ((2, 5, 7), "CYX"), ((5, 7, 4), "YXC")])
def test_shapes_that_do_not_fit_are_refused(shape, axes, tmp_path, draw, refused):
    assert ".tif" in refused(write_image, tmp_path / "a.png", Image(draw(shape), axes))


@pytest.mark.parametrize(("shape", "axes", "read"), [((3, 5, 7), "CYX", "YXC"), ((1, 1, 5, 7), "TCYX", "YX")])
def test_one_plane_in_other_axes_is_reordered(shape, axes, read, tmp_path, draw):
    pixels = draw(shape)
    write_image(tmp_path / "a.png", Image(pixels, axes))
    image = read_image(tmp_path / "a.png")
    assert image.axes == read
    np.testing.assert_array_equal(image.pixels, np.moveaxis(pixels, 0, -1) if axes == "CYX" else pixels[0, 0])
