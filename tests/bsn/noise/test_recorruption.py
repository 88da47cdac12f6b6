"""Pairs of one noisy image, and measured noise on clean images: their statistics against those that were asked for."""

import math

import pytest
import torch

from bsn.noise import MatchedNoise, NoiseCovariance, NoiseCurve, draw_noise, local_intensity, recorrupt

CORRELATION = torch.outer(torch.tensor([0.4, 1.0, 0.4]), torch.tensor([0.3, 1.0, 0.3])).double()
CHANNELS = torch.tensor([[4.0, 1.0], [1.0, 2.0]], dtype=torch.float64)
# Variance of both channels: 1 in the dark, 9 in the light, times `CHANNELS` over its diagonal.
CURVE = NoiseCurve(torch.tensor([[0.0, 100.0]]), torch.tensor([[4.0, 36.0], [2.0, 18.0]]))
STEADY = NoiseCovariance(CHANNELS, CORRELATION)
RISING = NoiseCovariance(CHANNELS, CORRELATION, curve=CURVE)
STEPS = [(0, 0), (0, 1), (1, 0), (1, 1), (1, -1), (0, 2)]


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def lagged(a, b, dy, dx):
    """Covariance of the channels of `a` with those of `b`, dy rows and dx columns on, (C, C)."""
    height, width = a.shape[-2:]
    here = a[..., : height - dy, max(0, -dx) : width - max(0, dx)]
    there = b[..., dy:, max(0, dx) : width + min(0, dx)]
    return torch.einsum("nchw,nkhw->ck", here, there) / (here.numel() / a.shape[1])


def asked(dy, dx):
    inside = abs(dy) <= 1 and abs(dx) <= 1
    return CHANNELS * CORRELATION[1 + dy, 1 + dx] if inside else torch.zeros_like(CHANNELS)


@pytest.mark.parametrize("strength", [0.5, 1.0])
def test_noises_of_a_pair_are_uncorrelated_at_every_lag_and_as_strong_as_they_should(strength):
    noise = draw_noise(STEADY, (4, 256, 256), seeded(0))
    seen, target = recorrupt(noise, STEADY, seeded(1), strength=strength)
    bound = 0.02 * 4 * math.sqrt((1 + strength**2) * (1 + strength**-2))
    for lag in STEPS:
        assert lagged(seen, target, *lag).abs().max() < bound
        assert lagged(target, seen, *lag).abs().max() < bound
        for image, factor in ((seen, 1 + strength**2), (target, 1 + strength**-2)):
            assert (lagged(image, image, *lag) / factor - asked(*lag)).abs().max() < 0.08


def test_the_pair_is_the_formula_with_one_fresh_draw():
    noisy = torch.rand(2, 2, 20, 24, dtype=torch.float64)
    level = torch.rand(2, 2, 20, 24, dtype=torch.float64)
    seen, target = recorrupt(noisy, STEADY, seeded(3), strength=0.7, level=level)
    fresh = draw_noise(STEADY, (2, 20, 24), seeded(3), level=level)
    torch.testing.assert_close(seen, noisy + 0.7 * fresh)
    torch.testing.assert_close(target, noisy - fresh / 0.7)
    with pytest.raises(ValueError, match="makes no pair"):
        recorrupt(noisy, STEADY, strength=0.0)


def test_the_level_follows_the_neighbourhood_and_hardly_the_noise():
    clean = torch.full((1, 2, 300, 300), 10.0, dtype=torch.float64)
    clean[..., 150:] = 90.0
    noise = draw_noise(RISING, (1, 300, 300), seeded(0), level=RISING.level(clean))
    seen, target = recorrupt(clean + noise, RISING, seeded(1))
    for half in (slice(10, 140), slice(160, 290)):
        a, b = (image[..., half] - clean[..., half] for image in (seen, target))
        variance = RISING.level(clean[:, :, :1, half][..., :1]).square()[0, :, 0, 0] * CHANNELS.diagonal()
        assert (a.square().mean((0, 2, 3)) / variance).tolist() == pytest.approx([1.25, 1.25], rel=0.06)
        assert ((a * b).mean((0, 2, 3)) / variance).abs().max() < 0.1


def test_the_local_intensity_is_a_mean_that_keeps_constants_to_the_border():
    assert torch.allclose(local_intensity(torch.full((1, 1, 9, 30), 0.3)), torch.tensor(0.3))
    spot = torch.zeros(1, 1, 31, 31)
    spot[..., 15, 15] = 1.0
    seen = local_intensity(spot)[0, 0]
    assert float(seen.sum()) == pytest.approx(1)
    assert float(seen[15, 15]) == pytest.approx(1 / 49)
    assert int((seen > 1e-9).sum()) == 13 * 13


@pytest.mark.parametrize("value", [20.0, 80.0])
def test_noise_on_clean_images_has_the_covariance_at_their_intensity(value):
    clean = torch.full((4, 2, 200, 200), value)
    noise = MatchedNoise(RISING)(clean, seeded(0)) - clean
    factor = (1 + 8 * value / 100) * 1.0
    for lag in STEPS:
        assert (lagged(noise.double(), noise.double(), *lag) / factor - asked(*lag)).abs().max() < 0.1


def test_rounded_noise_is_as_strong_as_measured_and_has_grey_levels_only():
    """What is measured on files of 8 bits holds their rounding, which must not be added twice."""
    grey = 1 / 255
    measured = NoiseCovariance(torch.full((1, 1), (0.8 * grey) ** 2, dtype=torch.float64), torch.ones(1, 1).double())
    clean = torch.rand(4, 1, 200, 200, generator=seeded(0)) * 0.5 + 0.25
    noisy = MatchedNoise(measured, grey)(clean, seeded(1))
    assert torch.allclose((noisy * 255).round(), noisy * 255, atol=1e-3)
    assert float((noisy - clean).var()) == pytest.approx((0.8 * grey) ** 2, rel=0.03)
    black = MatchedNoise(measured, grey)(torch.zeros(1, 1, 50, 50), seeded(1))
    assert float(black.min()) == 0.0


def test_what_compression_takes_off_is_made_up_for():
    def halved(images, generator):
        return 0.5 + 0.6 * (images - 0.5)

    measured = NoiseCovariance(1e-3 * torch.eye(1).double(), torch.ones(1, 1).double())
    noise = MatchedNoise(measured, 0.0, halved).calibrated()
    assert noise.gain == pytest.approx(1 / 0.6, rel=0.03)
    grey = torch.full((1, 1, 200, 200), 0.5)
    assert float((noise(grey, seeded(2)) - grey).var()) == pytest.approx(1e-3, rel=0.05)
    assert MatchedNoise(measured).calibrated().gain == 1.0
