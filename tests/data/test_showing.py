"""A plane and its result as people look at them: parts, whole planes reduced, units, ranges."""

import io

import numpy as np
import pytest
from PIL import Image as Picture
from skimage.transform import downscale_local_mean

from bsn.data import DataError, Image, ReadOptions, encode_png, read_shown, write_image


@pytest.fixture
def files(tmp_path):
    """A stack of 16 bits, and its result as floats in the same units."""
    pixels = np.random.default_rng(0).integers(0, 60000, (3, 50, 70), dtype=np.uint16)
    write_image(tmp_path / "a.tif", Image(pixels, "ZYX"))
    write_image(tmp_path / "b.tif", Image(pixels.astype(np.float32) + 100, "ZYX"))
    return tmp_path / "a.tif", tmp_path / "b.tif", pixels


def test_the_middle_or_a_part_around_a_pixel_is_read_in_units_of_the_source(files):
    source, result, pixels = files
    shown = read_shown(source, result, most=20)
    assert (shown.plane, shown.planes, shown.size, shown.whole) == (1, 3, (50, 70), False)
    assert np.allclose(shown.noisy[0] * 65535, pixels[1, 15:35, 25:45])
    assert np.allclose((shown.denoised - shown.noisy) * shown.units, 100, atol=0.1)
    shown = read_shown(source, None, most=20, plane=2, around=(48, 3))
    assert (shown.top, shown.left, shown.denoised) == (30, 0, None)
    assert np.allclose(shown.noisy[0] * 65535, pixels[2, 30:, :20])


def test_a_large_plane_is_reduced_as_a_whole(files, monkeypatch):
    source, result, pixels = files
    monkeypatch.setattr("bsn.data.showing._STRIP", 500)
    shown = read_shown(source, result, most=30, reduced=True)
    assert (shown.factor, shown.whole, shown.noisy.shape) == (3, True, (1, 16, 23))
    truth = downscale_local_mean(pixels[1, :48, :69].astype(float), (3, 3))
    assert np.allclose(shown.noisy[0] * 65535, truth, rtol=1e-4)
    assert np.allclose(shown.denoised[0] * 65535, truth + 100, rtol=1e-4)
    assert read_shown(source, None, most=70, reduced=True).factor == 1


def test_black_and_white_are_those_of_eight_bits_or_of_nearly_all_values(files, tmp_path):
    low, high = read_shown(files[0], None, most=100).display_range
    assert 0 <= low < 0.01 < 0.9 < high < 60000 / 65535
    write_image(tmp_path / "c.png", Image(np.full((9, 9), 7, np.uint8), "YX"))
    assert read_shown(tmp_path / "c.png", None, most=100).display_range == (0, 1)
    stated = ReadOptions(value_range=(0, 10))
    assert read_shown(tmp_path / "c.png", None, stated, most=100).display_range != (0, 1)
    with pytest.raises(DataError):
        read_shown(files[0], tmp_path / "c.png", most=100)


def test_a_picture_is_what_its_values_say():
    image = np.array([[[0.0, 0.5], [1.0, 2.0]]])
    assert np.asarray(Picture.open(io.BytesIO(encode_png(image)))).tolist() == [[0, 128], [255, 255]]
