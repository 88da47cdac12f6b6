"""Outliers: found where they were put in, and nowhere else."""

import numpy as np
import pytest
import torch
from scipy import ndimage
from scipy.ndimage import gaussian_filter
from scipy.special import erf

from bsn.data.photographs import TRAINING_PHOTOGRAPHS, photograph
from bsn.noise import find_outliers, repair_outliers, robust_moments, value_limits
from bsn.noise.local_noise import medians, windows
from bsn.noise.squares import each_channel, over_squares

HOT = 65535


def sixteen_bit(counts):
    return (np.clip(np.round(counts), 0, HOT) / HOT).astype(np.float32)


def found_in(counts):
    return find_outliers(sixteen_bit(counts), grey_level=1 / HOT)


def with_hot_pixels(counts, count, seed=0, value=HOT):
    places = np.random.default_rng(seed).choice(counts.size, count, replace=False)
    hot = counts.copy()
    hot.ravel()[places] = value
    truth = np.zeros(counts.shape, bool)
    truth.ravel()[places] = True
    return hot, truth


def star_field(fwhm, seed=0, size=256, stars=80):
    """Background of 200 counts with stars of fluxes over three decades, integrated over the pixels; no noise yet."""
    rng = np.random.default_rng(seed)
    field = np.full((size, size), 200.0)
    width, edges = fwhm / 2.3548, np.arange(size + 1)
    for y, x in rng.uniform(8, size - 8, (stars, 2)):
        profiles = [np.diff(erf((edges - at) / width / np.sqrt(2)) / 2) for at in (y, x)]
        field += 10 ** rng.uniform(3, 6) * np.outer(*profiles)
    return field


@pytest.mark.parametrize("channels", [1, 3])
def test_hot_pixels_are_found_to_the_pixel(channels):
    rng = np.random.default_rng(1)
    smooth = 1000 + 400 * gaussian_filter(rng.normal(size=(channels, 160, 160)), (0, 8, 8)) * 20
    noisy = rng.poisson(np.maximum(smooth, 50)) + rng.normal(0, 5, smooth.shape)
    hot, truth = with_hot_pixels(noisy, 15 * channels)
    np.testing.assert_array_equal(found_in(hot), truth)


def test_dead_pixels_are_found():
    noisy = np.random.default_rng(2).normal(20000, 150, (1, 128, 128))
    dead, truth = with_hot_pixels(noisy, 8, value=0)
    np.testing.assert_array_equal(found_in(dead), truth)


def test_tracks_and_squares_of_few_pixels_are_found():
    counts = np.random.default_rng(3).normal(1000, 30, (1, 96, 96))
    truth = np.zeros(counts.shape, bool)
    truth[0, 10, 20:25] = True
    for step in range(5):
        truth[0, 50 + step, 40 + step] = True
    truth[0, 70:72, 70:72] = True
    counts[truth] = 40000
    np.testing.assert_array_equal(found_in(counts), truth)


@pytest.mark.parametrize("rate", [0.0005, 0.02, 0.3, 3.0, 100.0])
@pytest.mark.parametrize("scale", [1.0, 37.0])
def test_single_photons_are_not_outliers(rate, scale):
    photons = np.random.default_rng(4).poisson(rate, (1, 400, 400)) * scale
    assert not found_in(photons).any()
    assert not find_outliers(photons.astype(np.float32)).any()


@pytest.mark.parametrize("sigma", [0.0, 0.1])
def test_photographs_have_nearly_none(sigma):
    rng = np.random.default_rng(5)
    count = pixels = 0
    for name in TRAINING_PHOTOGRAPHS:
        clean = photograph(name)
        noisy = np.round(np.clip(clean + sigma * rng.normal(size=clean.shape), 0, 1) * 255) / 255
        count += find_outliers(noisy.astype(np.float32), grey_level=1 / 255).sum()
        pixels += noisy.size
    assert count <= 5e-6 * pixels


def test_clipped_highlights_are_not_outliers():
    rng = np.random.default_rng(6)
    lamps = np.full((1, 200, 200), 0.1)
    for side, at in ((3, 20), (5, 60), (12, 100)):
        lamps[0, at : at + side, at : at + side] = 4.0
    exposed = gaussian_filter(lamps, (0, 0.8, 0.8)) + rng.normal(0, 0.01, lamps.shape)
    assert not find_outliers(np.clip(np.round(exposed * 255) / 255, 0, 1), grey_level=1 / 255).any()


@pytest.mark.parametrize("fwhm", [1.5, 2.0, 3.0, 5.0])
def test_stars_stay_and_hot_pixels_among_them_go(fwhm):
    rng = np.random.default_rng(7)
    field = star_field(fwhm)
    noisy = (rng.poisson(field) + rng.normal(0, 5, field.shape))[None]
    assert not found_in(noisy).any()
    background = np.flatnonzero(field < 210)
    hot = noisy.copy()
    hot.ravel()[rng.choice(background, 10, replace=False)] = 30000
    found = found_in(hot)
    assert np.count_nonzero(found & (hot != noisy)) >= 9
    assert not (found & (hot == noisy)).any()


