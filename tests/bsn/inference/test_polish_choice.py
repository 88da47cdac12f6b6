"""Which images get the second pass: those with the grid of JPEG, and those with strong noise that is still there to take."""

import numpy as np
import pytest
import torch

from bsn.data import jpeg_compressed
from bsn.data.photographs import photograph
from bsn.inference import Denoiser
from bsn.inference.explanation import BOXED
from bsn.inference.judged_plane import JudgedPlane
from bsn.inference.measuring import region_of
from bsn.inference.polish_choice import PolishChoice
from bsn.inference.polishing import Polish
from tests.bsn.inference.test_polishing import half_plane


def noisy(sigma=0.015):
    image = photograph("coffee.png")[:, 100:196, 200:312]
    return np.clip(image + np.random.default_rng(0).normal(0, sigma, image.shape), 0, 1).astype(np.float32)


def test_compressed_images_are_polished_and_others_are_not(monkeypatch):
    """The result is the mean of that and of what the model in the box makes of the noisy image."""
    monkeypatch.setattr(Polish, "__call__", lambda _, image: 0.95 * image)
    lossless, compressed = noisy(), jpeg_compressed(noisy(), 50)
    results = {name: Denoiser(half_plane(polish=True), polish=polish, outliers="ignore") for name, polish in
               (("auto", None), ("all", True), ("none", False))}  # fmt: skip
    for image, same in ((compressed, "all"), (lossless, "none")):
        assert abs(results["all"](image, "CYX") - results["none"](image, "CYX")).max() > 0.01
        expected = (results[same](image, "CYX") + 0.95 * image) / 2
        np.testing.assert_allclose(results["auto"](image, "CYX"), expected, rtol=0, atol=1e-6)


def test_the_mean_is_the_same_in_tiles():
    image = np.tile(noisy(), 6)
    whole, tiled = (Denoiser(half_plane(polish=True), tile=tile)(image, "CYX") for tile in (0, 464))
    np.testing.assert_allclose(tiled, whole, rtol=0, atol=1e-5)


@pytest.mark.parametrize(("model", "mixed"), [({"polish": True}, True), ({}, False)], ids=str)
def test_mixtures_have_the_model_in_the_box_as_a_candidate_where_it_would_polish(model, mixed):
    denoiser = Denoiser(half_plane(**model), mix="image")
    denoiser(noisy(0.06), "CYX")
    assert (BOXED in {choice.name for told in denoiser.explanations for choice in told.choices}) == mixed


@pytest.mark.parametrize(
    ("sigma", "first_takes", "polished"), [(0.2, 1.0, True), (0.2, 2.0, False), (0.015, 1.0, False)]
)
def test_strong_noise_is_polished_unless_the_first_pass_takes_far_more(sigma, first_takes, polished):
    seen = sigma * torch.randn(1, 3, 96, 112, generator=torch.Generator().manual_seed(0))
    image = torch.from_numpy(noisy(sigma))[None]
    plane = JudgedPlane(region_of(image), lambda part: part, tuple(image.shape[-2:]))
    choice = PolishChoice(lambda part: part - seen, 8)
    assert choice(plane, lambda part, place: part - first_takes * seen) is polished
