"""Chunks of PNG files and segments of JPEG files pass to the result, read with Pillow and a literal reader."""

import struct
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image as Pillow

from bsn.cli import main
from bsn.data.files.images import Image, read_image, write_image

PIXELS = np.random.default_rng(0).normal(120, 15, (48, 56, 3)).clip(0, 255).astype(np.uint8)
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><a tiff:Orientation="6"/></x:xmpmeta>'


def chunk(kind, payload):
    return struct.pack(">I", len(payload)) + kind + payload + struct.pack(">I", zlib.crc32(kind + payload))


BEFORE = [
    (b"gAMA", struct.pack(">I", 45455)),
    (b"cHRM", struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)),
    (b"iCCP", b"my profile\0\0" + zlib.compress(bytes(range(256)), 1)),
    (b"sBIT", b"\x08\x08\x08"),
    (b"bKGD", struct.pack(">3H", 1, 2, 3)),
    (b"pHYs", struct.pack(">IIB", 3937, 2835, 1)),
    (b"eXIf", b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"),
    (b"tEXt", b"Comment\0exposure 3 s"),
]
AFTER = [
    (b"zTXt", b"Author\0\0" + zlib.compress(b"somebody")),
    (b"iTXt", "Title\0\0\0de\0Titel\0Größe".encode()),
    (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP),
    (b"tIME", struct.pack(">H5B", 2024, 2, 3, 4, 5, 6)),
    (b"prVt", b"private, safe to copy"),
]


def png_with(before, after=()):
    rows = b"".join(b"\0" + row.tobytes() for row in PIXELS)
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", PIXELS.shape[1], PIXELS.shape[0], 8, 2, 0, 0, 0))
    parts = [head, *(chunk(*c) for c in before), chunk(b"IDAT", zlib.compress(rows)), *(chunk(*c) for c in after)]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts) + chunk(b"IEND", b"")


def chunks_of(path):
    data, place, found = path.read_bytes(), 8, []
    while place < len(data):
        (length,) = struct.unpack(">I", data[place : place + 4])
        kind, payload = data[place + 4 : place + 8], data[place + 8 : place + 8 + length]
        assert data[place : place + 12 + length] == chunk(kind, payload)
        found.append((kind, payload))
        place += 12 + length
    return found


def apart_from_pixels(path):
    return [c for c in chunks_of(path) if c[0] not in (b"IHDR", b"IDAT", b"IEND")]


def test_png_to_png_keeps_every_byte(tmp_path):
    (tmp_path / "a.png").write_bytes(png_with(BEFORE, AFTER))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        write_image(tmp_path / "b.png", read_image(tmp_path / "a.png"))
    assert apart_from_pixels(tmp_path / "b.png") == BEFORE + AFTER
    kinds = [kind for kind, _ in chunks_of(tmp_path / "b.png")]
    assert kinds.index(b"IDAT") == 1 + len(BEFORE + AFTER)
    np.testing.assert_array_equal(np.asarray(Pillow.open(tmp_path / "b.png")), PIXELS)


def test_denoising_keeps_every_byte(tmp_path, capsys):
    (tmp_path / "a.png").write_bytes(png_with(BEFORE, AFTER))
    assert main(["denoise", str(tmp_path / "a.png"), "-o", str(tmp_path / "b.png")]) == 0
    assert "has no" not in "".join(capsys.readouterr())
    assert apart_from_pixels(tmp_path / "b.png") == BEFORE + AFTER


def test_chunks_that_speak_of_the_old_pixels_are_told(tmp_path):
    (tmp_path / "a.png").write_bytes(png_with([(b"prVT", b"not safe to copy")]))
    with pytest.warns(UserWarning, match=r"b\.png: the result, a PNG, has no chunk prVT$"):
        write_image(tmp_path / "b.png", read_image(tmp_path / "a.png"))
    assert apart_from_pixels(tmp_path / "b.png") == []


def test_changed_metadata_beat_old_chunks(tmp_path):
    (tmp_path / "a.png").write_bytes(png_with(BEFORE))
    image = read_image(tmp_path / "a.png")
    metadata = {**image.metadata, "text": {"Comment": "new"}, "resolution": (300.0, 300.0), "exif": None}
    write_image(tmp_path / "b.png", Image(image.pixels, image.axes, metadata))
    with Pillow.open(tmp_path / "b.png") as result:
        assert result.text == {"Comment": "new"}
        assert result.info["dpi"] == pytest.approx((300, 300), abs=0.02)
        assert "exif" not in result.info
        assert result.info["icc_profile"] == bytes(range(256))


@pytest.mark.parametrize("kind", [b"iCCP", b"zTXt", b"iTXt", b"gAMA", b"pHYs", b"tEXt"])
def test_damaged_chunks_do_not_stop_a_picture(kind, tmp_path):
    (tmp_path / "a.png").write_bytes(png_with([], [(kind, b"x\0\0broken")]))
    np.testing.assert_array_equal(read_image(tmp_path / "a.png").pixels, PIXELS)


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_what_a_camera_says_of_a_jpeg(suffix, tmp_path):
    exif = Pillow.Exif()
    exif[0x0112], exif[0x0110] = 6, "camera"
    profile = b"p" * 200
    Pillow.fromarray(PIXELS).save(
        tmp_path / "a.jpg", exif=exif, dpi=(300, 300), comment=b"hello", xmp=XMP, icc_profile=profile
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        write_image(tmp_path / f"b{suffix}", read_image(tmp_path / "a.jpg"))
    with Pillow.open(tmp_path / f"b{suffix}") as result:
        assert result.size == (48, 56)  # upright
        assert result.getexif().get(0x0112, 1) == 1  # hence not turned once more
        assert result.getexif()[0x0110] == "camera"
        assert result.info["icc_profile"] == profile
        assert result.info["dpi"] == pytest.approx((300, 300), abs=0.02)
        xmp = result.info["xmp"]
        assert b"x:xmpmeta" in xmp
        assert b"Orientation" not in xmp
        comment = result.text["Comment"] if suffix == ".png" else result.info["comment"].decode()
        assert comment == "hello"


def test_what_no_format_keeps_of_a_jpeg_is_told(tmp_path):
    Pillow.fromarray(PIXELS).save(tmp_path / "a.jpg")
    data = (tmp_path / "a.jpg").read_bytes()
    segment = b"Photoshop 3.0\x008BIM"
    (tmp_path / "a.jpg").write_bytes(data[:2] + b"\xff\xed" + struct.pack(">H", len(segment) + 2) + segment + data[2:])
    with pytest.warns(UserWarning, match=r"b\.png: the result, a PNG, has no Photoshop resources \(IPTC\)$"):
        write_image(tmp_path / "b.png", read_image(tmp_path / "a.jpg"))


def test_failed_files_are_named_once(tmp_path, capsys):
    np.save(tmp_path / "holes.npy", np.full((48, 48), np.nan, np.float32))
    assert main(["denoise", str(tmp_path / "holes.npy"), "-o", str(tmp_path / "out")]) == 2
    assert "".join(capsys.readouterr()).count("holes.npy") == 1
