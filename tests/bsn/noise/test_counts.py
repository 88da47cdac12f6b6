import numpy as np
import pytest
from skimage import data

from bsn.noise import find_counts

LEVEL = np.float32(1 / 65535)


def scene(mean, side=256):
    clean = data.camera()[100 : 100 + side, 100 : 100 + side].astype(float)
    return clean / clean.mean() * mean


def counts(mean, seed=0, side=256):
    return np.random.default_rng(seed).poisson(scene(mean, side)).astype(np.float32)


@pytest.mark.parametrize("mean", [0.05, 0.3, 0.7, 2, 5])
@pytest.mark.parametrize("side", [64, 256])
def test_counts_are_recognised(mean, side):
    seen = counts(mean, side=side)
    found = find_counts([seen[None] * LEVEL])
    assert found.mean == pytest.approx(seen.mean(), rel=0.05)
    assert found.step == pytest.approx(float(LEVEL), rel=1e-3)
    assert found.zero == 0


def test_counts_on_an_offset_and_stretched():
    seen = (counts(0.7) * 20 + 100) * LEVEL
    found = find_counts([seen[None]])
    assert (found.zero, found.step) == pytest.approx((100 / 65535, 20 / 65535), rel=1e-3)


def test_hot_and_missing_pixels_do_not_hide_counts():
    seen = counts(0.7)
    seen[10, ::20], seen[30:50, 60:90] = 65535, np.nan
    assert find_counts([seen[None] * LEVEL]).mean == pytest.approx(0.7, rel=0.1)


def gaussian(level, sigma):
    rng = np.random.default_rng(1)
    return np.clip(np.rint(scene(level) + rng.normal(0, sigma, (256, 256))), 0, 255) / 255


OTHERS = {
    "a clean photograph": lambda: data.camera() / 255,
    "a noisy photograph": lambda: gaussian(110, 15),
    "a dark photograph of little noise": lambda: gaussian(9, 0.5),
    "many photons": lambda: counts(40) / 255,
    "noise of floats": lambda: np.random.default_rng(0).normal(0.5, 0.1, (64, 64)),
    "symmetric noise of few levels": lambda: np.rint(np.random.default_rng(0).normal(5, 1, (256, 256))) / 255,
    "a page in black and white": lambda: (data.camera() > 100).astype(float),
    "nothing but zeros": lambda: np.zeros((64, 64)),
    "nothing known": lambda: np.full((64, 64), np.nan),
    "smaller than a block": lambda: counts(0.7, side=12) / 255,
}


@pytest.mark.parametrize("make", OTHERS.values(), ids=OTHERS)
def test_other_images_are_not(make):
    image = make()
    assert find_counts([image if image.ndim == 3 else image[None]]) is None
