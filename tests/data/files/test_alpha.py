"""Opacity passes through bit by bit, seen with Pillow, imagecodecs and tifffile; nothing learns from it or denoises it."""

import struct
import warnings
import zlib

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image as Pillow

import bsn.models
from bsn.data.files.images import Image, read_image, write_image
from bsn.data.files.regions import open_image
from bsn.data.files.writers import open_writer
from bsn.inference import Denoiser

SHAPE = (40, 48)


def chunk(kind, payload):
    return struct.pack(">I", len(payload)) + kind + payload + struct.pack(">I", zlib.crc32(kind + payload))


def plain_png(samples, depth, colour, *chunks):
    """Encode samples (H, W, S) by hand."""
    height, width = samples.shape[:2]
    rows = b"".join(b"\0" + row.astype(f">u{depth // 8}").tobytes() for row in samples)
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    body = [chunk(b"IHDR", head), *chunks, chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(body)


def noisy(samples, dtype, opaque=False):
    top = np.iinfo(dtype).max
    random = np.random.default_rng(samples)
    pixels = random.normal(0.5, 0.1, (*SHAPE, samples)).clip(0, 1) * top
    pixels[..., -1] = top if opaque else random.integers(0, top, SHAPE, endpoint=True)
    return pixels.astype(dtype)


def save(path, pixels, **options):
    if path.suffix == ".tif":
        colours = "rgb" if pixels.shape[-1] == 4 else "minisblack"
        tifffile.imwrite(
            path,
            pixels,
            photometric=colours,
            planarconfig="contig",
            extrasamples=["unassalpha"],
            metadata=None,
            **options,
        )
    else:
        path.write_bytes(plain_png(pixels, 8 * pixels.itemsize, {2: 4, 4: 6}[pixels.shape[-1]]))


def load(path):
    return tifffile.imread(path) if path.suffix == ".tif" else imagecodecs.png_decode(path.read_bytes())


def small_denoiser(channels):
    return Denoiser(bsn.models.create("phase-unet-tiny", channels=channels), device="cpu")


@pytest.mark.parametrize("opaque", [False, True])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("samples", [2, 4])
@pytest.mark.parametrize(("source", "target"), [(".png", ".png"), (".tif", ".tif"), (".png", ".tif"), (".tif", ".png")])
def test_alpha_is_that_of_the_source(source, target, samples, dtype, opaque, tmp_path):
    pixels = noisy(samples, dtype, opaque)
    save(tmp_path / f"a{source}", pixels)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        image = read_image(tmp_path / f"a{source}")
        assert image.axes == ("YX" if samples == 2 else "YXC")
        np.testing.assert_array_equal(image.pixels.reshape(*SHAPE, -1), pixels[..., :-1])
        np.testing.assert_array_equal(image.metadata["alpha"], pixels[..., -1])
        write_image(tmp_path / f"b{target}", image)
    np.testing.assert_array_equal(load(tmp_path / f"b{target}"), pixels)
    small_denoiser(samples - 1).denoise_file(tmp_path / f"a{source}", tmp_path / f"c{target}")
    result = load(tmp_path / f"c{target}")
    assert (result.shape, result.dtype) == (pixels.shape, pixels.dtype)
    np.testing.assert_array_equal(result[..., -1], pixels[..., -1])
    assert (result[..., :-1] != pixels[..., :-1]).mean() > 0.9


@pytest.mark.parametrize(
    "options", [{}, {"compression": "zlib", "tile": (16, 16)}, {"compression": "zlib", "rowsperstrip": 5}]
)
@pytest.mark.parametrize("kind", [1, 2])
def test_tiff_says_the_same_of_its_alpha(kind, options, tmp_path):
    """Colours multiplied by alpha (kind 1) or not (2); a stack; alpha read by regions in any order."""
    pixels = np.stack([noisy(4, "uint8"), noisy(4, "uint8") // 2])
    path = tmp_path / "a.tif"
    tifffile.imwrite(
        path,
        pixels,
        photometric="rgb",
        extrasamples=[kind],
        metadata={"axes": "ZYXS"},
        planarconfig="contig",
        **options,
    )
    with open_image(path) as reader:
        assert (reader.axes, reader.shape, reader.channels) == ("ZYXC", (2, *SHAPE, 3), 3)
        np.testing.assert_array_equal(reader.read(1, 7, 11, 9, 10), np.moveaxis(pixels[1, 7:16, 11:21, :3], -1, 0))
        with open_writer(tmp_path / "b.tif", reader.shape, reader.axes, reader.dtype, reader.metadata) as out:
            for plane, top, left in [
                (1, 0, 0),
                (0, 20, 0),
                (1, 20, 24),
                (0, 0, 24),
                (1, 20, 0),
                (0, 0, 0),
                (0, 20, 24),
                (1, 0, 24),
            ]:
                out.write(plane, top, left, reader.read(plane, top, left, 20, 24))
    with tifffile.TiffFile(tmp_path / "b.tif") as tif:
        assert tuple(tif.pages[0].extrasamples) == (kind,)
        assert tif.pages[0].photometric.name == "RGB"
        np.testing.assert_array_equal(tif.asarray(), pixels)


def test_alpha_of_samples_in_planes(tmp_path):
    pixels = np.moveaxis(noisy(4, "uint8"), -1, 0)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, pixels, photometric="rgb", planarconfig="separate", extrasamples=[2], metadata=None)
    image = read_image(path)
    np.testing.assert_array_equal(image.pixels, pixels[:3])
    write_image(tmp_path / "b.tif", image)
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "b.tif"), np.moveaxis(pixels, 0, -1))


