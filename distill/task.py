"""The distillation task: what one step does, what validation is."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from typing_extensions import override

from bsn.data import CropBatch
from bsn.engine import Part, Update
from bsn.evaluation import Validation
from bsn.models import InferenceDefaults, TrainingValues, ValueScale
from bsn.training import Crops, PairTask, agreeing_where_uncounted, decibels
from distill.config import DistillConfig
from distill.losses import decibel_loss, gradient_loss, multiscale_loss, pixel_loss
from distill.recharging import draw_recharged, recharge, sum_over_targets

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
    >>> import torch
    >>> trust(torch.full((1, 1, 2, 2), 7.0)).unique()
    tensor([0.5000])
    """
    variance = spread.square()
    average = variance.flatten(1).mean(1).clamp_min(1e-20)[:, None, None, None]
    return average / (average + variance)


class DistillTask(PairTask):
    """Train a student to give the teacher's image at once.

    Parameters
    ----------
    network : nn.Module
        The student, a registered network.
    crops : Crops
        Noisy crops with targets of shape (B, layers, C, h, w): the teacher's answers, and perhaps their spread.
    config : DistillConfig
        Settings of the training.
    scale : ValueScale
        Range the student works on.
    spread : bool
        The last layer of the targets is not an answer, but the standard deviation of the first.
    held_back : CropBatch, optional
        Crops that training never sees.
    validation : Validation, optional
        Whole images with a known truth.
    provenance : mapping, optional
        Goes into the model file.
    training_values : TrainingValues, optional
        Of the images that the teacher answered.
    inference : InferenceDefaults, optional
        Inference that the student's model file asks for.
    weights_licence : str
        Licence that the student's model file states.
    seed : int
        Seed of the recharging.
    """

    def __init__(
        self,
        network: nn.Module,
        crops: Crops,
        config: DistillConfig,
        scale: ValueScale,
        *,
        spread: bool = False,
        held_back: CropBatch | None = None,
        validation: Validation | None = None,
        provenance: Mapping[str, Any] | None = None,
        training_values: TrainingValues | None = None,
        inference: InferenceDefaults | None = None,
        weights_licence: str = "derived from the teacher and the images; their terms apply",
        seed: int = 0,
    ) -> None:
        super().__init__(
            network,
            crops,
            config.batch_size,
            config,
            scale,
            inference=inference or InferenceDefaults(training_crop=config.crop),
            weights_licence=weights_licence,
            held_back=held_back,
            validation=validation,
            provenance=provenance,
            training_values=training_values,
        )
        self.config, self.spread, self.seed = config, spread, seed

    @override
    def updates(self, step: int) -> Iterator[Update]:
        """One update on one batch of pairs."""
        batch = self.next_batch(step)
        if self.config.recharge:
            tensors = self._recharged(batch, self.seed, step, self.workers.rank)
        else:
            tensors = self._tensors(batch, self._target(batch, step))
        loss = functools.partial(self._mean_loss, counted=self._counted(batch))
        yield Update([Part(loss, tensors)], batch=batch.names)

    def _mean_loss(self, *tensors: Tensor, counted: Tensor | None = None) -> tuple[Tensor, Mapping[str, float]]:
        return self._loss(self.modules["network"], *tensors, counted=counted).mean(), {}

    def _counted(self, batch: CropBatch) -> Tensor | None:
        return None if batch.counted is None else self.tensor(batch.counted)

    def _tensors(self, batch: CropBatch, target: np.ndarray) -> list[Tensor]:
        """Noisy crops, target and, where its spread counts, how far each target pixel is trusted."""
        tensors = [self.scale.to_network(self.tensor(pixels)) for pixels in (batch.pixels, target)]
        if self.config.uncertainty and self.spread and batch.targets is not None:
            tensors.append(trust(self.tensor(batch.targets[:, -1])))
        return tensors

    def _recharged(self, batch: CropBatch, *key: int) -> list[Tensor]:
        """Noisy crops (B, C, h, w) and all targets (B, T, C, h, w), recharged by a draw that is a function of the key."""
        noisy, targets = (self.scale.to_network(self.tensor(p)) for p in (batch.pixels, self._answers(batch)))
        shape = (len(noisy), noisy.shape[-2], noisy.shape[-1])
        chosen = self.tensor(draw_recharged(shape, targets.shape[1], *key))
        return [noisy, recharge(targets, noisy, chosen)]

    def _answers(self, batch: CropBatch) -> np.ndarray:
        """Answers of the teacher, shape (B, T, C, h, w)."""
        if batch.targets is None:
            raise ValueError("these crops have no targets; train on a cache of the teacher's answers")
        return batch.targets[:, :-1] if self.spread else batch.targets

    def _target(self, batch: CropBatch, step: int) -> np.ndarray:
        """Target of each crop, shape (B, C, h, w)."""
        answers = self._answers(batch)
        count = answers.shape[1]
        if self.config.mixing == "mean" or count == 1:
            mean: np.ndarray = answers.mean(1)
            return mean
        rng = np.random.default_rng((step, self.workers.rank))
        chosen = rng.integers(count, size=len(answers))
        return answers[np.arange(len(chosen)), chosen]

    def _loss(
        self,
        network: nn.Module,
        x: Tensor,
        y: Tensor,
        weight: Tensor | None = None,
        *,
        counted: Tensor | None = None,
    ) -> Tensor:
        """Loss of each sample, shape (N,)."""
        config, factor = self.config, None
        prediction, power = network(x).to(y.dtype), 1 if config.loss == "l1" else 2
        if counted is not None:
            prediction, y, factor = _where_counted(prediction, y, counted)
        if config.recharge:
            loss = sum_over_targets(prediction, y, power=power)
            return loss if factor is None else factor * loss
        loss = pixel_loss(prediction, y, weight, power=power)
        if config.loss == "psnr":
            return decibel_loss(self.scale.scale**2 * (loss if factor is None else factor * loss))
        if config.multiscale:
            loss = loss + config.multiscale * multiscale_loss(prediction, y)
        if config.gradient:
            loss = loss + config.gradient * gradient_loss(prediction, y)
        return loss if factor is None else factor * loss

    @override
    def held_back_numbers(self, modules: Mapping[str, nn.Module], sample: Path) -> dict[str, float]:
        """Loss and dB to the target on the held-back crops."""
        if self.held_back is None:
            return {}
        network, target = modules["network"], self._answers(self.held_back).mean(1)
        scored = self._recharged(self.held_back, 0) if self.config.recharge else self._tensors(self.held_back, target)
        return {
            "val_loss": float(self._loss(network, *scored, counted=self._counted(self.held_back)).mean()),
            "val_db_to_target": self._decibel(network, self.held_back, target),
        }

    def _decibel(self, network: nn.Module, batch: CropBatch, target: np.ndarray) -> float:
        """Mean over the crops of the PSNR of student against target, peak 1 in image values."""
        x, truth, counted = self.tensor(batch.pixels), self.tensor(target), self._counted(batch)
        result, factor = self.image_of(network, x), torch.ones(len(x), device=x.device)
        if counted is not None:
            result, factor = agreeing_where_uncounted(result, truth, counted)
        error = factor * (result - truth).square().flatten(1).mean(1)
        return float(decibels(error)[factor > 0].mean())


def _where_counted(prediction: Tensor, y: Tensor, counted: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Prediction and target(s) without an error where pixels do not count, and the factor of the mean over the others."""
    several = y.ndim == 5
    agreeing, factor = agreeing_where_uncounted(prediction, y[:, 0] if several else y, counted)
    return agreeing, torch.where(counted[:, None, None], y, y[:, :1]) if several else y, factor
