"""From a noisy region to a denoised one: downsampling, network, refinement, self-ensemble, Wiener filter."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from bsn.data import DataError
from bsn.data.arrays.geometry import inverse, transform
from bsn.inference.config import InferenceConfig
from bsn.inference.position_noise import position_uniform
from bsn.inference.runner import make_runner
from bsn.lattice import pad_within_phases
from bsn.models import Model
from bsn.models.interface import main_output
from bsn.noise import (
    AxisNoise,
    NoiseCurve,
    NoiseSpectrum,
    affine_noise_variance,
    measure_spectrum,
    split_prediction,
    wiener_filter,
    wiener_filter_independent,
)
from bsn.noise.posterior import CALIBRATION_REACH
from bsn.noise.wiener import BLOCK, REACH_INDEPENDENT, STEP
from bsn.selfsup import (
    mosaic_downsample,
    mosaic_upsample,
    pixel_shuffle_downsample,
    pixel_shuffle_upsample,
    random_replacement_refinement,
)

__all__ = ["Measured", "Pipeline"]

_MEASURED = 512  # side of the parts on which the noise of a large image is measured


@dataclass(frozen=True)
class Measured:
    """What is measured on a noisy image before it is denoised.

    Parameters
    ----------
    spectrum : NoiseSpectrum, optional
        For the Wiener filter.
    noise : NoiseCurve, optional
        In network units, for a model whose noise differs from image to image.
    """

    spectrum: NoiseSpectrum | None = None
    noise: NoiseCurve | None = None


@dataclass(frozen=True)
class Pipeline:
    """Everything done to a region, and how far it reaches.

    Parameters
    ----------
    model : Model
        On the device that computes.
    config : InferenceConfig
    typical_noise : tuple of AxisNoise
        Noise of images like those to be denoised, for the Wiener filter; empty: each has its own.
    """

    model: Model
    config: InferenceConfig
    typical_noise: tuple[AxisNoise, ...] = ()

    def __post_init__(self) -> None:
        if self.model.noise is not None and self.config.r3_passes:
            raise ValueError(
                "r3_passes mix noisy pixels into a second pass; this model already weighs them by its noise model, use 0"
            )
        if self.model.noise is not None and self.config.wiener and not self.config.posterior:
            raise ValueError(
                "posterior=False leaves the noisy pixel out, wiener=True brings it back; leave one of them out"
            )
        if self.config.uncertainty and not self.config.posterior:
            raise ValueError("the uncertainty is that of the posterior; leave posterior=False out")
        if self.config.uncertainty and self.model.noise is None:
            raise ValueError(
                "this model predicts no uncertainty; train one with a noise model (`bsn train --noise poisson-gaussian`)"
            )

    def outputs(self, channels: int) -> int:
        """Channels of the result for an image of so many: those, and again as many with the uncertainty."""
        return channels * (2 if self.config.uncertainty else 1)

    @property
    def strides(self) -> tuple[int, ...]:
        """Strides of the pixel-shuffle downsampling; the result is the mean over them."""
        wanted = self.config.stride or self.model.inference.stride
        return (wanted,) if isinstance(wanted, int) else tuple(wanted)

    @property
    def stride(self) -> int:
        """Side of the lattice that all strides have in common."""
        return math.lcm(*self.strides)

    @property
    def wiener(self) -> bool:
        """Whether the noisy image is mixed back in."""
        wanted = self.model.inference.wiener if self.config.wiener is None else self.config.wiener
        return wanted and (self.model.noise is None or self.config.posterior)

    @property
    def grid(self) -> int:
        """Tiles start at multiples of this, so that they are cut and padded like the whole image."""
        return math.lcm(self._unit, STEP) if self.wiener else self._unit

    @property
    def _unit(self) -> int:
        """Sides that the network takes are multiples of this."""
        return self.stride * self.model.network.size_multiple

    @property
    def period(self) -> int:
        """Side of the lattice on which the first pass is blind."""
        return self.stride * max(self.model.network.lattice, 1)

    @property
    def halo(self) -> int:
        """Farthest pixel that can influence an output other than through statistics of the whole."""
        reach = self.model.network.halo
        # The last sub-pixel of a stride adds its own offset; a refinement pass works at full resolution.
        widest = max(self.strides)
        if self.model.noise is not None and self.config.calibrate:
            reach += CALIBRATION_REACH
        first = widest * (reach + 1) - 1 if widest > 1 else reach
        filtered = 2 * BLOCK if self.model.noise is None else REACH_INDEPENDENT
        return first + (reach if self.config.r3_passes else 0) + (filtered if self.wiener else 0)

    def measure(self, read: Callable[[int, int, int, int], Tensor], size: tuple[int, int]) -> Measured:
        """What has to be known of an image's noise: measured on all of it, or on four parts of a large one.

        Parameters
        ----------
        read : callable
            ``read(top, left, height, width)`` gives a region, shape (1, C, h, w).
        size : tuple of int
            (H, W) of the image.

        Raises
        ------
        data.DataError
            If the image is too small for a Wiener filter that was asked for.
        """
        per_image = self.model.noise is not None and self.model.noise.per_image and self.config.posterior
        if not self.wiener and not per_image:
            return Measured()
        (height, width), side = size, _MEASURED
        if height * width <= (2 * side) ** 2:
            regions = [read(0, 0, height, width)]
        else:
            h, w = min(side, height), min(side, width)
            places = [(t * (height - h) // 3, u * (width - w) // 3) for t in (1, 2) for u in (1, 2)]
            regions = [read(top, left, h, w) for top, left in places]
        images = [region[0].float().cpu().numpy() for region in regions]
        spectrum = self._spectrum(images) if self.wiener and self.model.noise is None else None
        return Measured(spectrum, self._fitted_noise(regions) if per_image else None)

    @torch.no_grad()
    def _fitted_noise(self, regions: list[Tensor]) -> NoiseCurve:
        """Noise of an image, from what the network leaves of parts of it."""
        stride, channels = self.strides[0], self.model.channels
        inputs = [self._pad(self.model.scale.to_network(region.expand(-1, channels, -1, -1))) for region in regions]
        if stride > 1:
            inputs = [pixel_shuffle_downsample(x, stride) for x in inputs]
        return self.model.fit_noise(inputs, self._run)

    def _spectrum(self, images: list[np.ndarray]) -> NoiseSpectrum | None:
        try:
            return measure_spectrum(images, self.typical_noise)
        except DataError:
            if self.config.wiener:
                raise
            return None

    @torch.no_grad()
    def __call__(
        self, x: Tensor, *, origin: tuple[int, int] = (0, 0), plane: int = 0, measured: Measured | None = None
    ) -> Tensor:
        """Denoise a region.

        Parameters
        ----------
        x : Tensor, shape (1, C, H, W), image values
            C is the model's, or 1 where the model takes grey images once per channel.
        origin : tuple of int
            (top, left) of the region in its image, multiples of :attr:`grid`.
        plane : int
            Number of the image in its stack (seeds the random replacement).
        measured : Measured, optional
            On the image; None measures this region.

        Returns
        -------
        Tensor, shape (1, C, H, W)
            With the uncertainty (1, 2 C, H, W), then standard deviations.

        Raises
        ------
        ValueError
            If the image is smaller than the lattice.
        """
        height, width = x.shape[-2:]
        if min(height, width) < self.period and (height % self._unit or width % self._unit):
            raise ValueError(
                f"an image of {height} x {width} pixels is smaller than {self.period} pixels, the lattice of this model at "
                f"stride {self.stride}; use a smaller stride or a larger image"
            )
        noisy = x
        if measured is None:
            measured = self.measure(lambda *_: noisy, (height, width))
        grey = x.shape[1] == 1 < self.model.channels
        x = self._pad(self.model.scale.to_network(x.expand(-1, self.model.channels, -1, -1) if grey else x))
        views = range(8) if self.config.ensemble else range(1)
        outputs = self.model.channels * (2 if self._needs_variance else 1)
        total = x.new_zeros(x.shape[0], outputs, *x.shape[-2:])
        for view in views:
            total += inverse(self._denoise_view(transform(x, view), view, origin, plane, measured.noise), view)
        result = (total / len(views))[..., :height, :width]
        mean = self.model.scale.to_image(result[:, : self.model.channels])
        variance = result[:, self.model.channels :]
        mean = mean.mean(1, keepdim=True) if grey else mean
        if self._filters_by_model:
            uncertainty = variance.mean(1, keepdim=True) if grey else variance
            mean = self._filtered_by_model(noisy, mean, uncertainty, measured.noise)
        elif measured.spectrum is not None:
            mean = wiener_filter(noisy, mean, measured.spectrum)
        if not self.config.uncertainty:
            return mean
        return torch.cat([mean, variance.sqrt() * self.model.scale.scale], 1)

    @property
    def _filters_by_model(self) -> bool:
        return self.wiener and self.model.noise is not None

    @property
    def _needs_variance(self) -> bool:
        return self.config.uncertainty or self._filters_by_model

    def _filtered_by_model(self, noisy: Tensor, mean: Tensor, uncertainty: Tensor, curve: NoiseCurve | None) -> Tensor:
        """Wiener filter for the noise of a noise model."""
        noise, scale = self.model.noise, self.model.scale
        assert noise is not None
        signal = scale.to_network(mean)
        level = curve(signal) if curve is not None else affine_noise_variance(signal, *noise.in_network_units(scale))
        return scale.to_image(wiener_filter_independent(scale.to_network(noisy), signal, level, uncertainty))

    def _pad(self, x: Tensor) -> Tensor:
        if not self.model.network.lattice:
            return x  # a network that is not blind pads as it was made to
        if self.model.inference.mosaic_margin is None:
            return pad_within_phases(x, self._unit, self.period)
        # AP-BSN fills the last rows and columns with zeros.
        return F.pad(x, (0, -x.shape[-1] % self.stride, 0, -x.shape[-2] % self.stride))

    def _denoise_view(
        self, x: Tensor, view: int, origin: tuple[int, int], plane: int, noise: NoiseCurve | None
    ) -> Tensor:
        passes = [self._first_pass(x, stride, noise) for stride in self.strides]
        first = torch.stack(passes).mean(0) if len(passes) > 1 else passes[0]
        if not self.config.r3_passes:
            return first
        return random_replacement_refinement(
            self._full_resolution,
            x,
            first,
            passes=self.config.r3_passes,
            probability=self.config.r3_probability,
            uniforms=self._uniforms(x, view, origin, plane),
        )

    def _first_pass(self, x: Tensor, stride: int, noise: NoiseCurve | None) -> Tensor:
        margin = self.model.inference.mosaic_margin
        size = (x.shape[-2], x.shape[-1])
        if margin is not None:
            mosaic = mosaic_downsample(x, stride, margin=margin)
            return mosaic_upsample(self._network(mosaic, noise), stride, margin=margin, size=size)
        if stride == 1:
            return self._network(x, noise)
        return pixel_shuffle_upsample(self._network(pixel_shuffle_downsample(x, stride), noise), stride, size=size)

    def _full_resolution(self, x: Tensor) -> Tensor:
        margin = self.model.inference.mosaic_margin
        if not margin:
            return self._network(x)
        padded = self._network(F.pad(x, (margin,) * 4, mode="reflect"))
        return padded[..., margin:-margin, margin:-margin]

    def _network(self, x: Tensor, noise: NoiseCurve | None = None) -> Tensor:
        outputs = main_output(self._run(x))
        if self.model.noise is not None and not self.config.posterior:
            return split_prediction(outputs, self.model.channels).mean.to(x.dtype)
        mean, variance = self.model.estimate(outputs, x, noise, calibrated=self.config.calibrate)
        parts = [mean] if variance is None or not self._needs_variance else [mean, variance]
        return torch.cat(parts, 1).to(x.dtype)

    @functools.cached_property
    def _run(self) -> Callable[[Tensor], Tensor]:
        network = self.model.network
        device = next((p.device for p in network.parameters()), torch.device("cpu"))
        return make_runner(network, device, self.config)

    def _uniforms(self, x: Tensor, view: int, origin: tuple[int, int], plane: int) -> Iterator[Tensor]:
        height, width = x.shape[-2:] if view % 2 == 0 else (x.shape[-1], x.shape[-2])
        for index in range(self.config.r3_passes):
            key = (self.config.seed, plane, view, index)
            field = position_uniform(key, x.shape[1], *origin, height, width)
            yield transform(field, view).to(device=x.device, dtype=x.dtype)
