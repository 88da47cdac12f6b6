"""Validation: what a function makes of images, scored by the truth or by what it takes away."""

import numpy as np
import pytest
from scipy.ndimage import uniform_filter1d

from bsn.data import read_image
from bsn.evaluation import ImagePair, Validation, get_protocol

RNG = np.random.default_rng(0)


def pair(name="a", channels=1, target=True):
    clean = RNG.random((channels, 48, 64)).astype(np.float32)
    noisy = clean + 0.1 * RNG.normal(size=clean.shape).astype(np.float32)
    return ImagePair(name, noisy, clean if target else None)


def test_the_truth_is_scored_by_the_protocol(tmp_path):
    pairs = [pair("a", 3), pair("b", 3)]
    numbers = Validation(pairs, get_protocol("float")).run(lambda image: image, tmp_path / "sample.png")
    expected = np.mean([-10 * np.log10(np.mean((p.image - p.target) ** 2)) for p in pairs])
    assert numbers["val_psnr"] == pytest.approx(expected, abs=1e-3)
    assert sorted(numbers) == ["val_psnr", "val_ssim"]
    assert read_image(tmp_path / "sample.png").pixels.shape == (48, 3 * 64, 3)


def test_without_truth_the_residual_is_looked_at(tmp_path):
    smooth = uniform_filter1d(RNG.normal(size=(1, 200, 200)), 2, axis=-1).astype(np.float32)
    numbers = Validation([ImagePair("a", smooth)]).run(np.zeros_like, tmp_path / "sample.png")
    assert numbers["val_residual_lag1_x"] == pytest.approx(0.5, abs=0.05), "a mean of two neighbours"
    assert numbers["val_residual_lag1_y"] == pytest.approx(0.0, abs=0.05)
    assert read_image(tmp_path / "sample.png").pixels.shape == (200, 600)


def test_nothing_to_look_at(tmp_path):
    assert Validation().run(lambda image: image, tmp_path / "sample.png") == {}
    assert not list(tmp_path.iterdir())


def test_half_a_truth_is_refused():
    with pytest.raises(ValueError, match="1 of 2 validation images have a truth"):
        Validation([pair(), pair(target=False)], get_protocol("float"))
    with pytest.raises(ValueError, match="need a protocol"):
        Validation([pair()])
