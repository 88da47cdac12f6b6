"""Stronger colours under the same noise."""

import numpy as np
import pytest

from bsn.training import TrainConfig, build_task
from bsn.training.colours import strengthen_colours
from data import ArraySource

SIGMA = 0.1


def test_the_noise_stays_white_and_luminance_is_weakened():
    rng = np.random.default_rng(0)
    clean = np.broadcast_to(np.array([0.9, 0.6, 0.3], np.float32)[:, None, None], (40, 3, 64, 64))
    noisy = clean + np.float32(SIGMA) * rng.standard_normal(clean.shape, dtype=np.float32)
    kept = noisy.copy()
    found = strengthen_colours(noisy, rng, grey=0.4, sigma=SIGMA)
    assert (noisy == kept).all()
    changed = [not np.array_equal(a, b) for a, b in zip(found, noisy, strict=True)]
    assert 10 < sum(changed) < 30
    covariances = [np.cov(crop.reshape(3, -1)) for crop in found[changed]]
    np.testing.assert_allclose(np.mean(covariances, 0), SIGMA**2 * np.eye(3), atol=0.03 * SIGMA**2)
    for crop, was in zip(found[changed], noisy[changed], strict=True):
        colour = crop.reshape(3, -1).mean(1)
        np.testing.assert_allclose(colour - colour.mean(), [0.3, 0, -0.3], atol=0.01)
        assert 0.4 + 0.4 * 0.2 - 0.01 < colour.mean() < 0.61
        np.testing.assert_allclose(crop[0] - crop[1], was[0] - was[1], atol=1e-6)


def test_a_step_is_always_augmented_alike():
    image = np.random.default_rng(0).random((96, 96, 3), dtype=np.float32)
    config = TrainConfig(stride=1, noise="gaussian", noise_read=SIGMA, crop=32, augment_colours=True)
    tasks = [build_task(ArraySource(image, "YXC"), config, 0) for _ in range(2)]
    one, again = (task._strengthened(task.crops.batch(5, 4), 5) for task in tasks)
    np.testing.assert_array_equal(one, again)
    assert np.abs(one - tasks[0].crops.batch(5, 4).pixels).max() > 0.01


@pytest.mark.parametrize(("noise", "channels"), [("none", 3), ("poisson-gaussian", 3), ("gaussian", 1)])
def test_it_is_refused_where_the_noise_would_change(noise, channels):
    image = np.random.default_rng(0).random((96, 96, channels), dtype=np.float32)
    config = TrainConfig(stride=1, noise=noise, crop=32, augment_colours=True)
    with pytest.raises(ValueError, match="augment_colours is for RGB images and one Gaussian noise level"):
        build_task(ArraySource(image, "YXC"), config, 0)
