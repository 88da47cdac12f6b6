"""The rain of the weights in the box: light and heavy, none in a known share, and falling down."""

import numpy as np
import torch

from bsn.data import ArraySource
from bsn.models import InferenceDefaults
from tools.bundled.rain import RandomRain
from tools.bundled.recipes import recipe_named
from tools.bundled.sources import training_pairs
from tools.bundled.train import inference_of, validation_pairs


def made(count, rain=None, size=48):
    clean = np.full((3, size, size), 0.4, np.float32)
    return [(rain or RandomRain())(clean, np.random.default_rng(seed)) for seed in range(count)]


def test_rain_adds_light_and_is_light_or_heavy_and_some_has_dark_streaks_too():
    added = [rainy - target for rainy, target in made(60, RandomRain(clear=0, compressed=0, shaded=0))]
    assert min(light.min() for light in added) >= 0
    means = sorted(light.mean() for light in added)
    assert means[5] < 0.03
    assert means[-5] > 0.15
    assert max(light.std(0).max() for light in added) < 1e-6, "streaks are grey"
    darkest = [(rainy - target).min() for rainy, target in made(10, RandomRain(clear=0, compressed=0, shaded=1))]
    assert max(darkest) < 0


def test_some_crops_have_no_rain():
    pairs = made(200, RandomRain(clear=0.2, compressed=0))
    dry = np.mean([np.array_equal(rainy, target) for rainy, target in pairs])
    assert 0.12 < dry < 0.3
    assert all(np.array_equal(*pair) for pair in made(5, RandomRain(clear=1, compressed=0)))


def test_haze_stays_in_the_target():
    targets = [target for _, target in made(20, RandomRain(clear=1, hazy=1, grey=0, compressed=0))]
    assert max(target.mean() for target in targets) > 0.42, "haze is lighter than the picture"


def test_streaks_are_upright(monkeypatch):
    """Neighbours above each other are more alike than side by side, also after the crops were turned."""
    source = ArraySource(np.full((1, 3, 96, 96), 100, np.uint8), "NCYX")
    monkeypatch.setattr("tools.bundled.sources.training_source", lambda *_: source)
    pairs = training_pairs("rain", 64, 0)
    down = across = 0.0
    for step in range(10):
        batch = pairs.batch(step, 4)
        light = batch.pixels - batch.targets[:, 0]
        down += np.square(np.diff(light, axis=-2)).sum()
        across += np.square(np.diff(light, axis=-1)).sum()
    assert across > 2 * down


def test_the_recipe_begins_with_the_picture_itself_and_keeps_what_stands_out():
    image = torch.rand(1, 3, 40, 56, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(recipe_named("rain-tiny").start()(image), image)
    assert inference_of("rain", 80) == InferenceDefaults(training_crop=80, grey_as_colour=True, outliers="ignore")
    pairs = validation_pairs("rain")
    assert len(pairs) == 6
    assert all(not np.array_equal(pair.image, pair.target) for pair in pairs)
