"""The mosaic and its three fillings against small cases worked out by hand, and bilinear against scipy."""

import numpy as np
import pytest
from scipy.ndimage import convolve

from bsn.data import DataError
from bsn.data.synthetic.camera.bayer import demosaic, mosaic

KINDS = ("bilinear", "malvar", "directed")


def test_the_sensor_sees_red_and_green_then_green_and_blue():
    image = np.stack([np.full((3, 4), value) for value in (1.0, 2.0, 3.0)])
    assert mosaic(image).tolist() == [[1, 2, 1, 2], [2, 3, 2, 3], [1, 2, 1, 2]]
    assert mosaic(image, (1, 0)).tolist() == [[2, 3, 2, 3], [1, 2, 1, 2], [2, 3, 2, 3]]
    assert mosaic(image, (0, 1)).tolist() == [[2, 1, 2, 1], [3, 2, 3, 2], [2, 1, 2, 1]]


def test_missing_colours_are_means_of_the_nearest():
    raw = np.array([[10.0, 1, 20, 2], [3, 100, 4, 300], [30, 5, 40, 6], [7, 200, 8, 400]])
    red, green, blue = demosaic(raw)
    assert red[0].tolist() == [10, 15, 20, 20]
    assert red[1].tolist() == [20, 25, 30, 30]
    assert green[1].tolist() == [3, (1 + 3 + 4 + 5) / 4, 4, (2 + 4 + 6 + 4) / 4]
    assert blue[2].tolist() == [150, 150, (100 + 300 + 200 + 400) / 4, 350]


def test_bilinear_is_scipys_convolution_to_the_last_bit():
    raw = np.random.default_rng(0).random((9, 14))
    red = np.zeros(raw.shape, bool)
    red[::2, ::2] = True
    square = np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]]) / 4
    assert np.array_equal(demosaic(raw)[0], convolve(np.where(red, raw, 0.0), square, mode="mirror"))


def test_malvar_adds_the_curvature_of_the_colour_that_is_seen():
    raw = np.zeros((9, 9))
    raw[4, 4] = 8.0  # a red pixel alone
    red, green, blue = demosaic(raw, "malvar")
    assert red[4, 4] == 8
    assert green[4, 4] == 4  # 4/8 of it
    assert blue[4, 4] == 6  # 6/8 of it
    assert green[4, 6] == green[2, 4] == -1
    assert red[4, 5] == 4  # beside it in the row: 4/8, no green around
    assert red[3, 3] == 2  # at a blue pixel: 2/8
    assert blue[4, 6] == -1.5


def test_green_follows_the_lines():
    columns = np.tile(np.array([0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0, 1.0]), (8, 1))
    picture = np.stack([columns] * 3)
    for turned in (picture, picture.swapaxes(1, 2)):
        found = demosaic(mosaic(turned), "directed")
        assert np.abs(found - turned)[:, 2:-2, 2:-2].max() < 1e-12
        assert np.abs(demosaic(mosaic(turned), "bilinear") - turned)[:, 2:-2, 2:-2].max() > 0.2


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("phase", [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_what_was_seen_stays_and_slopes_are_found(kind, phase):
    rows, columns = np.mgrid[:12, :10].astype(float)
    picture = np.stack([3 * rows + columns, 2 * rows - columns, rows + 5 * columns])
    found = demosaic(mosaic(picture, phase), kind, phase)
    assert np.array_equal(mosaic(found, phase), mosaic(picture, phase)) or np.allclose(
        mosaic(found, phase), mosaic(picture, phase), atol=1e-12
    )
    flat = np.stack([np.full((8, 8), value) for value in (0.2, 0.5, 0.7)])
    np.testing.assert_allclose(demosaic(mosaic(flat, phase), kind, phase), flat, atol=1e-12)
    np.testing.assert_allclose(found[:, 3:-3, 3:-3], picture[:, 3:-3, 3:-3], atol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_pictures_in_one_call_are_developed_apart(kind):
    raw = np.random.default_rng(0).random((2, 8, 9)).astype(np.float32)
    both = demosaic(raw, kind)
    assert both.shape == (2, 3, 8, 9)
    assert both.dtype == np.float32
    for one, alone in zip(both, raw, strict=True):
        assert np.array_equal(one, demosaic(alone, kind))


def test_other_kinds_and_tiny_sensors_are_refused():
    with pytest.raises(DataError, match="malvar"):
        demosaic(np.zeros((8, 8)), "best")
    with pytest.raises(DataError, match="3 x 3"):
        demosaic(np.zeros((2, 8)), "malvar")
