"""What all trainings on crops share: batches from a thread, devices, validation, the model file."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from typing_extensions import override

from bsn.data import ImageSource, Prefetcher, prefetch
from bsn.engine import Task
from bsn.engine.task import Workers
from bsn.evaluation import Denoise, Validation
from bsn.inference import Denoiser, InferenceConfig
from bsn.models import Model, TrainingValues
from bsn.noise.judgement import sample_of

__all__ = ["Batches", "CropTask", "ModelTask", "full_inference", "values_of"]

B = TypeVar("B")

Batches = Callable[[int, int, int], B]
"""``batches(step, rank, world_size)`` gives one process its batch of a step, always the same one."""


def values_of(source: ImageSource) -> TrainingValues | None:
    """Values of training images: of the middle of some of them, see :func:`bsn.noise.judgement.sample_of`.

    Parameters
    ----------
    source : ImageSource
        Training images.
    """
    return TrainingValues.of(sample_of(source), source.dtype)


def full_inference(model: Model) -> Denoise:
    """The model's own inference as a function, on the device that its network is on.

    Parameters
    ----------
    model : Model
        Model whose network may be on any device.
    """
    device = str(next(model.network.parameters()).device)
    # A CUDA graph of a network in training would live for a few images only, in memory that the training needs.
    denoiser = Denoiser(model, InferenceConfig(device=device, engine="eager", mix="off"))
    # What is missing was let through when the images were read.
    return lambda image: np.asarray(denoiser(image, "CYX", nan="keep"))


class CropTask(Task, Generic[B]):
    """A task that trains on batches of crops.

    Parameters
    ----------
    modules : mapping of str to nn.Module
        What is trained.
    batches : callable
        See :data:`Batches`. A thread cuts the next batches while one is being used.
    stop : int, optional
        First step whose batch is not wanted, so that the thread ends by itself.
    """

    def __init__(self, modules: Mapping[str, nn.Module], batches: Batches[B], *, stop: int | None = None) -> None:
        self.modules = dict(modules)
        self.batches = batches
        self.workers = Workers()
        self._stop = stop
        self._prefetched: Prefetcher[B] | None = None

    @override
    def start(self, workers: Workers) -> None:
        """Note this process's place, and lay the networks out for convolutions."""
        self.workers = workers
        for module in self.modules.values():
            _channels_last(module)

    def next_batch(self, step: int) -> B:
        """Batch of a step; the steps follow each other from the first that is asked for.

        Parameters
        ----------
        step : int
            Number of the step, from 0.

        Returns
        -------
        CropBatch
            Batch of the kind that the task trains on.
        """
        if self._prefetched is None:
            # The thread must not hold this task, or a task that is forgotten would never stop it.
            batches, place = self.batches, (self.workers.rank, self.workers.world_size)
            self._prefetched = prefetch(lambda at: batches(at, *place), step, stop=self._stop)
        return next(self._prefetched)

    def tensor(self, pixels: np.ndarray) -> Tensor:
        """Move pixels to the device of this process.

        Parameters
        ----------
        pixels : ndarray, any shape
            Pixels in main memory.

        Returns
        -------
        Tensor
            The pixels, with the same shape and type.
        """
        return torch.from_numpy(np.ascontiguousarray(pixels)).to(self.workers.device, non_blocking=True)

    @override
    def close(self) -> None:
        """Stop the thread that cuts crops."""
        if self._prefetched is not None:
            self._prefetched.close()


class ModelTask(CropTask[B]):
    """A crop task whose result is a model file.

    Parameters
    ----------
    modules, batches
        See :class:`CropTask`.
    validation : Validation, optional
        Whole images. Where their truth is known, PSNR chooses the best weights, else the loss of held-back crops does.
    provenance : mapping, optional
        Goes into the model file. JSON values.
    training_values : TrainingValues, optional
        Of the images, so that the model can tell images on another scale.
    """

    def __init__(
        self,
        modules: Mapping[str, nn.Module],
        batches: Batches[B],
        *,
        validation: Validation | None = None,
        provenance: Mapping[str, Any] | None = None,
        training_values: TrainingValues | None = None,
    ) -> None:
        super().__init__(modules, batches)
        self.training_values = training_values
        self.validation = validation or Validation()
        self.provenance = dict(provenance or {})
        self.monitor = "+val_psnr" if self.validation.has_truth else "val_loss"

    @abstractmethod
    def model(self, modules: Mapping[str, nn.Module], facts: Mapping[str, Any]) -> Model:
        """The network with all that is needed to use it; `facts` go into its provenance.

        Parameters
        ----------
        modules : mapping of str to nn.Module
            The trained modules; ``network`` is the network, with averaged weights where there are some.
        facts : mapping of str to Any
            Steps and validation numbers, which go into the provenance.

        Returns
        -------
        Model
        """

    def held_back_numbers(self, modules: Mapping[str, nn.Module], sample: Path) -> dict[str, float]:
        """Numbers of crops that training never sees; a picture goes to `sample`.

        Parameters
        ----------
        modules : mapping of str to nn.Module
            The modules as they are now; ``network`` is the network.
        sample : Path
            Picture file, where the task draws one.

        Returns
        -------
        dict of str to float
            Empty if no crops are held back.
        """
        return {}

    @override
    def validate(self, step: int, modules: Mapping[str, nn.Module], samples: Path) -> dict[str, float]:
        """Numbers of held-back crops, and of whole images by the model's own inference."""
        numbers = self.held_back_numbers(modules, samples / f"step_{step:07d}.png")
        if self.validation.pairs:
            picture = samples / f"step_{step:07d}{'_truth' if numbers else ''}.png"
            numbers |= self.validation.run(full_inference(self.model(modules, {})), picture)
        return numbers

    @override
    def save(self, path: Path, modules: Mapping[str, nn.Module], facts: Mapping[str, Any]) -> None:
        """Write the model file."""
        self.model(modules, facts).save(path)


def _channels_last(module: nn.Module) -> None:
    """Lay the weights of convolutions out with the channels last, in place."""
    module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # its overloads leave the keyword out
