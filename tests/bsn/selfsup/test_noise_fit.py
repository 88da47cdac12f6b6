"""The noise curve of an image from the residual of a blind prediction."""

import pytest
import torch

from bsn.selfsup import fit_noise


@pytest.mark.parametrize(("gain", "variance"), [(0.0, 0.04), (0.5, 0.01), (2.0, -0.5)])
def test_each_image_gets_its_own_curve(gain, variance):
    torch.manual_seed(0)
    clean = torch.rand(2, 1, 200, 200) * 2 + 1
    factor = torch.tensor([1.0, 9.0])[:, None, None, None]
    noisy = clean + (factor * (gain * clean + variance)).sqrt() * torch.randn_like(clean)
    slope, constant, least = fit_noise(clean, torch.zeros_like(clean), noisy, gain=gain > 0)
    level = factor * (gain * 2 + variance)
    assert slope.shape == constant.shape == least.shape == (2, 1, 1, 1)
    for intensity in (1.0, 2.0, 3.0):
        expected = factor * (gain * intensity + variance)
        assert torch.allclose(slope * intensity + constant, expected, rtol=0.05, atol=0.02 * float(level.max()))
    assert torch.allclose(least, slope * 1.02 + constant, rtol=0.02)


def test_edges_that_the_network_has_missed_count_little():
    torch.manual_seed(0)
    mean = torch.ones(1, 1, 300, 300)
    noisy = mean + 0.1 * torch.randn_like(mean)
    noisy[..., :3] += 2.0  # of 400 times the variance, on a hundredth of the pixels
    slope, constant, _ = fit_noise(mean, torch.zeros_like(mean), noisy)
    assert float(slope + constant) == pytest.approx(0.01, rel=0.12)


def test_the_curve_never_reaches_zero():
    zeros = torch.zeros(1, 1, 20, 20)
    slope, constant, least = fit_noise(torch.linspace(0, 1, 400).reshape(1, 1, 20, 20), zeros, zeros)
    assert float(least) > 0
    assert all(torch.isfinite(value).all() for value in (slope, constant, least))


def test_what_the_network_is_unsure_of_is_not_noise():
    torch.manual_seed(0)
    mean = torch.rand(1, 1, 200, 200)
    uncertainty = torch.zeros_like(mean)
    uncertainty[..., 100:] = 0.04
    clean = mean + uncertainty.sqrt() * torch.randn_like(mean)
    noisy = clean + 0.1 * torch.randn_like(mean)
    slope, constant, _ = fit_noise(mean, uncertainty, noisy)
    assert float(slope * 0.5 + constant) == pytest.approx(0.01, rel=0.03)
    # What it is equally unsure of everywhere counts as noise.
    _, constant, _ = fit_noise(mean, uncertainty + 0.02, noisy, gain=False)
    assert float(constant) == pytest.approx(0.01, rel=0.03)
