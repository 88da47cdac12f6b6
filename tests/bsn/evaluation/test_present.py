"""Scores of images with missing pixels: over the pixels that both images have, compared with scikit-image and with loops."""

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from bsn.evaluation import PROTOCOLS, autocorrelation, get_protocol, residual_statistics
from bsn.evaluation.present import ssim_of_present


def images(channels=2, size=(24, 27)):
    rng = np.random.default_rng(0)
    truth = rng.random((channels, *size))
    return np.clip(truth + rng.normal(0, 0.1, truth.shape), 0, 1), truth


@pytest.mark.parametrize("sample", [True, False])
@pytest.mark.parametrize("gaussian", [True, False])
def test_without_missing_pixels_it_is_the_number_of_scikit_image(gaussian, sample):
    x, y = images()
    whole = np.ones(x.shape, bool)
    found = ssim_of_present(x, y, whole, gaussian=gaussian, data_range=1.0, sample_covariance=sample)
    options = {"gaussian_weights": True, "sigma": 1.5} if gaussian else {}
    expected = structural_similarity(x, y, data_range=1.0, channel_axis=0, use_sample_covariance=sample, **options)
    assert found == pytest.approx(expected, abs=1e-12)


def test_windows_are_taken_over_their_present_pixels():
    (x,), (y,) = images(1)
    present = np.random.default_rng(1).random(x.shape) > 0.2
    similar = []
    for row in range(3, x.shape[0] - 3):
        for column in range(3, x.shape[1] - 3):
            if not present[row, column]:
                continue
            window = (slice(row - 3, row + 4), slice(column - 3, column + 4))
            a, b = x[window][present[window]], y[window][present[window]]
            covariance = np.cov(a, b)
            top = (2 * a.mean() * b.mean() + 0.01**2) * (2 * covariance[0, 1] + 0.03**2)
            bottom = a.mean() ** 2 + b.mean() ** 2 + 0.01**2
            similar.append(top / (bottom * (covariance[0, 0] + covariance[1, 1] + 0.03**2)))
    x, y = np.where(present, x, np.nan), np.where(present, y, 7.0)
    found = ssim_of_present(x[None], y[None], present[None], gaussian=False, data_range=1.0, sample_covariance=True)
    assert found == pytest.approx(np.mean(similar), abs=1e-12)


@pytest.mark.parametrize("name", PROTOCOLS)
def test_missing_pixels_of_both_sides_enter_no_score(name):
    result, truth = (image[:1] for image in images(1, (40, 44)))
    protocol = get_protocol(name)
    result, truth = result.copy(), truth.copy()
    result[0, 5:9, 3:20] = np.nan
    truth[0, 30, 30:] = np.inf
    score = protocol.score(result, truth)
    assert np.isfinite([score.psnr, score.ssim]).all()
    there = np.isfinite(result) & np.isfinite(truth)
    if protocol.rounding == "none" and not protocol.affine:
        expected = peak_signal_noise_ratio(truth[there], result[there], data_range=1.0)
        assert score.psnr == pytest.approx(expected, abs=1e-10)
    spoiled = np.where(there, result, np.nan)
    assert protocol.score(spoiled, np.where(there, truth, 0.123)) == score


def test_nothing_to_compare_is_no_number():
    empty = np.full((1, 16, 16), np.nan)
    assert np.isnan([*vars(get_protocol("float").score(empty, empty)).values()]).all()


def test_residuals_leave_missing_pixels_out():
    rng = np.random.default_rng(0)
    field = rng.normal(size=(1, 64, 64))
    field = field + np.roll(field, 1, -1)  # correlation 0.5 along x
    holed = field.copy()
    holed[0, 10:30, 12:50] = np.nan
    assert autocorrelation(holed, 1, -1) == pytest.approx(0.5, abs=0.05)
    assert autocorrelation(holed, 1, -2) == pytest.approx(0, abs=0.05)
    values = holed[0] - np.nanmean(holed)
    products = [a * b for a, b in zip(values[:, :-1].ravel(), values[:, 1:].ravel(), strict=True) if np.isfinite(a * b)]
    assert autocorrelation(holed, 1, -1) == pytest.approx(np.mean(products) / np.nanmean(values**2))
    found = residual_statistics(holed, np.zeros_like(holed))
    assert (found.mean, found.std) == (pytest.approx(np.nanmean(holed)), pytest.approx(np.nanstd(holed)))
