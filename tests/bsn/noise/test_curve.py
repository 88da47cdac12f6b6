"""The noise curve of an image from the residual of a blind prediction."""

import numpy as np
import pytest
import torch

from bsn.noise import NoiseCurve, fit_noise, propagated_share


def test_each_image_gets_its_own_curve():
    torch.manual_seed(0)
    clean = torch.rand(2, 1, 300, 300) * 2 + 1
    factor = torch.tensor([1.0, 9.0])[:, None, None, None]
    noisy = clean + (factor * (0.1 + clean.square())).sqrt() * torch.randn_like(clean)
    curve = fit_noise(clean, torch.zeros_like(clean), noisy)
    assert curve.intensity.shape == curve.variance.shape
    assert (curve.intensity.diff(dim=1) > 0).all()
    expected = factor * (0.1 + clean.square())
    inside = (clean > 1.02) & (clean < 2.98)  # beyond the first and last point the curve is constant
    assert float((curve(clean) / expected)[inside].log().abs().max()) < 0.15


def test_the_curve_is_numpys_interpolation():
    curve = NoiseCurve(torch.tensor([[0.0, 1.0, 3.0]]), torch.tensor([[1.0, 2.0, 0.5]]))
    at = torch.linspace(-1, 4, 50).reshape(2, 1, 5, 5)
    truth = np.interp(at, [0.0, 1.0, 3.0], [1.0, 2.0, 0.5])
    np.testing.assert_allclose(curve(at), truth, rtol=1e-5)


def test_what_the_network_is_unsure_of_is_not_noise():
    torch.manual_seed(0)
    mean = torch.rand(1, 1, 200, 200)
    uncertainty = torch.zeros_like(mean)
    uncertainty[..., 100:] = 0.04
    clean = mean + uncertainty.sqrt() * torch.randn_like(mean)
    noisy = clean + 0.1 * torch.randn_like(mean)
    assert float(fit_noise(mean, uncertainty, noisy).variance.mean()) == pytest.approx(0.01, rel=0.03)
    # What it is equally unsure of at all pixels of an intensity counts as noise: the safe side.
    assert float(fit_noise(mean, uncertainty + 0.02, noisy).variance.mean()) == pytest.approx(0.01, rel=0.03)


def test_the_curve_never_reaches_zero_and_needs_some_pixels():
    zeros = torch.zeros(1, 1, 20, 20)
    curve = fit_noise(torch.linspace(0, 1, 400).reshape(1, 1, 20, 20), zeros, zeros)
    assert float(curve.variance.min()) > 0
    assert torch.isfinite(curve(zeros)).all()
    assert torch.isfinite(fit_noise(zeros, zeros, zeros)(zeros)).all()
    with pytest.raises(ValueError, match="4 values are too few; 8 are needed"):
        fit_noise(zeros[..., :2, :2], zeros[..., :2, :2], zeros[..., :2, :2])


def mean_of_four(x):
    """A blind prediction that passes exactly a quarter of the noise variance on."""
    return (x.roll(1, 2) + x.roll(-1, 2) + x.roll(1, 3) + x.roll(-1, 3)) / 4


@pytest.mark.parametrize("sigma", [0.1, 2.0])
def test_the_noise_that_a_prediction_carries_on_is_no_noise_of_the_pixel(sigma):
    torch.manual_seed(0)
    # A roof on which the mean of four neighbours is right but at ridge and eaves.
    roof = (torch.arange(400) - 200).abs() / 4
    noisy = sigma * (roof + torch.randn(1, 1, 400, 400))
    mean, nothing = mean_of_four(noisy), torch.zeros_like(noisy)
    alone = fit_noise(mean, nothing, noisy)
    assert alone.propagated_at(mean) is None
    assert float(alone(mean).mean()) == pytest.approx(1.25 * sigma**2, rel=0.03)
    share = propagated_share(mean_of_four, noisy, mean, alone(mean))
    assert float(share.mean()) == pytest.approx(0.25, rel=0.03)
    curve = fit_noise(mean, nothing, noisy, share)
    assert float(curve(mean).mean()) == pytest.approx(sigma**2, rel=0.03)
    assert float(curve.propagated_at(mean).mean()) == pytest.approx(0.25 * sigma**2, rel=0.03)
