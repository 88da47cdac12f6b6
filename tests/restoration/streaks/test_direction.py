"""The direction of planted streaks is found; a picture's own lines are not taken for rain."""

import numpy as np
import pytest

from bsn.data import SyntheticRain
from bsn.data.photographs import photograph
from restoration.streaks import remove_streaks, streak_direction


@pytest.fixture(scope="module")
def cat():
    return photograph("chelsea.png")[:, :240, 100:340]


@pytest.mark.parametrize("angle", [-47, -12, 0, 26])
def test_planted_direction_is_found_within_a_degree(cat, angle):
    rainy = SyntheticRain(angle=angle, spread=1, veil=0)(cat, rng=1)
    found = streak_direction(rainy)
    assert abs(found.angle - angle) < 1
    assert found.strength > 2


def test_dark_streaks_are_not_rain(cat):
    dark = 1 - SyntheticRain(angle=20, veil=0)(1 - cat, rng=1)
    assert abs(streak_direction(dark).angle - 20) > 5 or streak_direction(dark).strength < 0.5


def test_coloured_lines_are_not_rain():
    """Rain is as bright in every channel; red lines on grey are not."""
    image = np.full((3, 96, 96), 0.3, np.float32)
    image[0, :, 10::12] = 0.9
    assert streak_direction(image).strength == 0


def test_the_range_of_values_does_not_matter(cat):
    rainy = SyntheticRain(angle=15, veil=0)(cat, rng=3)
    small, large = streak_direction(rainy), streak_direction(4000 * rainy - 700)
    assert small.angle == pytest.approx(large.angle, abs=0.01)
    assert small.strength == pytest.approx(large.strength, rel=1e-3)


def test_an_image_without_lines_has_no_direction():
    assert streak_direction(np.full((1, 40, 40), 7.0, np.float32)).strength == 0


def test_a_stack_is_refused():
    with pytest.raises(ValueError, match=r"shape \(2, 3, 8, 8\), not \(C, H, W\)"):
        streak_direction(np.zeros((2, 3, 8, 8)))


def test_the_flattest_direction_can_be_used():
    flat = SyntheticRain(angle=62, spread=0, veil=0)(np.full((3, 128, 128), 0.2, np.float32), rng=0)
    assert abs(streak_direction(flat).angle) <= 60
    assert remove_streaks(flat).planes.shape == flat.shape
