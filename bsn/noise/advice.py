"""From measured noise to what to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from bsn.noise.hole_advice import HoleAdvice
from bsn.noise.measurement.correlation import LAGS
from bsn.noise.measurement.flattest import INDEPENDENT
from bsn.noise.measurement.statistics import NoiseStatistics

__all__ = ["ADVICE", "Advice", "AdviceSettings", "NoiseName", "NoiseScope", "advise"]

NoiseName = Literal["none", "gaussian", "poisson-gaussian"]
NoiseScope = Literal["set", "image"]


@dataclass(frozen=True)
class AdviceSettings:
    """Thresholds of the judgement.

    They were set by hand on the sets that ``python -m benchmarks.noise_statistics`` measures, on photographs with synthetic
    noise and on lines, so the column "advice" of that table does not test them. The ranges tried were not recorded.

    Parameters
    ----------
    white : float
        Correlation that a stride may leave between neighbours.
    largest_stride : int
        That of AP-BSN (CVPR 2022).
    smooth : float
        Correlation of neighbours above which an image was probably denoised or enlarged before.
    stride_test : int
        Largest stride for denoising: that of AP-BSN.
    line : float
        Correlation at the farthest distance, and its difference between rows and columns, that lines show.
    jpeg : float
        Steps across the grid of JPEG relative to those elsewhere.
    clipped : float
        Share of clipped pixels.
    levels : float
        Noise in grey levels below which there is none.
    same_noise : float
        Factor between the noise variances of images up to which one noise model holds for all.
    shared : float
        Correlation of the noise of channels up to which they count as independent.
    """

    white: float = 0.1
    largest_stride: int = 5
    smooth: float = 0.75
    stride_test: int = 2
    line: float = 0.15
    jpeg: float = 1.05
    clipped: float = 0.1
    levels: float = 0.5
    same_noise: float = 1.25
    shared: float = 0.9


ADVICE = AdviceSettings()


@dataclass(frozen=True)
class Advice:
    """What to do with images of such noise.

    Parameters
    ----------
    suitable : bool
        False where no blind-spot method can work; `reasons` say why.
    stride, stride_test : int
        Strides of the pixel-shuffle downsampling in training and for denoising.
    noise : {"none", "gaussian", "poisson-gaussian"}
        Noise model by which the noisy pixel is used; "none" where neighbours share their noise.
    scope : {"set", "image"}
        Whether one noise model holds for all images, or it has to be measured on each.
    reasons : tuple of str
        Sentences for the reader.
    hole : HoleAdvice, optional
        Where neighbours share their noise, the hole of a half-plane network that hides it, in place of the strides.
    """

    suitable: bool
    stride: int
    stride_test: int
    noise: NoiseName
    scope: NoiseScope = "set"
    reasons: tuple[str, ...] = field(default_factory=tuple)
    hole: HoleAdvice | None = None


def advise(statistics: NoiseStatistics, hole: HoleAdvice | None = None) -> Advice:
    """Judge measured noise.

    Parameters
    ----------
    statistics : NoiseStatistics
        What was measured.
    hole : HoleAdvice, optional
        Holes that hide the noise that neighbours share, from the measured correlation; they then stand in the reasons in place
        of strides.

    Returns
    -------
    Advice
    """
    reasons: list[str] = []
    stride = _stride(statistics, reasons)
    if stride == 1:
        hole = None
    if hole is not None:
        reasons[:] = [hole.why]
    suitable = _suitable(statistics, reasons, lines=hole is None or hole.train.shape not in ("rows", "columns"))
    noise: NoiseName = "none"
    # One model for all is worth it where it is seen to hold; on one image the two learn noise and network from the same pixels.
    same = statistics.spread is not None and statistics.spread <= ADVICE.same_noise
    scope: NoiseScope = "set" if same else "image"
    if stride == 1 and suitable and _channels_apart(statistics, reasons):
        noise = "poisson-gaussian" if statistics.gain > 0 else "gaussian"
        reasons.append(
            "noise of neighbours is independent, so the noisy pixel itself is used, weighed by the noise curve"
        )
        if statistics.spread is None:
            reasons.append("too few images to compare their noise: the noise curve is found for each of them")
        elif not same:
            reasons.append(
                f"the noise differs from image to image (by a factor of {statistics.spread:.2f} in variance), as where each "
                "was stretched on its own: the noise curve is found for each of them"
            )
    _remarks(statistics, reasons)
    return Advice(suitable, stride, min(ADVICE.stride_test, stride), noise, scope, tuple(reasons), hole)


def _stride(statistics: NoiseStatistics, reasons: list[str]) -> int:
    strongest = statistics.strongest_lag
    if abs(strongest) <= INDEPENDENT:
        reasons.append(f"neighbouring noise is independent (correlation {strongest:+.2f} at distance 1): stride 1")
        return 1
    for stride in range(2, ADVICE.largest_stride + 1):
        left = max(statistics.lags_x[stride - 1], statistics.lags_y[stride - 1], key=abs)
        if abs(left) <= ADVICE.white or stride == ADVICE.largest_stride:
            reasons.append(
                f"neighbouring noise is correlated ({strongest:+.2f} at distance 1, {left:+.2f} at distance {stride}): "
                f"stride {stride} for training, {min(ADVICE.stride_test, stride)} for denoising"
            )
            return stride
    raise AssertionError("unreachable")


def _channels_apart(statistics: NoiseStatistics, reasons: list[str]) -> bool:
    """Whether each channel has noise of its own, as the noise models have it."""
    matrix = statistics.channel_correlation
    empty = [str(channel) for channel, row in enumerate(matrix) if len(matrix) > 1 and row[channel] == 0]
    if empty:
        reasons.append(
            f"empty channels (number {' and '.join(empty)}, counted from 0), as in false colours: no noise model holds for all "
            "channels, so the noisy pixel is left out; to use it, give the other channels as grey images"
        )
        return False
    shared = max((abs(matrix[i][j]) for i in range(len(matrix)) for j in range(i)), default=0.0)
    if shared > ADVICE.shared:
        reasons.append(
            f"the channels share their noise (correlation {shared:.2f}), as where grey images are shown in colour: the noise "
            "models have it independent, so the noisy pixel is left out; give one channel as a grey image to use it"
        )
    return shared <= ADVICE.shared


def _suitable(statistics: NoiseStatistics, reasons: list[str], *, lines: bool) -> bool:
    """Whether a blind-spot network can help; noise along lines is in its way where `lines` says so."""
    suitable = True
    if statistics.sigma < ADVICE.levels * statistics.grey_level or statistics.sigma == 0:
        reasons.append(
            "not suitable: the noise is smaller than a grey level of the file; it was removed before, or there is none"
        )
        suitable = False
    far = (statistics.lags_x[LAGS - 1], statistics.lags_y[LAGS - 1])
    if lines and abs(far[0] - far[1]) > ADVICE.line and max(far) > ADVICE.line:
        direction = "rows" if far[0] > far[1] else "columns"
        reasons.append(
            f"not suitable as it is: noise runs along {direction} ({max(far):+.2f} at distance {LAGS}), which a blind "
            "spot of a few pixels cannot tell from the picture; remove the lines first"
        )
        suitable = False
    return suitable


def _remarks(statistics: NoiseStatistics, reasons: list[str]) -> None:
    clipped = statistics.clipped_low + statistics.clipped_high
    if clipped > ADVICE.clipped:
        reasons.append(
            f"{clipped:.0%} of the pixels are clipped: there the noise has no mean of zero, and results will be biased"
        )
    if statistics.outliers:
        reasons.append(
            f"{statistics.outliers} outlier{'s' * (statistics.outliers != 1)}, such as hot pixels, cosmic rays or point-like "
            "stars: they do not count as noise"
        )
    if statistics.blockiness > ADVICE.jpeg:
        reasons.append(
            "the image has the 8 x 8 grid of JPEG, which correlates noise; use unprocessed files if there are any"
        )
    if statistics.strongest_lag > ADVICE.smooth:
        reasons.append("the noise is very smooth: the image was probably denoised or enlarged before")
