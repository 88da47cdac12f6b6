"""Results that remove more than noise are not given."""

import json

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from skimage.restoration import denoise_nl_means

from bsn.inference import Denoiser
from bsn.inference.guard import Guard
from bsn.inference.judged_plane import JudgedPlane
from bsn.inference.measuring import region_of
from bsn.inference.mixing.mixer import Mixing
from bsn.inference.stages import Place
from bsn.inference.verdict import Removal, Verdict
from bsn.models import InferenceDefaults, Model, ValueScale, create
from bsn.noise import measure_covariance, unexplained_share
from tests.helpers.networks import randomise

SIZE = (96, 160)
BOXED, MEANS, NOISY = "model in the box for cameras", "non-local means", "noisy image"


def picture(channels, fine, seed=0):
    """A picture whose finest detail has this size in pixels, in about [0.2, 0.8]."""
    rng = np.random.default_rng(seed)
    detail = np.stack([gaussian_filter(rng.normal(size=SIZE), fine) for _ in range(channels)])
    return torch.from_numpy(0.5 + 0.1 * detail / detail.std()).float()[None]


def noise(channels, sigma=0.03, seed=1):
    return sigma * torch.from_numpy(np.random.default_rng(seed).normal(size=(1, channels, *SIZE))).float()


def verdict(result, noisy, judged, *, replaces=False, grey_level=1 / 255):
    """Judge a result of a noisy image, by a judge that sees a clean image of its own."""

    def cut(image, place, of):
        return image[..., place.top : place.top + of.shape[-2], place.left : place.left + of.shape[-1]]

    guard, plane = Guard(lambda region: cut(judged, Place(), region), replaces, 8), plane_of(noisy)
    return guard.settle(plane, lambda region, place: cut(result, place, region), grey_level)


def plane_of(noisy):
    return JudgedPlane(region_of(noisy), lambda region: region, tuple(noisy.shape[-2:]))


def given(found):
    return next(choice.name for choice in found.removal.choices if choice.weight == 1)


def test_a_result_that_removes_noise_alone_is_given():
    clean = picture(3, 8)
    found = verdict(clean, clean + noise(3), clean)
    assert found.instead is None
    assert given(found) == "result"
    assert found.removal.factor == pytest.approx(1, abs=0.05)
    assert not found.removal.changes


@pytest.mark.parametrize(("replaces", "expected"), [(True, BOXED), (False, MEANS)])
def test_a_result_that_removes_picture_is_replaced(replaces, expected):
    clean = picture(3, 4)
    noisy = clean + noise(3, 0.02)
    flat = clean.mean((2, 3), keepdim=True).expand_as(clean)
    found = verdict(flat, noisy, clean, replaces=replaces)
    assert given(found) == expected
    assert found.removal.changes
    assert f"{expected} is given" in found.removal.line()
    assert ("so the model" if replaces else "so non-local") in found.removal.line()
    assert found.removal.share > 0.5
    better = found.instead(noisy)
    assert (better - clean).square().mean() < (noisy - clean).square().mean()


def test_non_local_means_work_at_the_measured_level():
    clean = picture(3, 4)
    noisy = clean + noise(3, 0.02)
    found = verdict(clean.mean((2, 3), keepdim=True).expand_as(clean), noisy, clean)
    sigma = float(measure_covariance(noisy[0].numpy(), 1 / 255).variance().mean().sqrt())
    expected = denoise_nl_means(
        noisy[0].numpy(), patch_size=5, patch_distance=6, h=0.8 * sigma, sigma=sigma, channel_axis=0
    )
    assert abs(found.instead(noisy)[0].numpy() - expected).mean() < 0.15 * sigma


def test_grey_images_need_both_opinions_as_correlated_noise_looks_like_texture():
    clean = picture(1, 12)
    correlated = torch.from_numpy(gaussian_filter(noise(1)[0, 0].numpy(), 1.0))
    correlated = 0.03 * (correlated / correlated.std())[None, None]
    noisy = clean + correlated
    found = verdict(clean, noisy, noisy)  # the judge sees no noise at all
    assert found.removal.factor > 3
    assert found.instead is None
    coloured = verdict(clean.expand(-1, 3, -1, -1), noisy.expand(-1, 3, -1, -1), noisy.expand(-1, 3, -1, -1))
    assert coloured.instead is not None


def test_the_noisy_image_is_given_where_nothing_can_be_measured():
    clean = picture(1, 3)[..., :72, :80]
    noisy = clean + noise(1, 0.01)[..., :72, :80]
    guard = Guard(lambda region: clean, replaces=False, grid=8)
    flat = clean.mean().expand_as(clean)
    found = guard.settle(plane_of(noisy), lambda region, place: flat, 1 / 255)
    assert given(found) == NOISY
    assert torch.equal(found.instead(noisy), noisy)
    assert guard.settle(plane_of(noisy[..., :60, :]), lambda region, place: flat, 1 / 255) is None


