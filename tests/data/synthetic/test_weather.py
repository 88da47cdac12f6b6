"""Snow, haze and dense rain: cases by hand, and what physics says of them."""

import numpy as np
import pytest

from bsn.data import DepthHaze, GroundDepth, RainTexture, SyntheticSnow
from tests.data.synthetic.test_rain import direction

CLEAN = np.linspace(0, 1, 3 * 24 * 20, dtype=np.float32).reshape(3, 24, 20)


class TestHaze:
    def test_no_scattering_changes_nothing(self):
        np.testing.assert_array_equal(DepthHaze(beta=0.0)(CLEAN, 5.0), CLEAN)

    def test_at_one_distance_the_transmission_is_one_number(self):
        hazy = DepthHaze(beta=0.7, airlight=0.9)(CLEAN, np.full((24, 20), 1.5))
        through = np.exp(-0.7 * 1.5)
        np.testing.assert_allclose(hazy, CLEAN * through + 0.9 * (1 - through), atol=1e-6)

    def test_by_hand(self):
        """Half the light at the distance 1, a quarter at 2; each channel has its own airlight."""
        clean = np.array([0.2, 0.6], np.float32).reshape(2, 1, 1) * np.ones((2, 1, 2), np.float32)
        hazy = DepthHaze(beta=np.log(2), airlight=(1.0, 0.8))(clean, np.array([[1.0, 2.0]]))
        np.testing.assert_allclose(hazy, [[[0.6, 0.8]], [[0.7, 0.75]]], atol=1e-6)

    def test_far_away_is_airlight_alone(self):
        np.testing.assert_allclose(DepthHaze(beta=1.0, airlight=0.85)(CLEAN, 100.0), 0.85, atol=1e-6)

    @pytest.mark.parametrize("depth", [np.ones((20, 24)), np.ones((1, 20)), -0.1, np.nan])
    def test_distances_that_do_not_fit_are_refused(self, depth, refused):
        assert "distances" in refused(DepthHaze(), CLEAN, depth)

    def test_airlight_for_other_channels_is_refused(self, refused):
        haze = DepthHaze(airlight=(0.8, 0.8, 0.9))
        assert "give one value, or one for each channel" in refused(haze, CLEAN[:1], 1.0)
        assert "give (C, H, W)" in refused(haze, CLEAN[0], 1.0)

    @pytest.mark.parametrize("options", [{"beta": -1}, {"beta": np.inf}, {"airlight": 1.5}, {"airlight": (0.5, -0.1)}])
    def test_refused(self, options, refused):
        assert "no haze is like that" in refused(lambda: DepthHaze(**options))


class TestDepth:
    def test_a_plane_by_hand(self):
        """Four rows, horizon at the top, centres at 1/8, 3/8, 5/8, 7/8 below it: near / v, and 1 nearer than `near`."""
        depth = GroundDepth(horizon=0.0, near=0.25, relief=0.0)((4, 3), 0)
        np.testing.assert_allclose(depth, np.repeat([[1.0], [2 / 3], [0.4], [2 / 7]], 3, 1), rtol=1e-6)

    def test_all_is_far_above_the_horizon(self):
        depth = GroundDepth(horizon=0.5, near=0.1, relief=0.0)((40, 8), 0)
        assert (depth[:20] == 1).all()
        assert (np.diff(depth[24:, 0]) < 0).all()

    def test_a_relief_is_smooth_and_a_function_of_its_seed(self):
        scene = GroundDepth(horizon=-1.0, near=0.3, relief=0.5, cells=3)
        depth = scene((96, 80), 4)
        np.testing.assert_array_equal(depth, scene((96, 80), 4))
        assert depth.std() > 0.01
        assert np.abs(np.diff(depth, axis=1)).max() < 0.02
        assert 0 < depth.min() <= depth.max() <= 1

    def test_refused(self, refused):
        assert "no scene is like that" in refused(lambda: GroundDepth(near=0))


