"""What is taken away nowhere much exceeds what is taken away elsewhere; and the model in the box for rain keeps to it."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

import bsn
from bsn.inference import Denoiser
from bsn.inference.evenness import EVENNESS, REACH, Evened, EvenRemoval
from bsn.inference.plan import make_pipeline


def settled(removed):
    """Settle a plane from which this is removed, (C, H, W); the result is what is left."""
    noisy = torch.ones(1, *removed.shape)
    taken = torch.as_tensor(removed, dtype=torch.float32)[None]

    def read(top, left, height, width):
        return torch.cat([noisy, taken], 1)[..., top : top + height, left : left + width]

    channels = len(removed)
    return EvenRemoval(1).settle(
        lambda region, *_: region[:, :channels] - region[:, channels:],
        lambda region: region[:, :channels],
        read,
        removed.shape[-2:],
    )


def streaks(size=(160, 180), seed=0, light=0.3):
    """The same everywhere: a tenth of the pixels, in three channels."""
    drops = np.random.default_rng(seed).random(size) < 0.1
    return np.repeat(light * drops[None].astype(np.float32), 3, 0)


def strength(removed):
    """By SciPy: root mean square around each pixel."""
    count = gaussian_filter(np.ones(removed.shape[-2:]), EVENNESS.width, mode="constant", radius=REACH)
    mean = gaussian_filter(removed.mean(0) ** 2, EVENNESS.width, mode="constant", radius=REACH)
    return np.sqrt(mean / count)


class TestSettling:
    def test_even_rain_is_taken_away_as_it_is(self):
        removed = streaks()
        found = settled(removed)
        assert found.share < 0.001
        assert not found.changes
        noisy, result = torch.ones(1, 3, 160, 180), torch.as_tensor(1 - removed)[None]
        torch.testing.assert_close(found(noisy, result), result, atol=1e-3, rtol=0)

    def test_a_place_that_loses_far_more_gets_the_excess_back(self):
        size = (190, 192)
        removed = streaks(size)
        removed[:, :60, 140:] *= 3.0
        found = settled(removed)
        assert found.limit == pytest.approx(EVENNESS.factor * strength(streaks(size)).mean(), rel=0.2)
        given = np.asarray(found(torch.ones(1, 3, *size), torch.as_tensor(1 - removed)[None]))[0]
        np.testing.assert_allclose(
            1 - given, removed * np.minimum(1, found.limit / strength(removed)), atol=1e-5, rtol=1e-3
        )
        assert found.changes
        assert found.share == pytest.approx(1 - ((1 - given) ** 2).mean() / (removed**2).mean(), abs=1e-3)
        assert f"{found.share:.0%} of what the model took away is given back" in found.line()
        assert found.as_dict()["share_given_back"] == found.share

    def test_a_sky_without_streaks_does_not_count(self):
        """The rain before the trees stays removed, however large the sky is."""
        removed = streaks((300, 120))
        removed[:, :220] = 0
        assert settled(removed).share < 0.02

    @pytest.mark.parametrize("size", [(150, 400), (600, 700)])
    def test_large_planes_are_measured_on_parts(self, size):
        whole = EVENNESS.factor * np.quantile(strength(streaks(size)), 0.25)
        assert settled(streaks(size)).limit == pytest.approx(whole, rel=0.05)

    def test_nothing_removed_is_nothing_given_back(self):
        found = settled(np.zeros((3, 70, 80), np.float32))
        assert (found.share, found.limit) == (0.0, 0.0)
        blank = torch.rand(1, 3, 70, 80)
        assert torch.equal(found(blank, blank), blank)


class TestModelOfTheBox:
    model = bsn.load("rain")
    image = np.random.default_rng(0).random((3, 48, 64)).astype(np.float32)

    def test_it_is_the_only_one(self):
        assert self.model.inference.even_removal
        assert not bsn.load("photo").inference.even_removal
        assert "even_removal" not in bsn.load("photo").inference.stored()

    def test_its_results_are_evened_and_no_guard_keeps_them(self):
        plain = np.asarray(Denoiser(self.model, device="cpu", guard=False)(self.image, "CYX"))
        denoiser = Denoiser(self.model, device="cpu")
        given = np.asarray(denoiser(self.image, "CYX"))
        (found,) = denoiser.explanations
        assert isinstance(found, Evened)
        expected = found(torch.as_tensor(self.image)[None], torch.as_tensor(plain)[None])[0]
        np.testing.assert_allclose(given, expected, atol=1e-6)

    def test_tiles_hold_what_a_pixel_depends_on(self):
        halos = [make_pipeline(self.model, bsn.inference.InferenceConfig(guard=g)).tiling.halo for g in (False, True)]
        assert halos[1] == halos[0] + REACH
