"""The training of the weights in the box: its noise, its pairs, its pictures."""

import numpy as np

from bsn.data import ArraySource, RandomCrops
from tools.bundled.corruption import BlindNoise
from tools.bundled.pairs import SyntheticPairs
from tools.bundled.photographs import HELD_OUT, PHOTOGRAPHS, dead_leaves


def test_noise_of_the_weights_in_the_box():
    noise = BlindNoise(grey=1.0, clipped=0.0, photons=0.0)
    clean = np.full((3, 64, 64), 0.5, np.float32)
    strengths = []
    for seed in range(60):
        noisy, target = noise(clean, np.random.default_rng(seed))
        assert np.array_equal(noisy[0], noisy[2])
        strengths.append(255 * (noisy - target).std())
    assert 50 < max(strengths) < 62
    assert min(strengths) < 8
    coloured = BlindNoise(grey=0.0)(clean, np.random.default_rng(0))[0]
    assert not np.array_equal(coloured[0], coloured[1])


def test_synthetic_pairs_are_a_function_of_the_step():
    crops = RandomCrops(ArraySource(np.random.default_rng(0).random((3, 40, 40), np.float32), "CYX"), 16, seed=1)
    pairs = SyntheticPairs(crops, BlindNoise())
    one, again, other = pairs.batch(4, 3), pairs.batch(4, 3), pairs.batch(5, 3)
    assert np.array_equal(one.noisy, again.noisy)
    assert not np.array_equal(one.noisy, other.noisy)
    halves = [pairs.batch(4, 1, rank, 3).noisy for rank in range(3)]
    assert np.array_equal(np.concatenate(halves), one.noisy)


def test_photographs_are_there_and_the_held_out_one_is_not_trained_on():
    assert HELD_OUT.file not in [photograph.file for photograph in PHOTOGRAPHS]
    for photograph in (HELD_OUT, *PHOTOGRAPHS):
        image = photograph.read()
        assert image.shape[0] == 3
        assert image.dtype == np.float32
        assert 0 <= image.min() < image.max() <= 1
    colours = np.eye(3, dtype=np.float32)
    leaves = dead_leaves(48, np.random.default_rng(0), colours)
    assert (leaves.sum(0) == 1).mean() > 0.99  # every place has one of the colours
