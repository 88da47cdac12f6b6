"""The hole that noise asks for: noise of a known kernel, and noise of cameras that is made here."""

import io

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import convolve
from scipy.signal import correlate2d

from bsn.data.synthetic.correlated_noise import CorrelatedGaussian
from bsn.hole import Hole
from bsn.noise import NoiseCorrelation, choose_hole, measure_correlation_map, predictable_share
from bsn.noise.correlation_map import REACH
from bsn.noise.hole_advice import advise_use

CROSS = np.array([[0.0, 1, 0], [1, 3, 1], [0, 1, 0]])


def known(kernel, error=0.01):
    """The exact correlation of noise of a kernel, as if it had been measured with that error."""
    full = correlate2d(kernel, kernel) / np.square(kernel).sum()
    values = np.zeros((2 * REACH + 1,) * 2)
    y, x = (side // 2 for side in full.shape)
    values[REACH - y : REACH + y + 1, REACH - x : REACH + x + 1] = full
    errors = np.full_like(values, error)
    errors[REACH, REACH] = 0
    return NoiseCorrelation(values, errors, 100)


def scene(size):
    ramp = np.arange(size)
    return (0.5 + 0.2 * np.sin(ramp / 60)[None] + 0.2 * (ramp > size / 3)[:, None]).astype(np.float32)


def demosaicked(size, seed, sigma=0.06):
    """White noise of a Bayer sensor, interpolated linearly, over the scene."""
    raw = sigma * np.random.default_rng(seed).normal(size=(size, size))
    y, x = np.mgrid[:size, :size]
    sites = [(y % 2 == 0) & (x % 2 == 0), (y + x) % 2 == 1, (y % 2 == 1) & (x % 2 == 1)]
    around = np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]]) / 4
    green = np.array([[0, 1, 0], [1, 4, 1], [0, 1, 0]]) / 4
    kernels = (around, green, around)
    return np.stack(
        [convolve(np.where(s, raw, 0), k, mode="wrap") for s, k in zip(sites, kernels, strict=True)]
    ) + scene(size)


def as_jpeg(image, quality):
    pixels = np.clip(image.transpose(1, 2, 0) * 255, 0, 255).round().astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file)).transpose(2, 0, 1) / np.float32(255)


def test_white_noise_needs_one_pixel():
    advice = choose_hole(known(np.ones((1, 1))))
    assert str(advice.train) == str(advice.use) == "pixel"
    assert "independent" in advice.why


@pytest.mark.parametrize(
    ("kernel", "shape"),
    [(CROSS, "diamond"), (np.ones((3, 3)), "square"), (np.ones((1, 5)), "rows"), (np.ones((5, 1)), "columns")],
    ids=["cross", "box", "row", "column"],
)
def test_the_shape_is_that_of_the_correlation(kernel, shape):
    correlation = known(kernel)
    advice = choose_hole(correlation)
    assert advice.train.shape == advice.use.shape == shape
    assert advice.train.includes(advice.use)
    hidden = advice.train.mask(REACH).numpy()
    assert np.square(correlation.values[~hidden]).max() < 0.03


def test_the_share_is_that_of_the_best_linear_prediction():
    """By least squares on noise itself, with what a picture would add as white noise of a tenth of its variance."""
    noise = CorrelatedGaussian(1.0, kernel=CROSS).sample_like(np.zeros((420, 420), np.float32), 1)
    seen = noise + np.sqrt(0.1) * np.random.default_rng(2).normal(size=noise.shape)
    hole, reach = Hole("square", 3), 4
    offsets = [(dy, dx) for dy in range(-reach, reach + 1) for dx in range(-reach, reach + 1)]
    offsets = [o for o in offsets if max(map(abs, o)) > 1]
    inside = slice(reach, -reach)
    columns = np.stack([np.roll(seen, o, (0, 1))[inside, inside].ravel() for o in offsets], 1)
    target = noise[inside, inside].ravel()
    weights, *_ = np.linalg.lstsq(columns, target, rcond=None)
    explained = 1 - np.square(target - columns @ weights).mean() / np.square(target).mean()
    assert predictable_share(known(CROSS), hole) == pytest.approx(explained, abs=0.01)
    assert predictable_share(known(CROSS), Hole("square", 5)) < 1e-6 < predictable_share(known(CROSS), Hole("pixel", 1))


def test_chance_opens_no_hole():
    """A map of white noise from few blocks, with errors as large as that makes them."""
    rng = np.random.default_rng(0)
    for _ in range(5):
        noise = rng.normal(size=(2 * REACH + 1,) * 2) * 0.06
        values = (noise + noise[::-1, ::-1]) / np.sqrt(2)
        values[REACH, REACH] = 1
        advice = choose_hole(NoiseCorrelation(values, np.full_like(values, 0.06), 30))
        assert advice.train.size <= 3


def test_strong_correlation_from_few_blocks_stays_below_the_largest_hole():
    noisy = CorrelatedGaussian(0.06, length=4.0)(scene(96), 3)[None]
    advice = choose_hole(measure_correlation_map([noisy]))
    assert 7 <= advice.train.size <= 13


@pytest.mark.parametrize(("quality", "sizes"), [(None, (5, 7)), (95, (5, 7)), (85, (5, 9))])
def test_noise_of_cameras(quality, sizes):
    images = [demosaicked(256, seed) for seed in range(2)]
    images = images if quality is None else [as_jpeg(image, quality) for image in images]
    advice = choose_hole(measure_correlation_map(images, 0.0 if quality is None else 1 / 255))
    assert advice.train.shape in ("square", "diamond")
    assert sizes[0] <= advice.train.size <= sizes[1]
    assert 3 <= advice.use.size < advice.train.size


@pytest.mark.parametrize(("axis", "shape"), [(1, "rows"), (0, "columns")])
@pytest.mark.parametrize("size", [128, 256])
def test_lines_ask_for_whole_lines(axis, shape, size):
    rng = np.random.default_rng(size)
    line = (size, 1) if axis == 1 else (1, size)
    noisy = scene(size) + 0.04 * rng.normal(size=(size, size)) + 0.04 * rng.normal(size=line)
    advice = choose_hole(measure_correlation_map([noisy[None]]))
    assert (advice.train.shape, advice.use.shape) == (shape, shape)
    assert advice.train.size <= 3
    assert "whole line" in advice.why


def test_without_a_measurement_the_published_holes():
    advice = choose_hole(None)
    assert (str(advice.train), str(advice.use)) == ("square:9", "square:3")
    assert "cannot be measured" in advice.why
    assert str(advise_use(None, Hole("diamond", 7))) == "pixel"
    assert str(advise_use(None, Hole("rows", 9))) == "rows:3"


def test_use_of_a_given_hole_follows_the_measurement():
    correlation = known(np.ones((3, 3)))
    assert advise_use(correlation, Hole("square", 9)) == choose_hole(correlation).use
    assert str(advise_use(known(np.ones((1, 1))), Hole("square", 9))) == "pixel"
    assert str(advise_use(correlation, Hole("pixel", 1))) == "pixel"
