"""Missing pixels and outliers do not reach the network, and come back as they were."""

import dataclasses

import numpy as np
import pytest
import torch
from scipy.ndimage import median_filter

import bsn
from bsn.data import write_image
from bsn.data.files.images import Image
from bsn.inference import Denoiser
from bsn.inference.measuring import Measurement
from bsn.inference.mending import SPOTS, MendedPlane, _over_surroundings
from bsn.inference.stages import Downsampling, Frame
from bsn.models import Model, NoiseModel, ValueScale
from bsn.noise.local_noise import measure_local_noise
from tests.bsn.inference.test_denoiser import Unsure, tiny

SIZE = 96
ROWS, COLUMNS = np.mgrid[:SIZE, :SIZE]
SKY = 0.12 + 0.05 * np.sin(ROWS / 25) * np.cos(COLUMNS / 31)


def grey16(seed=0):
    noise = np.random.default_rng(seed).normal(size=SKY.shape)
    return (65535 * (SKY + 5 / 255 * noise).clip(0, 1)).astype(np.uint16)


def with_hot_pixels(image, count):
    places = np.random.default_rng(3).integers(5, SIZE - 5, (count, 2))
    hot = image.copy()
    hot[places[:, 0], places[:, 1]] = 65535
    distance = np.min([np.maximum(abs(ROWS - r), abs(COLUMNS - c)) for r, c in places], 0)
    return hot, distance


def rms(image, where):
    return float(np.sqrt(np.square(image / 65535 - SKY)[where].mean()))


@pytest.mark.parametrize("count", [1, 15])
def test_hot_pixels_leave_the_picture_as_it_is(count):
    """With the model in the box, against the clean picture; without the search the error is larger."""
    image = grey16()
    hot, distance = with_hot_pixels(image, count)
    beside = (distance >= 1) & (distance < 6)
    clean, kept = (Denoiser(device="cpu")(x) for x in (image, hot))
    assert rms(kept, beside) < 1.1 * rms(clean, beside)
    assert (kept[distance == 0] == 65535).all()
    repaired = Denoiser(device="cpu", outliers="repair")(hot)
    assert rms(repaired, distance == 0) < 3 * rms(clean, distance > 0)
    assert (repaired[distance > 0] == kept[distance > 0]).all()
    blind = Denoiser(device="cpu", outliers="ignore")(hot)
    assert rms(blind, beside) > 1.5 * rms(clean, beside)


def test_outliers_do_not_move_the_noise_that_is_measured():
    """Noise fitted to each image: with cosmic rays the weight of all other pixels stays."""
    rng = np.random.default_rng(0)
    image = (5 + 0.5 * rng.normal(size=(160, 160))).astype(np.float32)
    struck = image.copy()
    struck[rng.integers(3, 157, 15), rng.integers(3, 157, 15)] = 400
    model = Model(Unsure(), noise=NoiseModel(0, 9.0, per_image=True))
    one, other = (bsn.denoise_with_deviation(x, model, device="cpu").deviation for x in (image, struck))
    assert np.median(other) == pytest.approx(np.median(one), rel=0.02)


def test_missing_pixels_do_not_move_the_noise_that_is_measured():
    """Two thirds of the image are filled from their surroundings, so smooth that their noise is nearly 0."""
    image = (5 + 0.5 * np.random.default_rng(0).normal(size=(160, 160))).astype(np.float32)
    holes = image.copy()
    holes[:, 56:] = np.nan
    measure = Measurement(
        Frame(ValueScale(), 1, 1, 1, "none", 1), Downsampling(1, None), Unsure(), spectrum="yes", curve=True
    )
    whole, part = (
        measure(MendedPlane(reading(x), x.shape, torch.device("cpu"), "keep", 0.0), x.shape) for x in (image, holes)
    )
    assert float(part.spectrum.power.mean()) == pytest.approx(float(whole.spectrum.power.mean()), rel=0.15)
    assert float(part.noise.variance.median()) == pytest.approx(float(whole.noise.variance.median()), rel=0.15)


def reading(image):
    return lambda top, left, height, width: image[None, top : top + height, left : left + width]


