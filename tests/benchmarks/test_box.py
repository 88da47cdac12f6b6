"""The benchmark of the box: levels by hand, every method scored on the same noise, earlier numbers kept."""

import numpy as np
import pytest
from PIL import Image as PillowImage

from benchmarks import box
from bsn.data import Gaussian, PoissonGaussian


def test_levels_are_those_of_the_noise():
    clean = np.full((1, 64, 64), 0.25, np.float32)
    for noise in (Gaussian(0.1), PoissonGaussian(0.02, 0.02)):
        assert noise(clean, 0).std() == pytest.approx(box.level(noise, clean), rel=0.05)


def test_methods_meet_the_same_noise_and_are_scored(tmp_path):
    rng = np.random.default_rng(0)
    for index in range(2):
        PillowImage.fromarray(rng.integers(60, 200, (24, 30), np.uint8)).save(tmp_path / f"{index}.png")
    seen = []
    methods = {
        "same": lambda noisy, sigma: seen.append((noisy, sigma)) or noisy,
        "grey": lambda noisy, sigma: noisy * 0,
    }
    table = box.score_set(sorted(tmp_path.glob("*.png")), methods, box.NOISES)
    assert list(table) == ["15", "25", "50", "Poisson-Gaussian", "0.5", "1", "2"]
    assert table["25"]["same"]["psnr"] == table["25"]["noisy"]["psnr"] == pytest.approx(20.2, abs=0.3)
    assert table["25"]["same"]["least_gain"] == 0
    assert table["25"]["grey"]["least_gain"] < -10
    assert seen[0][1] == pytest.approx(15 / 255)


def test_numbers_of_other_methods_stay():
    before = {"15": {"BM3D": {"psnr": 30.0}, "photo-tiny": {"psnr": 1.0}}}
    assert box.joined(before, {"15": {"photo-tiny": {"psnr": 31.0}}}) == {
        "15": {"BM3D": {"psnr": 30.0}, "photo-tiny": {"psnr": 31.0}}
    }
