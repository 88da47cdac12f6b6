"""Which networks a mixture has, and whether there is a mixture at all, for a model and its options."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from bsn.hole import Hole
from bsn.inference.config import InferenceConfig
from bsn.inference.mixing.candidates import FILTERED, PILOT, Candidate, network_candidate
from bsn.inference.stages import Estimate, Measured, Place, Posterior
from bsn.models import HalfPlane, Model
from bsn.noise import NoiseCovariance, NoiseCurve

__all__ = [
    "SHORT_TRAINING",
    "believed_noise",
    "image_of",
    "mixes",
    "mixes_strong_noise",
    "needs_check",
    "network_candidates",
    "smaller_hole",
]

_KNOTS = 33


@dataclass(frozen=True)
class ShortTraining:
    """When mixing pays although it trusts the measured noise.

    Decided on two trainings of 160 steps of 4 x 96 x 96 pixels on five free photographs of 256 x 256 pixels with synthetic
    noise of sigma 20 (isotropic with a correlation of 0.7, diamond with 0.3). Filtered results gain 2.0 and 2.4 dB and lose
    up to 1.9 dB on two images; mixtures gain 3.9 and 4.3 dB, and all images gain. On the weak noise of PolyU (twelve crops of
    its training part, a training of full length) such mixtures lose 0.2 dB against the filter.

    Parameters
    ----------
    pixels : int
        Pixels in all crops of a training that is short. The recipe has 92 million.
    strong : float
        Noise from which on results are mixed, as a share of the range of values.
    """

    pixels: int = 30_000_000
    strong: float = 12 / 255


SHORT_TRAINING = ShortTraining()

Stages = Callable[[Tensor, Place, Measured], Tensor]


def mixes(config: InferenceConfig) -> bool:
    """Whether results are mixed.

    Parameters
    ----------
    config : InferenceConfig
        What the caller asks for.

    Returns
    -------
    bool
    """
    return config.mix not in ("check", "off")


def needs_check(model: Model, config: InferenceConfig) -> bool:
    """Whether a result that is not mixed is compared with the noisy image.

    Parameters
    ----------
    model : Model
        The model.
    config : InferenceConfig
        What the caller asks for.

    Returns
    -------
    bool
        Not for networks of unknown training, and not for those that take away more than noise.
    """
    if config.mix != "check" or config.by_hand:
        return False
    return model.noise is not None or (bool(model.provenance) and "training_pairs" not in model.provenance)


def mixes_strong_noise(model: Model, config: InferenceConfig) -> bool:
    """Whether results of images with strong noise are mixed, although no mixture is asked for.

    Parameters
    ----------
    model : Model
        The model.
    config : InferenceConfig
        What the caller asks for; ``guard=False`` leaves every result as it is.

    Returns
    -------
    bool
        For half-plane networks that were trained on noisy images for a short time, see :class:`ShortTraining`.
    """
    if config.mix != "off" or not config.guard or config.by_hand or config.polish or config.strength > 1:
        return False
    known, blind = model.provenance, isinstance(model.network, HalfPlane) and model.noise is None
    if not blind or model.context or config.hole != "auto" or "training_images" not in known:
        return False
    seen = [known.get(name) for name in ("steps", "batch_size", "crop", "crop")]
    return all(isinstance(n, int) for n in seen) and math.prod(int(n or 0) for n in seen) < SHORT_TRAINING.pixels


def smaller_hole(hole: Hole) -> Hole | None:
    """Hole of the same shape and half the size, which sees more of the picture and some of the noise.

    Parameters
    ----------
    hole : Hole
        Hole of the training.

    Returns
    -------
    Hole or None
        None for holes of one pixel.

    Examples
    --------
    >>> str(smaller_hole(Hole("square", 9))), str(smaller_hole(Hole("rows", 3))), smaller_hole(Hole("pixel", 1))
    ('square:5', 'rows:1', None)
    """
    if hole.size <= 1:
        return None
    half = (hole.size + 1) // 2
    return Hole(hole.shape, half if half % 2 else half - 1)


def network_candidates(
    model: Model,
    plain: Stages,
    filtered: Stages | None,
    smaller: Stages | None,
    stride: int,
    hole: Hole | None = None,
) -> tuple[Candidate, ...]:
    """Results of the network for a mixture.

    Parameters
    ----------
    model : Model
        The model.
    plain : callable
        The network and what follows it but for the filter.
    filtered : callable or None
        The same with the filter that the model asks for.
    smaller : callable or None
        A half-plane network with a smaller hole.
    stride : int
        Smallest stride of the downsampling.
    hole : Hole, optional
        The smaller hole; default: :func:`smaller_hole`.

    Returns
    -------
    tuple of Candidate
        The first is :data:`PILOT`.
    """
    network = model.network
    own = network.hole if isinstance(network, HalfPlane) else None
    blind = model.noise is None and (own is not None or network.lattice > 0)
    found = [network_candidate(PILOT, plain, own, stride, blind=blind)]
    if smaller is not None and own is not None:
        hole = hole or smaller_hole(own)
        found.append(network_candidate(f"{PILOT} {hole}", smaller, hole, stride, blind=blind))
    if filtered is not None:
        found.append(network_candidate(FILTERED, filtered, None, stride, blind=False))
    return tuple(found)


def believed_noise(posterior: Posterior, noisy: Tensor, measured: Measured) -> NoiseCovariance:
    """Covariance of the noise that a model with a noise model believes in: white, its level follows the intensity.

    Parameters
    ----------
    posterior : Posterior
        Stage with the noise model.
    noisy : Tensor, shape (1, C, h, w), image values
        Part of the image, for the range of its intensities.
    measured : Measured
        With the noise curve of the image, where the model fits one.

    Returns
    -------
    NoiseCovariance
        In image values.
    """
    low, high = float(noisy.min()), float(noisy.max())
    intensity = torch.linspace(low, max(high, low + 1e-6), _KNOTS)
    at = posterior.scale.to_network(intensity.to(noisy))[None, None, None]
    variance = posterior.noise_variance(at, measured.noise).flatten().cpu() * posterior.scale.scale**2
    middle = torch.quantile(variance, 0.5)
    channels = torch.eye(noisy.shape[1]) * middle
    curve = NoiseCurve(intensity[None], variance[None])
    return NoiseCovariance(channels, torch.ones(1, 1), curve=curve)


def image_of(stages: Callable[[Tensor, Place, Measured], Estimate]) -> Stages:
    """Stages whose result is the image alone.

    Parameters
    ----------
    stages : callable
        Stages that give an estimate with mean and variance.

    Returns
    -------
    callable
    """
    return lambda noisy, place, measured: stages(noisy, place, measured).mean
