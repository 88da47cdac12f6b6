"""The distillation task: what one step does, what validation is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from bsn.data import Prefetcher, prefetch
from bsn.engine import Part, Task, Update, make_optimizer
from bsn.engine.task import Workers
from bsn.models import InferenceDefaults, Model, ValueScale
from bsn.training.validation import Validation
from distill.config import DistillConfig
from distill.losses import gradient_loss, multiscale_loss, pixel_loss
from distill.pairs import PairBatch, Pairs

__all__ = ["DistillTask", "trust"]


def trust(spread: Tensor) -> Tensor:
    """Weight of target pixels of a given standard deviation: half where it is as large as on average.

    Parameters
    ----------
    spread : Tensor, shape (N, C, H, W)
        Not negative.

    Returns
    -------
    Tensor, shape (N, C, H, W), range (0, 1]

    Examples
    --------
    >>> trust(torch.full((1, 1, 2, 2), 7.0)).unique()
    tensor([0.5000])
    """
    variance = spread.square()
    average = variance.flatten(1).mean(1).clamp_min(1e-20)[:, None, None, None]
    return average / (average + variance)


class DistillTask(Task):
    """Train a student to give the teacher's image at once.

    Parameters
    ----------
    network : nn.Module
        The student, a registered network.
    pairs : Pairs
    config : DistillConfig
    scale : ValueScale
        Range the student works on.
    held_back : PairBatch, optional
        Fixed pairs that training never sees.
    validation : Validation, optional
        Pairs with known truth, to watch PSNR.
    provenance : mapping, optional
        Goes into the model file.
    inference : InferenceDefaults, optional
    weights_licence : str
    """

    def __init__(
        self,
        network: nn.Module,
        pairs: Pairs,
        config: DistillConfig,
        scale: ValueScale,
        *,
        held_back: PairBatch | None = None,
        validation: Validation | None = None,
        provenance: Mapping[str, Any] | None = None,
        inference: InferenceDefaults | None = None,
        weights_licence: str = "derived from the teacher and the images; their terms apply",
    ) -> None:
        self.modules = {"network": network}
        self.pairs, self.config, self.scale = pairs, config, scale
        self.held_back, self.validation = held_back, validation
        self.provenance = dict(provenance or {})
        self.inference = inference or InferenceDefaults(training_crop=config.crop)
        self.weights_licence = weights_licence
        self.workers = Workers()
        self._batches: Prefetcher[PairBatch] | None = None
        if validation is not None and validation.pairs:
            self.monitor = validation.monitor

    def start(self, workers: Workers) -> None:
        """Note rank and device."""
        self.workers = workers
        self.modules["network"].to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def optimizers(self) -> dict[str, Optimizer]:
        """One optimiser over all parameters."""
        return {"main": make_optimizer(self.config, [self.modules["network"]])}

    def updates(self, step: int) -> Iterator[Update]:
        """One update on one batch of pairs."""
        batch = self._next_batch(step)
        tensors = self._tensors(batch, self._target(batch, step))
        yield Update([Part(self._mean_loss, tensors)], batch=batch.names)

    def _mean_loss(self, *tensors: Tensor) -> tuple[Tensor, Mapping[str, float]]:
        return self._loss(self.modules["network"], *tensors).mean(), {}

    def _tensors(self, batch: PairBatch, target: np.ndarray) -> list[Tensor]:
        """Noisy crops, target and, where its spread counts, how far each target pixel is trusted."""
        tensors = [self.scale.to_network(self._tensor(pixels)) for pixels in (batch.noisy, target)]
        if self.config.uncertainty and batch.spread is not None:
            tensors.append(trust(self._tensor(batch.spread)))
        return tensors

    def _next_batch(self, step: int) -> PairBatch:
        if self._batches is None:

            def batch(at: int) -> PairBatch:
                return self.pairs.batch(at, self.config.batch_size, self.workers.rank, self.workers.world_size)

            self._batches = prefetch(batch, step)
        return next(self._batches)

    def _target(self, batch: PairBatch, step: int) -> np.ndarray:
        """Target of each crop, shape (B, C, h, w)."""
        count = batch.targets.shape[1]
        if self.config.mixing == "mean" or count == 1:
            return batch.targets.mean(1)
        rng = np.random.default_rng((step, self.workers.rank))
        chosen = rng.integers(count, size=len(batch.targets))
        return batch.targets[np.arange(len(chosen)), chosen]

    def _loss(self, network: nn.Module, x: Tensor, y: Tensor, weight: Tensor | None = None) -> Tensor:
        """Loss of each sample, shape (N,)."""
        config = self.config
        prediction = network(x).to(y.dtype)
        loss = pixel_loss(prediction, y, weight, power=2 if config.loss == "l2" else 1)
        if config.multiscale:
            loss = loss + config.multiscale * multiscale_loss(prediction, y)
        if config.gradient:
            loss = loss + config.gradient * gradient_loss(prediction, y)
        return loss

    def _tensor(self, pixels: np.ndarray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(pixels)).to(self.workers.device, non_blocking=True)

    def validate(self, step: int, modules: Mapping[str, nn.Module], samples: Path) -> dict[str, float]:
        """Loss and dB to the target on held-back pairs, PSNR where there is truth."""
        numbers: dict[str, float] = {}
        network = modules["network"]
        if self.held_back is not None:
            target = self.held_back.targets.mean(1)
            numbers["val_loss"] = float(self._loss(network, *self._tensors(self.held_back, target)).mean())
            numbers["val_db_to_target"] = self._decibel(network, self.held_back.noisy, target)
        if self.validation is not None:
            numbers |= self.validation.run(self, self.model(network, {}), step, samples)  # type: ignore[arg-type]
        return numbers

    def _decibel(self, network: nn.Module, noisy: np.ndarray, target: np.ndarray) -> float:
        """Mean over the crops of the PSNR of student against target, peak 1 in image values."""
        x = self._tensor(noisy)
        result = self.scale.to_image(network(self.scale.to_network(x)).to(x.dtype))
        error = (result - self._tensor(target)).square().flatten(1).mean(1).clamp_min(1e-20)
        return float((-10 * error.log10()).mean())

    def model(self, network: nn.Module, facts: Mapping[str, Any]) -> Model:
        """The student as it is shipped: branches merged."""
        shipped = network.merged() if hasattr(network, "merged") else network  # type: ignore[operator]
        return Model(shipped, self.scale, self.inference, {**self.provenance, **facts}, self.weights_licence)

    def save(self, path: Path, modules: Mapping[str, nn.Module], facts: Mapping[str, Any]) -> None:
        """Write the model file."""
        self.model(modules["network"], facts).save(path)

    def close(self) -> None:
        """Stop the thread that cuts crops."""
        if self._batches is not None:
            self._batches.close()
