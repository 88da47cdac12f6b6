"""Training of blind priors: what the surroundings say of each pixel, learned from noisy photographs whose truth is known.

``bsn train`` has the noisy pixel alone to compare its prediction with. Its noise is independent of what a blind network
sees, so it adds to each step's gradient nothing but chance. Here the truth is known, and the expectation over the noise
is taken by hand: the minimum is the same, and it takes fewer steps.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import numpy as np
from torch import Tensor, nn
from torch.optim import Optimizer
from typing_extensions import override

from bsn.data import CropBatch
from bsn.engine import Part, Update, make_optimizer
from bsn.evaluation import Validation
from bsn.hole import Hole
from bsn.models import HalfPlane, InferenceDefaults, Model, NoiseModel, ValueScale, image_network
from bsn.noise import Prediction, expected_nll, split_prediction
from bsn.training import ModelTask
from distill.config import DistillConfig
from tools.bundled.pairs import RecycledPairs, SyntheticPairs

__all__ = ["PriorTask", "standardised"]

_STREAM = 0x7072696F
_CHANNELS = 3
_BETWEEN = 0.25  # largest standard deviation of the means of crops of a set, image values
_HOLES = (3, 5, 7, 9, 11, 13)


class PriorTask(ModelTask[CropBatch]):
    """Train a blind network on noisy photographs whose truth is known.

    Parameters
    ----------
    network : nn.Module
        A blind-spot network for three channels, with outputs for a covariance if the noise is white.
    pairs : SyntheticPairs or RecycledPairs
        Of white noise with targets (B, 1, 2, 3, h, w), clean crop and variance of the noise; otherwise with targets
        (B, 1, 3, h, w). Crops whose channels are equal count as grey ones.
    config : DistillConfig
        Size of the batch, and optimiser.
    noise : {"white", "shared"}
        White: the expected likelihood of the noisy pixel. Shared: the L1 loss to the clean one, with holes drawn at random.
    seed : int
        Of value scales and holes.
    validation : Validation, optional
        Whole images with a known truth.
    provenance : mapping, optional
        Goes into the model file.
    inference : InferenceDefaults, optional
        How the model is used.
    weights_licence : str
        Terms of the weights, for the model file.
    """

    def __init__(
        self,
        network: nn.Module,
        pairs: SyntheticPairs | RecycledPairs,
        config: DistillConfig,
        noise: Literal["white", "shared"],
        *,
        seed: int = 0,
        validation: Validation | None = None,
        provenance: Mapping[str, Any] | None = None,
        inference: InferenceDefaults | None = None,
        weights_licence: str = "not stated",
    ) -> None:
        def batches(step: int, rank: int, world_size: int) -> CropBatch:
            return pairs.batch(step, config.batch_size, rank, world_size)

        super().__init__({"network": network}, batches, validation=validation, provenance=provenance)
        self.config, self.noise, self.seed, self.weights_licence = config, noise, seed, weights_licence
        self.inference = inference or InferenceDefaults()

    @override
    def optimizers(self) -> dict[str, Optimizer]:
        """One optimiser over all parameters."""
        return {"main": make_optimizer(self.config, self.modules.values())}

    @override
    def updates(self, step: int) -> Iterator[Update]:
        """One update on one batch of pairs, each on a value scale as training sets have them."""
        batch = self.next_batch(step)
        assert batch.targets is not None
        rng = np.random.default_rng((_STREAM, self.seed, step, self.workers.rank))
        hole = Hole("square", int(rng.choice(_HOLES))) if isinstance(self.modules["network"], HalfPlane) else None
        given = standardised(batch.pixels, batch.targets[:, 0], rng)

        def loss(noisy: Tensor, target: Tensor) -> tuple[Tensor, Mapping[str, float]]:
            outputs = self.modules["network"](noisy) if hole is None else self.modules["network"](noisy, hole)
            if self.noise == "shared":
                return (outputs - target).abs().mean(), {}
            grey = (noisy == noisy[:, :1]).flatten(1).all(1)
            return _likelihood(outputs.float(), target, grey).mean(), {}

        yield Update([Part(loss, [self.tensor(part) for part in given])], batch=batch.names)

    @override
    def model(self, modules: Mapping[str, nn.Module], facts: Mapping[str, Any]) -> Model:
        """The network, and the noise of which it was told nothing."""
        white = self.noise == "white"
        # Scale and noise of a typical photograph; a run that begins with this network takes those of its own images.
        return Model(
            image_network(modules["network"]),
            ValueScale(0.45, 0.25),
            self.inference,
            {**self.provenance, **facts},
            self.weights_licence,
            NoiseModel(0.0, 0.01, per_image=True) if white else None,
        )


def standardised(noisy: np.ndarray, targets: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Put each crop on the value scale of a training set that it might be part of.

    Parameters
    ----------
    noisy : ndarray, shape (B, C, h, w), float32
        Crops in image values.
    targets : ndarray, shape (B, C, h, w) or (B, 2, C, h, w), float32
        Clean crops, and the variance of the noise if it is known.
    rng : numpy.random.Generator

    Returns
    -------
    noisy, targets : ndarray, same shapes
        Mean 0 and standard deviation 1 not of the crop, but of a set whose crops differ in their means by an amount that is
        drawn between none and that of photographs.
    """
    between = rng.uniform(0, _BETWEEN, len(noisy))
    mean = noisy.mean((1, 2, 3)) + between * rng.standard_normal(len(noisy))
    spread = np.sqrt(noisy.var((1, 2, 3)) + between**2 + 1e-6)
    each = (slice(None), None, None, None)
    offset, scale = (part[each].astype(np.float32) for part in (mean, spread))
    noisy = (noisy - offset) / scale
    if targets.ndim == noisy.ndim:
        return noisy, (targets - offset) / scale
    return noisy, np.stack([(targets[:, 0] - offset) / scale, targets[:, 1] / scale**2], 1)


def _likelihood(outputs: Tensor, target: Tensor, grey: Tensor) -> Tensor:
    """Expected negative log-likelihood of each crop; of grey ones, of the mean over the channels and of one variance."""
    clean, variance = target[:, 0], target[:, 1]
    losses = outputs.new_zeros(len(outputs))
    whole = split_prediction(outputs, _CHANNELS)
    if not bool(grey.all()):
        found = expected_nll(_part(whole, ~grey), clean[~grey], variance[~grey])
        losses = losses.masked_scatter(~grey, found / _CHANNELS)
    if bool(grey.any()):
        one = Prediction(whole.mean[grey].mean(1, keepdim=True), [[whole.factor[0][0][grey]]])
        losses = losses.masked_scatter(grey, expected_nll(one, clean[grey][:, :1], variance[grey][:, :1]))
    return losses


def _part(prediction: Prediction, chosen: Tensor) -> Prediction:
    return Prediction(prediction.mean[chosen], [[entry[chosen] for entry in row] for row in prediction.factor])
