"""Measured covariances against noise of known strength, on pictures with texture and through JPEG."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from bsn.data import CorrelatedGaussian, DataError, SensorNoise
from bsn.noise import measure_covariance
from bsn.noise.correlation_map import REACH
from bsn.noise.measurement.intensity_curve import smooth_curve

SIZE = 320


def picture(seed=0, texture=0.1, flat=0.5):
    """Smooth colours with fine texture on the right part, all of it grey as texture mostly is."""
    rng = np.random.default_rng(seed)
    smooth = gaussian_filter(rng.normal(size=(3, SIZE, SIZE)), (0, 40, 40))
    fine = gaussian_filter(rng.normal(size=(SIZE, SIZE)), 1.0) * np.where(np.arange(SIZE) < flat * SIZE, 0, 1)
    scene = 0.5 + smooth / np.abs(smooth).max() * 0.3 + texture * fine
    return np.clip(scene, 0.02, 0.98).astype(np.float32)


def deviation(image, grey_level=0.0, at=None):
    """Measured standard deviation of each channel, at level 1 or at an intensity."""
    found = measure_covariance(image, grey_level)
    if at is None:
        return found.variance().sqrt().numpy()
    level = found.level(torch.full((1, 3, 1, 1), at, dtype=torch.float64))[0, :, 0, 0]
    return (level * found.variance().sqrt()).numpy()


@pytest.mark.parametrize("sigma", [0.01, 0.05])
def test_texture_on_half_of_the_picture_does_not_count_as_noise(sigma):
    noisy = picture() + np.random.default_rng(1).normal(0, sigma, (3, SIZE, SIZE))
    assert deviation(noisy).tolist() == pytest.approx([sigma] * 3, rel=0.1)


@pytest.mark.parametrize("length", [0.0, 0.7, 1.2])
def test_noise_alone_is_measured_without_bias(length):
    """Picking the flattest blocks must not pick the weakest noise."""
    noise = CorrelatedGaussian(0.05, length)
    found = [
        measure_covariance(0.5 + noise.sample_like(np.zeros((1, SIZE, SIZE), np.float32), seed)) for seed in (0, 1)
    ]
    measured = np.mean([float(c.variance().sqrt()) for c in found])
    assert measured == pytest.approx(0.05, rel=0.06)
    correlation = np.mean([c.correlation[0].numpy() for c in found], 0)
    for dy, dx in ((0, 1), (1, 0), (1, 1), (0, 2)):
        assert correlation[REACH + dy, REACH + dx] == pytest.approx(noise.autocorrelation(dy, dx), abs=0.08)


def test_the_curve_is_that_of_the_noise():
    clean = np.broadcast_to(np.linspace(0.1, 0.9, SIZE, dtype=np.float32), (3, SIZE, SIZE))
    noise = np.random.default_rng(0).normal(size=clean.shape) * np.sqrt(0.002 * clean + 1e-4)
    for at in (0.2, 0.5, 0.8):
        assert deviation(clean + noise, at=at).tolist() == pytest.approx([(0.002 * at + 1e-4) ** 0.5] * 3, rel=0.1)


@pytest.mark.parametrize("quality", [None, 95, 85])
def test_noise_of_a_camera_is_measured_through_its_jpeg(quality):
    """Wavelets, which look at the finest details alone, see a half of it or less (red and blue lose most of theirs)."""
    camera = SensorNoise(0.004, 0.004, quality=quality)
    clean = picture()
    noisy, flat = camera(clean, 0), np.s_[:, :, 16 : SIZE // 2 - 16]
    truth = noisy - camera.clean(clean)
    truth = (truth - gaussian_filter(truth, (0, 8, 8)))[flat].std((1, 2))
    assert deviation(noisy, 1 / 255) == pytest.approx(truth, rel=0.15)


def test_several_images_are_measured_together():
    rng = np.random.default_rng(0)
    images = [picture(seed)[:, :128, :] + rng.normal(0, 0.03, (3, 128, SIZE)) for seed in range(3)]
    assert deviation(images).tolist() == pytest.approx([0.03] * 3, rel=0.1)


def test_clipped_and_missing_parts_and_empty_channels_do_not_count():
    noisy = picture() + np.random.default_rng(0).normal(0, 0.03, (3, SIZE, SIZE))
    noisy[2] = 0.5
    noisy[:2, :100] = 1.0
    noisy[:, 150:170, 30:60] = np.nan
    assert deviation(np.clip(noisy, 0, 1)).tolist() == pytest.approx([0.03, 0.03, 0.0], rel=0.1, abs=1e-6)


def test_colours_share_what_they_share():
    rng = np.random.default_rng(0)
    shared, own = rng.normal(size=(1, SIZE, SIZE)), rng.normal(size=(3, SIZE, SIZE))
    found = measure_covariance(0.5 + 0.02 * (0.8 * shared + 0.6 * own)).channels.numpy()
    expected = 0.02**2 * (0.36 * np.eye(3) + 0.64)
    np.testing.assert_allclose(found, expected, rtol=0.12)


def test_points_on_few_blocks_are_drawn_to_the_curve_and_others_are_kept():
    intensity, variance = np.arange(6.0), np.array([1.0, 1.0, 9.0, 1.0, 1.0, 1.0])
    few = smooth_curve(intensity, variance, np.array([200.0, 200, 8, 200, 200, 200])).variance
    many = smooth_curve(intensity, variance, np.full(6, 2000.0)).variance
    assert few[2] < 2
    assert few[[0, 1, 3, 4, 5]] == pytest.approx(1, rel=0.2)
    assert many == pytest.approx(variance, rel=0.1)


def test_too_little_to_measure_is_refused():
    with pytest.raises(DataError, match="30 blocks"):
        measure_covariance(np.random.default_rng(0).normal(size=(3, 40, 40)))
    with pytest.raises(DataError, match="with noise"):
        measure_covariance(np.zeros((1, 256, 256)))
