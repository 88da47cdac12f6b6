"""JPEG files, against Pillow."""

import numpy as np
import pytest
import skimage.data
from PIL import Image as Pillow

from bsn.data.files.images import Image, read_image, write_image


@pytest.fixture
def picture():
    """A smooth colour picture, which JPEG hardly changes."""
    y, x = np.mgrid[0:32, 0:48]
    return np.stack([4 * x, 6 * y, 255 - 2 * x - 3 * y], axis=-1).astype(np.uint8)


@pytest.mark.parametrize("grey", [True, False])
def test_pixels_are_those_of_pillow_and_close_to_the_original(grey, picture, tmp_path):
    pixels = picture[..., 0] if grey else picture
    path = tmp_path / "a.jpg"
    write_image(path, Image(pixels, "YX" if grey else "YXC"))
    image = read_image(path)
    assert image.axes == ("YX" if grey else "YXC")
    np.testing.assert_array_equal(image.pixels, np.asarray(Pillow.open(path)))
    assert np.abs(image.pixels.astype(int) - pixels).max() <= 6


def test_quality_and_full_colour_resolution(tmp_path):
    pixels = skimage.data.astronaut()[100:164, 200:264]
    write_image(tmp_path / "a.jpeg", Image(pixels, "YXC"))
    with Pillow.open(tmp_path / "a.jpeg") as written:
        assert [layer[1:3] for layer in written.layer] == [(1, 1)] * 3
        table = written.quantization
    Pillow.fromarray(pixels).save(tmp_path / "b.jpeg", quality=95, subsampling=0)
    with Pillow.open(tmp_path / "b.jpeg") as reference:
        assert table == reference.quantization


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_once(orientation, picture, tmp_path):
    exif = Pillow.Exif()
    exif[0x0112] = orientation
    exif[0x0110] = "camera"
    Pillow.fromarray(picture).save(tmp_path / "a.jpg", exif=exif, quality=100, subsampling=0)
    image = read_image(tmp_path / "a.jpg")
    # What a viewer shows, from the definition of the tag.
    upright = {
        1: lambda p: p,
        2: np.fliplr,
        3: lambda p: np.rot90(p, 2),
        4: np.flipud,
        5: lambda p: p.swapaxes(0, 1),
        6: lambda p: np.rot90(p, -1),
        7: lambda p: np.rot90(p.swapaxes(0, 1), 2),
        8: np.rot90,
    }[orientation]
    np.testing.assert_array_equal(image.pixels, upright(np.asarray(Pillow.open(tmp_path / "a.jpg"))))
    write_image(tmp_path / "b.jpg", image)
    with Pillow.open(tmp_path / "b.jpg") as again:
        assert again.getexif().get(0x0112, 1) == 1
        assert again.getexif()[0x0110] == "camera"


def test_resolution_and_colour_profile_survive(picture, tmp_path):
    metadata = {"resolution": (240.0, 240.0), "resolution_unit": "inch", "icc_profile": b"p" * 200}
    write_image(tmp_path / "a.jpg", Image(picture, "YXC", metadata))
    kept = read_image(tmp_path / "a.jpg").metadata
    assert {k: kept[k] for k in metadata} == metadata


def test_other_types_are_refused(tmp_path, refused):
    assert "JPEG holds uint8" in refused(write_image, tmp_path / "a.jpg", Image(np.zeros((4, 4), np.uint16), "YX"))


def test_printing_colours_are_refused(picture, tmp_path, refused):
    Pillow.fromarray(picture).convert("CMYK").save(tmp_path / "a.jpg")
    assert "CMYK" in refused(read_image, tmp_path / "a.jpg")


def test_pictures_with_a_second_one_behind(picture, tmp_path):
    """What telephones write: a preview or a map of brightness follows the picture."""
    second = Pillow.fromarray(picture[::2, ::2])
    Pillow.fromarray(picture).save(tmp_path / "a.jpg", format="MPO", save_all=True, append_images=[second], quality=95)
    np.testing.assert_array_equal(read_image(tmp_path / "a.jpg").pixels, np.asarray(Pillow.open(tmp_path / "a.jpg")))


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_pictures_that_pillow_does_not_open(suffix, picture, tmp_path, refused, monkeypatch):
    write_image(tmp_path / f"a{suffix}", Image(picture, "YXC"))
    monkeypatch.setattr(Pillow, "MAX_IMAGE_PIXELS", 700)
    assert "convert it to TIFF" in refused(read_image, tmp_path / f"a{suffix}")


def test_a_size_beyond_the_format_is_one_line(tmp_path, refused):
    assert "failed" in refused(write_image, tmp_path / "a.jpg", Image(np.zeros((1, 70_000), np.uint8), "YX"))
    assert list(tmp_path.iterdir()) == []
