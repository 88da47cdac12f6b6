"""The posterior against torch.distributions, dense linear algebra and Bayes' rule integrated by brute force."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from torch.distributions import MultivariateNormal

from bsn.noise.calibration import calibrate
from bsn.noise.pixel_matrices import LEAST_VARIANCE
from bsn.noise.posterior import (
    Prediction,
    affine_noise_variance,
    expected_nll,
    outputs_for_posterior,
    posterior,
    posterior_nll,
    split_prediction,
)


def example(channels, dtype=torch.float64, seed=0):
    generator = torch.Generator().manual_seed(seed)
    outputs = torch.randn(2, outputs_for_posterior(channels), 3, 4, generator=generator, dtype=dtype)
    noisy = torch.randn(2, channels, 3, 4, generator=generator, dtype=dtype)
    variance = torch.rand(2, channels, 3, 4, generator=generator, dtype=dtype) + 0.1
    return outputs, noisy, variance


def dense(outputs, channels):
    """Mean (N, H, W, C) and covariance (N, H, W, C, C) written as matrices."""
    prediction = split_prediction(outputs, channels)
    factor = torch.zeros(*outputs[:, 0].shape, channels, channels, dtype=outputs.dtype)
    for i, row in enumerate(prediction.factor):
        for j, value in enumerate(row):
            factor[..., i, j] = value
    return prediction, prediction.mean.movedim(1, -1), factor @ factor.mT


@pytest.mark.parametrize("channels", [1, 2, 3, 5])
def test_likelihood_is_that_of_a_normal_distribution(channels):
    outputs, noisy, variance = example(channels)
    outputs.requires_grad_()
    prediction, mean, covariance = dense(outputs, channels)
    total = covariance + torch.diag_embed(variance.movedim(1, -1))
    truth = -MultivariateNormal(mean, total).log_prob(noisy.movedim(1, -1)).mean((1, 2))
    constant = channels / 2 * torch.log(torch.tensor(2 * torch.pi, dtype=torch.float64))
    found = posterior_nll(prediction, noisy, variance) + constant
    torch.testing.assert_close(found, truth, rtol=1e-12, atol=1e-12)
    expected, got = (torch.autograd.grad(value.sum(), outputs, retain_graph=True)[0] for value in (truth, found))
    torch.testing.assert_close(got, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("channels", [1, 2, 3, 5])
def test_posterior_is_the_product_of_two_normal_distributions(channels):
    outputs, noisy, variance = example(channels)
    prediction, mean, covariance = dense(outputs, channels)
    precision_noise = torch.diag_embed(1 / variance.movedim(1, -1))
    posterior_covariance = torch.linalg.inv(torch.linalg.inv(covariance) + precision_noise)
    evidence = torch.linalg.solve(covariance, mean[..., None]) + precision_noise @ noisy.movedim(1, -1)[..., None]
    found, spread = posterior(prediction, noisy, variance)
    torch.testing.assert_close(found.movedim(1, -1), (posterior_covariance @ evidence)[..., 0], rtol=1e-8, atol=1e-9)
    torch.testing.assert_close(
        spread.movedim(1, -1), posterior_covariance.diagonal(dim1=-2, dim2=-1), rtol=1e-8, atol=1e-9
    )


def test_posterior_is_bayes_rule_integrated():
    prediction = split_prediction(torch.tensor([0.3, -0.2], dtype=torch.float64).view(1, 2, 1, 1), 1)
    sigma = float(prediction.factor[0][0])
    noisy, noise = 1.1, 0.4
    x = torch.linspace(-12, 12, 200_001, dtype=torch.float64)
    weight = torch.exp(-((x - 0.3) ** 2) / (2 * sigma**2) - (noisy - x) ** 2 / (2 * noise))
    mean = float((weight * x).sum() / weight.sum())
    spread = float((weight * (x - mean) ** 2).sum() / weight.sum())
    found = posterior(prediction, torch.full((1, 1, 1, 1), noisy).double(), torch.full((1, 1, 1, 1), noise).double())
    assert [float(f) for f in found] == pytest.approx([mean, spread], rel=1e-6)


def test_limits_of_no_noise_and_no_knowledge():
    outputs, noisy, _ = example(3)
    prediction = split_prediction(outputs, 3)
    kept, spread = posterior(prediction, noisy, torch.full_like(noisy, LEAST_VARIANCE))
    torch.testing.assert_close(kept, noisy, rtol=0, atol=1e-3)
    assert spread.max() < 2 * LEAST_VARIANCE
    ignored, _ = posterior(prediction, noisy, torch.full_like(noisy, 1e12))
    torch.testing.assert_close(ignored, prediction.mean, rtol=0, atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_outputs_are_raised_before_any_statistics(dtype):
    outputs, noisy, _ = example(3, torch.float32)
    prediction = split_prediction(outputs.to(dtype), 3)
    variance = affine_noise_variance(prediction.mean, 0.0, 1e-9)
    assert variance.dtype == torch.float32
    for value in (posterior_nll(prediction, noisy, variance), *posterior(prediction, noisy, variance)):
        assert value.dtype == torch.float32
        assert value.isfinite().all()


def test_extreme_outputs_stay_finite_with_their_gradients():
    outputs = torch.cat([torch.full((1, 9, 1, 1), v) for v in (-60.0, -1e-30, 0.0, 60.0)], -1).requires_grad_()
    prediction = split_prediction(outputs, 3)
    loss = posterior_nll(prediction, torch.zeros(1, 3, 1, 4), affine_noise_variance(prediction.mean, 0.1, 0.0))
    (gradient,) = torch.autograd.grad(loss.sum(), outputs)
    assert loss.isfinite().all()
    assert gradient.isfinite().all()


def test_noise_level_grows_with_the_mean_and_can_be_learned():
    mean = torch.tensor([-1.0, 0.0, 2.0]).view(1, 1, 1, 3)
    slope = torch.tensor(0.5, requires_grad=True)
    variance = affine_noise_variance(mean, slope, 0.1)
    assert variance.flatten().tolist() == pytest.approx([LEAST_VARIANCE, 0.1, 1.1])
    variance.sum().backward()
    assert float(slope.grad) == 2.0


def test_the_wrong_number_of_outputs_is_refused():
    with pytest.raises(ValueError, match="8 outputs cannot be mean and covariance of 3 channels; 9 are needed"):
        split_prediction(torch.zeros(1, 8, 2, 2), 3)


def sample(covariance, shape, generator):
    """Gaussian vectors, shape (1, C, *shape)."""
    factor = np.linalg.cholesky(covariance)
    return torch.from_numpy(np.moveaxis(generator.normal(size=(*shape, len(factor))) @ factor.T, -1, 0)[None]).float()


def constant(covariance, shape):
    """Prediction of mean zero and that covariance everywhere."""
    factor = np.linalg.cholesky(covariance)
    rows = [[torch.full((1, *shape), factor[i, j]).float() for j in range(i + 1)] for i in range(len(factor))]
    return Prediction(torch.zeros(1, len(factor), *shape), rows)


def test_calibration_corrects_what_the_network_is_wrong_about():
    """Colours that vary against each other, where the network expects them to vary together."""
    generator, shape = np.random.default_rng(0), (200, 200)
    true = np.array([[1.0, -0.6, 0.0], [-0.6, 1.5, 0.2], [0.0, 0.2, 0.3]])
    believed = np.array([[1.0, 0.8, 0.8], [0.8, 1.0, 0.8], [0.8, 0.8, 1.0]])
    clean = sample(true, shape, generator)
    noisy = clean + sample(np.eye(3), shape, generator)
    level = torch.ones_like(noisy)
    errors = {
        name: float(
            (posterior(constant(covariance, shape), noisy, level, calibrated=calibrated)[0] - clean).square().mean()
        )
        for name, covariance, calibrated in (
            ("best", true, False),
            ("wrong", believed, False),
            ("corrected", believed, True),
        )
    }
    assert errors["corrected"] - errors["best"] < 0.1 * (errors["wrong"] - errors["best"])


def test_calibration_leaves_a_prediction_alone_that_is_right_or_far_below_the_noise():
    generator, shape = np.random.default_rng(1), (160, 160)
    for variance, tolerance in ((1.0, 0.1), (0.01, 0.02)):
        clean = sample(variance * np.eye(1), shape, generator)
        noisy = clean + sample(np.eye(1), shape, generator)
        prediction = constant(variance * np.eye(1), shape)
        found = calibrate(prediction.covariance(), noisy.unbind(1), torch.ones_like(noisy))[0][0]
        assert float((found / variance - 1).abs().mean()) < tolerance


def test_calibration_is_a_weighted_gaussian_mean():
    """One channel against SciPy."""
    generator = np.random.default_rng(2)
    residual = torch.from_numpy(2 * generator.normal(size=(1, 1, 90, 70)))
    shape = residual.shape[2:]
    found = calibrate(
        [[torch.full((1, *shape), 2.0, dtype=torch.float64)]], residual.unbind(1), torch.ones_like(residual)
    )
    ones = gaussian_filter(np.ones(shape), 12, mode="constant", truncate=2)
    mean = gaussian_filter(residual[0, 0].square().numpy(), 12, mode="constant", truncate=2) / ones
    prior, measured = (0.25 * 2 / 3) ** 2, 2 / (4 * np.pi * 144)
    share = prior / (prior + measured)
    np.testing.assert_allclose(found[0][0][0], share * (mean - 1) + (1 - share) * 2, rtol=1e-9)


def test_calibration_holds_where_the_noise_grows_with_the_signal():
    """Dark and bright stripes: the noise of the bright ones says nothing about the dark ones beside them."""
    generator, shape = np.random.default_rng(3), (192, 192)
    level = torch.from_numpy(np.where(np.arange(192) // 8 % 2, 4.0, 0.04) + np.zeros((1, 3, *shape))).float()
    clean = sample(0.02 * (np.eye(3) + 0.9), shape, generator)
    noisy = clean + level.sqrt() * sample(np.eye(3), shape, generator)
    prediction = constant(0.02 * (np.eye(3) + 0.9), shape)
    plain, calibrated = (posterior(prediction, noisy, level, calibrated=flag)[0] - clean for flag in (False, True))
    assert float(calibrated.square().mean()) < 1.05 * float(plain.square().mean())


def test_the_likelihood_of_a_known_image_is_the_expectation_over_its_noise():
    """Against the mean over many draws of the noise."""
    generator = torch.Generator().manual_seed(0)
    prediction = split_prediction(torch.randn(1, 9, 3, 3, generator=generator), 3)
    clean, variance = torch.randn(1, 3, 3, 3, generator=generator), torch.rand(1, 3, 3, 3, generator=generator) + 0.1
    many = Prediction(
        prediction.mean.expand(20000, -1, -1, -1), [[e.expand(20000, -1, -1) for e in row] for row in prediction.factor]
    )
    noisy = clean + variance.sqrt() * torch.randn(20000, 3, 3, 3, generator=generator)
    drawn = posterior_nll(many, noisy, variance.expand(20000, -1, -1, -1)).mean()
    torch.testing.assert_close(expected_nll(prediction, clean, variance)[0], drawn, rtol=0.01, atol=0.01)
