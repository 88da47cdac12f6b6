"""Scores of recordings against errors that were made, a library's likelihood, and figures measured before."""

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import norm

from benchmarks.real_stacks import held_back
from benchmarks.stack_data import Stack, read_stack
from benchmarks.stack_scores import (
    beyond_four_sigma,
    held_back_scores,
    near_truth,
    residual_correlation,
    still_pixels,
    true_error,
)
from benchmarks.stacks import ghost, reflected_mean

STACKS = Path(__file__).parents[3] / "shared" / "data" / "stacks"


def test_the_error_against_a_near_truth_is_that_against_the_truth():
    rng = np.random.default_rng(0)
    clean = rng.uniform(50, 60, (64, 64))
    frames = clean + rng.normal(0, 2, (12, 64, 64))
    truth, noise = near_truth(frames, 3)
    where = np.ones((64, 64), bool)
    assert true_error(frames, truth, noise, where) == pytest.approx(4, rel=0.03)
    assert true_error(clean + np.ones((12, 1, 1)), truth, noise, where) == pytest.approx(1, abs=0.03)
    few, _ = near_truth(frames[:5], 3)
    assert np.isfinite(few[[0, 4]]).all()
    assert np.isnan(few[1:4]).all()


def test_what_moves_is_not_still_and_what_is_taken_from_it_is_far_out():
    frames = 50 + np.random.default_rng(0).normal(0, 1, (10, 48, 48))
    for t in range(10):
        frames[t, 20:24, 3 * t : 3 * t + 4] += 30
    still = still_pixels(frames)
    assert not still[20:24, :30].any()
    assert still[:14].all()
    assert beyond_four_sigma(frames - frames.mean((1, 2), keepdims=True), frames) == pytest.approx(16 / 48**2, rel=0.1)


def test_correlations_of_a_residual_along_each_axis():
    white = np.random.default_rng(0).normal(0, 1, (9, 65, 65))
    assert all(abs(value) < 0.02 for value in residual_correlation(white).values())
    found = residual_correlation(white[:, :, 1:] + white[:, :, :-1])
    assert found["residual_x"] == pytest.approx(0.5, abs=0.02)
    assert abs(found["residual_y"]) < 0.02


def test_the_likelihood_is_that_of_a_normal_distribution():
    rng = np.random.default_rng(0)
    prediction = np.sort(rng.uniform(10, 90, 40_000)).reshape(4, 100, 100)
    sigma = np.where(prediction < 50, 1.0, 4.0)
    frames = rng.normal(prediction, sigma)
    found = held_back_scores(frames, prediction)
    assert found["likelihood"] == pytest.approx(norm.logpdf(frames, prediction, sigma).mean(), abs=0.01)
    assert found["blind_error"] == pytest.approx(((frames - prediction) ** 2).mean())


@pytest.mark.parametrize(("count", "expected"), [(4, [3]), (8, [6, 7]), (24, [9, 10, 11, 12, 13])])
def test_frames_are_held_back_in_the_middle_or_at_the_end(count, expected):
    stack = Stack("", np.zeros((count, 4, 4), np.uint8), "T", "held back")
    assert list(range(count))[held_back(stack)] == expected


def test_a_mean_over_three_frames_shows_two_thirds_of_the_frames_beside_it():
    clean = np.random.default_rng(0).random((7, 32, 32))
    noise = np.random.default_rng(1).normal(0, 0.1, clean.shape)
    assert ghost(clean, reflected_mean(clean, 3) + noise) == pytest.approx(2 / 3, abs=0.01)
    assert ghost(clean, clean + noise) == pytest.approx(0, abs=0.01)


@pytest.mark.skipif(not STACKS.is_dir(), reason="the recorded stacks are not there")
def test_two_photon_frames_and_means_have_the_errors_that_its_description_states():
    stack = read_stack("two_photon", STACKS)
    frames = stack.level_frames
    truth, noise = near_truth(frames, stack.gap)
    still = still_pixels(frames)
    assert still.mean() == pytest.approx(0.99, abs=0.01)
    for width, decibels in ((1, 12.9), (3, 17.2), (5, 19.0)):
        error = true_error(reflected_mean(frames, width) if width > 1 else frames, truth, noise, still)
        assert 10 * np.log10(stack.peak**2 / error) == pytest.approx(decibels, abs=0.06)


@pytest.mark.skipif(not STACKS.is_dir(), reason="the recorded stacks are not there")
def test_two_recordings_of_one_head_differ_by_their_noise():
    stack = read_stack("mri_pair", STACKS)
    assert stack.frames.shape == (24, 96, 128)
    inside = (stack.frames != 0) & (stack.repeat != 0)
    difference = (stack.level_frames - stack.repeat)[inside]
    assert 10 * np.log10(stack.peak**2 / (difference**2).mean()) == pytest.approx(39.3, abs=0.06)
