"""From readings to neighbours; and the stacks of real recordings, where they are at hand."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from bsn.data import ArraySource
from bsn.noise.stacks import StackReadings, advise_context, judge_stacks, measure_stack
from bsn.noise.stacks.between import FrameCorrelation
from bsn.noise.stacks.faults import EqualPixels
from bsn.noise.stacks.within import FrameNoise
from bsn.training import TrainConfig, settle

GOOD = StackReadings(
    20,
    FrameCorrelation((0.0,) * 5, 0.0, 0.0, 0.0, 0.005),
    FrameNoise(0.1, (0.0, 0.0), (0.0, 0.0), 0.0),
    0.0,
    EqualPixels(0.0, 0.0, 0.0),
    1.0,
    1.0,
    1.0,
    1.0,
    0.0,
    0.0,
    (0.9, 0.85, 0.82),
)
CORRELATED = FrameCorrelation((0.3,) * 5, 0.0, 0.3, 0.2, 0.005)
SHARED = FrameNoise(0.1, (0.3, 0.1), (0.0, 0.0), 0.0)


@pytest.mark.parametrize(
    ("changes", "axis", "expected", "said"),
    [
        ({}, "T", (3, False), "seen whole"),
        ({}, "Z", (2, False), "neighbouring slices"),
        ({"worth": (0.9, 0.6, 0.6)}, "T", (2, False), "seen whole"),
        ({"worth": (0.9, 0.4, 0.9)}, "T", (1, False), "seen whole"),
        ({"worth": (0.4, 0.4, 0.4)}, "T", (0, False), "tells only 40% of the picture"),
        ({"between": CORRELATED}, "T", (3, True), "would let 17% of its variance through"),
        ({"pattern": 0.2}, "T", (3, True), "all frames share a pattern (20% of the noise variance)"),
        ({"between": CORRELATED, "within": SHARED}, "T", (0, False), "a hole of one pixel does not hide it"),
        ({"within": SHARED}, "T", (3, False), "seen whole"),
        ({"equal": EqualPixels(0.5, 0.99, 0.1)}, "T", (0, False), "take the copies out"),
        (
            {"frames": 3, "between": FrameCorrelation((0.0,) * 2, None, None, None, 0.01)},
            "T",
            (3, True),
            "cannot be told",
        ),
        # One opinion alone is not believed.
        ({"between": FrameCorrelation((0.3,) * 5, 0.0, 0.3, 0.02, 0.005)}, "T", (3, False), "seen whole"),
    ],
)
def test_the_rule(changes, axis, expected, said):
    advice = advise_context([dataclasses.replace(GOOD, **changes)], axis)
    assert (advice.context, advice.hole) == expected
    assert said in advice.reasons[0]
    assert "\n" not in advice.reasons[0]


def test_the_most_careful_of_several_stacks_counts():
    careful = dataclasses.replace(GOOD, pattern=0.2)
    none = dataclasses.replace(GOOD, worth=(0.1,))
    assert advise_context([GOOD, careful]).hole
    assert advise_context([careful, none, GOOD]).context == 0
    assert advise_context([]).context == 0


def noisy(count=8, side=64, rho=0.0, axes="TYX"):
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:side, :side]
    noise = rng.normal(0, 0.1, (count, side, side))
    for t in range(1, count):
        noise[t] = rho * noise[t - 1] + np.sqrt(1 - rho**2) * noise[t]
    frames = (0.5 + 0.2 * np.sin(x / 9) * np.cos(y / 7) + noise).astype(np.float32)
    return ArraySource(frames, axes)


def test_training_settles_by_the_measurement():
    white = settle(noisy(), TrainConfig())
    assert (white.config.context, white.config.context_hole) == (3, False)
    assert any("seen whole" in reason for reason in white.reasons)
    assert white.words().endswith("--context 3 --no_context_hole")
    held = settle(noisy(rho=0.5), TrainConfig()).config
    assert held.context >= 1
    assert held.context_hole is True
    asked = settle(noisy(rho=0.5), TrainConfig(context=1, context_hole=False)).config
    assert (asked.context, asked.context_hole) == (1, False)
    assert settle(noisy(rho=0.5), TrainConfig(context=1)).config.context_hole is True
    assert settle(noisy(), TrainConfig(context=2)).config.context_hole is False


def test_training_stays_with_single_planes_where_nothing_is_known_or_possible():
    for source, config in (
        (noisy(axes="QYX"), TrainConfig()),
        (noisy(axes=None), TrainConfig()),
        (noisy(), TrainConfig(context_axis="z")),
        (noisy(), TrainConfig(context=0)),
    ):
        found = settle(source, config).config
        assert (found.context, found.context_hole) == (0, False)
    said = settle(noisy(axes="QYX"), TrainConfig()).reasons
    assert any("--axes TYX" in reason for reason in said)
    alone = settle(noisy(), TrainConfig(), alone="images to validate on are scored one by one")
    assert alone.config.context == 0
    assert any("scored one by one" in reason for reason in alone.reasons)


def test_the_sample_of_a_source():
    source = ArraySource([noisy(count=30).image(i)[0] for i in range(1)], "YX")
    assert judge_stacks(source) == []
    found = judge_stacks(noisy(count=40))
    assert [(stack.name, stack.frames, stack.readings.frames) for stack in found] == [("array[t=0]", 40, 24)]


DATA = Path(__file__).resolve().parents[5] / "shared" / "data" / "stacks"
RECORDINGS = {
    # name: files, sigma in grey levels, advice; measured by others, see the README of the data
    "brightfield": ("brightfield/*.png", 1.96, (3, True)),
    "two_photon": ("two_photon/*.tif", 900, (3, False)),
    "stuck_beads": ("stuck_beads/*.tif", 4.8, (3, False)),
    "bulk_water": ("bulk_water/*.png", 0.15, (0, False)),
    "sstem": ("sstem/*.png", 22.8, (0, False)),
    "confocal": ("confocal/*.tif", 1.17, (2, False)),
}


@pytest.mark.parametrize("name", RECORDINGS)
def test_real_recordings_are_judged_as_they_were_by_others(name):
    from skimage.io import imread

    pattern, sigma, expected = RECORDINGS[name]
    paths = sorted(DATA.glob(pattern))
    if not paths:
        pytest.skip("the stacks are not at ../shared/data/stacks")
    read = [imread(path) for path in paths[:24]]
    frames = read[0] if len(read) == 1 else np.stack(read)
    frames = frames[..., 0] if frames.ndim == 4 else frames
    readings = measure_stack(frames[:24, None, :256, :256].astype(np.float32), grey_level=1.0)
    assert readings.within.sigma == pytest.approx(sigma, rel=0.35 if sigma < 1 else 0.1)
    advice = advise_context([readings], "T")
    assert (advice.context, advice.hole) == expected, advice.reasons
