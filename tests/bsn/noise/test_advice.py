"""What follows from measured noise, on both sides of each threshold."""

import dataclasses

import numpy as np
import pytest

from bsn.noise import advise, flattest_parts, measure_noise


@pytest.fixture(scope="module")
def white():
    """Statistics of white noise in three channels."""
    return measure_noise([0.5 + 0.05 * np.random.default_rng(i).normal(size=(3, 256, 256)) for i in range(4)])


def with_lags(statistics, *lags):
    """The same noise with these correlations at distance 1, 2 ... along both axes."""
    line = (*lags, *(0.0,) * (len(statistics.lags_x) - len(lags)))
    return dataclasses.replace(statistics, lags_x=line, lags_y=line)


@pytest.mark.parametrize(
    ("lags", "stride", "stride_test"),
    [
        ((0.05,), 1, 1),
        ((0.24,), 2, 2),
        ((0.5, 0.2, 0.02), 3, 2),
        ((0.7, 0.4, 0.2, 0.05), 4, 2),
        ((0.9, 0.8, 0.7, 0.6, 0.5), 5, 2),
    ],
)
def test_the_stride_reaches_over_the_correlation_and_denoising_takes_at_most_two(white, lags, stride, stride_test):
    found = advise(with_lags(white, *lags))
    assert (found.stride, found.stride_test) == (stride, stride_test)
    assert stride == 1 or f"stride {stride} for training, {stride_test} for denoising" in " ".join(found.reasons)
    assert (found.noise == "none") == (stride > 1)


@pytest.mark.parametrize(("shared", "used"), [(0.6, True), (0.8, True), (0.95, False), (1.0, False)])
def test_channels_that_share_their_noise_leave_the_noisy_pixel_out(white, shared, used):
    """Demosaicing makes correlations of 0.6 to 0.8, a grey image shown in colour nearly 1."""
    matrix = np.full((3, 3), shared) + (1 - shared) * np.eye(3)
    found = advise(dataclasses.replace(white, channel_correlation=matrix.tolist()))
    assert (found.noise != "none") is used
    assert ("share their noise" in " ".join(found.reasons)) is not used


@pytest.mark.parametrize(
    ("changes", "suitable", "words"),
    [
        ({"sigma": 1.0 / 255, "grey_level": 1 / 255}, True, None),
        ({"sigma": 0.25 / 255, "grey_level": 1 / 255}, False, "smaller than a grey level"),
        ({"sigma": 0.0}, False, "smaller than a grey level"),
        ({"lags_x": (0.5,) * 6}, False, "noise runs along rows"),
        ({"lags_y": (0.5,) * 6}, False, "noise runs along columns"),
        ({"lags_x": (0.5,) * 6, "lags_y": (0.5,) * 6}, True, None),  # smooth, but no line
        ({"lags_x": (0.02,) * 6, "lags_y": (-0.12,) * 6}, True, None),
        ({"clipped_low": 0.08, "clipped_high": 0.08}, True, "16% of the pixels are clipped"),
        ({"clipped_low": 0.03, "clipped_high": 0.03}, True, None),
        ({"blockiness": 1.2}, True, "grid of JPEG"),
        ({"blockiness": 1.01}, True, None),
        ({"lags_x": (0.85, 0.5, 0.1, 0, 0, 0)}, True, "probably denoised or enlarged"),
        ({"lags_x": (0.65, 0.3, 0.1, 0, 0, 0)}, True, None),
    ],
)
def test_remarks_and_what_no_blind_network_can_denoise(white, changes, suitable, words):
    found = advise(dataclasses.replace(white, **changes))
    every = ("grey level", "runs along", "clipped", "grid of JPEG", "enlarged")
    told = " ".join(found.reasons)
    assert found.suitable is suitable
    assert (words in told) if words else not any(other in told for other in every)
    assert suitable or found.noise == "none"


@pytest.mark.parametrize(("spread", "scope"), [(None, "image"), (1.0, "set"), (1.2, "set"), (1.4, "image")])
def test_one_noise_model_serves_where_it_is_seen_to_hold(white, spread, scope):
    assert advise(dataclasses.replace(white, spread=spread)).scope == scope


@pytest.mark.parametrize(("gain", "noise"), [(0.0, "gaussian"), (0.01, "poisson-gaussian")])
def test_a_gain_makes_the_noise_poisson_gaussian(white, gain, noise):
    assert advise(dataclasses.replace(white, gain=gain)).noise == noise


@pytest.mark.parametrize(("correlation", "independent"), [(0.0, True), (0.08, True), (0.24, False), (0.4, False)])
def test_white_noise_and_the_weakest_correlation_of_cameras_are_told_apart(correlation, independent):
    """White noise shows at most 0.08 in the flattest parts, cameras at least 0.24."""
    noise = np.random.default_rng(0).normal(size=(3, 768, 769)) * 0.05
    share = (1 - (1 - 4 * correlation**2) ** 0.5) / (2 * correlation) if correlation else 0.0
    pairs = noise[..., 1:] + share * noise[..., :-1]
    assert np.corrcoef(pairs[..., 1:].ravel(), pairs[..., :-1].ravel())[0, 1] == pytest.approx(correlation, abs=0.01)
    found = flattest_parts([pairs])
    assert found.white is independent