def test_the_share_beyond_the_noise_is_that_of_the_blocks():
    removed = torch.ones(1, 2, 64, 64)
    removed[..., :32, :32] = 3.0
    # Four blocks with powers 9, 1, 1, 1, of which 1.5 is noise each: 7.5 of 12.
    assert unexplained_share(removed, torch.ones(1)) == pytest.approx(7.5 / 12)
    assert unexplained_share(torch.zeros(1, 1, 40, 50), torch.ones(1)) == 0
    assert unexplained_share(2 * torch.ones(1, 1, 8, 8), torch.ones(1, 1, 8, 8)) == pytest.approx(2.5 / 4)


def trained(network="halfplane", known=None, **options):
    """A network that has learned nothing: its prediction is far from every picture."""
    torch.manual_seed(1)
    sizes = {"halfplane": {"levels": 1, "hole": "square:3"}}.get(
        network, {"widths": (8, 12, 16, 16), "blocks": (1,) * 4}
    )
    narrow = {"width": 4, **sizes} if network == "halfplane" else sizes
    built = randomise(create(network, channels=3, **narrow)).eval()
    inference = InferenceDefaults(training_crop=32)
    model = Model(built, ValueScale(0.5, 0.25), inference, {"training_images": 1} | (known or {}))
    return Denoiser(model, device="cpu", **options)


def test_untrained_networks_do_no_harm():
    clean = picture(3, 6)[0].numpy()
    noisy = (clean + noise(3, 0.02)[0].numpy()).astype(np.float32)
    guarded, bare = trained(), trained(guard=False)
    errors = [np.square(image - clean).mean() for image in (guarded(noisy, "CYX"), bare(noisy, "CYX"), noisy)]
    assert errors[0] < errors[2] < errors[1]
    (found,) = guarded.explanations
    assert found.changes
    headings, rows = found.table()
    assert headings[0] == "candidate"
    assert [row[0] for row in rows if float(row[2]) == 1] == [given(Verdict(found))]
    assert json.loads(json.dumps(found.as_dict()))["candidates"][0]["name"] == "result"
    assert bare.explanations == []


def test_tiles_and_planes_are_judged_as_the_whole():
    clean = picture(3, 6)[0].numpy()
    noisy = np.stack([(clean + noise(3, 0.02, seed)[0].numpy()).astype(np.float32) for seed in (1, 2)])[..., :80, :100]
    whole, tiled = trained(tile=0), trained(tile=64)
    np.testing.assert_allclose(tiled(noisy, "TCYX"), whole(noisy, "TCYX"), atol=2e-3)
    assert [found.changes for found in tiled.explanations] == [True, True]


@pytest.mark.parametrize("options", [{"wiener": True}, {"posterior": False}, {"mix": "check"}, {"guard": False}])
def test_stages_that_are_chosen_by_hand_are_not_judged(options):
    assert trained(**options).pipeline.guard is None


SHORT = {"steps": 10, "batch_size": 4, "crop": 96}


def noisy_by(sigma):
    clean = picture(3, 6)[0].numpy()[..., :72, :80]
    return clean, (clean + noise(3, sigma)[0].numpy()[..., :72, :80]).astype(np.float32)


@pytest.mark.slow
def test_strong_noise_is_mixed_after_a_short_training():
    clean, strong = noisy_by(0.1)
    mixed, bare = trained(known=SHORT), trained(known=SHORT, guard=False)
    errors = [np.square(image - clean).mean() for image in (mixed(strong, "CYX"), bare(strong, "CYX"), strong)]
    assert errors[0] < 0.5 * min(errors[1:])
    (found,) = mixed.explanations
    assert found.line().startswith("the network was trained too briefly for such strong noise; ")
    same = trained(known=SHORT, mix="image")
    np.testing.assert_allclose(mixed(strong, "CYX"), same(strong, "CYX"), atol=1e-5)


@pytest.mark.parametrize(("sigma", "mixes"), [(0.1, True), (0.01, False)])
def test_only_strong_noise_is_mixed(monkeypatch, sigma, mixes):
    asked = []
    monkeypatch.setattr(Mixing, "settle", lambda self, *about: asked.append(self.scope))
    denoiser = trained(known=SHORT)
    denoiser(noisy_by(sigma)[1], "CYX")
    assert asked == ["image"] * mixes
    assert isinstance(denoiser.explanations[0], Removal), "where nothing can be mixed, the result is judged"


def test_who_is_mixed():
    assert trained(known=SHORT).pipeline.strong is not None
    assert trained(known=SHORT | {"steps": 1400}).pipeline.strong is None
    for options in ({"guard": False}, {"polish": True}, {"hole": "pixel"}, {"mix": "check"}, {"wiener": True}):
        assert trained(known=SHORT, **options).pipeline.strong is None


def test_who_is_judged():
    assert trained().pipeline.guard is not None
    assert trained("phase-unet-tiny").pipeline.guard is not None