def test_salt_and_pepper_is_noise():
    rng = np.random.default_rng(8)
    image = rng.normal(0.5, 0.02, (1, 128, 128))
    image[rng.random(image.shape) < 0.05] = 1.0
    assert not find_outliers(image).any()


def test_the_outlier_on_an_edge_is_found_and_the_edge_is_not():
    step = np.full((1, 64, 64), 1000.0)
    step[..., 32:] = 9000
    step += np.random.default_rng(9).normal(0, 20, step.shape)
    assert not found_in(step).any()
    step[0, 30, 31] = HOT
    assert np.argwhere(found_in(step)).tolist() == [[0, 30, 31]]


@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 1, 40), (1, 3, 2), (1, 6, 6)])
def test_images_of_any_size(shape):
    image = np.random.default_rng(10).random(shape)
    assert find_outliers(image).shape == shape


def test_repair_takes_the_mean_of_what_is_around():
    image = np.random.default_rng(11).random((2, 20, 20))
    mask = np.zeros(image.shape, bool)
    mask[0, 10, 10] = mask[1, 0, 0] = True
    repaired = repair_outliers(image, mask)
    around = image[0, 9:12, 9:12].copy()
    around[1, 1] = np.nan
    assert repaired[0, 10, 10] == pytest.approx(np.nanmean(around), rel=1e-9)
    np.testing.assert_array_equal(repaired[~mask], image[~mask])
    assert repair_outliers(image, np.zeros_like(mask)) is image
    with pytest.raises(ValueError, match="give equal ones"):
        repair_outliers(image, mask[0])


def test_outliers_leave_mean_and_spread_nearly_as_they_were():
    clean = sixteen_bit(np.random.default_rng(12).normal(1000, 200, (1, 160, 160)))
    hot, truth = with_hot_pixels(clean, 15, value=1.0)
    plain = hot.std()
    mean, spread = robust_moments(hot)
    assert plain > 5 * clean.std()
    assert mean == pytest.approx(clean.mean(), rel=0.02)
    assert spread == pytest.approx(clean.std(), rel=0.15)
    assert robust_moments(hot, truth) == pytest.approx(robust_moments(clean), rel=0.01)


def test_moments_without_outliers_are_the_plain_ones_to_the_bit():
    image = photograph(TRAINING_PHOTOGRAPHS[0])
    assert robust_moments(image) == (float(image.mean(dtype=np.float64)), float(image.std(dtype=np.float64)))
    low, high = value_limits(image)
    assert low < image.min()
    assert high > image.max()


def test_star_cores_lie_outside_the_limits_and_the_background_inside():
    field = sixteen_bit(np.random.default_rng(13).poisson(star_field(3.0))[None])
    low, high = value_limits(field)
    assert low < field.min()
    assert np.quantile(field, 0.98) < high < 0.5 * field.max()


def test_missing_values_do_not_count():
    values = np.array([1.0, np.nan, 3.0, np.inf])
    assert robust_moments(values) == (2.0, 1.0)
    assert np.isnan(robust_moments(np.array([np.nan]))).all()
    assert value_limits(np.array([np.nan])) == (-np.inf, np.inf)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (3, 2), (12, 17)], ids=str)
def test_squares_windows_and_medians_are_those_of_scipy_and_numpy(shape):
    plane = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    for pick, theirs in ((np.minimum, ndimage.minimum_filter), (np.maximum, ndimage.maximum_filter)):
        for side in (1, 3, 5, 9, 15):
            np.testing.assert_array_equal(over_squares(plane, pick, side), theirs(plane, side, mode="nearest"))
    rows, columns = (axis.ravel() for axis in np.indices(shape))
    seen = windows(plane, rows, columns, 2)
    for place, window in enumerate(seen):
        for y, x in np.ndindex(5, 5):
            start = np.unravel_index(place, shape)
            at = [_reflected(a + step - 2, side) for a, step, side in zip(start, (y, x), shape, strict=True)]
            assert window[y, x] == plane[tuple(at)]
    np.testing.assert_array_equal(medians(seen), np.median(seen, axis=(1, 2)))


def _reflected(index, side):
    """Index of the pixel that lies there when the plane is mirrored about its first and last pixel again and again."""
    while not 0 <= index < side:
        index = -index if index < 0 else 2 * (side - 1) - index
        if side == 1:
            return 0
    return index


@pytest.mark.parametrize("threads", [1, 2])
def test_channels_keep_their_order_in_threads(threads):
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        planes = [np.full((256, 256), number) for number in range(5)]
        for size in (256, 4):
            cut = [plane[:size, :size] for plane in planes]
            assert each_channel(lambda plane, word: plane[0, 0] * word, cut, "abcde") == ["", "b", "cc", "ddd", "eeee"]
    finally:
        torch.set_num_threads(before)
