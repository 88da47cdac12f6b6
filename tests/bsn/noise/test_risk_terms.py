"""Terms of the risk of mixtures against sums written out, and against the truth on synthetic noise."""

import pytest
import torch

from bsn.noise import NoiseCovariance, Subbands, draw_noise, risk_terms
from bsn.noise.gaussian_mean import gaussian_mean

CORRELATION = torch.tensor([[0.1, 0.4, 0.1], [0.4, 1.0, 0.4], [0.1, 0.4, 0.1]])
COVARIANCE = NoiseCovariance(torch.tensor([[1.0, 0.3, 0.2], [0.3, 0.8, 0.3], [0.2, 0.3, 1.2]]), CORRELATION)


def sample(side=160):
    rows = torch.linspace(0, 12, side)
    clean = 3 * torch.sin(rows[:, None] * torch.linspace(0.5, 2, 3)[:, None, None] + rows[None])[None]
    noise = draw_noise(COVARIANCE, (1, side, side), torch.Generator().manual_seed(0))
    probe = draw_noise(COVARIANCE, (1, side, side), torch.Generator().manual_seed(1))
    return clean, clean + noise, probe


def filters(width):
    return lambda x: gaussian_mean(x, width, 6)


def terms_of(denoisers, noisy, probe):
    subbands = Subbands.of(COVARIANCE)
    images = torch.cat([f(noisy) for f in denoisers])
    moved = torch.cat([f(noisy + probe) - f(noisy) for f in denoisers])
    power = subbands.noise_power(COVARIANCE, torch.ones_like(noisy))
    blind = torch.zeros(len(denoisers), dtype=torch.bool)
    return images, moved, risk_terms(images, moved, noisy, probe, power, subbands, blind)


DENOISERS = [lambda x: x, filters(0.7), filters(1.5)]


def test_parts_sum_to_the_whole():
    _, noisy, probe = sample()
    images, moved, terms = terms_of(DENOISERS, noisy, probe)
    total = terms.summed().whole()
    residual = (images - noisy).double().flatten(1)
    torch.testing.assert_close(total.quadratic[0], residual @ residual.T, rtol=1e-4, atol=1e-2)
    torch.testing.assert_close(total.linear[0], (moved * probe).double().flatten(1).sum(1), rtol=1e-4, atol=1e-2)
    torch.testing.assert_close(total.own[0], torch.tensor(3.0 * 160**2, dtype=torch.float64), rtol=1e-5, atol=0)


def test_expected_power_of_each_part_is_that_of_drawn_noise():
    """Away from the edges, at which a mean has fewer pixels."""
    subbands, drawn, inside = Subbands.of(COVARIANCE), 0.0, (..., slice(9, -9), slice(9, -9))
    for seed in range(32):
        noise = draw_noise(COVARIANCE, (1, 128, 128), torch.Generator().manual_seed(seed))
        turned = subbands.turn(noise)
        bands = subbands.split(turned)
        drawn = drawn + torch.stack([(turned * b)[inside][:, g].sum() for g in subbands.groups for b in bands]) / 32
    expected = subbands.noise_power(COVARIANCE, torch.ones(1, 3, 110, 110)).sum((1, 2))
    torch.testing.assert_close(drawn, expected, rtol=0.04, atol=0)


def test_estimated_risk_is_the_true_error():
    clean, noisy, probe = sample()
    images, _, terms = terms_of(DENOISERS, noisy, probe)
    true = (images - clean).double().square().flatten(1).mean(1)
    found = terms.summed().whole().singles()[0] / clean.numel()
    torch.testing.assert_close(found, true, rtol=0, atol=0.02)  # of the power of the noise, 1


def test_the_noisy_image_has_exactly_the_risk_of_the_noise():
    _, noisy, probe = sample()
    _, _, terms = terms_of(DENOISERS, noisy, probe)
    torch.testing.assert_close(terms.singles()[..., 0], terms.own, rtol=1e-5, atol=1e-2)


def test_a_blind_candidate_has_no_divergence():
    _, noisy, probe = sample()
    subbands = Subbands.of(COVARIANCE)
    power = subbands.noise_power(COVARIANCE, torch.ones_like(noisy))
    found = risk_terms(noisy, probe, noisy, probe, power, subbands, torch.tensor([True]))
    assert found.divergence().abs().max() == 0


def test_sums_of_surroundings_count_nothing_beyond_the_edges():
    _, noisy, probe = sample()
    _, _, terms = terms_of(DENOISERS, noisy, probe)
    around = terms.pooled(torch.ones(3, 3))
    torch.testing.assert_close(around.own[:, 0, 0], terms.own[:, :2, :2].sum((1, 2)))
    torch.testing.assert_close(around.quadratic[:, 2, 2], terms.quadratic[:, 1:4, 1:4].sum((1, 2)))


@pytest.mark.parametrize("channels", [1, 3])
def test_bands_sum_to_the_image(channels):
    x = torch.randn(1, channels, 40, 50, generator=torch.Generator().manual_seed(0))
    subbands = Subbands.of(NoiseCovariance(torch.eye(channels), torch.ones(1, 1)))
    torch.testing.assert_close(sum(subbands.split(x)), x)
    torch.testing.assert_close(subbands.turn_back(subbands.turn(x)), x)
    assert len(subbands.names) == len(subbands.groups) * subbands.bands