class TestSnow:
    @pytest.mark.parametrize("options", [{"density": 0}, {"layers": 0}, {"opacity": 0}])
    def test_no_flakes_change_nothing(self, options):
        np.testing.assert_allclose(SyntheticSnow(veil=0.0, **options)(CLEAN, 0), CLEAN, atol=1e-7)

    def test_a_veil_alone_mixes_with_the_light_of_snow(self):
        snowy = SyntheticSnow(density=0, veil=0.25, brightness=0.8)(CLEAN, 0)
        np.testing.assert_allclose(snowy, 0.75 * CLEAN + 0.2, atol=1e-6)

    def test_all_channels_see_the_same_flakes(self):
        snow = SyntheticSnow(density=3, brightness=1.0, veil=0.0)
        snowy = snow(CLEAN, 3)
        through = snow.transmission((24, 20), 3)
        assert 0 <= through.min() < 0.7
        np.testing.assert_allclose(snowy, 1 - (1 - CLEAN) * through, atol=1e-6)
        np.testing.assert_array_equal(snowy, snow(CLEAN, 3))

    def test_motion_spreads_a_flake_and_makes_it_fainter(self):
        """The light that flakes hold back is about that of still ones; their darkest pixel is not."""
        still, fast = (
            SyntheticSnow(density=0.3, size=3, motion=motion, layers=1, spread=0, softness=1).transmission(
                (256, 256), 0
            )
            for motion in (0.0, 20.0)
        )
        assert (1 - fast).mean() == pytest.approx((1 - still).mean(), rel=0.4)
        assert still.min() < 0.3 < 0.5 < fast.min()

    def test_flakes_fall_in_their_direction(self):
        snow = SyntheticSnow(density=1, size=1, motion=16, angle=30, spread=0, softness=1, layers=1)
        assert abs(direction(1 - snow.transmission((256, 256), 0)) - 30) < 6

    def test_farther_layers_are_finer(self):
        def fine(layers):
            light = 1 - SyntheticSnow(density=0.5, size=4, motion=0, layers=layers).transmission((256, 256), 1)
            return np.abs(np.diff(light)).mean() / light.mean()

        assert fine(4) > 1.1 * fine(1)

    @pytest.mark.parametrize("options", [{"size": 0}, {"veil": 2}, {"opacity": -1}, {"softness": 0}, {"angle": 200}])
    def test_refused(self, options, refused):
        assert "no snow is like that" in refused(lambda: SyntheticSnow(**options))


class TestRainTexture:
    def test_light_is_that_of_all_streaks(self):
        """On average: streaks per pixel, times their mean strength, times the light of one, a Gaussian times its length."""
        rain = RainTexture(density=30, length=12, angle=20, width=1.0, brightness=0.2)
        light = np.mean([rain.streaks((128, 128), seed).mean() for seed in range(4)])
        assert light == pytest.approx(0.030 * 0.65 * 0.2 * np.sqrt(2 * np.pi) * (12 + 1), rel=0.05)

    @pytest.mark.parametrize("angle", [-35.0, 20.0])
    def test_streaks_have_their_direction(self, angle):
        assert abs(direction(RainTexture(angle=angle, length=20).streaks((256, 256), 0)) - angle) < 3

    def test_rain_only_brightens_and_none_changes_nothing(self):
        rainy = RainTexture()(CLEAN, 5)
        assert (rainy >= CLEAN - 1e-6).all()
        assert rainy.max() <= 1
        np.testing.assert_array_equal(RainTexture(density=0)(CLEAN, 0), CLEAN)

    def test_light_of_one_streak_by_hand(self):
        """Upright, of length 4 and width 1: 1 to the ends, a Gaussian across; a middle in the frame reaches in, too."""
        rain = RainTexture(length=4, angle=0, width=1.0)
        assert rain.reach == 6
        middles = np.zeros((9 + 12, 7 + 12), np.float32)
        middles[6 + 4, 6 + 3] = 0.5
        along, across = np.abs(np.arange(9) - 4), np.arange(7) - 3
        expected = 0.5 * np.outer(np.array([1, 1, 1, 0, 0])[along], np.exp(-(across**2) / 2))
        np.testing.assert_allclose(rain.light_from(middles), expected, atol=1e-6)
        outside = np.zeros_like(middles)
        outside[5, 9] = 0.5
        np.testing.assert_allclose(rain.light_from(outside)[:2, 3], [0.5, 0.5], atol=1e-6)

    def test_middles_without_an_image_are_refused(self, refused):
        assert "give more than 12 rows and columns" in refused(
            RainTexture(length=4, width=1).light_from, np.zeros((12, 30))
        )

    @pytest.mark.parametrize("options", [{"density": -1}, {"length": 0}, {"width": 0}, {"angle": 90}])
    def test_refused(self, options, refused):
        assert "no rain is like that" in refused(lambda: RainTexture(**options))


def test_integers_are_refused(refused):
    for layer in (SyntheticSnow(), RainTexture(), DepthHaze()):
        assert "convert it with bsn.data.to_unit" in refused(layer, np.zeros((1, 8, 8), np.uint8), 0)
