"""Noise of images, measured on the noisy images alone."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from bsn.data.errors import DataError
from bsn.noise.measurement.correlation import channel_correlation, measure_correlation
from bsn.noise.measurement.fine_detail import find_flat_white
from bsn.noise.measurement.flat_blocks import (
    SIDE,
    FlatBlocks,
    cut_blocks,
    find_flat,
    free_of_texture,
    lowest_part_factor,
)
from bsn.noise.measurement.flattest import flattest_parts
from bsn.noise.measurement.jpeg_grid import blockiness
from bsn.noise.measurement.usable import UsableImage, usable

__all__ = ["CurvePoint", "NoiseStatistics", "measure_noise", "measure_usable"]

_FEWEST_BLOCKS = 30
_FEWEST_TO_COMPARE = 4


@dataclass(frozen=True)
class CurvePoint:
    """Noise in one range of intensities: mean intensity, variance of the noise, number of blocks looked at."""

    intensity: float
    variance: float
    blocks: int


@dataclass(frozen=True)
class NoiseStatistics:
    """Noise of an image or of a set, in image values (range [0, 1] for integer images).

    Parameters
    ----------
    sigma : float
        Root mean square of the noise over the intensities that occur.
    gain, constant : float
        Noise curve: variance = gain * intensity + constant. `constant` may be negative where the image has an offset.
    lags_x, lags_y : tuple of float
        Correlation of the noise at lags 1 to 6 along rows and columns.
    channel_correlation : tuple of tuples of float
        Matrix (C, C); zero, on the diagonal too, for channels that are constant, at least in the flat parts. The identity
        where no part is free of texture in all channels.
    curve : tuple of CurvePoint
        What the noise curve was fitted to, all channels together.
    clipped_low, clipped_high : float
        Share of the pixels at the ends of the range.
    blockiness : float
        Steps across the edges of the 8 x 8 grid of JPEG relative to those elsewhere: 1 without JPEG.
    grey_level : float
        Distance of two neighbouring values of the file's dtype; 0 for floats.
    spread : float, optional
        Factor by which the noise variance of single images typically differs from the common curve: 1 where all images
        have the same noise, more where each was stretched or exposed on its own. None where fewer than four planes are
        there to compare.
    outliers : int
        Values that are outliers (:mod:`bsn.noise.outliers`), over all images and channels. They are left out of all the rest.
    """

    sigma: float
    gain: float
    constant: float
    lags_x: tuple[float, ...]
    lags_y: tuple[float, ...]
    channel_correlation: tuple[tuple[float, ...], ...]
    curve: tuple[CurvePoint, ...] = field(default_factory=tuple)
    clipped_low: float = 0.0
    clipped_high: float = 0.0
    blockiness: float = 1.0
    grey_level: float = 0.0
    spread: float | None = None
    outliers: int = 0

    @property
    def read_noise(self) -> float:
        """Standard deviation of the noise at intensity 0; 0 where the fitted curve is negative there."""
        return math.sqrt(max(self.constant, 0.0))

    @property
    def strongest_lag(self) -> float:
        """Largest correlation between direct neighbours, by absolute value."""
        return max(self.lags_x[0], self.lags_y[0], key=abs)


def measure_noise(
    images: Iterable[np.ndarray], *, grey_level: float = 0.0, pictures: Sequence[np.ndarray] | None = None
) -> NoiseStatistics:
    """Measure the noise of images of one kind, all together.

    Parameters
    ----------
    images : iterable of ndarray, shape (C, H, W), float
        Image values; for integer images in [0, 1]. Outliers (:mod:`bsn.noise.outliers`) and missing values (NaN or infinite)
        do not count.
    grey_level : float
        Distance of two values of the original dtype (1/255, 1/65535); 0 for floats.
    pictures : sequence of ndarray, optional
        Denoised versions. What is looked at then is the difference, by the intensity of the denoised image, so that
        texture is not mistaken for noise.

    Returns
    -------
    NoiseStatistics

    Raises
    ------
    DataError
        If there is no image, or all are smaller than 16 blocks of 16 x 16 pixels.

    Notes
    -----
    From the flattest 16 x 16 blocks in each range of intensities, see :mod:`bsn.noise.measurement.flat_blocks`.
    Where the very flattest parts show that the noise is white (:mod:`bsn.noise.measurement.flattest`), blocks whose
    neighbours are correlated are known to hold texture and are left out, and the level is measured in fine details alone
    (:mod:`bsn.noise.measurement.fine_detail`); otherwise texture that fills the whole image is taken for noise. Tested against
    the true noise of photographs and micrographs:
    ``python -m benchmarks.noise_statistics``.
    """
    return measure_usable([usable(image, grey_level) for image in images], grey_level=grey_level, pictures=pictures)


def measure_usable(
    seen: Sequence[UsableImage], *, grey_level: float = 0.0, pictures: Sequence[np.ndarray] | None = None
) -> NoiseStatistics:
    """Measure images whose outliers and missing pixels are known, as :func:`measure_noise` does.

    Parameters
    ----------
    seen : sequence of UsableImage
        Images to measure.
    grey_level : float
        Distance of two values of the original dtype; 0 for floats.
    pictures : sequence of ndarray, optional
        Denoised version of each image, which is subtracted first.

    Returns
    -------
    NoiseStatistics

    Raises
    ------
    DataError
        See :func:`measure_noise`.
    """
    if not seen:
        raise DataError("no image", "there is nothing to measure", "give at least one")
    low, high = _ends([image.planes for image in seen], grey_level)
    planes = [image.measured for image in seen]
    denoised: Sequence[np.ndarray | None] = pictures if pictures is not None else [None] * len(planes)
    blocks = [
        cut_blocks(channel, low, high, None if picture is None else picture[index])
        for image, picture in zip(planes, denoised, strict=True)
        for index, channel in enumerate(image)
    ]
    if sum(len(b.mean) for b in blocks) < _FEWEST_BLOCKS:
        raise DataError(
            f"{len(planes)} image{'s' * (len(planes) != 1)} of {planes[0].shape[-2]} x {planes[0].shape[-1]} pixels",
            f"have fewer than {_FEWEST_BLOCKS} blocks of {SIDE} x {SIDE} pixels",
            "give larger or more images",
        )
    everywhere = np.concatenate([b.mean for b in blocks])
    white = pictures is None and flattest_parts(planes, grey_level).white
    if white:
        chosen = [b[free_of_texture(b)] for b in blocks]
        if sum(len(b.mean) for b in chosen) >= _FEWEST_BLOCKS:
            blocks = [b for b in chosen if len(b.mean)]
    flat = [find_flat(b) for b in blocks]
    correlation = measure_correlation(np.concatenate([part.residual for parts in flat for part in parts]))
    factor = lowest_part_factor(correlation.sum_of_squares) * correlation.kept
    if white:
        flat, factor = [find_flat_white(b) for b in blocks], 1.0
    curve = tuple(_curve(blocks, flat, factor))
    gain, constant = _fit(curve)
    mean_variance = float(np.average([p.variance for p in curve], weights=[p.blocks for p in curve]))
    mean_variance *= _left_out(curve, gain, constant, everywhere, np.concatenate([b.mean for b in blocks]))
    return NoiseStatistics(
        sigma=math.sqrt(mean_variance),
        gain=gain,
        constant=constant,
        lags_x=correlation.x,
        lags_y=correlation.y,
        channel_correlation=_between_channels(seen, low, high, white),
        curve=curve,
        clipped_low=float(np.mean([(image.planes <= low).mean() for image in seen])),
        clipped_high=float(np.mean([(image.planes >= high).mean() for image in seen])),
        blockiness=blockiness([image.planes for image in seen]),
        grey_level=grey_level,
        spread=_spread(
            [_curve(blocks[i : i + 1], flat[i : i + 1], factor) for i in range(len(blocks))], gain, constant
        ),
        outliers=sum(int(image.outliers.sum()) for image in seen),
    )


def _spread(curves: Sequence[Iterable[CurvePoint]], gain: float, constant: float) -> float | None:
    """Typical factor between the variances of an image and of the common curve: robust standard deviation of the logarithm."""
    logs = []
    for points in curves:
        ratios = [p.variance / v for p in points if (v := gain * p.intensity + constant) > 0 and p.variance > 0]
        if ratios:
            logs.append(math.log(np.median(ratios)))
    if len(logs) < _FEWEST_TO_COMPARE:
        return None
    quarter, three_quarters = np.quantile(logs, (0.25, 0.75))
    return math.exp((three_quarters - quarter) / 1.349)


def _ends(planes: Sequence[np.ndarray], grey_level: float) -> tuple[float, float]:
    """Values at which the images are clipped: the ends of the dtype's range, or of what occurs for floats."""
    if grey_level:
        return 0.0, 1.0
    return min(float(p.min()) for p in planes), max(float(p.max()) for p in planes)


