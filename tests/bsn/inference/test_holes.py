"""Denoising with half-plane networks: the hole is an argument, and whatever it is, tiles equal the whole."""

import dataclasses

import numpy as np
import pytest
import torch

from bsn.inference import Denoiser
from bsn.models import HalfPlane, HalfPlaneConfig, InferenceDefaults, Model, ValueScale, create

STRAIGHT, DIAGONAL = "square:5", "diamond:5"


def model(hole=STRAIGHT, use=None):
    torch.manual_seed(0)
    plane = "diagonal" if hole.startswith("diamond") else "straight"
    network = HalfPlane(HalfPlaneConfig(channels=1, width=4, levels=2, plane=plane, hole=hole)).eval()
    return Model(network, ValueScale(0.5, 0.2), InferenceDefaults(hole=use))


def image(size=(150, 130), seed=0):
    return np.random.default_rng(seed).random(size, np.float32)


@pytest.mark.parametrize(
    ("hole", "ensemble"),
    [
        *((hole, False) for hole in ("square:9", "rows:3", "columns:3", "pixel", "diamond:9")),
        ("rows:3", True),  # views that are only mirrored
        pytest.param("square:9", True, marks=pytest.mark.slow),  # views that are turned, too
    ],
)
def test_tiles_equal_the_whole(hole, ensemble):
    net = model(DIAGONAL if hole.startswith("diamond") else STRAIGHT)
    options = {"hole": hole, "ensemble": ensemble, "mix": "off"}
    whole, tiled = (Denoiser(net, tile=tile, **options)(image(), "YX") for tile in (0, 104))
    assert np.abs(whole - tiled).max() <= 1e-5


def test_the_hole_is_that_of_the_call_of_the_model_or_of_the_training():
    net, noisy = model("square:7", "square:3"), image((40, 40))
    at = {hole: Denoiser(net, hole=hole, mix="off")(noisy, "YX") for hole in ("auto", "square:3", "square:7", "pixel")}
    np.testing.assert_array_equal(at["auto"], at["square:3"])
    assert np.abs(at["square:3"] - at["square:7"]).max() > 1e-3
    direct = net.scale.to_image(net.network(net.scale.to_network(torch.from_numpy(noisy)[None, None]), "square:7"))
    np.testing.assert_allclose(at["square:7"], direct[0, 0].detach().numpy(), atol=1e-6)
    assert str(net.network.hole) == net.network.config.hole == "square:7", "the model itself keeps its hole"


@pytest.mark.parametrize("views", [2, 8])
@pytest.mark.parametrize(("hole", "axis"), [("rows:3", 0), ("columns:3", 1)])
def test_no_view_sees_the_lines_that_the_hole_hides(hole, axis, views):
    net = model()
    net = dataclasses.replace(net, inference=dataclasses.replace(net.inference, views=min(views, 2)))
    noisy, changed = image((48, 48)), image((48, 48))
    row = (slice(20, 21), slice(None)) if axis == 0 else (slice(None), slice(20, 21))
    changed[row] += 0.3
    first, second = (Denoiser(net, hole=hole, ensemble=views == 8, mix="off")(x, "YX") for x in (noisy, changed))
    np.testing.assert_array_equal(np.take(first, 20, axis), np.take(second, 20, axis))
    assert np.abs(first - second).max() > 0


@pytest.mark.parametrize(
    ("hole", "told"),
    [
        ("diamond:3", "diagonal half-planes opens"),
        ("square:4", "odd size"),
        ("blob", "write shape and size"),
        ("square:0", "odd size such as 1$"),
        ("none", "sees the pixel that it predicts"),
    ],
)
def test_holes_that_the_network_cannot_open_are_refused(hole, told):
    with pytest.raises(ValueError, match=told):
        Denoiser(model(), hole=hole)


def test_a_hole_larger_than_the_image_and_one_of_a_phase_network_are_refused():
    with pytest.raises(ValueError, match="leaves nothing to see of an image of 12 x 40 pixels"):
        Denoiser(model(), hole="square:13", mix="off")(image((12, 40)), "YX")
    with pytest.raises(ValueError, match="has no hole that could be changed"):
        Denoiser(create("phase-unet-tiny", channels=1), hole="square:3")


@pytest.mark.parametrize("hole", ["pixel", "square:5", "diamond:5"])
def test_half_precision_is_close_and_takes_the_same_hole(hole):
    net = model(DIAGONAL if hole.startswith("diamond") else STRAIGHT)
    exact, half = (Denoiser(net, hole=hole, mix="off", precision=p)(image((64, 64)), "YX") for p in ("32", "bf16"))
    difference = np.abs(exact - half)
    assert difference.max() > 0
    assert np.sqrt(np.square(difference).mean()) < 0.01 * exact.std() + 2**-9
