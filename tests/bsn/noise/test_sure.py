"""The estimated risk against the true error on noise of known covariance."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.ndimage import gaussian_filter

from bsn.noise import NoiseCorrelation, NoiseCovariance, draw_noise, estimate_risk, measure_correlation_map
from bsn.noise.correlation_map import REACH

SIZE = 256
LAGS = np.exp(-(np.arange(-REACH, REACH + 1)[:, None] ** 2 + np.arange(-REACH, REACH + 1) ** 2) / 4)


def covariance(correlation=LAGS, sigma=0.1, channels=1):
    mixing = torch.eye(channels, dtype=torch.float64) + 0.4
    return NoiseCovariance(sigma**2 * mixing, torch.from_numpy(np.asarray(correlation, float)))


def scene(channels=1, seed=0):
    rng = np.random.default_rng(seed)
    picture = gaussian_filter(rng.normal(size=(channels, SIZE, SIZE)), (0, 4, 4)) * 4
    return torch.from_numpy(picture)[None]


def blur(x):
    kernel = torch.tensor([1.0, 2, 3, 2, 1], dtype=x.dtype)
    kernel = torch.outer(kernel, kernel)
    weight = (kernel / kernel.sum()).expand(x.shape[1], 1, 5, 5)
    return F.conv2d(F.pad(x, (2,) * 4, mode="reflect"), weight, groups=x.shape[1])


def shrink(x):
    """A denoiser that is not linear: coefficients of blocks, softly thresholded."""
    frequencies = torch.fft.rfft2(x, norm="ortho")
    gain = (1 - 0.3 / frequencies.abs().clamp_min(1e-12)).clamp_min(0)
    return torch.fft.irfft2(gain * frequencies, s=x.shape[-2:], norm="ortho")


def median(x):
    return F.pad(x, (1,) * 4, mode="reflect").unfold(2, 3, 1).unfold(3, 3, 1).flatten(-2).median(-1).values


def holed(x):
    """A mean over pixels at least 9 apart: it sees nothing of the noise of the pixel itself."""
    return (x.roll(9, -1) + x.roll(-9, -1) + x.roll(9, -2) + x.roll(-9, -2)) / 4


@pytest.mark.parametrize("channels", [1, 3])
def test_drawn_noise_has_its_covariance(channels):
    noise = draw_noise(covariance(channels=channels), (4, SIZE, SIZE), torch.Generator().manual_seed(0)).numpy()
    for dy, dx in ((0, 0), (0, 1), (2, 0), (1, -2), (0, 5)):
        here = noise[..., : SIZE - 8, 8 : SIZE - 8]
        there = noise[..., dy : SIZE - 8 + dy, 8 + dx : SIZE - 8 + dx]
        found = np.einsum("nchw,nkhw->ck", here, there) / (here.size / channels)
        expected = 0.01 * LAGS[REACH + dy, REACH + dx] * (np.eye(channels) + 0.4)
        np.testing.assert_allclose(found, expected, atol=4e-4)


@pytest.mark.parametrize("denoise", [blur, shrink, median, holed, lambda x: x, lambda x: 0 * x])
@pytest.mark.parametrize("channels", [1, 3])
def test_risk_is_the_true_error(denoise, channels):
    clean, known = scene(channels), covariance(channels=channels)
    noisy = clean + draw_noise(known, (1, SIZE, SIZE), torch.Generator().manual_seed(1))
    true = float((denoise(noisy) - clean).square().mean())
    risk = estimate_risk(denoise, noisy, known, probes=2, seed=2)
    noise = float(known.variance().mean())
    assert float(risk.value) == pytest.approx(true, abs=0.06 * noise)


def test_the_covariance_matters():
    clean, known = scene(), covariance()
    noisy = clean + draw_noise(known, (1, SIZE, SIZE), torch.Generator().manual_seed(1))
    white = covariance(correlation=np.ones((1, 1)))
    true = float((blur(noisy) - clean).square().mean())
    assert float(estimate_risk(blur, noisy, white).value) < 0.3 * true


def test_what_does_not_see_the_noise_has_no_divergence():
    noisy = scene() + draw_noise(covariance(), (1, SIZE, SIZE), torch.Generator().manual_seed(1))
    assert abs(float(estimate_risk(holed, noisy, covariance(), probes=4).divergence)) < 1e-4
    hidden = estimate_risk(lambda x: torch.zeros_like(x), noisy, covariance())
    assert float(hidden.divergence) == 0


def test_noise_may_differ_in_strength_from_place_to_place():
    clean, known = scene(), covariance()
    level = 0.5 + torch.linspace(0, 1.5, SIZE, dtype=torch.float64).expand(1, 1, SIZE, SIZE)
    noisy = clean + level * draw_noise(known, (1, SIZE, SIZE), torch.Generator().manual_seed(1))
    true = float((blur(noisy) - clean).square().mean())
    assert float(estimate_risk(blur, noisy, known, level=level, probes=2).value) == pytest.approx(true, rel=0.1)


def test_a_measured_covariance_serves():
    clean, known = scene(), covariance()
    noisy = clean + draw_noise(known, (1, SIZE, SIZE), torch.Generator().manual_seed(1))
    # Measured where the scene is flat, as on a dark frame.
    flat = draw_noise(known, (2, SIZE, SIZE), torch.Generator().manual_seed(3)).numpy()
    found = measure_correlation_map(list(flat))
    assert isinstance(found, NoiseCorrelation)
    true = float((blur(noisy) - clean).square().mean())
    measured = estimate_risk(blur, noisy, covariance(correlation=found.values), probes=2)
    assert float(measured.value) == pytest.approx(true, rel=0.15)


def test_probes_tell_the_error_and_wrong_input_is_refused():
    noisy = scene() + draw_noise(covariance(), (1, SIZE, SIZE))
    assert torch.isnan(estimate_risk(blur, noisy, covariance()).error)
    errors = [float(estimate_risk(blur, noisy, covariance(), probes=8, seed=s).error) for s in range(3)]
    values = [float(estimate_risk(blur, noisy, covariance(), seed=s).value) for s in range(20)]
    assert np.mean(errors) * np.sqrt(8) == pytest.approx(np.std(values), rel=0.5)
    with pytest.raises(ValueError, match="as many channels"):
        estimate_risk(blur, noisy, covariance(channels=3))
    with pytest.raises(ValueError, match="at least 1 probe"):
        estimate_risk(blur, noisy, covariance(), probes=0)
