"""Frames denoised together with their neighbours: aligned, averaged and filtered, and never a ghost."""

import dataclasses

import numpy as np
import pytest
from scipy.fft import dctn, idctn
from scipy.ndimage import uniform_filter

import bsn
from bsn.data import DataError, PlaneIndex
from bsn.data.photographs import photograph
from bsn.inference.alignment import PilotFrame, aligned, aligned_average, displacements
from bsn.inference.collaborative import COLLABORATION, collaborative_filter
from bsn.inference.joint_frames import JointFrames
from bsn.inference.results import ArrayPlanes
from bsn.models import create
from bsn.noise import measure_noise

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


def literal_filter(noisy, denoised, variance, number, side=8, step=2):
    """Block after block, as the papers write it."""
    reach = ((0, 0), (side, 2 * side), (side, 2 * side))
    noisy, denoised, variance = (
        np.pad(x.astype(np.float64), reach, mode="symmetric") for x in (noisy, denoised, variance)
    )
    window, total, weight = np.outer(*[np.kaiser(side, 2.0)] * 2), np.zeros_like(noisy[0]), np.zeros_like(noisy[0])
    for y in range(0, noisy.shape[1] - side + 1, step):
        for x in range(0, noisy.shape[2] - side + 1, step):
            place = (slice(y, y + side), slice(x, x + side))
            power, spread = dctn(denoised[:, *place], norm="ortho") ** 2, variance[:, *place].mean()
            gain = power / (power + spread)
            block = idctn(gain * dctn(noisy[:, *place], norm="ortho"), norm="ortho")[number]
            share = window / (spread * (gain**2).sum())
            total[place] += share * block
            weight[place] += share
    inner = (slice(side, -2 * side),) * 2
    return total[inner] / weight[inner]


def test_the_filter_is_that_of_the_papers_in_strips_of_any_height():
    rng = np.random.default_rng(0)
    noisy, denoised = rng.random((2, 3, 13, 10), np.float32)
    variance = rng.random((3, 13, 10), np.float32) / 20 + np.float32(0.01)
    truth = literal_filter(noisy, denoised, variance, 1)
    for most in (1, 10**6):
        settings = dataclasses.replace(COLLABORATION, coefficients=most)
        np.testing.assert_allclose(collaborative_filter(noisy, denoised, variance, 1, settings), truth, atol=2e-6)


def test_the_filter_brings_back_texture_that_the_denoised_frames_have_lost():
    clean, noisy = clip([(0, 0)] * 7)
    blurred = uniform_filter(clean, (0, 3, 3))
    found = collaborative_filter(noisy, blurred, np.full_like(noisy, SIGMA**2), 3)
    errors = [np.square(x - clean[3]).mean() for x in (found, blurred[3], noisy.mean(0))]
    assert errors[0] < 0.7 * min(errors[1:])


def test_frame_by_frame_equals_the_mean_of_filter_and_denoised_average():
    _, noisy = clip([(0, 0), (0, 0), (1, 1), (1, 2)])
    alone, joined = (bsn.Denoiser("photo-tiny", device="cpu", neighbours=k) for k in (0, 1))
    found = joined(noisy, "TYX")
    pilots = [frame(n, alone(n, "YX")) for n in noisy]
    nears = ([0, 1, 2], [0, 1, 2], [1, 2, 3], [1, 2, 3])  # at the ends, two neighbours on the one side
    averages = [
        alone(aligned_average(pilots[at], [pilots[i] for i in near if i != at])[0], "YX")
        for at, near in enumerate(nears)
    ]
    frames, noise = [frame(n, a) for n, a in zip(noisy, averages, strict=True)], measure_noise(noisy[:, None])
    for at, near in enumerate(nears):
        moved = [frames[i] if i == at else aligned(frames[at], frames[i], noise.sigma**2) for i in near]
        seen, pictures = (np.stack(x)[:, 0] for x in zip(*moved, strict=True))
        curve = np.maximum(noise.gain * pictures + noise.constant, 0.5 * frames[at].noise_variance())
        filtered = literal_filter(seen, pictures, curve, near.index(at))
        np.testing.assert_allclose(found[at], 0.7 * filtered + 0.3 * averages[at], atol=2e-5)


def test_correlated_noise_is_averaged_and_not_filtered():
    clean, noisy = clip([(0, 0)] * 3)
    noisy = clean + uniform_filter(noisy - clean, (0, 3, 3)) * 2
    alone, joined = (bsn.Denoiser("photo-tiny", device="cpu", neighbours=k) for k in (0, 1))
    pilots = [frame(n, alone(n, "YX")) for n in noisy]
    average = aligned_average(pilots[1], [pilots[0], pilots[2]])[0]
    np.testing.assert_allclose(joined(noisy, "TYX")[1], alone(average, "YX"), atol=1e-6)


def test_missing_pixels_stay_missing_and_hardly_change_those_beside_them():
    _, noisy = clip([(0, 0)] * 3)
    holes = noisy.copy()
    holes[1, 20:24, 30:40] = np.nan
    whole, found = (
        bsn.denoise(x, "photo-tiny", axes="TYX", neighbours=1, device="cpu", nan="keep") for x in (noisy, holes)
    )
    np.testing.assert_array_equal(np.isnan(found), np.isnan(holes))
    seen = np.isfinite(found)
    assert np.abs(found - whole)[seen].max() < 0.15
    assert np.abs(found - whole)[seen].mean() < 0.002


def test_a_weaker_strength_puts_noise_back_and_a_stronger_one_removes_more():
    noisy = clip([(0, 0)] * 2)[1][:, :40, :40]
    removed = [
        np.std(noisy - bsn.denoise(noisy, "photo-tiny", axes="TYX", neighbours=1, device="cpu", strength=s))
        for s in (0.5, 1.0, 1.5)
    ]
    assert removed[0] == pytest.approx(removed[1] / 2, rel=1e-3)
    assert removed[2] > removed[1]


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


def test_each_frame_is_read_once_and_memory_holds_two_windows():
    frames = np.random.default_rng(0).random((12, 1, 40, 40), np.float32)
    read, held = [], []

    class Counted(ArrayPlanes):
        def read_unit(self, plane_index, top, left, height, width):
            read.append(plane_index)
            return super().read_unit(plane_index, top, left, height, width)

    image = Counted(frames, frames.dtype, PlaneIndex("TYX", (12, 40, 40)))
    joint = JointFrames(image, lambda plane: plane * np.float32(0.5), 1)
    for _ in joint.rows():
        held.append(len(joint._alone))
    assert max(held) <= 5
    measured = 6  # frames on which the noise is measured, once more
    assert len(read) == 12 + measured


def test_what_is_no_stack_is_told_and_nothing_is_told_twice(recwarn):
    frames = np.random.default_rng(0).random((4, 40, 40), np.float32)
    bsn.denoise(frames, "photo-tiny", neighbours=1, axes="CYX", device="cpu")
    said = [str(warning.message) for warning in recwarn]
    assert sum("it has no frames that follow each other" in text for text in said) == 1
    recwarn.clear()
    bsn.denoise(np.stack([frames] * 3), "photo-tiny", neighbours=1, axes="TCYX", device="cpu")
    said = [str(warning.message) for warning in recwarn]
    assert [text for text in said if "neighbours changes nothing" in text] == []
    assert sum("4 channels are denoised one by one" in text for text in said) == 1
    assert {warning.filename for warning in recwarn} == {bsn.inference.once.__file__}, "of the call, not of our loops"
