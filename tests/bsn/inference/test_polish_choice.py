"""Which images get the second pass: those with the grid of JPEG, and those with strong noise that is still there to take."""

import numpy as np
import pytest
import torch

from bsn.data import jpeg_compressed
from bsn.data.photographs import photograph
from bsn.inference import Denoiser
from bsn.inference.judged_plane import JudgedPlane
from bsn.inference.measuring import region_of
from bsn.inference.polish_choice import PolishChoice
from tests.bsn.inference.test_polishing import half_plane


def noisy(sigma=0.015):
    image = photograph("coffee.png")[:, 100:196, 200:312]
    return np.clip(image + np.random.default_rng(0).normal(0, sigma, image.shape), 0, 1).astype(np.float32)


def test_compressed_images_are_polished_and_others_are_not():
    lossless, compressed = noisy(), jpeg_compressed(noisy(), 50)
    results = {name: Denoiser(half_plane(polish=True), polish=polish) for name, polish in
               (("auto", None), ("all", True), ("none", False))}  # fmt: skip
    for image, same in ((compressed, "all"), (lossless, "none")):
        assert abs(results["all"](image, "CYX") - results["none"](image, "CYX")).max() > 0.01
        np.testing.assert_array_equal(results["auto"](image, "CYX"), results[same](image, "CYX"))


@pytest.mark.parametrize(
    ("sigma", "first_takes", "polished"), [(0.2, 1.0, True), (0.2, 2.0, False), (0.015, 1.0, False)]
)
def test_strong_noise_is_polished_unless_the_first_pass_takes_far_more(sigma, first_takes, polished):
    seen = sigma * torch.randn(1, 3, 96, 112, generator=torch.Generator().manual_seed(0))
    image = torch.from_numpy(noisy(sigma))[None]
    plane = JudgedPlane(region_of(image), lambda part: part, tuple(image.shape[-2:]))
    choice = PolishChoice(lambda part: part - seen, 8)
    assert choice(plane, lambda part, place: part - first_takes * seen) is polished
