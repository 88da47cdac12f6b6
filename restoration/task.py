"""The supervised task: what one step does, what validation is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from bsn.data import (
    CropBatch,
    GroupedCrops,
    ImageSource,
    MirroredSource,
    Prefetcher,
    RandomCrops,
    prefetch,
    split_pairs,
)
from bsn.engine import Part, Task, Update, make_optimizer
from bsn.engine.task import Workers
from bsn.models import InferenceDefaults, Model, main_output
from restoration.config import RestoreConfig
from restoration.losses import total_loss
from restoration.validation import PairValidation

__all__ = ["PairBatches", "RestorationTask"]


class PairBatches:
    """Batches of pairs as a function of the step, with crops that grow in the course of the run.

    Parameters
    ----------
    source : PlaneSource
        Of pairs, see :mod:`bsn.data.pairs.pair_source`.
    config : RestoreConfig
    total : int
        Steps of the run.
    seed : int
    groups : sequence of str, optional
        Background of each pair, for batches of several degraded images of one.

    Raises
    ------
    DataError
        If no background has as many degraded images as a group.
    """

    def __init__(
        self, source: Any, config: RestoreConfig, total: int, seed: int, groups: Sequence[str] | None = None
    ) -> None:
        self.config, self.total = config, total
        augment: Any = {"eight": True, "flips": "flips", "none": False}[config.augment]
        options: dict[str, Any] = {"seed": seed, "augment": augment}
        sizes = (config.crop, *config.progressive_crops)
        mirrored = {crop: MirroredSource(source, crop) for crop in sizes}
        if config.group_size > 1:
            names = groups or []
            self._grouped = {
                crop: GroupedCrops(mirrored[crop], names, crop, config.group_size, **options) for crop in sizes
            }
        else:
            self._crops = {crop: RandomCrops(mirrored[crop], crop, **options) for crop in sizes}

    def batch(self, step: int, rank: int = 0, world_size: int = 1) -> CropBatch:
        """Crops of one step for one process: pixels (B, 2 C, h, w)."""
        crop, size = self.config.stage(step / self.total)
        count = self.config.group_size
        if count > 1:
            return self._grouped[crop].batch(step, size // count, rank, world_size)
        return self._crops[crop].batch(step, size, rank, world_size)


class RestorationTask(Task):
    """Train a network to map degraded crops to clean ones.

    Parameters
    ----------
    network : nn.Module
        A registered network; of several outputs the first is the result, the second may be of half the size.
    batch : callable
        ``batch(step, rank, world_size)`` gives pairs, see :class:`PairBatches`.
    config : RestoreConfig
    validation : PairValidation
    provenance : mapping, optional
        Goes into the model file.
    """

    monitor = "+val_psnr"

    def __init__(
        self,
        network: nn.Module,
        batch: Callable[[int, int, int], CropBatch],
        config: RestoreConfig,
        validation: PairValidation,
        provenance: Mapping[str, Any] | None = None,
    ) -> None:
        self.modules = {"network": network}
        self.batch, self.config, self.validation = batch, config, validation
        self.provenance = dict(provenance or {})
        self.workers = Workers()
        self._batches: Prefetcher[CropBatch] | None = None

    def start(self, workers: Workers) -> None:
        """Note rank and device."""
        self.workers = workers
        self.modules["network"].to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def optimizers(self) -> dict[str, Optimizer]:
        """One optimiser over all parameters that are trained."""
        return {"main": make_optimizer(self.config, [self.modules["network"]])}

    def updates(self, step: int) -> Iterator[Update]:
        """One update on one batch of pairs."""
        batch = self._next_batch(step)
        count = self.config.group_size
        groups = batch.pixels.reshape(-1, count, *batch.pixels.shape[1:])
        split = np.array_split(groups, min(self.config.accumulate, len(groups)))
        parts = [part.reshape(-1, *part.shape[2:]) for part in split]
        yield Update([Part(self._loss, self._pair(part)) for part in parts], batch=batch.names)

    def _next_batch(self, step: int) -> CropBatch:
        if self._batches is None:
            self._batches = prefetch(lambda at: self.batch(at, self.workers.rank, self.workers.world_size), step)
        return next(self._batches)

    def _pair(self, pixels: np.ndarray) -> list[Tensor]:
        """Degraded and clean crops, on the device."""
        halves = (torch.from_numpy(np.ascontiguousarray(half)) for half in split_pairs(pixels))
        return [half.to(self.workers.device, non_blocking=True) for half in halves]

    def _loss(self, degraded: Tensor, clean: Tensor) -> tuple[Tensor, Mapping[str, Tensor]]:
        outputs = self.modules["network"](degraded)
        single = isinstance(outputs, Tensor)
        exact = main_output(outputs).to(clean.dtype) if single else tuple(out.to(clean.dtype) for out in outputs)
        return total_loss(exact, clean, self.config.loss, self.config.group_size)

    def validate(self, step: int, modules: Mapping[str, nn.Module], samples: Path) -> dict[str, float]:
        """Numbers of :class:`PairValidation`."""
        return self.validation.run(self.model(modules["network"], {}), step, samples)

    def model(self, network: nn.Module, facts: Mapping[str, Any]) -> Model:
        """The network with all that is needed to use it."""
        largest = max((self.config.crop, *self.config.progressive_crops))
        return Model(
            network,
            inference=InferenceDefaults(training_crop=largest),
            provenance={**self.provenance, **facts},
            weights_licence="derived from the training images; their terms apply",
        )

    def save(self, path: Path, modules: Mapping[str, nn.Module], facts: Mapping[str, Any]) -> None:
        """Write the model file."""
        self.model(modules["network"], facts).save(path)

    def close(self) -> None:
        """Stop the thread that cuts crops."""
        if self._batches is not None:
            self._batches.close()


def channels_of(source: ImageSource) -> int:
    """Channels of one image of a pair source."""
    return source.channels // 2
