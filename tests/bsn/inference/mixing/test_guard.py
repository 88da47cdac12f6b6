"""Results that take away far more than non-local means at the same noise level are not given."""

import numpy as np
import pytest
import torch
from skimage.restoration import denoise_nl_means

from bsn.inference import Denoiser
from bsn.inference.mixing import guard
from bsn.models import InferenceDefaults, Model, ValueScale, create
from bsn.noise import measure_spectrum
from tests.helpers.networks import randomise


def trained(**options):
    """A half-plane network that has learned nothing: its prediction is far from every picture."""
    torch.manual_seed(1)
    network = randomise(create("halfplane", channels=3, width=4, levels=1, hole="square:3")).eval()
    inference = InferenceDefaults(training_crop=32, wiener=True)
    return Denoiser(Model(network, ValueScale(0.5, 0.25), inference, {"training_images": 1}), **options)


@pytest.fixture
def noisy():
    y, x = np.mgrid[:96, :128] / 20
    clean = np.stack([0.5 + 0.3 * np.sin(x + k) * np.cos(y) for k in range(3)])
    return (clean + np.random.default_rng(0).normal(0, 0.05, clean.shape)).astype(np.float32)


def test_a_result_within_bounds_stays(noisy):
    denoiser = trained()
    with_guard, without = denoiser(noisy, "CYX"), trained(wiener=True)(noisy, "CYX")
    assert np.array_equal(with_guard, without)
    assert denoiser.explanations == []


def test_non_local_means_are_given_in_place_of_an_excess(noisy, monkeypatch):
    monkeypatch.setattr(guard, "EXCESS", 0.0)
    denoiser = trained()
    found = denoiser(noisy, "CYX")
    spectrum = measure_spectrum([noisy])
    sigma = float(spectrum.power.mean().sqrt())
    # The channels have about the same noise, so that the scale on which it is equal is nearly the image's own.
    expected = denoise_nl_means(
        noisy.astype(np.float64), patch_size=5, patch_distance=6, h=0.8 * sigma, sigma=sigma, channel_axis=0
    )
    assert abs(found - expected).max() < 0.02
    assert abs(found - expected).mean() < 0.002
    (explanation,) = denoiser.explanations
    assert explanation.changes
    assert "non-local means are given" in explanation.line()


@pytest.mark.parametrize("options", [{"wiener": True}, {"posterior": False}, {"mix": "check"}])
def test_stages_that_are_chosen_by_hand_are_not_guarded(options):
    assert not isinstance(trained(**options).pipeline.mixing, guard.Guard)
