"""Kinds of damage: what each keeps, how kinds are chosen and mixed, and how a user adds one."""

import numpy as np
import pytest

from restoration.damage import Damage, Mixture, damages, find_damages, kinds, register_damage

CLEAN = np.stack([0.5 + 0.4 * np.sin(np.mgrid[:40, :44].sum(0) / (5 + c)) for c in range(3)]).astype(np.float32)


@pytest.fixture
def registry(monkeypatch):
    """A registry whose changes are forgotten after the test."""
    damages()
    monkeypatch.setattr(kinds, "_damages", dict(kinds._damages))


@pytest.mark.parametrize("name", damages())
@pytest.mark.parametrize("channels", [1, 2, 3])
def test_a_kind_is_a_function_of_its_generator(name, channels):
    kind = damages()[name]
    if kind.channels is not None and channels not in kind.channels:
        pytest.skip(f"{name} works on {kind.channels} channels")
    clean = CLEAN[:channels].copy()
    made = [kind(clean, np.random.default_rng(seed)) for seed in (3, 3, 4)]
    np.testing.assert_array_equal(clean, CLEAN[:channels])
    np.testing.assert_array_equal(made[0], made[1])
    assert not np.array_equal(made[0], made[2])
    assert (made[0].shape, made[0].dtype) == (clean.shape, np.float32)
    assert made[0].min() >= 0
    assert made[0].max() <= 1


def test_strengths_go_from_hardly_visible_to_strong():
    """Root mean square of the change in 40 drawings: rain may be faint or heavy, and so may all others."""
    for name in ("rain", "snow", "haze", "noise", "jpeg"):
        rng = np.random.default_rng(1)
        changes = [float(np.sqrt(((damages()[name](CLEAN, rng) - CLEAN) ** 2).mean())) for _ in range(40)]
        assert min(changes) < 0.06, name
        assert max(changes) > 2 * min(changes), name


class TestRegistry:
    def test_a_user_adds_a_kind_with_a_function_and_a_line(self, registry):
        @register_damage("dust", "dark specks", order=25)
        def dust(clean, rng):
            return clean * (rng.random(clean.shape[-2:]) > 0.1)

        (kind,) = find_damages(["dust"])
        share = (kind(CLEAN, np.random.default_rng(0)) == 0).mean()
        assert share == pytest.approx(0.1, abs=0.03)

    def test_a_kind_of_another_shape_is_named(self, registry):
        register_damage("half", "every second pixel")(lambda clean, rng: clean[..., ::2])
        with pytest.raises(ValueError, match=r"the damage 'half' made \(3, 40, 22\) of \(3, 40, 44\)"):
            find_damages(["half"])[0](CLEAN, np.random.default_rng(0))

    @pytest.mark.parametrize(
        ("names", "said"),
        [
            ([], "no task was named; choose some of"),
            (["rian"], "there is no task 'rian'; did you mean rain"),
            (["xyz"], "there is no task 'xyz'; choose some of .*rain-light.*jpeg"),
            (["rain", "snow", "rain"], "the task 'rain' is named twice"),
        ],
    )
    def test_refused(self, names, said):
        with pytest.raises(ValueError, match=said):
            find_damages(names)


def _halved(order):
    """Kinds that show in their result which came when: a' = (a + order) / 2."""
    return Damage(str(order), "", lambda clean, rng: (clean + order / 100) / 2, order)


class TestMixture:
    def test_of_two_kinds_the_one_nearer_the_scene_comes_first(self):
        mixture = Mixture((_halved(40), _halved(0)), mixed=1.0)
        made = mixture.sample(np.full((1, 2, 2), 0.8, np.float32), 0, 0, 0)
        np.testing.assert_allclose(made, ((0.8 + 0.0) / 2 + 0.4) / 2, rtol=1e-6)

    def test_kinds_of_one_place_do_not_meet(self):
        mixture = Mixture((_halved(10), _halved(10)), mixed=1.0)
        np.testing.assert_allclose(mixture.sample(np.full((1, 2, 2), 0.8, np.float32), 0, 0, 5), 0.45, rtol=1e-6)

    def test_all_are_drawn_alike_and_mixed_as_often_as_asked(self):
        """Of 0.8, the first makes 0.4, the second 0.55, and both 0.35."""
        mixture = Mixture((_halved(0), _halved(30)), mixed=0.25)
        blank = np.full((1, 1, 1), 0.8, np.float32)
        found = [round(mixture.sample(blank, 1, step, 0).item(), 4) for step in range(1200)]
        shares = {value: found.count(value) / 1200 for value in (0.4, 0.55, 0.35)}
        assert shares == pytest.approx({0.4: 0.375, 0.55: 0.375, 0.35: 0.25}, abs=0.04)

    def test_a_share_stays_as_it_is(self):
        """Fixed pairs, on which runs are scored, do not know of the share."""
        blank, kinds = np.full((1, 1, 1), 0.8, np.float32), (_halved(0), _halved(30))
        made = [Mixture(kinds, 0.25, untouched=0.3).sample(blank, 1, step, 0).item() for step in range(1200)]
        assert np.mean(np.isclose(made, 0.8)) == pytest.approx(0.3, abs=0.04)
        rain, noise = find_damages(["rain", "noise"])
        shared = Mixture((rain, noise), untouched=0.3)
        np.testing.assert_array_equal(shared.fixed(rain, CLEAN, 2), Mixture((rain,)).fixed(rain, CLEAN, 2))

    def test_fixed_pairs_depend_on_kind_and_image_alone(self):
        rain, noise = find_damages(["rain", "noise"])
        alone, mixed = Mixture((rain,)), Mixture((noise, rain), 0.9)
        np.testing.assert_array_equal(alone.fixed(rain, CLEAN, 2), mixed.fixed(rain, CLEAN, 2))
        assert not np.array_equal(alone.fixed(rain, CLEAN, 2), alone.fixed(rain, CLEAN, 3))
