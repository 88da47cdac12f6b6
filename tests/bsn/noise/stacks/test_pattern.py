"""Patterns that all frames share: made ones are found and taken off, and photographs that stand still lose nothing."""

import functools

import numpy as np
import pytest
from scipy.ndimage import shift
from skimage import data

from bsn.noise.stacks import StackSums, find_pattern, measure_stack, pattern_of_stack
from bsn.noise.stacks.smooth import KERNELS, high_pass, kept_variance, white_correlation

SIGMA, COUNT, SIDE = 20.0, 20, 160


@functools.cache
def scene(kind):
    """A photograph that stands still or moves, nothing at all, or something that looks like a pattern."""
    camera = data.camera().astype(float)
    if kind.startswith("moving"):
        speed = float(kind.split()[1])
        part = camera[122:298, 72:300]
        return np.stack([shift(part, (0, -speed * t), order=3)[8:168, 8:168] for t in range(COUNT)])
    still = {
        "still": lambda: camera[130:290, 80:240],
        "flat": lambda: np.full((SIDE, SIDE), 100.0),
        "grass": lambda: data.grass()[:SIDE, :SIDE],
        "gravel": lambda: data.gravel()[:SIDE, :SIDE],
        "fence": lambda: 100 + 30.0 * (np.arange(SIDE) % 6 < 3) * np.ones((SIDE, 1)),
        "dots": lambda: np.random.default_rng(5).normal(100, 30, (SIDE, SIDE)),
        "stars": lambda: 100 + 200.0 * (np.random.default_rng(5).random((SIDE, SIDE)) < 0.001),
    }[kind]()
    return np.repeat(np.asarray(still, float)[None], COUNT, 0)


@functools.cache
def pattern(kind, sigma=SIGMA):
    rng = np.random.default_rng(9)
    pixels, lines = rng.normal(0, sigma / 2, (SIDE, SIDE)), rng.normal(0, 0.3 * sigma, SIDE)
    return {
        "none": np.zeros((SIDE, SIDE)),
        "pixels": pixels,
        "columns": np.broadcast_to(lines, (SIDE, SIDE)),
        "rows": np.broadcast_to(lines[:, None], (SIDE, SIDE)),
        "both": pixels + lines,
        "hot": 200.0 * (rng.random((SIDE, SIDE)) < 0.001),
        "shading": 30 * np.cos(np.linspace(0, 3, SIDE)) * np.ones((SIDE, 1)),
    }[kind]


def noisy(frames, shared, sigma=SIGMA):
    return frames + pattern(shared, sigma) + np.random.default_rng(3).normal(0, sigma, frames.shape)


def found_in(frames):
    sums = StackSums()
    for frame in frames:
        sums.add(frame[None])
    return find_pattern(sums)


@pytest.mark.parametrize(
    "kind", ["still", "moving 0.1", "moving 0.7", "moving 2", "flat", "grass", "gravel", "fence", "dots"]
)
@pytest.mark.parametrize("sigma", [SIGMA, 3.0])
def test_nothing_is_taken_off_pictures_without_a_pattern(kind, sigma):
    found = found_in(noisy(scene(kind), "none", sigma))
    assert not found.significant
    assert found.offsets.std() < 0.02 * sigma


@pytest.mark.parametrize("kind", ["flat", "moving 0.7", "moving 2"])
@pytest.mark.parametrize(
    ("shared", "share", "kinds"),
    [
        ("pixels", 0.2, {"single pixels"}),
        ("columns", 0.07, {"columns"}),
        ("rows", 0.07, {"rows"}),
        ("both", 0.25, {"columns", "single pixels"}),
    ],
)
def test_a_pattern_is_taken_off_where_the_picture_is_flat_or_moves(kind, shared, share, kinds):
    found = found_in(noisy(scene(kind), shared))
    assert found.significant
    assert set(found.kinds) == kinds
    assert found.share == pytest.approx(share, abs=0.03)
    assert found.left < 0.01
    before, after = pattern(shared), pattern(shared) - found.offsets[0]
    # What stays is the noise of a mean of 20 frames, and the smooth part of the offsets.
    assert after.std() < 0.5 * before.std() if shared == "columns" else after.std() < 0.6 * before.std()
    assert abs(found.offsets.mean()) < 0.02 * SIGMA


@pytest.mark.parametrize("shared", ["pixels", "columns", "rows"])
def test_beside_texture_that_stands_still_a_pattern_is_taken_off_flat_places_only(shared):
    found = found_in(noisy(scene("still"), shared))
    clean = found_in(noisy(scene("still"), "none"))
    assert found.significant
    assert clean.offsets.std() == 0
    error = pattern(shared) - found.offsets[0]
    assert (error**2).mean() < 0.62 * pattern(shared).var()
    if shared == "pixels":
        assert found.left > 0.02
        assert "picture that stands still hides it" in found.said()


def test_hot_pixels_go_where_the_picture_moves_and_stay_where_they_may_be_stars():
    moving = found_in(noisy(scene("moving 0.7"), "hot"))
    assert "hot pixels" in moving.kinds
    assert (pattern("hot") - moving.offsets[0]).std() < 0.3 * pattern("hot").std()
    still = found_in(noisy(scene("stars"), "none"))
    assert not still.kinds
    assert not still.offsets.any()
    assert "may belong to it" in still.said()


@pytest.mark.parametrize("kind", ["flat", "moving 0.7"])
def test_smooth_shading_is_kept(kind):
    assert not found_in(noisy(scene(kind), "shading")).significant


def test_what_cannot_be_told_is_said():
    assert "may be picture" in found_in(noisy(scene("grass"), "pixels")).said()
    assert "too strong for a pattern" in found_in(noisy(scene("dots"), "none")).said()
    few = found_in(noisy(scene("flat"), "pixels")[:7])
    assert not few.kinds
    assert "7 frames of 160 x 160 pixels are too few" in few.said()


def test_neighbours_may_be_seen_whole_after_it():
    frames = noisy(scene("moving 0.7"), "both")
    found = found_in(frames)
    assert measure_stack(frames[:, None]).pattern > 0.15
    assert measure_stack(frames[:, None] - found.offsets).pattern < 0.03


def test_long_stacks_are_looked_at_in_runs():
    flat, read = scene("flat")[0], []
    rng = np.random.default_rng(0)

    def frame(plane):
        read.append(plane)
        return (flat + pattern("pixels") + rng.normal(0, SIGMA, flat.shape))[None]

    found = pattern_of_stack(range(100, 1100), frame)
    assert len(read) == 200
    assert (read[0], read[-1]) == (100, 1099)
    # The windows leave 85 to 94 % of the variance of single pixels.
    assert np.corrcoef(found.offsets.ravel(), pattern("pixels").ravel())[0, 1] > 0.9


@pytest.mark.parametrize("window", KERNELS.values())
def test_white_noise_after_a_smooth_surface_has_the_stated_correlations(window):
    y, x = np.mgrid[:40, :40]
    np.testing.assert_allclose(high_pass(3.0 + x - 0.1 * y**2, window)[8:-8, 8:-8], 0, atol=1e-9)
    rest = high_pass(np.random.default_rng(0).normal(0, 1, (500, 500)), window)
    assert rest.var() == pytest.approx(kept_variance(window), abs=0.01)
    assert (rest[:, 1:] * rest[:, :-1]).mean() == pytest.approx(white_correlation(window)[0, 1], abs=0.01)
    assert (rest[2:] * rest[:-2]).mean() == pytest.approx(white_correlation(window)[2, 0], abs=0.01)
