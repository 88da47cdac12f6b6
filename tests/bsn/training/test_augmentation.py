"""Augmentation under white noise: what is changed, and that the noise is not."""

import numpy as np
import pytest
import torch

from bsn.selfsup import posterior_nll, split_prediction
from bsn.training import TrainConfig, build_task
from bsn.training.augmentation import halve_sizes, strengthen_colours, unchanged
from data import ArraySource, DataError

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


@pytest.mark.parametrize(("channels", "colours"), [(1, False), (3, False), (3, True)])
def test_inputs_have_the_noise_of_the_images_and_targets_the_part_they_say(channels, colours):
    rng = np.random.default_rng(1)
    noisy = (0.5 + SIGMA * rng.standard_normal((60, channels, 128, 128))).astype(np.float32)
    pairs = halve_sizes(noisy, rng, grey=0.5, sigma=SIGMA, colours=colours)
    assert pairs.inputs.shape == pairs.targets.shape == (60, channels, 64, 64)
    assert {a.dtype for a in pairs} == {np.dtype(np.float32)}
    parts = pairs.noise_parts.ravel()
    assert 15 < (parts == 1).sum() < 45
    assert (parts == 0.5).any()
    assert parts.min() < 0.45
    assert 0.6 < parts[parts < 1].max() < 0.9
    for pixels, sigma in ((pairs.inputs, np.full(60, SIGMA)), (pairs.targets, SIGMA * parts)):
        noise = (pixels - 0.5) / sigma[:, None, None, None]
        covariance = np.mean([np.cov(crop.reshape(channels, -1)) for crop in noise], 0)
        np.testing.assert_allclose(covariance, np.eye(channels) if channels > 1 else 1, atol=0.02)
        assert np.abs(noise.std((1, 2, 3)) - 1).max() < 0.05
        for lag in (noise[..., 1:] * noise[..., :-1], noise[..., 1:, :] * noise[..., :-1, :]):
            assert abs(lag.mean()) < 0.01
    # What is added to a target knows nothing of it.
    halved = parts < 1
    added, target = (pairs.inputs - pairs.targets)[halved], (pairs.targets - 0.5)[halved]
    assert abs((added * target).mean()) < 0.01 * SIGMA**2
    np.testing.assert_array_equal(pairs.inputs[~halved], pairs.targets[~halved])


def test_half_size_copies_are_means_of_four_pixels_and_the_others_parts_of_the_crop():
    rng = np.random.default_rng(2)
    images = rng.random((40, 1, 16, 16)).astype(np.float32)
    means = images.reshape(40, 1, 8, 2, 8, 2).mean((3, 5))
    pairs = halve_sizes(images, rng, grey=0.5, sigma=SIGMA)
    for image, mean, target, part in zip(images, means, pairs.targets, pairs.noise_parts.ravel(), strict=True):
        if part < 1:
            np.testing.assert_allclose(target, 0.5 + 2 * part * (mean - 0.5), atol=1e-6)
        else:
            windows = np.lib.stride_tricks.sliding_window_view(image[0], (8, 8))
            assert (windows == target[0]).all((2, 3)).any()


def _task(image: np.ndarray, **settings):
    config = TrainConfig(stride=1, noise="gaussian", noise_read=SIGMA, crop=32, **settings)
    return build_task(ArraySource(image, "YXC"), config, 0)


@pytest.mark.parametrize("option", ["augment_colours", "augment_sizes"])
def test_a_step_is_always_augmented_alike(option):
    image = np.random.default_rng(0).random((96, 96, 3), dtype=np.float32)
    tasks = [_task(image, **{option: True}) for _ in range(2)]
    one, again = (task._pairs(task.crops.batch(5, 4), 5) for task in tasks)
    for a, b in zip(one, again, strict=True):
        np.testing.assert_array_equal(a, b)
    assert one.inputs.shape == (4, 3, 32, 32)
    other = tasks[0]._pairs(tasks[0].crops.batch(6, 4), 6)
    assert np.abs(one.inputs - other.inputs).max() > 0.01


def test_a_target_counts_with_its_own_noise():
    image = np.random.default_rng(0).random((96, 96, 3), dtype=np.float32)
    task = _task(image, augment_sizes=True)
    pairs = task._pairs(task.crops.batch(0, 16), 0)
    part = float(pairs.noise_parts.min())
    assert part < 1
    found, _ = task._loss(pairs)
    scale = task.scale
    seen, target = (scale.to_network(torch.from_numpy(a)) for a in pairs[:2])
    with torch.no_grad():
        prediction = split_prediction(task.modules["network"](seen), 3)
    unit = float(scale.to_network(torch.tensor(SIGMA)) - scale.to_network(torch.tensor(0.0)))
    sigmas = unit * torch.from_numpy(pairs.noise_parts).expand(-1, 3, 32, 32)
    expected = posterior_nll(prediction, target, sigmas**2).mean()
    torch.testing.assert_close(found.detach(), expected, rtol=1e-4, atol=1e-5)
    blind_to_it, _ = task._loss(pairs._replace(noise_parts=np.ones_like(pairs.noise_parts)))
    assert abs(float(blind_to_it.detach() - expected)) > 0.01


def test_a_batch_computed_in_parts_has_the_same_loss():
    image = np.random.default_rng(0).random((96, 96, 3), dtype=np.float32)

    def losses(**settings):
        torch.manual_seed(0)
        task = _task(image, augment_sizes=True, **settings)
        try:
            return [float(part()[0].detach()) for part in next(task.updates(3)).parts]
        finally:
            task.close()

    whole, halves = losses(), losses(accumulate=2)
    assert (len(whole), len(halves)) == (1, 2)
    assert whole[0] == pytest.approx(np.mean(halves), rel=1e-5)


def test_without_augmentation_a_crop_is_its_own_target():
    pixels = np.random.default_rng(0).random((2, 1, 8, 8), dtype=np.float32)
    inputs, targets, parts = unchanged(pixels)
    assert inputs is targets is pixels
    np.testing.assert_array_equal(parts, 1)


@pytest.mark.parametrize(
    ("option", "noise", "channels"),
    [
        ("augment_colours", "none", 3),
        ("augment_colours", "poisson-gaussian", 3),
        ("augment_colours", "gaussian", 1),
        ("augment_sizes", "none", 1),
        ("augment_sizes", "poisson-gaussian", 3),
    ],
)
def test_it_is_refused_where_the_noise_would_change(option, noise, channels):
    image = np.random.default_rng(0).random((96, 96, channels), dtype=np.float32)
    config = TrainConfig(stride=1, noise=noise, crop=32, **{option: True})
    with pytest.raises(ValueError, match=f"{option} is for .*one Gaussian noise level"):
        build_task(ArraySource(image, "YXC"), config, 0)


def test_half_size_copies_need_twice_the_pixels():
    image = np.random.default_rng(0).random((60, 96, 3), dtype=np.float32)
    assert _task(image, augment_sizes=True).config.crop == 30
    with pytest.raises(DataError, match=r"too small for crops of .* and half size; .*no augment_sizes"):
        _task(image[:20], augment_sizes=True)
