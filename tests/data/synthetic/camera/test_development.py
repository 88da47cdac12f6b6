"""Tone curve and finishing against values worked out by hand."""

import numpy as np
import pytest

from bsn.data import DataError
from bsn.data.synthetic.camera.finishing import blurred, resized, sharpened, smooth_colours
from bsn.data.synthetic.camera.tone import ToneCurve, to_linear, to_srgb


def test_the_tone_curve_is_that_of_srgb():
    # Values of IEC 61966-2-1: the linear foot, and middle grey.
    np.testing.assert_allclose(to_linear(np.array([0.0, 0.04, 0.5, 1.0])), [0, 0.04 / 12.92, 0.21404114, 1], rtol=1e-7)
    values = np.linspace(0, 1, 50)
    np.testing.assert_allclose(to_srgb(to_linear(values)), values, atol=1e-12)
    np.testing.assert_allclose(ToneCurve()(values), to_srgb(values), atol=2e-5)
    np.testing.assert_allclose(ToneCurve().inverse(values), to_linear(values), atol=2e-5)


@pytest.mark.parametrize("curve", [ToneCurve(), ToneCurve(1.9, 0.12, 0.7), ToneCurve(2.6, 0.02, 0.7)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_curves_rise_and_lead_back(curve, dtype):
    light = np.linspace(0, 1, 2001, dtype=dtype)
    values = curve(light)
    assert values.dtype == dtype
    assert values[0] == 0
    assert values[-1] == pytest.approx(1, abs=1e-6)
    assert (np.diff(values) > 0).all()
    np.testing.assert_allclose(curve.inverse(values), light, atol=1e-5)


def test_contrast_bends_the_middle():
    # v = 0.25: 3/16 - 2/64 = 0.15625; half of the way there is 0.203125, four fifths are 0.175.
    plain = ToneCurve()
    light = plain.inverse(np.array([0.25]))
    assert ToneCurve(contrast=0.8)(light)[0] == pytest.approx(0.175, abs=1e-9)
    assert ToneCurve(contrast=0.5)(light)[0] == pytest.approx(0.203125, abs=1e-9)


@pytest.mark.parametrize("arguments", [(1.0,), (2.4, 0.0), (2.4, 0.05, 1.0)])
def test_curves_that_do_not_rise_are_refused(arguments):
    with pytest.raises(DataError, match="tone curve"):
        ToneCurve(*arguments)


def test_colours_are_smoothed_and_luminance_is_not():
    image = np.zeros((3, 5, 5), np.float32)
    image[:, 2, 2] = 0.9, 0.0, -0.9  # luminance 0
    found = smooth_colours(image, 3)
    np.testing.assert_allclose(found[0, 1:4, 1:4], 0.1, atol=1e-7)
    np.testing.assert_allclose(found[2, 1:4, 1:4], -0.1, atol=1e-7)
    grey = np.random.default_rng(0).random((1, 5, 5)).astype(np.float32).repeat(3, 0)
    np.testing.assert_allclose(smooth_colours(grey, 5), grey, atol=1e-6)
    assert smooth_colours(image, 1) is image


def test_a_point_is_blurred_and_sharpened():
    point = np.zeros((5, 5), np.float32)
    point[2, 2] = 1
    np.testing.assert_allclose(blurred(point, 0.5)[1:4, 1:4], np.outer([1, 2, 1], [1, 2, 1]) / 16, atol=1e-7)
    found = sharpened(point, 0.9)
    assert found[2, 2] == pytest.approx(1 + 0.9 * 8 / 9)
    assert found[1, 2] == pytest.approx(-0.1)
    assert blurred(point, 0) is point
    assert sharpened(point, 0) is point


def test_sizes():
    image = np.full((2, 3, 10, 20), 0.25, np.float32)
    half = resized(image, 0.5)
    assert half.shape == (2, 3, 5, 10)
    np.testing.assert_allclose(half, 0.25, atol=1e-6)
    assert resized(image, 1.3).shape == (2, 3, 13, 26)
    assert resized(image, 1) is image
    checks = np.indices((20, 20)).sum(0).astype(np.float32)[None] % 2
    assert np.abs(resized(checks, 0.5) - 0.5)[0, 2:-2, 2:-2].max() < 0.05  # averaged, not picked
