"""Only pixels in streaks change, and they come nearer to the truth; pictures without rain come back as they are."""

import dataclasses

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio

from bsn.data import SyntheticRain
from bsn.data.photographs import photograph
from restoration.streaks import STREAKS, StreakSettings, Upright, rain_light, remove_streaks, with_rain_of


@pytest.fixture(scope="module")
def clean():
    return photograph("astronaut.png")[:, 40:232, 120:360]


@pytest.fixture(scope="module")
def rainy(clean):
    return SyntheticRain(angle=-18, veil=0, brightness=0.4)(clean, rng=2)


def test_streaks_go_and_the_rest_stays(clean, rainy):
    dry = remove_streaks(rainy)
    before, after = (peak_signal_noise_ratio(clean, image, data_range=1) for image in (rainy, dry.planes))
    assert after > before + 1.5
    assert abs(dry.direction.angle + 18) < 1.5
    assert 0.02 < dry.mask.mean() < 0.3
    np.testing.assert_array_equal(dry.planes[:, ~dry.mask], rainy[:, ~dry.mask])
    assert (dry.planes <= rainy).all()
    # What was found is rain: the planted light covers a tenth of the image, and most of the mask.
    wet = (rainy - clean).max(0) > 0.02
    assert wet.mean() < 0.12
    assert wet[dry.mask].mean() > 0.75


@pytest.mark.parametrize("name", ["chelsea.png", "ihc.png", "rocket.jpg"])
def test_photographs_without_rain_come_back(name):
    image = photograph(name)[:, :256, :256]
    assert (remove_streaks(image).planes == image).all()


def test_dark_streaks_stay(clean):
    dark = 1 - SyntheticRain(angle=-18, veil=0)(1 - clean, rng=2)
    assert remove_streaks(dark, angle=-18.0).mask.mean() < 0.005


def test_scale_and_type_of_the_values_do_not_matter(rainy):
    small, large = remove_streaks(rainy), remove_streaks((1000 * rainy - 200).astype(np.float64))
    assert (small.mask == large.mask).mean() > 0.995
    assert large.planes.dtype == np.float64


def test_a_given_angle_is_taken(rainy):
    given = remove_streaks(rainy, angle=30.0)
    assert given.direction.angle == 30
    assert given.mask.mean() < 0.5 * remove_streaks(rainy).mask.mean()


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 5, 40), (2, 40, 3), (1, 33, 17)])
def test_any_size_and_number_of_channels(shape):
    image = np.random.default_rng(0).random(shape, np.float32)
    for angle in (None, 55.0):
        dry = remove_streaks(image, angle)
        assert dry.planes.shape == shape
        assert np.isfinite(dry.planes).all()


def test_a_constant_image_comes_back():
    image = np.full((3, 32, 32), 0.4, np.float32)
    assert (remove_streaks(image, angle=0.0).planes == image).all()


@pytest.mark.parametrize("angle", [61.0, -90.0, np.nan])
def test_flat_angles_are_refused(angle):
    with pytest.raises(ValueError, match="too flat for rain; use one from -60 to 60"):
        remove_streaks(np.zeros((1, 8, 8), np.float32), angle)


@pytest.mark.parametrize(
    ("name", "value"), [("length", 14), ("false_share", 0.0), ("grow", 1.5), ("half_widths", ()), ("rounds", 0)]
)
def test_settings_out_of_range_are_refused(name, value):
    with pytest.raises(ValueError, match=f"{name} .* out of range; use"):
        dataclasses.replace(STREAKS, **{name: value})


def test_slanted_lines_stand_upright():
    angle = 27.0
    rows, columns = np.mgrid[:60, :80]
    line = np.exp(-0.5 * ((columns - 40 - np.tan(np.deg2rad(angle)) * (rows - 29.5)) / 2) ** 2)[None]
    upright = Upright(angle, line.shape[1:])
    standing = upright.stand(line)
    margin = (standing.shape[-1] - 80) // 2
    assert (np.abs(np.argmax(standing[0], axis=1) - 40 - margin) <= 1).all()
    np.testing.assert_allclose(upright.lie(standing), line, atol=0.06)


def test_rain_of_another_image_is_added(clean, rainy):
    light = rain_light(rainy, remove_streaks(rainy))
    assert light.min() == 0
    assert light.max() > 0.1
    other = clean[:, :100, :300] * 0.5
    added = with_rain_of(other, [light[:64]], np.random.default_rng(0)) - other
    assert (added >= 0).all()
    np.testing.assert_allclose(added[0], added[2], atol=1e-6)  # grey
    assert added.mean() == pytest.approx(light[:64].mean(), rel=0.3)
    with pytest.raises(ValueError, match="no rain to add"):
        with_rain_of(other, [], np.random.default_rng(0))


def test_more_false_finds_are_allowed_where_asked(rainy):
    strict, loose = (remove_streaks(rainy, settings=StreakSettings(false_share=share)) for share in (0.02, 0.3))
    assert strict.mask.mean() < loose.mask.mean()