def _curve(blocks: Sequence[FlatBlocks], flat: Sequence[Sequence[FlatBlocks]], factor: float) -> Iterable[CurvePoint]:
    for whole, parts in zip(blocks, flat, strict=True):
        for part in parts:
            share = len(whole.mean) // len(parts)
            yield CurvePoint(float(part.mean.mean()), float(part.variance.mean()) / factor, share)


def _fit(curve: Sequence[CurvePoint]) -> tuple[float, float]:
    """Gain >= 0 and constant of a line through the curve, by relative errors; texture pulls single points up, so robust."""
    intensity, variance = (np.array([getattr(p, name) for p in curve]) for name in ("intensity", "variance"))
    weights = np.sqrt([p.blocks for p in curve]) / np.maximum(variance, 1e-12)
    for _ in range(20):
        design = np.stack([intensity, np.ones_like(intensity)], 1) * weights[:, None]
        (gain, constant), *_ = np.linalg.lstsq(design, variance * weights, rcond=None)
        if gain < 0 or len(curve) < 3:
            gain, constant = 0.0, float(np.average(variance, weights=weights**2))
        error = (variance - gain * intensity - constant) / np.maximum(variance, 1e-12)
        spread = max(1.4826 * float(np.median(np.abs(error))), 1e-3)
        base = np.sqrt([p.blocks for p in curve]) / np.maximum(variance, 1e-12)
        weights = base / np.sqrt(1 + np.square(error / (2 * spread)))
    return float(gain), float(constant)