def test_a_large_hole_leaves_the_rest_as_it_is():
    """With the model in the box; the noise of the rest is not taken for outliers or spots."""
    image = (grey16() / 65535).astype(np.float32)
    holes = image.copy()
    holes[np.hypot(ROWS - 48, COLUMNS - 48) > 38] = np.nan
    one, other = Denoiser(device="cpu")(image), Denoiser(device="cpu")(holes, nan="keep")
    inside = np.hypot(ROWS - 48, COLUMNS - 48) < 26
    assert np.abs(other - one)[inside].max() < 0.002, "of noise of 0.02"


@pytest.mark.parametrize("options", [{}, {"ensemble": True}, {"tile": 88}, {"stride": 2}], ids=str)
def test_missing_pixels_are_missing_in_the_result_and_nowhere_else(options):
    rng = np.random.default_rng(1)
    image = rng.random((2, 90, 100)).astype(np.float32)
    holes = image.copy()
    holes[0, 30:50, 40:55], holes[1, :, 3], holes[1, 70, 70] = np.nan, np.inf, -np.inf
    result = bsn.denoise(holes, tiny(), axes="ZYX", nan="keep", device="cpu", **options)
    assert (np.isnan(result) == ~np.isfinite(holes)).all()
    full = bsn.denoise(image, tiny(), axes="ZYX", device="cpu", **options)
    far = np.ones(holes.shape, bool)
    far[0, 10:70, 20:75], far[1, :, :24], far[1, 50:90, 50:90] = False, False, False
    assert np.abs(result[far] - full[far]).max() < 0.02, "of noise of 0.29"
    with pytest.raises(bsn.data.DataError, match="keep"):
        bsn.denoise(holes, tiny(), axes="ZYX", device="cpu")


def test_the_deviation_of_a_missing_pixel_is_missing():
    image = np.random.default_rng(2).normal(5, 1, (64, 64)).astype(np.float32)
    image[10:20, 10:20] = np.nan
    found = bsn.denoise_with_deviation(image, Model(Unsure(), noise=NoiseModel(0, 1.0)), nan="keep", device="cpu")
    assert (np.isnan(found.deviation) == np.isnan(image)).all()
    assert (np.isnan(found.image) == np.isnan(image)).all()


def test_missing_pixels_of_a_file(tmp_path):
    image = np.random.default_rng(2).random((120, 100)).astype(np.float32)
    image[20:30, 30:60] = np.nan
    write_image(tmp_path / "a.tif", Image(image, "YX"))
    options = bsn.data.ReadOptions(nan="keep")
    Denoiser(tiny(), device="cpu", tile=88).denoise_file(tmp_path / "a.tif", tmp_path / "b.tif", options=options)
    result = bsn.data.read_image(tmp_path / "b.tif", options).pixels
    assert (np.isnan(result) == np.isnan(image)).all()


def test_regions_show_what_the_whole_plane_shows():
    hot, _ = with_hot_pixels(grey16(), 15)
    pixels = (hot / np.float32(65535)).astype(np.float32)[None]
    pixels[0, 40:44, 50:60] = np.nan

    def read(top, left, height, width):
        return pixels[:, top : top + height, left : left + width]

    plane = MendedPlane(read, (SIZE, SIZE), torch.device("cpu"), "keep", 1 / 65535)
    whole = plane(0, 0, SIZE, SIZE)
    for box in ((0, 0, 50, 60), (40, 50, 56, 46), (17, 30, 20, 50)):
        top, left, height, width = box
        assert torch.allclose(plane(*box), whole[..., top : top + height, left : left + width], atol=1e-6)


@pytest.mark.parametrize("width", [1.5, 2.5, 4.0])
def test_a_bright_star_field_leaves_the_sky_as_it_is(width):
    """Saturated stars and the small model in the box, against the clean sky: uncut, the error is twice as large."""
    places = np.random.default_rng(1).uniform(8, SIZE - 8, (8, 2))
    squares = [np.square(ROWS - r) + np.square(COLUMNS - c) for r, c in places]
    stars = sum(3 * np.exp(-square / (2 * (width / 2.355) ** 2)) for square in squares)
    far = np.sqrt(np.min(squares, 0)) > 2 * width + 4
    noise = 1 / 255 * np.random.default_rng(0).normal(size=SKY.shape)
    dark, bright = ((65535 * (SKY + s + noise).clip(0, 1)).astype(np.uint16) for s in (0, stars))
    without, kept = (Denoiser("photo-tiny", device="cpu")(x) for x in (dark, bright))
    uncut = Denoiser("photo-tiny", device="cpu", outliers="ignore")(bright)
    assert rms(kept, far) < 1.25 * rms(without, far)
    assert rms(uncut, far) > 1.7 * rms(without, far)
    assert np.abs(kept / 65535 - (SKY + stars).clip(0, 1)).max() < 0.03, "the stars are as bright as they were"