def test_samples_that_are_not_said_to_be_opacity_are_channels(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", noisy(4, "uint8"), photometric="rgb", extrasamples=[0], metadata=None)
    image = read_image(tmp_path / "a.tif")
    assert (image.pixels.shape, "alpha" in image.metadata) == ((*SHAPE, 4), False)


def test_multiplied_colours_are_told_where_png_cannot(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", noisy(4, "uint8"), photometric="rgb", extrasamples=[1], metadata=None)
    with pytest.warns(UserWarning, match="has no mark that the colours are multiplied by the alpha channel$"):
        write_image(tmp_path / "b.png", read_image(tmp_path / "a.tif"))


@pytest.mark.parametrize("name", ["b.jpg", "b.npy", "b.h5", "b.mat"])
def test_formats_without_alpha_say_so(name, tmp_path):
    save(tmp_path / "a.png", noisy(4, "uint8"))
    image = read_image(tmp_path / "a.png")
    with pytest.warns(UserWarning, match=r"has no alpha channel \(opacity\)$"):
        write_image(tmp_path / name, image)


def test_alpha_of_another_size_or_type_is_not_written(tmp_path):
    save(tmp_path / "a.png", noisy(4, "uint8"))
    image = read_image(tmp_path / "a.png")
    for pixels in (image.pixels[1:], image.pixels.astype(np.uint16)):
        for name in ("b.png", "b.tif"):
            with pytest.warns(UserWarning, match=r"has no alpha channel \(opacity\)$"):
                write_image(tmp_path / name, Image(pixels, "YXC", image.metadata), overwrite=True)
            np.testing.assert_array_equal(load(tmp_path / name), pixels)


@pytest.mark.parametrize(
    ("depth", "colour", "samples", "key"),
    [
        (8, 0, 1, b"\0\x07"),
        (16, 0, 1, b"\x01\x07"),
        (8, 2, 3, b"\0\x07\0\x08\0\x09"),
        (16, 2, 3, b"\x01\x07\x01\x08\x01\x09"),
    ],
)
def test_one_transparent_colour_of_grey_and_rgb(depth, colour, samples, key, tmp_path):
    dtype = {8: np.uint8, 16: np.uint16}[depth]
    pixels = np.random.default_rng(0).integers(0, 4, (*SHAPE, samples)).astype(dtype)
    clear = np.frombuffer(key, ">u2").astype(dtype)
    pixels[3, 4], pixels[30, 40] = clear, clear
    pixels[5, 5, 0] = clear[0]
    (tmp_path / "a.png").write_bytes(plain_png(pixels, depth, colour, chunk(b"tRNS", key)))
    image = read_image(tmp_path / "a.png")
    np.testing.assert_array_equal(image.pixels.reshape(pixels.shape), pixels)
    write_image(tmp_path / "b.png", image)
    result = load(tmp_path / "b.png")
    expected = np.full(SHAPE, np.iinfo(dtype).max, dtype)
    expected[(pixels == clear).all(-1)] = 0
    assert np.count_nonzero(expected == 0) == (2 if samples == 3 else 3)
    np.testing.assert_array_equal(result, np.dstack([pixels, expected]))


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_one_transparent_grey_of_few_bits(bits, tmp_path):
    values = np.arange(16).reshape(2, 8) % 2**bits
    rows = b"".join(
        b"\0" + np.packbits(((row[:, None] >> np.arange(bits)[::-1]) & 1).ravel()).tobytes() for row in values
    )
    body = [chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 2, bits, 0, 0, 0, 0)), chunk(b"tRNS", b"\0\x01")]
    body += [chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")]
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(body))
    image = read_image(tmp_path / "a.png")
    np.testing.assert_array_equal(image.pixels, values * 255 // (2**bits - 1))
    np.testing.assert_array_equal(image.metadata["alpha"], np.where(values == 1, 0, 255))


@pytest.mark.parametrize("opacity", [b"\xff\x80\0", b"\0", b"\xff\xff\0\xff"])
def test_palette_with_transparent_entries(opacity, tmp_path):
    indices = np.random.default_rng(1).integers(0, 4, (*SHAPE, 1)).astype(np.uint8)
    colours = np.array([[10, 20, 30], [40, 50, 60], [70, 80, 90], [100, 110, 120]], np.uint8)
    parts = chunk(b"PLTE", colours.tobytes()), chunk(b"tRNS", opacity)
    (tmp_path / "a.png").write_bytes(plain_png(indices, 8, 3, *parts))
    table = np.full(4, 255, np.uint8)
    table[: len(opacity)] = list(opacity)
    expected = np.dstack([colours[indices[..., 0]], table[indices[..., 0]]])
    np.testing.assert_array_equal(np.asarray(Pillow.open(tmp_path / "a.png").convert("RGBA")), expected)
    with pytest.warns(
        UserWarning, match=r"b\.png: the result, a PNG, has no palette \(its colours are written as RGB\)$"
    ):
        write_image(tmp_path / "b.png", read_image(tmp_path / "a.png"))
    np.testing.assert_array_equal(load(tmp_path / "b.png"), expected)


def test_palette_of_tiff_is_told(tmp_path):
    indices = np.random.default_rng(1).integers(0, 4, SHAPE).astype(np.uint8)
    table = (np.arange(768, dtype=np.uint16) % 255).reshape(3, 256) * 257
    tifffile.imwrite(tmp_path / "a.tif", indices, photometric="palette", colormap=table, metadata=None)
    with pytest.warns(UserWarning, match=r"the result, a TIFF, has no palette \(its colours are written as RGB\)$"):
        write_image(tmp_path / "b.tif", read_image(tmp_path / "a.tif"))
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "b.tif"), np.moveaxis(table[:, indices] // 257, 0, -1))