def _left_out(
    curve: Sequence[CurvePoint], gain: float, constant: float, everywhere: np.ndarray, kept: np.ndarray
) -> float:
    """Mean variance by the noise curve at the intensities of all blocks over that at those of the blocks looked at.

    Photons make noise grow with the light, so the line is continued to brighter places than those through which it was drawn.
    In darker ones a steep line would say that there is no noise; the value at its dark end is taken there.
    """
    darkest = min(p.intensity for p in curve)
    all_blocks, looked_at = (
        float(np.maximum(gain * means.clip(darkest) + constant, 0).mean()) for means in (everywhere, kept)
    )
    return all_blocks / looked_at if looked_at > 0 else 1.0


def _between_channels(
    images: Sequence[UsableImage], low: float, high: float, white: bool
) -> tuple[tuple[float, ...], ...]:
    """Correlation matrix from blocks that are flat in the mean of the channels; rows of zeros for empty channels."""
    count = len(images[0].planes)
    if count == 1:
        return ((1.0,),)
    filled = [channel for channel in range(count) if any(np.ptp(image.planes[channel]) > 0 for image in images)]
    residuals: list[list[np.ndarray]] = [[] for _ in filled]
    for image in images if filled else []:
        seen = image.measured[filled]
        outside = ((seen <= low) | (seen >= high)).any(0)
        cut = [cut_blocks(np.where(outside, low, channel), low, high) for channel in seen]
        if white:
            free = np.all([free_of_texture(c) for c in cut], axis=0)
            cut = [c[free] for c in cut]
        flat = np.argsort(np.sum([c.variance for c in cut], axis=0), kind="stable")[: max(len(cut[0].mean) // 10, 1)]
        for kept, channel in zip(residuals, cut, strict=True):
            kept.append(channel.residual[flat])
    seen_any = filled and sum(map(len, residuals[0]))
    matrix = np.zeros((count, count))
    matrix[np.ix_(filled, filled)] = (
        channel_correlation([np.concatenate(r) for r in residuals]) if seen_any else np.eye(len(filled))
    )
    return tuple(tuple(float(v) for v in row) for row in matrix)
