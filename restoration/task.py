"""The supervised task: what one step does, what validation is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from typing_extensions import override

from bsn.data import CropBatch, GroupedCrops, MirroredSource, RandomCrops
from bsn.engine import Part, Update, make_optimizer
from bsn.evaluation import Validation
from bsn.models import InferenceDefaults, Model, TrainingValues, image_network
from bsn.training import Batches, ModelTask, agreeing_at_both_sizes, agreeing_where_uncounted
from restoration.config import RestoreConfig
from restoration.losses import total_loss

__all__ = ["PairBatches", "RestorationTask"]


class PairBatches:
    """Batches of pairs as a function of the step, with crops that grow in the course of the run.

    Parameters
    ----------
    source : PlaneSource
        Pairs, see :mod:`bsn.data.pairs.pair_source`.
    config : RestoreConfig
        Settings of the training.
    total : int
        Steps of the run.
    seed : int
        Seed of the crops.
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
        options: dict[str, Any] = {"seed": seed, "augment": config.flips}
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
        """Crops of one step for one process, with their targets.

        Parameters
        ----------
        step : int
            Number of the step, from 0.
        rank : int
            Number of this process, from 0.
        world_size : int
            Number of processes.

        Returns
        -------
        CropBatch
        """
        crop, size = self.config.stage(step / self.total)
        count = self.config.group_size
        if count > 1:
            return self._grouped[crop].batch(step, size // count, rank, world_size)
        return self._crops[crop].batch(step, size, rank, world_size)


class RestorationTask(ModelTask[CropBatch]):
    """Train a network to map degraded crops to clean ones.

    Parameters
    ----------
    network : nn.Module
        A registered network; of several outputs the first is the result, the second may be of half the size.
    batches : callable
        ``batches(step, rank, world_size)`` gives crops with targets, see :class:`PairBatches`.
    config : RestoreConfig
        Settings of the training.
    validation : Validation
        Images that are scored while training.
    provenance : mapping, optional
        Goes into the model file.
    training_values : TrainingValues, optional
        Of the degraded images.
    """

    def __init__(
        self,
        network: nn.Module,
        batches: Batches[CropBatch],
        config: RestoreConfig,
        validation: Validation,
        provenance: Mapping[str, Any] | None = None,
        training_values: TrainingValues | None = None,
    ) -> None:
        super().__init__(
            {"network": network},
            batches,
            validation=validation,
            provenance=provenance,
            training_values=training_values,
        )
        self.config = config

    @override
    def optimizers(self) -> dict[str, Optimizer]:
        """One optimiser over all parameters that are trained."""
        return {"main": make_optimizer(self.config, [self.modules["network"]])}

    @override
    def updates(self, step: int) -> Iterator[Update]:
        """One update on one batch of pairs."""
        batch = self.next_batch(step)
        groups = len(batch.pixels) // self.config.group_size
        whole = np.array_split(np.arange(groups), min(self.config.accumulate, groups))
        parts = [self._pair(batch, chosen) for chosen in whole]
        yield Update([Part(self._loss, part) for part in parts], batch=batch.names)

    def _pair(self, batch: CropBatch, groups: np.ndarray) -> list[Tensor]:
        """Degraded and clean crops of some backgrounds, which lie side by side in the batch."""
        if batch.targets is None:
            raise ValueError("these crops have no targets; train on pairs")
        count = self.config.group_size
        rows = slice(int(groups[0]) * count, (int(groups[-1]) + 1) * count)
        counted = [] if batch.counted is None else [self.tensor(batch.counted[rows])]
        return [self.tensor(batch.pixels[rows]), self.tensor(batch.targets[rows]), *counted]

    def _loss(
        self, degraded: Tensor, clean: Tensor, counted: Tensor | None = None
    ) -> tuple[Tensor, Mapping[str, Tensor]]:
        outputs, weights, count = self.modules["network"](degraded), self.config.loss, self.config.group_size
        exact = (
            outputs.to(clean.dtype) if isinstance(outputs, Tensor) else tuple(out.to(clean.dtype) for out in outputs)
        )
        if counted is None:
            return total_loss(exact, clean, weights, count)
        if isinstance(exact, Tensor):
            exact, _ = agreeing_where_uncounted(exact, clean, counted)
        else:
            exact = agreeing_at_both_sizes(exact, clean, counted)
        loss, terms = total_loss(exact, clean, weights, count)
        share = counted.to(clean.dtype).mean()
        # The terms are means over all pixels of the batch.
        return torch.where(share > 0, loss / share.clamp_min(1e-6), 0 * loss), terms

    @override
    def model(self, modules: Mapping[str, nn.Module], facts: Mapping[str, Any]) -> Model:
        """The network with all that is needed to use it."""
        largest = max((self.config.crop, *self.config.progressive_crops))
        return Model(
            image_network(modules["network"]),
            # What stands out may be the very thing to remove: a flake of snow, salt and pepper.
            inference=InferenceDefaults(training_crop=largest, outliers="ignore"),
            provenance={**self.provenance, **facts},
            weights_licence="derived from the training images; their terms apply",
            training_values=self.training_values,
        )
