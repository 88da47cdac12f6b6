"""WebP files against Pillow, which writes them as other programs do."""

import numpy as np
import pytest
from PIL import Image as Pillow

from bsn.app.sizes import decoded_bytes
from bsn.data import DataError, Image, read_image, write_image

RGB = np.random.default_rng(0).integers(0, 256, (12, 17, 3), dtype=np.uint8)


def written(path, pixels, **options):
    Pillow.fromarray(pixels).save(path, lossless=True, exact=True, **options)
    return path


def test_pixels_opacity_and_colour_profile_come_back(tmp_path):
    pixels = np.dstack([RGB, np.arange(12 * 17, dtype=np.uint8).reshape(12, 17)])
    image = read_image(written(tmp_path / "a.webp", pixels, icc_profile=b"profile", xmp=b"<x/>"))
    assert image.axes == "YXC"
    assert np.array_equal(image.pixels, RGB)
    write_image(tmp_path / "b.webp", Image(255 - image.pixels, image.axes, image.metadata))
    with Pillow.open(tmp_path / "b.webp") as found:
        assert np.array_equal(np.asarray(found), np.dstack([255 - RGB, pixels[..., 3]]))
        assert (found.info["icc_profile"], found.info["xmp"]) == (b"profile", b"<x/>")


def test_a_turned_picture_is_read_upright(tmp_path):
    exif = Pillow.Exif()
    exif[0x0112], exif[0x010F] = 6, "maker"
    image = read_image(written(tmp_path / "a.webp", RGB, exif=exif))
    assert np.array_equal(image.pixels, np.rot90(RGB, -1))
    write_image(tmp_path / "b.webp", image)
    with Pillow.open(tmp_path / "b.webp") as found:
        assert dict(found.getexif()) == {0x010F: "maker"}


def test_grey_becomes_three_equal_channels(tmp_path):
    write_image(tmp_path / "a.webp", Image(RGB[..., 0], "YX"))
    assert np.array_equal(read_image(tmp_path / "a.webp").pixels, np.dstack([RGB[..., 0]] * 3))


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("empty", b"", "is empty"),
        ("other", b"\x89PNG\r\n\x1a\n" + bytes(20), "is not a WebP"),
        ("cut", None, "cannot be read"),
    ],
)
def test_what_is_no_webp_is_refused(tmp_path, name, content, told):
    path = tmp_path / f"{name}.webp"
    path.write_bytes(written(tmp_path / "whole.webp", RGB).read_bytes()[:60] if content is None else content)
    with pytest.raises(DataError, match=told):
        read_image(path)


def test_what_it_does_not_hold_is_refused(tmp_path):
    frames = [Pillow.fromarray(RGB), Pillow.fromarray(255 - RGB)]
    frames[0].save(tmp_path / "moving.webp", save_all=True, append_images=frames[1:])
    with pytest.raises(DataError, match="is an animation"):
        read_image(tmp_path / "moving.webp")
    with pytest.raises(DataError, match="WebP holds uint8"):
        write_image(tmp_path / "deep.webp", Image(RGB.astype(np.uint16), "YXC"))
    with pytest.raises(DataError, match="at most 16383"):
        write_image(tmp_path / "wide.webp", Image(np.zeros((1, 16384), np.uint8), "YX"))


def test_the_page_tells_its_size_by_the_header(tmp_path):
    assert decoded_bytes(written(tmp_path / "a.webp", RGB), 1 << 20) == RGB.size
