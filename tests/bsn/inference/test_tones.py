"""Strong noise that a tone curve has skewed: results get the tones of the median."""

import dataclasses

import numpy as np
import pytest
import torch

from bsn.inference import Denoiser, InferenceConfig, make_pipeline
from bsn.inference.polish_choice import PolishChoice
from bsn.inference.stages import Measured
from bsn.inference.tones import Tones, measure_tones
from tests.bsn.inference.test_polish_choice import noisy
from tests.bsn.inference.test_polishing import half_plane

GAMMA = 1 / 2.2


def rendered(sigma=0.15, side=192, curve=lambda x: np.clip(x, 0, 1) ** GAMMA):
    """Noisy photograph of two soft steps, its truth, and the mean of many such photographs."""
    rng = np.random.default_rng(0)
    light = np.where(np.arange(side) < side // 2, 0.2, 0.6) * np.ones((2, side, 1))
    means = {level: curve(level + rng.normal(0, sigma, 10**6)).mean() for level in np.unique(light)}
    mean = np.vectorize(means.get)(light)
    tensors = (curve(light + rng.normal(0, sigma, light.shape)), curve(light), mean)
    return [torch.from_numpy(image)[None] for image in tensors]


def error(image, truth):
    return float((image - truth).square().mean().sqrt())


def test_a_result_that_is_the_mean_gets_the_tones_of_the_scene():
    image, truth, mean = rendered()
    tones = measure_tones([image], [mean])
    assert error(mean, truth) > 0.025
    assert error(tones(mean), truth) < 0.15 * error(mean, truth)
    assert tones.largest > 0.03, "the tone curve has darkened the mean"


def test_errors_of_the_result_do_not_become_tones():
    """Noise that is left in a result goes along with its brightness; the noise itself is symmetric here."""
    image, truth, _ = rendered(curve=lambda x: x)
    left = truth + 0.4 * (image - truth)
    assert error(measure_tones([image], [left])(left), left) < 0.004


def test_medians_stay_as_they_are():
    image, truth, _ = rendered()
    assert error(measure_tones([image], [truth])(truth), truth) < 0.006


def test_several_regions_count_as_one_and_missing_pixels_do_not():
    image, _, mean = rendered()
    halves = [[part[..., :96, :], part[..., 96:, :]] for part in (image, mean)]
    whole, parts = measure_tones([image], [mean]), measure_tones(*halves)
    torch.testing.assert_close(parts.offsets, whole.offsets, atol=2e-3, rtol=0)
    gaps = image.clone()
    gaps[..., ::7, :] = torch.nan
    torch.testing.assert_close(measure_tones([gaps], [mean]).offsets, whole.offsets, atol=4e-3, rtol=0)
    assert measure_tones([image[..., :40, :40]], [mean[..., :40, :40]]) is None


def test_plain_pictures_get_one_offset_and_tones_never_change_places():
    image, _, mean = rendered()
    flat = torch.full_like(image, 0.5)
    found = measure_tones([flat + image - mean], [flat])
    assert torch.equal(found.offsets[0], found.offsets[1])
    ramp = torch.linspace(0, 1, 192).expand(1, 1, 192, 192).double()
    steep = measure_tones([ramp + torch.where(ramp < 0.5, 0.4, -0.4) * (torch.rand_like(ramp) < 0.7)], [ramp])
    assert bool((steep(ramp).diff(dim=-1) >= 0).all())


def test_offsets_are_straight_between_their_levels_and_constant_beyond():
    tones = Tones(torch.tensor([[0.2], [0.6]]), torch.tensor([[0.1], [-0.1]]))
    image = torch.tensor([0.0, 0.2, 0.4, 0.6, 1.0]).reshape(1, 1, 1, 5)
    torch.testing.assert_close(tones(image) - image, torch.tensor([0.1, 0.1, 0.0, -0.1, -0.1]).reshape(1, 1, 1, 5))


def test_strong_noise_of_photographs_is_corrected_alone_and_in_tiles(monkeypatch):
    image = np.tile(noisy(0.1), 6)
    plain, kept = (Denoiser(half_plane(polish=True), polish=polish) for polish in (None, False))
    monkeypatch.setattr("bsn.inference.polish_choice._strong", lambda *_: np.inf)
    weak, alone = plain(image, "CYX"), kept(image, "CYX")
    monkeypatch.setattr(PolishChoice, "sees_strong_noise", lambda *_: True)
    monkeypatch.setattr(
        "bsn.inference.pipeline.measure_tones",
        lambda *_: Tones(torch.tensor([[0.0] * 3, [1.0] * 3]), torch.full((2, 3), 0.1)),
    )
    for tile in (0, 464):
        lifted = Denoiser(half_plane(polish=True), tile=tile)(image, "CYX")
        np.testing.assert_allclose(lifted, weak + 0.1, rtol=0, atol=1e-5)
    np.testing.assert_array_equal(Denoiser(half_plane(polish=True), polish=False)(image, "CYX"), alone)


@pytest.mark.parametrize(("sigma", "options", "changed"), [(0.2, {}, 0.1), (0.2, {"polish": False}, 0), (0.01, {}, 0)])
def test_the_model_for_cameras_corrects_strong_noise_by_itself(monkeypatch, sigma, options, changed):
    image = noisy(sigma)
    plain = Denoiser("camera-tiny", polish=False)(image, "CYX")
    lifted = Tones(torch.tensor([[0.0] * 3, [1.0] * 3]), torch.full((2, 3), 0.1))
    monkeypatch.setattr("bsn.inference.pipeline.measure_tones", lambda *_: lifted)
    np.testing.assert_allclose(Denoiser("camera-tiny", **options)(image, "CYX"), plain + changed, rtol=0, atol=1e-5)
    assert Denoiser("photo-tiny").pipeline.strong_noise is None


def test_a_result_that_misses_mean_and_median_alike_is_not_lifted():
    """The noise of a dark sky that was cut before its colours were computed is symmetric around too high a value."""
    image, truth, _ = rendered(curve=lambda x: x)
    assert measure_tones([image + 0.1], [truth]).offsets.abs().max() < 0.01


@pytest.mark.parametrize(("polished", "expected"), [(True, 0.5 * 0.4), (False, (0.4 + 0.5 * 0.6) / 2)])
def test_a_mixture_is_polished_or_averaged_then_toned_and_keeps_the_mean_where_that_is_asked(polished, expected):
    image, lifted = (
        torch.full((1, 3, 24, 24), 0.6),
        Tones(torch.tensor([[0.0] * 3, [1.0] * 3]), torch.full((2, 3), 0.1)),
    )
    pipeline = dataclasses.replace(
        make_pipeline(half_plane(polish=True), InferenceConfig()),
        strong=lambda noisy, place, measured: (torch.full_like(noisy, 0.4), None),
        polish=lambda part: 0.5 * part,
        polish_choice=lambda *_: polished,
    )
    measured = Measured(mixture=object(), polished=polished, tones=lifted)
    torch.testing.assert_close(pipeline(image, measured=measured)[0], torch.full_like(image, expected + 0.1))
    counted = dataclasses.replace(pipeline, keep_mean=True)
    torch.testing.assert_close(counted(image, measured=measured)[0], image)
