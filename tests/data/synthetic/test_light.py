"""Low light and water: cases by hand, and what physics says of them."""

import numpy as np
import pytest

from bsn.data import JERLOV, LowLight, Underwater

CLEAN = np.linspace(0.02, 0.98, 3 * 12 * 10, dtype=np.float32).reshape(3, 12, 10)


def srgb(light):
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * np.power(light, 1 / 2.4) - 0.055)


def linear(value):
    return np.where(value <= 0.04045, value / 12.92, np.power((value + 0.055) / 1.055, 2.4))


class TestLowLight:
    def test_all_light_without_noise_changes_nothing(self):
        same = LowLight(exposure=1.0, gain=0.0, read_noise=0.0, levels=0)(CLEAN, 0)
        np.testing.assert_allclose(same, CLEAN, atol=1e-6)

    def test_light_is_taken_before_the_curve_of_the_file(self):
        dark = LowLight(exposure=0.1, gain=0.0, read_noise=0.0, cast=(1.0, 0.5, 0.25), levels=0)(CLEAN, 0)
        factors = np.array([0.1, 0.05, 0.025])[:, None, None]
        np.testing.assert_allclose(dark, srgb(factors * linear(CLEAN.astype(float))), atol=1e-6)

    def test_gamma_and_grey_levels_by_hand(self):
        """Value 1 at a fifth of the light: 0.4845 in sRGB, 0.2347 after gamma 2, 60 of 255."""
        dark = LowLight(exposure=0.2, gain=0.0, read_noise=0.0, gamma=2.0)(np.ones((1, 2, 2)), 0)
        np.testing.assert_allclose(dark, 60 / 255, atol=1e-6)

    def test_noise_is_that_of_the_light_that_is_left(self):
        """In linear light the variance is gain x light + read noise^2, whatever the exposure was."""
        night = LowLight(exposure=0.25, gain=2e-3, read_noise=4e-3, levels=0)
        clean = np.full((1, 200, 200), 0.9, np.float32)
        light = linear(night(clean, 0).astype(float))
        expected = 0.25 * linear(0.9)
        assert light.mean() == pytest.approx(expected, rel=0.01)
        assert light.var() == pytest.approx(2e-3 * expected + 4e-3**2, rel=0.05)
        np.testing.assert_array_equal(night(clean, 0), night(clean, 0))

    @pytest.mark.parametrize("options", [{"exposure": 0}, {"exposure": 2}, {"gamma": 0}, {"cast": (1.0, 0.0, 1.0)}])
    def test_refused(self, options, refused):
        assert "no photograph is like that" in refused(lambda: LowLight(**options))

    def test_an_image_without_channels_is_refused(self, refused):
        """Its rows would be taken for channels."""
        assert "give (C, H, W)" in refused(LowLight(), CLEAN[0], 0)

    def test_a_cast_for_other_channels_is_refused(self, refused):
        assert "give one factor for each channel" in refused(LowLight(cast=(1.0, 1.0)), CLEAN, 0)


class TestUnderwater:
    def test_no_water_changes_nothing(self):
        np.testing.assert_allclose(Underwater(scattering=0.1)(CLEAN, 0.0), CLEAN, atol=1e-6)

    def test_by_hand(self):
        """Half the red is lost in a metre, nothing of the others; after three metres, an eighth is left."""
        water = Underwater(kept=(0.5, 1.0, 1.0), scattering=0.1)
        seen = linear(water(np.full((3, 1, 2), 1.0), np.array([[1.0, 3.0]])).astype(float))
        red = [0.5 + 0.1 * 0.5 / np.log(2), 0.125 + 0.1 * 0.875 / np.log(2)]
        np.testing.assert_allclose(seen, [[red], [[1.0, 1.0]], [[1.0, 1.0]]], atol=1e-5)

    def test_water_without_absorption_scatters_alike_in_every_metre(self):
        seen = Underwater(kept=(1.0, 1.0, 1.0), scattering=0.1)(np.zeros((3, 1, 1)), 4.0)
        np.testing.assert_allclose(linear(seen.astype(float)), 0.4, atol=1e-6)

    def test_far_away_there_is_water_alone(self):
        """Its colour does not depend on the scene, and clear water is bluer than green, greener than red."""
        water = Underwater(kept=JERLOV["I"], scattering=0.003)
        first, other = (water(np.full((3, 1, 1), value), 2000.0).ravel() for value in (0.0, 1.0))
        np.testing.assert_allclose(first, other, atol=1e-6)
        np.testing.assert_allclose(linear(first.astype(float)), 0.003 / -np.log(JERLOV["I"]), rtol=1e-4)
        assert first[2] > first[1] > first[0]

    def test_the_light_of_the_surface_is_dimmed_by_the_depth(self):
        shallow, deep = (Underwater(kept=(0.7, 0.8, 0.9), depth=depth, scattering=0.0)(CLEAN, 0.0) for depth in (0, 2))
        expected = linear(shallow.astype(float)) * np.array([0.49, 0.64, 0.81])[:, None, None]
        np.testing.assert_allclose(linear(deep.astype(float)), expected, atol=1e-6)

    def test_turbid_types_let_less_light_through(self):
        green = [kept[1] for kept in JERLOV.values()]
        assert green == sorted(green, reverse=True)

    @pytest.mark.parametrize("options", [{"kept": (0, 1, 1)}, {"depth": -1}, {"scattering": -1}, {"exposure": 0}])
    def test_refused(self, options, refused):
        assert "no water is like that" in refused(lambda: Underwater(**options))

    def test_grey_images_are_refused(self, refused):
        assert "water changes three colours" in refused(Underwater(), CLEAN[:1], 1.0)

    @pytest.mark.parametrize("distance", [np.ones((10, 12)), -1.0])
    def test_distances_that_do_not_fit_are_refused(self, distance, refused):
        assert "distances" in refused(Underwater(), CLEAN, distance)
