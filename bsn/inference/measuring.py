"""What has to be known of the noise of a plane before it is denoised."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from bsn.data import DataError
from bsn.inference.stages import Downsampling, Frame, Measured, Network
from bsn.noise import (
    NoiseCurve,
    NoiseSpectrum,
    Prediction,
    fit_noise,
    measure_spectrum,
    propagated_share,
    split_prediction,
)

__all__ = ["Measurement", "Region", "fit_image_noise", "measured_places"]

Region = Callable[[int, int, int, int], Tensor]
"""``read(top, left, height, width)`` gives a region, shape (1, C, h, w), image values, on the device that computes."""

_MEASURED = 512  # side of the parts on which the noise of a large image is measured


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
        spectrum = None if self.spectrum == "no" else self._spectrum(regions)
        return Measured(spectrum, self._curve(regions) if self.curve else None)

    def _spectrum(self, regions: Sequence[Tensor]) -> NoiseSpectrum | None:
        images: list[np.ndarray] = [region[0].float().cpu().numpy() for region in regions]
        try:
            own = measure_spectrum(images)
        except DataError:
            if self.spectrum == "yes":
                raise
            return None
        return own if self.typical is None else own.drawn_to(self.typical)

    def _curve(self, regions: Sequence[Tensor]) -> NoiseCurve:
        inputs = [self.downsampling.split(self.frame.enter(region)) for region in regions]
        return fit_image_noise(self.network, inputs, self.frame.channels)


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


def fit_image_noise(network: Network, inputs: Sequence[Tensor], channels: int) -> NoiseCurve:
    """Noise of an image, from what the network leaves of it: two passes.

    Parameters
    ----------
    network : callable
        Predicts mean and covariance.
    inputs : sequence of Tensor, shape (N, C, H, W)
        Parts of the image, in network values.
    channels : int
        C.

    Returns
    -------
    NoiseCurve
        One for all parts, in network values.
    """

    def predict(x: Tensor) -> Prediction:
        return split_prediction(network(x), channels)

    def together(parts: Iterable[Tensor]) -> Tensor:
        return torch.cat([part.flatten() for part in parts])[None, None, None]

    found = [predict(x) for x in inputs]
    known = (together(p.mean for p in found), together(p.variance() for p in found), together(inputs))
    first = fit_noise(*known)
    shares = (
        propagated_share(lambda y: predict(y).mean, x, p.mean, first(p.mean))
        for x, p in zip(inputs, found, strict=True)
    )
    return fit_noise(*known, together(shares))
