"""What has to be known of the noise of a plane before it is denoised."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from bsn.data import DataError
from bsn.inference.stages import Downsampling, Frame, Measured, Network
from bsn.noise import (
    NoiseCurve,
    NoiseSpectrum,
    Prediction,
    ValueScale,
    fit_noise,
    measure_spectrum,
    propagated_share,
    split_prediction,
)

__all__ = [
    "Filled",
    "HasMissing",
    "Measurement",
    "Region",
    "fit_image_noise",
    "measured_places",
    "region_of",
    "with_gaps",
]

Region = Callable[[int, int, int, int], Tensor]
"""``read(top, left, height, width)`` gives a region, shape (1, C, h, w), image values, on the device that computes."""

_FEWEST = 64  # present values on which noise can be fitted
_MEASURED = 512  # side of the parts on which the noise of a large image is measured


@runtime_checkable
class HasMissing(Protocol):
    """A :data:`Region` that knows which of its pixels are not those of the image, but filled from their surroundings."""

    def missing(self, top: int, left: int, height: int, width: int) -> np.ndarray:
        """Tell which pixels of a region are filled.

        Parameters
        ----------
        top, left, height, width : int
            The region in pixels, inside the plane.

        Returns
        -------
        ndarray of bool, shape (C, height, width) or (1, height, width)
        """
        ...


@dataclass(frozen=True)
class Filled:
    """A reader of regions together with what it filled.

    Parameters
    ----------
    read : callable
        See :data:`Region`.
    missing : callable
        See :meth:`HasMissing.missing`.
    """

    read: Region
    missing: Callable[[int, int, int, int], np.ndarray]

    def __call__(self, top: int, left: int, height: int, width: int) -> Tensor:
        """Read a region."""
        return self.read(top, left, height, width)


@dataclass(frozen=True)
class Measurement:
    """Measure the noise on all of a plane, or on four parts of a large one.

    Parameters
    ----------
    frame : Frame
        First and last stage, which hold the value scale.
    downsampling : Downsampling
        Under which the network sees the noise.
    network : callable
        Maps (N, C, H, W) in network values to the network's outputs.
    spectrum : {"no", "if possible", "yes"}
        Measure the spectrum for the Wiener filter. Where "yes", an image that is too small is an error.
    curve : bool
        Fit noise variance over intensity to what the network leaves of this image.
    typical : NoiseSpectrum, optional
        Noise of images like those to be denoised, for the Wiener filter. None: each image has its own.
    """

    frame: Frame
    downsampling: Downsampling
    network: Network
    spectrum: str
    curve: bool
    typical: NoiseSpectrum | None = None

    @torch.no_grad()
    def __call__(self, read: Region, size: tuple[int, int]) -> Measured:
        """Measure a plane.

        Parameters
        ----------
        read : callable
            See :data:`Region`.
        size : tuple of int
            (H, W) of the plane.

        Raises
        ------
        data.DataError
            If the image is too small for a Wiener filter that was asked for.
        """
        if self.spectrum == "no" and not self.curve:
            return Measured()
        regions = [read(*place) for place in measured_places(size)]
        images = with_gaps(read, [self.frame.own(region) for region in regions], size)
        spectrum = None if self.spectrum == "no" else self._spectrum(images)
        return Measured(spectrum, self._curve(regions, images) if self.curve else None)

    def _spectrum(self, images: Sequence[np.ndarray]) -> NoiseSpectrum | None:
        try:
            own = measure_spectrum(images)
        except DataError:
            if self.spectrum == "yes":
                raise
            return None
        return own if self.typical is None else own.drawn_to(self.typical)

    def _curve(self, regions: Sequence[Tensor], images: Sequence[np.ndarray]) -> NoiseCurve:
        inputs = [self.downsampling.split(self.frame.enter(region)) for region in regions]
        present = [torch.from_numpy(np.isfinite(image))[None].to(regions[0]) for image in images]
        counted: list[Tensor] | None = None
        if not all(bool(part.all()) for part in present):
            frame = replace(self.frame, scale=ValueScale(), context=0)
            counted = [self.downsampling.split(frame.enter(part)) > 0.5 for part in present]
        return fit_image_noise(self.network, inputs, self.frame.channels, counted)


def region_of(image: Tensor) -> Region:
    """Read regions of an image that is in memory.

    Parameters
    ----------
    image : Tensor, shape (1, C, H, W)
        Image values.

    Returns
    -------
    callable
        See :data:`Region`.
    """

    def read(top: int, left: int, height: int, width: int) -> Tensor:
        return image[..., top : top + height, left : left + width]

    return read


def measured_places(size: tuple[int, int]) -> list[tuple[int, int, int, int]]:
    """Choose the parts of a plane that are measured: all of it, or four parts of a large one.

    Parameters
    ----------
    size : tuple of int
        (H, W) of the plane in pixels.

    Returns
    -------
    list of tuple of int
        Boxes (top, left, height, width).
    """
    (height, width), side = size, _MEASURED
    if height * width <= (2 * side) ** 2:
        return [(0, 0, height, width)]
    h, w = min(side, height), min(side, width)
    return [(t * (height - h) // 3, u * (width - w) // 3, h, w) for t in (1, 2) for u in (1, 2)]


def with_gaps(read: Region, regions: Sequence[Tensor], size: tuple[int, int]) -> list[np.ndarray]:
    """Show the pixels that are measured, with NaN in place of those that are missing.

    Parameters
    ----------
    read : callable
        See :data:`Region`; one that :class:`HasMissing` tells what is missing.
    regions : sequence of Tensor, shape (1, C, h, w)
        What it gives for :func:`measured_places`.
    size : tuple of int
        (H, W) of the plane.

    Returns
    -------
    list of ndarray, shape (C, h, w), float32
    """
    images: list[np.ndarray] = [region[0].float().cpu().numpy() for region in regions]
    if not isinstance(read, HasMissing):
        return images
    holes = [read.missing(*place) for place in measured_places(size)]
    return [np.where(hole, np.nan, image) if hole.any() else image for image, hole in zip(images, holes, strict=True)]


def fit_image_noise(
    network: Network, inputs: Sequence[Tensor], channels: int, counted: Sequence[Tensor] | None = None
) -> NoiseCurve:
    """Noise of an image, from what the network leaves of it: two passes.

    Parameters
    ----------
    network : callable
        Predicts mean and covariance.
    inputs : sequence of Tensor, shape (N, C, H, W)
        Parts of the image, in network values; windows (N, (2 k + 1) C, H, W) where the network takes neighbouring frames.
    channels : int
        C.
    counted : sequence of Tensor of bool, shape (N, C, H, W), optional
        Which values count; all of them where it is left out, or where there are hardly any.

    Returns
    -------
    NoiseCurve
        One for all parts, in network values.
    """

    def predict(x: Tensor) -> Prediction:
        return split_prediction(network(x), channels)

    if counted is not None and sum(int(mask.sum()) for mask in counted) < _FEWEST:
        counted = None

    def together(parts: Sequence[Tensor]) -> Tensor:
        if counted is not None:
            parts = [part[mask] for part, mask in zip(parts, counted, strict=True)]
        return torch.cat([part.flatten() for part in parts])[None, None, None]

    found = [predict(x) for x in inputs]
    own = together([x[:, :channels] for x in inputs])
    known = (together([p.mean for p in found]), together([p.variance() for p in found]), own)
    first = fit_noise(*known)
    shares = [
        propagated_share(lambda y: predict(y).mean, x, p.mean, first(p.mean))
        for x, p in zip(inputs, found, strict=True)
    ]
    return fit_noise(*known, together(shares))
