"""What was removed: the very noise passes, a blur is told, and the hardest place is where picture went."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from bsn.data import CorrelatedGaussian, Gaussian, PoissonGaussian
from bsn.data.photographs import photograph
from bsn.evaluation.removed import examine_removed


@pytest.fixture(scope="module")
def clean():
    return photograph("chelsea.png")[:, :264, 90:380]


@pytest.mark.parametrize(
    "noise",
    [Gaussian(0.06), PoissonGaussian(0.01, 0.01), CorrelatedGaussian(0.06, 0.7)],
    ids=lambda n: type(n).__name__,
)
def test_noise_alone_is_noise(clean, noise):
    noisy = noise(clean, 0)
    found = examine_removed(noisy, clean)
    assert found.structured == pytest.approx(1, abs=0.12)
    assert not found.looks_like_picture
    assert found.std == pytest.approx((noisy - clean).std(), rel=1e-5)
    # Half of it, too; and what is cut off at the ends of the range changes nothing.
    assert not examine_removed(noisy, (noisy + clean) / 2).looks_like_picture
    assert not examine_removed(np.clip(noisy, 0, 1), clean).looks_like_picture


@pytest.mark.parametrize("sigma", [0.02, 0.06])
def test_a_blur_takes_picture_away(clean, sigma):
    noisy = Gaussian(sigma)(clean, 0)
    assert examine_removed(noisy, gaussian_filter(noisy, (0, 1.5, 1.5))).looks_like_picture


def test_the_hardest_place_is_where_picture_went(clean):
    noisy, result = Gaussian(0.04)(clean, 0), clean.copy()
    whiskers = (slice(None), slice(120, 180), slice(60, 120))
    result[whiskers] = gaussian_filter(clean, (0, 3, 3))[whiskers]
    found = examine_removed(noisy, result)
    assert found.looks_like_picture
    assert abs(found.place[0] - 150) < 40
    assert abs(found.place[1] - 90) < 40


def test_images_that_tell_nothing():
    rng = np.random.default_rng(0)
    for shape in ((1, 1, 1), (3, 9, 40), (1, 30, 30)):
        noisy = rng.random(shape)
        found = examine_removed(noisy, np.zeros(shape))
        assert np.isnan(found.structured)
        assert not found.looks_like_picture
        assert 0 <= found.place[0] < max(shape[1], 1)
    flat = np.full((1, 200, 200), 0.5)
    assert not examine_removed(flat, flat).looks_like_picture
    missing = np.full((1, 100, 100), np.nan)
    assert examine_removed(missing, missing).std == 0
