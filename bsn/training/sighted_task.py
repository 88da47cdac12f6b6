"""Training of a network that sees the noisy pixel, on pairs that are made of noisy or clean images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor, nn
from typing_extensions import override

from bsn.data import CropBatch
from bsn.engine import Part, Update
from bsn.evaluation import Validation
from bsn.models import InferenceDefaults, TrainingValues, ValueScale
from bsn.selfsup import find_loss
from bsn.training.config import TrainConfig
from bsn.training.counted import counted_places, only_counted
from bsn.training.pair_task import PairTask, decibels
from bsn.training.starting import OWN_TERMS
from bsn.training.task import Crops

__all__ = ["SightedTask"]


class SightedTask(PairTask):
    """Learn the target of each pair from its input.

    Parameters
    ----------
    network : nn.Module
        A registered network.
    pairs : Crops
        Crops with targets of their shape.
    config : TrainConfig
        Settings of the training, settled.
    scale : ValueScale
        Map between image values and network values.
    mean_intensity : float
        Mean of the images: the unit of the "poisson-l2" loss.
    held_back : CropBatch, optional
        Pairs that training never sees.
    truth : bool
        Whether the targets are clean, so that the held-back pairs tell a PSNR.
    validation : Validation, optional
        Whole images with a known truth.
    provenance : mapping, optional
        Goes into the model file.
    training_values : TrainingValues, optional
        Range and statistics of the noisy images, for the model file.
    weights_licence : str
        Terms of the weights, for the model file.
    """

    def __init__(
        self,
        network: nn.Module,
        pairs: Crops,
        config: TrainConfig,
        scale: ValueScale,
        *,
        mean_intensity: float = 1.0,
        held_back: CropBatch | None = None,
        truth: bool = False,
        validation: Validation | None = None,
        provenance: Mapping[str, Any] | None = None,
        training_values: TrainingValues | None = None,
        weights_licence: str = OWN_TERMS,
    ) -> None:
        super().__init__(
            network,
            pairs,
            config.batch_size,
            config.optimizer_choice,
            scale,
            inference=InferenceDefaults(training_crop=config.crop, outliers=config.outliers),
            weights_licence=weights_licence,
            held_back=held_back,
            validation=validation,
            provenance=provenance,
            training_values=training_values,
        )
        self.config, self.truth, self.mean_intensity = config, truth, mean_intensity

    @override
    def updates(self, step: int) -> Iterator[Update]:
        """One update on one batch of pairs.

        Parameters
        ----------
        step : int
            Number of the step, from 0.

        Returns
        -------
        iterator of Update
        """
        batch = self.next_batch(step)
        count = self.config.accumulate
        arrays = zip(*(np.array_split(a, count) for a in self._arrays(batch)), strict=True)
        parts = [Part(self._mean_loss, [self.tensor(a) for a in part]) for part in arrays]
        yield Update(parts, batch=batch.names)

    @staticmethod
    def _arrays(batch: CropBatch) -> list[np.ndarray]:
        """Inputs, targets and, where pixels are left out, the places of those that count."""
        if batch.targets is None:
            raise ValueError("these crops have no targets; make pairs of them")
        places = [] if batch.counted is None else [counted_places(batch.counted)]
        return [batch.pixels, batch.targets, *places]

    def _mean_loss(self, *tensors: Tensor) -> tuple[Tensor, Mapping[str, float]]:
        return self.losses(self.modules["network"], *tensors).mean(), {}

    def losses(self, network: nn.Module, seen: Tensor, target: Tensor, places: Tensor | None = None) -> Tensor:
        """Loss of each pair.

        Parameters
        ----------
        network : nn.Module
            Maps (N, C, H, W) to the same shape, in network values.
        seen, target : Tensor, shape (N, C, H, W), image values
            Input and target of each pair.
        places : Tensor of int64, optional, shape (N, H W)
            Pixels that count, see :func:`bsn.training.counted.counted_places`.

        Returns
        -------
        Tensor, shape (N,)
        """
        wanted = self.scale.to_network(target)
        found = network(self.scale.to_network(seen)).to(wanted.dtype)
        if places is not None:
            found, wanted = only_counted(places, found, wanted)
        loss = find_loss(self.config.loss)
        if loss.on_intensities:
            found, wanted = (self.scale.to_image(t) / self.mean_intensity for t in (found, wanted))
        return loss(found, wanted)

    @override
    def held_back_numbers(self, modules: Mapping[str, nn.Module], sample: Path) -> dict[str, float]:
        """Loss of the held-back pairs and, where their truth is known, their PSNR.

        Parameters
        ----------
        modules : mapping of str to nn.Module
            The modules as they are now; ``network`` is the network.
        sample : Path
            Picture file, where the task draws one.

        Returns
        -------
        dict of str to float
            Empty if no pairs are held back.
        """
        if self.held_back is None:
            return {}
        network = modules["network"]
        tensors = [self.tensor(a) for a in self._arrays(self.held_back)]
        numbers = {"val_loss": float(self.losses(network, *tensors).mean())}
        if self.truth:
            result, wanted = self.image_of(network, tensors[0]), tensors[1]
            if len(tensors) > 2:
                result, wanted = only_counted(tensors[2], result, wanted)
            numbers["val_db_to_target"] = float(decibels((result - wanted).square().flatten(1).mean(1)).mean())
        return numbers
