"""What the settings of the Wiener filter bring about: the number of passes and the widths of its windows."""

import pytest
import torch

from bsn.noise import NoiseSpectrum, wiener_filter, wiener_filter_independent
from bsn.noise.spectrum import BLOCK

ROWS = torch.arange(256)[:, None]
WAVES = 0.5 + 0.2 * torch.sin(torch.arange(256) * 0.9) * torch.ones(1, 1, 256, 256)
USELESS = torch.full_like(WAVES, 1e6)
"""An uncertainty by which the denoised image counts for nothing."""


def mean_square(x):
    return float(x.square().mean())


def test_two_passes_bring_back_strong_texture_of_which_a_third_is_left():
    """One pass still expects the weakened texture; a third pass takes weak coefficients for noise."""
    torch.manual_seed(0)
    signal = 10**0.5 * torch.randn(1, 1, 128, 128)
    noisy, denoised = signal + torch.randn_like(signal), 0.3 * signal + 0.1 * torch.randn_like(signal)
    spectrum = NoiseSpectrum(torch.ones(1, 1), torch.ones(1, BLOCK, BLOCK))
    once, thrice = (mean_square(wiener_filter(noisy, denoised, spectrum, passes=n) - signal) for n in (1, 3))
    assert mean_square(wiener_filter(noisy, denoised, spectrum) - signal) < 0.95 * min(once, thrice)


def test_a_variance_that_the_noisy_pixels_themselves_estimate_is_nearly_as_good_as_the_true_one():
    torch.manual_seed(0)
    clean = WAVES - 0.2
    noisy = clean + (0.02 * clean).sqrt() * torch.randn_like(clean)
    true, estimated = (
        mean_square(wiener_filter_independent(noisy, clean, 0.02 * of.clamp_min(0.01), USELESS) - clean)
        for of in (clean, noisy)
    )
    assert estimated < 1.7 * true


def test_noise_that_changes_every_32_pixels_is_filtered_by_its_own_level():
    torch.manual_seed(0)
    weak = ROWS.squeeze() // 32 % 2 == 0
    level = torch.where(weak[:, None], 0.01**2, 0.1**2) * torch.ones_like(WAVES)
    noisy, denoised = WAVES + level.sqrt() * torch.randn_like(WAVES), 0.8 * WAVES + 0.1
    local, common = (
        mean_square((wiener_filter_independent(noisy, denoised, of, USELESS) - WAVES)[:, :, weak])
        for of in (level, level.mean() * torch.ones_like(level))
    )
    assert local < 0.65 * common


@pytest.mark.parametrize("scattered", [False, True])
def test_the_better_of_two_images_is_taken_place_by_place(scattered):
    """Also where the uncertainty of single pixels scatters as a square of a normal number does."""
    torch.manual_seed(0)
    sure = ROWS.squeeze() // 16 % 2 == 0
    deviation = torch.where(sure[:, None], 0.02, 0.3) * torch.ones_like(WAVES)
    noisy, denoised = WAVES + 0.1 * torch.randn_like(WAVES), WAVES + deviation * torch.randn_like(WAVES)
    level, exact = torch.full_like(WAVES, 0.01), deviation.square()
    told = exact * torch.randn_like(WAVES).square() if scattered else exact

    def errors(uncertainty):
        square = (wiener_filter_independent(noisy, denoised, level, uncertainty) - WAVES).square()
        return float(square[:, :, sure].mean()), float(square[:, :, ~sure].mean())

    found, everywhere_alike = errors(told), errors(exact.mean() * torch.ones_like(WAVES))
    assert found[0] < 0.9 * everywhere_alike[0]
    assert found[1] < 1.005 * errors(exact)[1]