def test_a_crowded_star_field_leaves_the_sky_as_it_is():
    """Stars on a tenth of the pixels, so that the brightest eighth of the image shows nothing but their slopes."""
    rng = np.random.default_rng(0)
    stars = np.zeros(SKY.shape)
    for row, column, height in zip(*rng.uniform(0, SIZE, (2, 14)), rng.exponential(60000, 14), strict=True):
        stars += height * np.exp(-(np.square(ROWS - row) + np.square(COLUMNS - column)) / 2.9)
    sky = 100 + stars
    image = (rng.poisson(sky) + rng.normal(0, 8, sky.shape)).clip(0, 65535).astype(np.uint16)
    far = stars < 20
    assert 0.8 < far.mean() < 0.93
    kept = Denoiser(device="cpu")(image)
    assert np.sqrt(np.square(kept - sky)[far].mean()) < 0.6 * np.sqrt(np.square(image - sky)[far].mean())


def test_noise_that_grows_with_the_light_is_not_taken_for_spots():
    """Poisson noise, speckle and clipped white: the bound on the variance lies at or above what noise has."""
    rng, light = np.random.default_rng(0), np.tile(np.linspace(20, 250, 256), (256, 1))
    for noisy in (
        rng.poisson(light),
        light * rng.normal(1, 0.1, light.shape),
        np.minimum(light + rng.normal(0, 3, light.shape), 200),
    ):
        noise = measure_local_noise(noisy.astype(np.float64))
        places = np.linspace(40, 240, 9)
        np.testing.assert_allclose(noise.variance_of_light(places), noise.variance(places), rtol=0.3)


def test_photographs_have_no_spots_to_cut():
    image = (0.45 + 0.2 * np.random.default_rng(0).normal(size=(1, SIZE, SIZE))).clip(0, 1).astype(np.float32)

    def read(top, left, height, width):
        return image[:, top : top + height, left : left + width]

    plane = MendedPlane(read, (SIZE, SIZE), torch.device("cpu"), "keep", 0.0, spots=True)
    assert torch.equal(plane(0, 0, SIZE, SIZE)[0], torch.from_numpy(image))


@pytest.mark.parametrize("scale", [1 / 1000, 255, 65535])
def test_the_model_in_the_box_takes_values_of_any_scale(scale):
    """It has no biases: there is no scale that it would have to know."""
    image = (grey16() / 65535).astype(np.float32)
    denoiser = Denoiser(device="cpu")
    np.testing.assert_allclose(denoiser(image * np.float32(scale)) / scale, denoiser(image), atol=1e-5)


def test_options_that_are_none():
    with pytest.raises(ValueError, match="outliers hide is out of range; use keep, repair or ignore"):
        dataclasses.replace(bsn.inference.InferenceConfig(), outliers="hide")


@pytest.mark.parametrize("kind", ["noise", "spots", "stripes", "uniform"])
def test_what_stands_out_is_what_a_median_filter_leaves(kind):
    rng = np.random.default_rng(0)
    plane = rng.normal(0.1, 0.01, (40, 53)).astype(np.float32)
    if kind == "spots":
        plane[rng.integers(0, 40, 9), rng.integers(0, 53, 9)] += rng.random(9).astype(np.float32)
    elif kind == "stripes":
        plane += (np.add.outer(np.arange(40), np.arange(53)) % 20 > 15) * np.float32(0.4)
    elif kind == "uniform":
        plane = rng.random((40, 53), np.float32)
    noise, lowest = measure_local_noise(plane), 0.05
    middle = median_filter(plane, SPOTS.surroundings, mode="nearest")
    height = np.maximum(SPOTS.deviations * np.sqrt(noise.variance_of_light(middle)), lowest)
    expected = np.maximum(plane - middle - height, 0).astype(np.float32)
    assert (expected > 0).any() == (kind in ("spots", "stripes"))
    np.testing.assert_array_equal(_over_surroundings(plane, noise, lowest), expected)
