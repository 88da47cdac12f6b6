"""Weights of a mixture against those that the clean image would choose."""

import numpy as np
import pytest
import torch
from skimage import data

from bsn.inference.explanation import Explanation
from bsn.inference.mixing.candidates import Candidate, Run, classical_candidates
from bsn.inference.mixing.survey import survey_box
from bsn.inference.mixing.weights import choose_weights, depart_from
from bsn.inference.mixture import Mixture, SurveyedNoise
from bsn.inference.stages import Measured, Place
from bsn.noise import NoiseCovariance, NoiseCurve, Subbands, covariance_spectrum, draw_noise, simplex_weights
from bsn.noise.gaussian_mean import gaussian_mean

NAMES = ["non-local means", "noisy image", "non-local means, Wiener", "Wiener alone"]
SHARED = torch.tensor([[0.25, 0.5, 0.25], [0.5, 1.0, 0.5], [0.25, 0.5, 0.25]])


def photograph(side=160):
    picture = data.astronaut()[100 : 100 + side, 100 : 100 + side].transpose(2, 0, 1) / 255
    return torch.from_numpy(picture.astype(np.float32))[None]


def surveyed(clean, covariance, seed=0):
    side = clean.shape[-1]
    noisy = clean + draw_noise(covariance, (1, side, side), torch.Generator().manual_seed(seed)).float()
    noise = SurveyedNoise(covariance, covariance_spectrum(covariance))
    run = Run(noisy, Place(), Measured(), noise, {c.name: c for c in classical_candidates(pilot=False)})
    return run, *survey_box(run, NAMES, (slice(side), slice(side)), seed)


def error(image, clean):
    return float((image - clean).square().mean())


@pytest.mark.parametrize("sigma", [10, 25])
@pytest.mark.parametrize("correlation", [torch.ones(1, 1), SHARED], ids=["white", "correlated"])
def test_weights_without_truth_are_nearly_as_good_as_those_with_it(sigma, correlation):
    clean = photograph()
    run, terms, values = surveyed(clean, NoiseCovariance(torch.eye(3) * (sigma / 255) ** 2, correlation))
    chosen = choose_weights(terms, values, regions=True)
    images = run.stack(NAMES)
    subbands = Subbands.of(run.noise.covariance)
    mixture = Mixture(tuple(NAMES), chosen.weights.float(), subbands, run.noise, Explanation("", (), 0, 0))
    reached = error(mixture.mix(images, 0, 0), clean)

    wrong = (images - clean).double().flatten(1)
    best = simplex_weights(wrong @ wrong.T, torch.zeros(len(NAMES)))
    possible = error(torch.einsum("k,kchw->chw", best.float(), images)[None], clean)
    assert reached < 1.05 * possible
    assert chosen.risk == pytest.approx(reached, abs=0.02 * (sigma / 255) ** 2)
    for alone, estimate in zip(images, chosen.singles, strict=True):
        assert float(estimate) == pytest.approx(error(alone[None], clean), abs=0.03 * (sigma / 255) ** 2)


def test_weights_settled_for_the_plane_make_tiles_equal_to_the_whole():
    clean = photograph()
    run, terms, values = surveyed(clean, NoiseCovariance(torch.eye(3) * 0.01, SHARED))
    chosen = choose_weights(terms, values, regions=True)
    weights = torch.rand(len(terms.own), 5, 5, len(NAMES), generator=torch.Generator().manual_seed(0))
    weights /= weights.sum(-1, keepdim=True)
    assert chosen.weights.shape[-1] == len(NAMES)
    subbands = Subbands.of(run.noise.covariance)
    mixture = Mixture(tuple(NAMES), weights, subbands, run.noise, Explanation("", (), 0, 0))
    images = run.stack(NAMES)
    whole = mixture.mix(images, 0, 0)
    part = mixture.mix(images[..., 40:130, 24:160], 40, 24)
    torch.testing.assert_close(part[..., 12:-12, 12:], whole[..., 52:118, 36:], rtol=0, atol=1e-5)


def test_a_mixture_that_wins_nothing_is_not_made():
    """Where the noise is next to nothing, the noisy image is the best there is."""
    clean = photograph()
    _, terms, values = surveyed(clean, NoiseCovariance(torch.eye(3) * (0.05 / 255) ** 2, SHARED))
    chosen = choose_weights(terms, values, regions=True)
    assert chosen.risk <= float(chosen.singles.min()) * 1.001


@pytest.mark.parametrize("name", ["next to no noise", "texture everywhere", "strongly dependent on intensity"])
def test_the_result_is_never_worse_than_the_noisy_image(name):
    """The noise is known; the model's own result, a strong smoothing, is far worse than the image where noise is weak."""
    clean, power, curve = photograph(), (10 / 255) ** 2, None
    if name == "next to no noise":
        power = (0.5 / 255) ** 2
    elif name == "texture everywhere":
        clean = 0.5 + 0.2 * torch.randn(clean.shape, generator=torch.Generator().manual_seed(5))
    else:
        curve = NoiseCurve(torch.tensor([[0.0, 1.0]]), power * torch.tensor([[0.02, 6.0]]))
    covariance = NoiseCovariance(torch.eye(3) * power, SHARED, curve=curve)
    drawn = draw_noise(covariance, (1, 160, 160), torch.Generator().manual_seed(0), level=covariance.level(clean))
    noisy = clean + drawn.float()
    candidates = {c.name: c for c in classical_candidates(pilot=False)}
    candidates["own"] = Candidate("own", lambda run: gaussian_mean(run.noisy, 4.0, 12))
    noise = SurveyedNoise(covariance, covariance_spectrum(covariance))
    run, names = Run(noisy, Place(), Measured(), noise, candidates), ["own", *NAMES]
    terms, values = survey_box(run, names, (slice(160), slice(160)), 0)
    images = run.stack(names)
    chosen = depart_from(terms, values, 0, (names.index("noisy image"), names.index("non-local means")))
    trusting = choose_weights(terms, values, regions=True)
    for found in (chosen, trusting):
        mixture = Mixture(
            tuple(names), found.weights.float(), Subbands.of(covariance), noise, Explanation("", (), 0, 0)
        )
        assert error(mixture.mix(images, 0, 0), clean) <= 1.02 * error(noisy, clean), found.scope
