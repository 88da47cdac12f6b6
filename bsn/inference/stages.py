"""The stages that a noisy region passes, in their order; :class:`bsn.inference.pipeline.Pipeline` calls them.

=======================  =============================================================================================
:class:`Frame`           image values to network values, padded to the network's grid; at the end back again
:class:`Downsampling`    cut into sub-images in which the noise is nearly white, and interleaved again
the network              see :class:`bsn.inference.runner.Runner`
:class:`Posterior`       mean and variance of the clean pixels from the network's outputs and the noisy pixels
refinement               passes over the result mixed with some noisy pixels
second pass              the network sees its result again, for more than its usual strength
:class:`Filter`          fine structure of the noisy image is brought back
=======================  =============================================================================================

Refinement and second pass are in :mod:`bsn.inference.refinement`. The stages know numbers, not models:
:mod:`bsn.inference.plan` chooses them for a model and its options.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from bsn.hole import Hole
from bsn.inference.explanation import Explanation
from bsn.inference.mixture import Mixture
from bsn.inference.tones import Tones
from bsn.inference.verdict import Verdict
from bsn.lattice import pad_within_phases
from bsn.noise import (
    NoiseCurve,
    NoiseModel,
    NoiseSpectrum,
    ValueScale,
    affine_noise_variance,
    posterior,
    split_prediction,
    wiener_filter,
    wiener_filter_independent,
)
from bsn.selfsup import (
    mosaic_downsample,
    mosaic_upsample,
    pixel_shuffle_downsample,
    pixel_shuffle_upsample,
)

__all__ = [
    "WHOLE",
    "Downsampling",
    "Estimate",
    "Filter",
    "Frame",
    "Measured",
    "Network",
    "Place",
    "Posterior",
]

Network = Callable[[Tensor], Tensor]
"""One forward pass, (N, C, H, W) to (N, K, H, W), in network values."""


class Place(NamedTuple):
    """Where a region lies: first row and column in its plane, and the number of the plane in its stack."""

    top: int = 0
    left: int = 0
    plane: int = 0


WHOLE = Place()


@dataclass(frozen=True)
class Estimate:
    """What is known of the clean pixels.

    Parameters
    ----------
    mean : Tensor, shape (N, C, H, W)
        Estimated clean values.
    variance : Tensor, optional, shape (N, C, H, W)
        Variance of the posterior, in squared network values; None for networks that predict none.
    """

    mean: Tensor
    variance: Tensor | None = None

    def map(self, change: Callable[[Tensor], Tensor]) -> Estimate:
        """Apply a linear change, such as a flip, to the mean and to the variance.

        Parameters
        ----------
        change : callable
            Maps a tensor (N, C, H, W) to a tensor; it moves or averages values.

        Returns
        -------
        Estimate
        """
        return Estimate(change(self.mean), None if self.variance is None else change(self.variance))

    def plus(self, other: Estimate) -> Estimate:
        """Sum of two estimates, as a step to their mean.

        Parameters
        ----------
        other : Estimate
            Estimate of the same shape.

        Returns
        -------
        Estimate
            Without a variance if one of the two has none.
        """
        if self.variance is None or other.variance is None:
            return Estimate(self.mean + other.mean)
        return Estimate(self.mean + other.mean, self.variance + other.variance)

    @staticmethod
    def average(estimates: Sequence[Estimate]) -> Estimate:
        """Mean of several estimates of the same pixels.

        Parameters
        ----------
        estimates : sequence of Estimate
            One or more, of equal shapes.

        Returns
        -------
        Estimate
            Mean of the means and, if there are any, of the variances.
        """
        if len(estimates) == 1:
            return estimates[0]
        variances = [e.variance for e in estimates if e.variance is not None]
        mean = torch.stack([e.mean for e in estimates]).mean(0)
        return Estimate(mean, torch.stack(variances).mean(0) if variances else None)


@dataclass(frozen=True)
class Measured:
    """What was measured on a noisy plane before it is denoised.

    Parameters
    ----------
    spectrum : NoiseSpectrum, optional
        Noise spectrum for the Wiener filter.
    noise : NoiseCurve, optional
        Noise in network values, for a model whose noise differs from image to image.
    mixture : Mixture, optional
        What the result is a mixture of, see :mod:`bsn.inference.mixing`.
    verdict : Verdict, optional
        Whether the result is given, see :mod:`bsn.inference.guard`.
    polished : bool
        Whether results get a second pass where the pipeline has one, see :mod:`bsn.inference.polish_choice`.
    tones : Tones, optional
        Correction of their tones, see :mod:`bsn.inference.tones`.
    colour : bool
        Whether the plane is for the second network of the model, see :mod:`bsn.inference.colour_network`.
    """

    spectrum: NoiseSpectrum | None = None
    noise: NoiseCurve | None = None
    mixture: Mixture | None = None
    verdict: Verdict | None = None
    polished: bool = True
    tones: Tones | None = None
    colour: bool = False

    def again(self, measured: Measured) -> Measured:
        """What is measured on a further plane of a stack, with what was settled on this one.

        Parameters
        ----------
        measured : Measured
            Of that plane.

        Returns
        -------
        Measured
        """
        return dataclasses.replace(measured, mixture=self.mixture, colour=self.colour)

    @property
    def explanation(self) -> Explanation | None:
        """What the result is chosen from, and why; None where nothing is chosen."""
        chosen = None if self.mixture is None else self.mixture.explanation
        if self.verdict is not None:
            chosen = self.verdict.removal
        if chosen is None or self.tones is None:
            return chosen
        tones = f"; tones changed by up to {255 * self.tones.largest / chosen.peak:+.1f} of 255, as the noise is skewed"
        return dataclasses.replace(chosen, afterwards=chosen.afterwards + tones)


@dataclass(frozen=True)
class Frame:
    """First and last stage: image values and any size outside, network values and sizes of the grid inside.

    Parameters
    ----------
    scale : ValueScale
        Map between image values and network values.
    channels : int
        Channels of the network. A grey region is given to a network for colour once per channel.
    unit : int
        Sides inside are multiples of this.
    period : int
        Side of the lattice on which the first pass is blind: the padding copies pixels of the same residue class.
    padding : {"phases", "zeros", "grid", "none"}
        "zeros" as AP-BSN does, to a multiple of the stride; "grid" with zeros to a multiple of the unit, as half-plane networks
        do, but before the region is turned, so that its grid stays where it is; "none" for networks that pad by themselves.
    stride : int
        Side of the lattice that all strides have in common.
    hole : Hole, optional
        What the network does not see around each pixel, where that is a region.
    context : int
        Neighbouring frames k on each side that come with a region: it then is a window, its own channels first, see
        :mod:`bsn.frames`.
    """

    scale: ValueScale
    channels: int
    unit: int
    period: int
    padding: str
    stride: int
    hole: Hole | None = None
    context: int = 0

    def own(self, noisy: Tensor) -> Tensor:
        """The frame itself, without its neighbours.

        Parameters
        ----------
        noisy : Tensor, shape (N, (2 k + 1) C, H, W)
            A region, as :meth:`enter` takes it, or what that gives.

        Returns
        -------
        Tensor, shape (N, C, H, W)
        """
        return noisy[:, : noisy.shape[1] // (2 * self.context + 1)]

    def enter(self, noisy: Tensor) -> Tensor:
        """Network values of a region.

        Parameters
        ----------
        noisy : Tensor, shape (N, (2 k + 1) C, H, W), image values
            C is the network's, or 1; k is the context.

        Returns
        -------
        Tensor, shape (N, (2 k + 1) channels, H', W'), sides at least as long

        Raises
        ------
        ValueError
            If the region is smaller than the lattice, or than the hole.
        """
        height, width = noisy.shape[-2:]
        if self.hole is not None and min(height, width) <= self.hole.size * self.stride:
            raise ValueError(
                f"the hole {self.hole} leaves nothing to see of an image of {height} x {width} pixels; use a smaller hole or a "
                "larger image"
            )
        if min(height, width) < self.period and (height % self.unit or width % self.unit):
            raise ValueError(
                f"an image of {height} x {width} pixels is smaller than {self.period} pixels, the lattice of this model at "
                f"stride {self.stride}; use a smaller stride or a larger image"
            )
        x = self.scale.to_network(self._coloured(noisy) if self._is_grey(self.own(noisy)) else noisy)
        if self.padding == "none":
            return x
        if self.padding == "phases":
            return pad_within_phases(x, self.unit, self.period)
        if self.padding == "grid":
            return F.pad(x, (0, -width % self.unit, 0, -height % self.unit))
        return F.pad(x, (0, -width % self.stride, 0, -height % self.stride))

    def leave(self, estimate: Estimate, noisy: Tensor) -> Estimate:
        """Cut an estimate to the size of a region, its mean in image values and its variance in network values still.

        Parameters
        ----------
        estimate : Estimate
            Estimate of the padded region, in network values.
        noisy : Tensor, shape (N, C, H, W)
            The region; its size and its channels are those of the result.

        Returns
        -------
        Estimate
        """
        inside = (..., slice(noisy.shape[-2]), slice(noisy.shape[-1]))
        mean = self.scale.to_image(estimate.mean[inside])
        variance = None if estimate.variance is None else estimate.variance[inside]
        found = Estimate(mean, variance)
        return found.map(lambda part: part.mean(1, keepdim=True)) if self._is_grey(noisy) else found

    def deviation(self, estimate: Estimate) -> Tensor | None:
        """Standard deviation in image values.

        Parameters
        ----------
        estimate : Estimate
            Its variance is in network values.

        Returns
        -------
        Tensor, shape (N, C, H, W), or None
            None where the estimate has no variance.
        """
        return None if estimate.variance is None else estimate.variance.sqrt() * self.scale.scale

    def _coloured(self, noisy: Tensor) -> Tensor:
        """Grey frames, each once per channel of the network."""
        return noisy.repeat_interleave(self.channels, 1) if self.context else noisy.expand(-1, self.channels, -1, -1)

    def _is_grey(self, noisy: Tensor) -> bool:
        return noisy.shape[1] == 1 < self.channels


@dataclass(frozen=True)
class Downsampling:
    """Pixel-shuffle downsampling by one stride.

    Parameters
    ----------
    stride : int
        1 leaves the image as it is.
    margin : int, optional
        None stacks the sub-images on the batch (TBSN). Otherwise they lie in one mosaic, with this many zeros around each
        (AP-BSN).
    """

    stride: int
    margin: int | None

    def split(self, x: Tensor) -> Tensor:
        """Split images into their sub-images, or lay these out as a mosaic if there is a margin.

        Parameters
        ----------
        x : Tensor, shape (N, C, H, W)
            Images in network values.

        Returns
        -------
        Tensor
            Shape (N * stride**2, C, h, w), or one mosaic per image.
        """
        if self.margin is not None:
            return mosaic_downsample(x, self.stride, margin=self.margin)
        return x if self.stride == 1 else pixel_shuffle_downsample(x, self.stride)

    def join(self, estimate: Estimate, size: tuple[int, int]) -> Estimate:
        """Undo :meth:`split` for an image of `size` (H, W).

        Parameters
        ----------
        estimate : Estimate
            Estimate of what :meth:`split` gave.
        size : tuple of int
            (H, W) of the images.

        Returns
        -------
        Estimate
        """
        margin = self.margin
        if margin is not None:
            return estimate.map(lambda part: mosaic_upsample(part, self.stride, margin=margin, size=size))
        if self.stride == 1:
            return estimate
        return estimate.map(lambda part: pixel_shuffle_upsample(part, self.stride, size=size))


@dataclass(frozen=True)
class Posterior:
    """Clean pixels from what the network says of them and from the noisy pixels.

    Parameters
    ----------
    channels : int
        Channels of the images.
    noise : NoiseModel, optional
        None: the outputs are the result.
    scale : ValueScale
        Map between image values and network values.
    weigh : bool
        False leaves the noisy pixel out and gives the prediction from its surroundings.
    calibrated : bool
        Correct the predicted covariance by the residuals around each pixel (:func:`bsn.noise.calibrate`).
    raised : float
        Factor by which the noise is taken to be stronger than it is.
    """

    channels: int
    noise: NoiseModel | None
    scale: ValueScale
    weigh: bool
    calibrated: bool
    raised: float = 1.0

    def __call__(self, outputs: Tensor, noisy: Tensor, curve: NoiseCurve | None = None) -> Estimate:
        """Combine outputs (N, K, H, W) and noisy pixels (N, C, H, W), in network values.

        Parameters
        ----------
        outputs, noisy : Tensor
        curve : NoiseCurve, optional
            Noise curve of this image, where the noise differs from image to image. None: the model's own noise.
        """
        if self.noise is None:
            return Estimate(outputs.to(noisy.dtype))
        prediction = split_prediction(outputs, self.channels)
        mean = prediction.mean
        if not self.weigh:
            return Estimate(mean.to(noisy.dtype))
        level, propagated = self.noise_variance(mean, curve), None if curve is None else curve.propagated_at(mean)
        found = posterior(prediction, noisy, level, propagated=propagated, calibrated=self.calibrated)
        return Estimate(*found).map(lambda part: part.to(noisy.dtype))

    def noise_variance(self, mean: Tensor, curve: NoiseCurve | None) -> Tensor:
        """Variance of the noise at clean values (N, C, H, W), in network values.

        Parameters
        ----------
        mean : Tensor, shape (N, C, H, W)
            Clean values, in network values.
        curve : NoiseCurve or None
            Curve of these images; None takes the noise model of the network.

        Returns
        -------
        Tensor, shape (N, C, H, W)
            Variance in squared network values.
        """
        if curve is not None:
            return curve(mean) * self.raised**2
        assert self.noise is not None
        return affine_noise_variance(mean, *self.noise.in_network_units(self.scale)) * self.raised**2


@dataclass(frozen=True)
class Filter:
    """Wiener filter: by the noise of a posterior if there is one, otherwise by the spectrum measured on the image.

    Parameters
    ----------
    posterior : Posterior
        Stage that knows the value scale, by how much the noise is raised and, where it is active, the variance of the noise.
    """

    posterior: Posterior

    def __call__(self, noisy: Tensor, estimate: Estimate, measured: Measured) -> Estimate:
        """Filter a region.

        Parameters
        ----------
        noisy : Tensor, shape (N, C, H, W), image values
        estimate : Estimate
            What :meth:`Frame.leave` gives.
        measured : Measured
            Without spectrum and without posterior nothing is filtered.
        """
        if estimate.variance is not None:
            scale = self.posterior.scale
            signal = scale.to_network(estimate.mean)
            level = self.posterior.noise_variance(signal, measured.noise)
            filtered = wiener_filter_independent(scale.to_network(noisy), signal, level, estimate.variance)
            return Estimate(scale.to_image(filtered), estimate.variance)
        if measured.spectrum is not None:
            return Estimate(wiener_filter(noisy, estimate.mean, measured.spectrum.raised(self.posterior.raised)))
        return estimate
