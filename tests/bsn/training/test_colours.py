"""Stronger and other colours under the same noise."""

import numpy as np
import pytest
import torch

from bsn.data import ArraySource
from bsn.training import TrainConfig, build_task
from bsn.training.colours import strengthen_colours, turn_hues

SIGMA = 0.1


def test_the_noise_stays_white_and_luminance_is_weakened():
    generator = torch.Generator().manual_seed(0)
    clean = torch.tensor([0.9, 0.6, 0.3])[:, None, None].expand(40, 3, 64, 64)
    noisy = clean + SIGMA * torch.randn(clean.shape, generator=generator)
    kept = noisy.clone()
    found = strengthen_colours(noisy, generator, grey=0.4, sigma=SIGMA)
    assert torch.equal(noisy, kept)
    changed = [not torch.allclose(a, b) for a, b in zip(found, noisy, strict=True)]
    assert 10 < sum(changed) < 30
    covariances = [np.cov(crop.reshape(3, -1)) for crop in found[changed]]
    np.testing.assert_allclose(np.mean(covariances, 0), SIGMA**2 * np.eye(3), atol=0.03 * SIGMA**2)
    for crop, was in zip(found[changed].numpy(), noisy[changed].numpy(), strict=True):
        colour = crop.reshape(3, -1).mean(1)
        np.testing.assert_allclose(colour - colour.mean(), [0.3, 0, -0.3], atol=0.01)
        assert 0.4 + 0.4 * 0.2 - 0.01 < colour.mean() < 0.61
        np.testing.assert_allclose(crop[0] - crop[1], was[0] - was[1], atol=1e-6)


def test_hues_are_turned_and_the_noise_stays_white():
    generator = torch.Generator().manual_seed(0)
    clean = torch.tensor([0.9, 0.6, 0.3], dtype=torch.float64)[:, None, None].expand(400, 3, 16, 16)
    noisy = clean + SIGMA * torch.randn(clean.shape, generator=generator, dtype=torch.float64)
    found = turn_hues(noisy, generator)
    torch.testing.assert_close(found.mean(1), noisy.mean(1))
    torch.testing.assert_close(found.square().sum(1), noisy.square().sum(1))
    changed = [not torch.allclose(a, b) for a, b in zip(found, noisy, strict=True)]
    assert 160 < sum(changed) < 240
    covariances = [np.cov(crop.reshape(3, -1)) for crop in found[changed]]
    np.testing.assert_allclose(np.mean(covariances, 0), SIGMA**2 * np.eye(3), atol=0.03 * SIGMA**2)
    # Red and blue take turns: every hue comes, as often to the left of the old one as to its right.
    red = found[changed].mean((2, 3))[:, 0] - 0.6
    assert red.min() < -0.33
    assert red.max() > 0.33
    assert abs(red.mean()) < 0.05


def test_a_step_is_always_augmented_alike_by_the_noise_of_the_model():
    image = np.random.default_rng(0).random((96, 96, 3), dtype=np.float32)
    config = TrainConfig(stride=1, noise="gaussian", noise_read=SIGMA, crop=32, augment_colours=True)
    task = build_task(ArraySource(image, "YXC"), config, 0)
    batch = task.batches(5, 0, 1)
    flat = torch.zeros(64, 3, 32, 32)
    one, again = (task._recoloured(flat, task._colours_of(batch, 5)) for _ in range(2))
    assert torch.equal(one, again)
    level = task.scale.scale * float((one - one.mean((2, 3), keepdim=True)).square().mean().sqrt())
    # Flat crops get what is missing of the noise of their mean: (1 - s^2) / 3 on half of them.
    assert level == pytest.approx(SIGMA * (0.5 * (1 - (1 + 0.4 + 0.16) / 3) / 3) ** 0.5, rel=0.15)


@pytest.mark.parametrize(("noise", "channels"), [("none", 3), ("poisson-gaussian", 3), ("gaussian", 1)])
def test_it_is_refused_where_the_noise_would_change(noise, channels):
    image = np.random.default_rng(0).random((96, 96, channels), dtype=np.float32)
    config = TrainConfig(stride=1, noise=noise, crop=32, augment_colours=True)
    with pytest.raises(ValueError, match="augment_colours is for RGB images and one Gaussian noise level"):
        build_task(ArraySource(image, "YXC"), config, 0)
