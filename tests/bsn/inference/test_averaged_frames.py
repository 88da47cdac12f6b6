"""Frames averaged with their neighbours before a model that sees its pixel: aligned, weighed, and never a ghost."""

import numpy as np
import pytest

import bsn
from bsn.data import DataError
from bsn.data.photographs import photograph
from bsn.inference.alignment import PilotFrame, aligned_average, displacements
from bsn.models import create

SIGMA = 0.1


def clip(shifts, seed=0):
    """Clean and noisy frames that move by whole pixels, (T, H, W)."""
    whole = photograph("astronaut.png").mean(0)[80:200, 150:270]
    clean = np.stack([whole[20 + dy : 84 + dy, 20 + dx : 84 + dx] for dy, dx in shifts]).astype(np.float32)
    noise = np.random.default_rng(seed).standard_normal(clean.shape).astype(np.float32)
    return clean, clean + np.float32(SIGMA) * noise


def frame(noisy, denoised):
    return PilotFrame(noisy[None], denoised[None])


def test_displacements_are_found_where_there_is_picture_and_noise_moves_nothing():
    clean, _ = clip([(0, 0), (2, -3)])
    rows, columns = displacements(clean[:1], clean[1:], SIGMA**2)
    inner = (slice(16, -16), slice(16, -16))
    assert np.median(rows[inner]) == -2
    assert np.median(columns[inner]) == 3
    flat = np.full((1, 40, 40), 0.5) + 0.005 * np.random.default_rng(0).standard_normal((2, 1, 40, 40))
    assert not any(moved.any() for moved in displacements(flat[0], flat[1], SIGMA**2))


def test_a_moving_scene_is_averaged_as_if_it_stood_still():
    clean, noisy = clip([(0, 0), (2, -3), (-4, 1)])
    frames = [frame(n, c) for n, c in zip(noisy, clean, strict=True)]
    found = aligned_average(frames[0], frames[1:])[0]
    inner = (slice(16, -16), slice(16, -16))
    assert np.square(found - clean[0])[inner].mean() == pytest.approx(SIGMA**2 / 3, rel=0.15)


def test_what_does_not_fit_counts_little_and_spikes_and_gaps_stay_apart():
    clean, noisy = clip([(0, 0), (0, 0)])
    other = np.ascontiguousarray(1 - clean[1][::-1])
    own, strange = frame(noisy[0], clean[0]), PilotFrame(other[None] + SIGMA, other[None])
    alone = np.square(noisy[0] - clean[0]).mean()
    assert np.square(aligned_average(own, [strange])[0] - clean[0]).mean() < 1.6 * alone
    noisy[0, 5, 6], noisy[0, 7, 8], noisy[1, 9, 10] = np.nan, 3.0, 5.0
    found = aligned_average(frame(noisy[0], clean[0]), [frame(noisy[1], clean[1])])[0]
    assert np.isnan(found[5, 6])
    assert found[7, 8] == 3
    assert found[9, 10] == noisy[0, 9, 10], "the neighbour's spike does not count"


def test_frame_by_frame_equals_the_average_of_this_window_and_each_is_denoised_with_it():
    _, noisy = clip([(0, 0), (0, 0), (1, 1)])
    alone, joined = (bsn.Denoiser("photo-tiny", device="cpu", neighbours=k) for k in (0, 1))
    found = joined(noisy, "TYX")
    frames = [frame(n, alone(n, "YX")) for n in noisy]
    for at, near in ((0, [1]), (1, [0, 2]), (2, [1])):
        average = aligned_average(frames[at], [frames[i] for i in near])[0]
        np.testing.assert_allclose(found[at], alone(average, "YX"), atol=1e-6)


def test_it_pays_on_a_still_scene():
    clean, noisy = clip([(0, 0)] * 5)
    errors = [
        np.square(bsn.denoise(noisy, "photo-tiny", axes="TYX", neighbours=k, device="cpu")[2] - clean[2]).mean()
        for k in (0, 2)
    ]
    assert errors[1] < 0.75 * errors[0]


def test_what_cannot_be_averaged_is_refused():
    _, noisy = clip([(0, 0)] * 5)
    with pytest.raises(DataError, match="state the axes"):
        bsn.denoise(noisy, "photo-tiny", neighbours=1, device="cpu")
    with pytest.raises(ValueError, match="blind to the pixel"):
        bsn.Denoiser(create("phase-unet-tiny", channels=1), neighbours=1)
    with pytest.raises(ValueError, match="neighbours -1 is out of range"):
        bsn.Denoiser("photo-tiny", neighbours=-1)
    single = bsn.denoise(noisy[0], "photo-tiny", axes="YX", neighbours=2, device="cpu")
    np.testing.assert_array_equal(single, bsn.denoise(noisy[0], "photo-tiny", axes="YX", device="cpu"))
