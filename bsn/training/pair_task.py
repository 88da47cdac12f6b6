"""What trainings share that learn the target of each pair: a network that sees its pixel, its crops, its model file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn
from torch.optim import Optimizer
from typing_extensions import override

from bsn.data import CropBatch
from bsn.engine import OptimizerSettings, make_optimizer
from bsn.evaluation import Validation
from bsn.models import InferenceDefaults, Model, TrainingValues, ValueScale, image_network, merged
from bsn.training.crop_task import ModelTask
from bsn.training.task import Crops

__all__ = ["PairTask", "decibels"]


class PairTask(ModelTask[CropBatch]):
    """Learn the target of each pair from its input. What the loss is, a subclass says.

    Parameters
    ----------
    network : nn.Module
        A registered network.
    pairs : Crops
        Crops with targets.
    batch_size : int
        Pairs of a step and a process.
    optimizer : OptimizerSettings
        Settings of the one optimiser over all parameters.
    scale : ValueScale
        Map between image values and network values.
    inference : InferenceDefaults
        Inference that the model file asks for.
    weights_licence : str
        Licence that the model file states.
    held_back : CropBatch, optional
        Pairs that training never sees.
    validation, provenance, training_values
        See :class:`bsn.training.ModelTask`.
    """

    def __init__(
        self,
        network: nn.Module,
        pairs: Crops,
        batch_size: int,
        optimizer: OptimizerSettings,
        scale: ValueScale,
        *,
        inference: InferenceDefaults,
        weights_licence: str,
        held_back: CropBatch | None = None,
        validation: Validation | None = None,
        provenance: Mapping[str, Any] | None = None,
        training_values: TrainingValues | None = None,
    ) -> None:
        def batches(step: int, rank: int, world_size: int) -> CropBatch:
            return pairs.batch(step, batch_size, rank, world_size)

        super().__init__(
            {"network": network},
            batches,
            validation=validation,
            provenance=provenance,
            training_values=training_values,
        )
        self.optimizer, self.scale, self.held_back = optimizer, scale, held_back
        self.inference, self.weights_licence = inference, weights_licence

    @override
    def optimizers(self) -> dict[str, Optimizer]:
        """One optimiser over all parameters."""
        return {"main": make_optimizer(self.optimizer, self.modules.values())}

    def image_of(self, network: nn.Module, seen: Tensor) -> Tensor:
        """Result of the network in image values.

        Parameters
        ----------
        network : nn.Module
            Maps (N, C, H, W) to the same shape, in network values.
        seen : Tensor, shape (N, C, H, W), image values
            Inputs.

        Returns
        -------
        Tensor, shape (N, C, H, W)
        """
        return self.scale.to_image(network(self.scale.to_network(seen)).to(seen.dtype))

    @override
    def model(self, modules: Mapping[str, nn.Module], facts: Mapping[str, Any]) -> Model:
        """The network as it is shipped: branches merged, one pass, no filter."""
        return Model(
            merged(image_network(modules["network"])),
            self.scale,
            self.inference,
            {**self.provenance, **facts},
            self.weights_licence,
            None,
            self.training_values,
        )


def decibels(error: Tensor) -> Tensor:
    """PSNR at peak 1 of mean squared errors.

    Parameters
    ----------
    error : Tensor, any shape
        Mean squared errors, image values.

    Returns
    -------
    Tensor of the same shape, dB
    """
    return -10 * error.clamp_min(1e-20).log10()
