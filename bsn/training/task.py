"""The blind-spot task: what one step does, what validation is."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import fmean
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from typing_extensions import override

from bsn.data.sources.crops import CropBatch
from bsn.engine import Part, Update, make_optimizer
from bsn.evaluation import ImagePair, Validation
from bsn.models import InferenceDefaults, Model, TrainingValues, ValueScale, image_network
from bsn.noise import NoiseLevel, posterior_nll, split_prediction
from bsn.selfsup import find_loss, mosaic_downsample, mosaic_upsample
from bsn.training.colours import strengthen_colours, turn_hues
from bsn.training.config import TrainConfig
from bsn.training.counted import counted_places, only_counted
from bsn.training.crop_task import ModelTask
from bsn.training.hole_settings import fill_recipe
from bsn.training.passes import remark_on_length
from bsn.training.starting import OWN_TERMS

__all__ = ["BlindSpotTask", "Crops"]

_NOISE_BONUS = 0.1  # Laine et al. 2019, supplement
_UNCERTAINTY_WEIGHT = 0.1  # a small weight is enough for the last layer; the other layers should serve the mean


class Crops(Protocol):
    """Source of batches: a pure function of the step, see :class:`bsn.data.RandomCrops`."""

    def batch(self, step: int, batch_size: int, rank: int = 0, world_size: int = 1) -> CropBatch:
        """Crops of one step for one process.

        Parameters
        ----------
        step : int
            Number of the step, from 0.
        batch_size : int
            Crops per process.
        rank : int
            Number of this process, from 0.
        world_size : int
            Number of processes.

        Returns
        -------
        CropBatch
        """
        ...


class BlindSpotTask(ModelTask[CropBatch]):
    """Train a blind-spot network on noisy crops alone: predict every pixel from the others.

    Parameters
    ----------
    network : nn.Module
        A registered network.
    crops : Crops
        Crops of ``config.image_crop`` pixels.
    config : TrainConfig
        Settings of the training.
    scale : ValueScale
        Map between image values and network values.
    mean_intensity : float
        Mean of the images: the unit of the "poisson-l2" loss, and the grey that stronger colours leave as it is.
    held_back : CropBatch, optional
        Crops that training never sees. Their loss tells when training stops to help.
    validation : Validation, optional
        Whole images with a known truth.
    noise : NoiseLevel, optional
        Makes it a run with a posterior; the network then has the outputs of :func:`bsn.noise.outputs_for_posterior`.
    pixels : int, optional
        Number of pixels of the training set, for the remark on the length of a run.
    provenance : mapping, optional
        Goes into the model file.
    training_values : TrainingValues, optional
        Range and statistics of the training images, for the model file.
    weights_licence : str
        Terms of the weights, for the model file.
    """

    def __init__(
        self,
        network: nn.Module,
        crops: Crops,
        config: TrainConfig,
        scale: ValueScale,
        *,
        mean_intensity: float = 1.0,
        noise: NoiseLevel | None = None,
        held_back: CropBatch | None = None,
        validation: Validation | None = None,
        pixels: int | None = None,
        provenance: Mapping[str, Any] | None = None,
        training_values: TrainingValues | None = None,
        weights_licence: str = OWN_TERMS,
    ) -> None:
        modules = {"network": network} if noise is None else {"network": network, "noise": noise}

        def batches(step: int, rank: int, world_size: int) -> CropBatch:
            return crops.batch(step, config.batch_size, rank, world_size)

        super().__init__(
            modules, batches, validation=validation, provenance=provenance, training_values=training_values
        )
        self.config, self.scale, self.noise, self.held_back = fill_recipe(config), scale, noise, held_back
        self.mean_intensity, self.pixels, self.weights_licence = mean_intensity, pixels, weights_licence

    @override
    def remark(self, steps: int) -> str | None:
        """Warn of Muon on few images."""
        return None if self.pixels is None else remark_on_length(self.config, steps, self.pixels)

    @override
    def optimizers(self) -> dict[str, Optimizer]:
        """One optimiser over all parameters."""
        return {"main": make_optimizer(self.config.optimizer_choice, self.modules.values())}

    @override
    def updates(self, step: int) -> Iterator[Update]:
        """One update on one batch of crops."""
        batch, parts = self.next_batch(step), self.config.accumulate
        colours = self._colours_of(batch, step) if self.config.augment_colours else None
        given = [[self._target(part, colours)] for part in np.array_split(batch.windows, parts)]
        if batch.available is not None:
            for tensors, there in zip(given, np.array_split(batch.available, parts), strict=True):
                tensors.append(self.tensor(there))
        if batch.counted is not None:
            for tensors, mask in zip(given, np.array_split(self._sub_image(batch.counted), parts), strict=True):
                tensors.append(self.tensor(counted_places(mask)))
        loss = self._loss if batch.available is None else self._window_loss
        yield Update([Part(loss, tensors) for tensors in given], batch=batch.names)

    def _colours_of(self, batch: CropBatch, step: int) -> torch.Generator:
        """As random as the crops, so that a resumed run sees the same."""
        seed = np.random.default_rng([step, *batch.positions.ravel()]).integers(2**63)
        return torch.Generator(self.workers.device).manual_seed(int(seed))

    def _recoloured(self, x: Tensor, colours: torch.Generator) -> Tensor:
        """Crops in network units, of which some have stronger, some other colours."""
        grey = float(self.scale.to_network(torch.tensor(self.mean_intensity)))
        assert self.noise is not None
        sigma = self.noise.on_line(x[:1, :1, :1, :1]).detach().sqrt()  # the same at every intensity
        return turn_hues(strengthen_colours(x, colours, grey=grey, sigma=sigma), colours)

    def _target(self, pixels: np.ndarray, colours: torch.Generator | None) -> Tensor:
        target = self.network_crops(pixels)
        return target if colours is None else self._recoloured(target, colours)

    def _loss(self, target: Tensor, places: Tensor | None = None) -> tuple[Tensor, Mapping[str, float]]:
        outputs = self.predict(self.modules["network"], target).to(target.dtype)
        return self._loss_of(outputs, target, places)

    def _window_loss(
        self, window: Tensor, available: Tensor, places: Tensor | None = None
    ) -> tuple[Tensor, Mapping[str, float]]:
        """The same for windows: only the frame itself is predicted."""
        target = self._own(window, available)
        outputs = self.predict(self.modules["network"], window, available).to(target.dtype)
        return self._loss_of(outputs, target, places)

    @staticmethod
    def _own(window: Tensor, available: Tensor) -> Tensor:
        """Frames (N, C, H, W) of windows."""
        return window[:, : window.shape[1] // (available.shape[1] + 1)]

    def _loss_of(self, outputs: Tensor, target: Tensor, places: Tensor | None) -> tuple[Tensor, Mapping[str, float]]:
        if places is not None:
            outputs, target = only_counted(places, outputs, target)
        return self.loss(outputs, target, self.modules).mean(), {}

    def _sub_image(self, pixels: np.ndarray) -> np.ndarray:
        """Sub-image (0, 0): random crops bring the others. A mosaic keeps all of them."""
        stride = self.config.step
        return pixels[..., ::stride, ::stride] if self.config.downsampling == "sub-image" else pixels

    def predict(self, network: nn.Module, x: Tensor, available: Tensor | None = None) -> Tensor:
        """Network value of every pixel of `x` (N, C, H, W) from the others, by way of the mosaic if there is one.

        Parameters
        ----------
        network : nn.Module
            Maps (N, C, h, w) to (N, K, h, w) with K at least C.
        x : Tensor, shape (N, C, H, W)
            Network values; windows where the network takes neighbouring frames.
        available : Tensor, shape (N, 2 k), optional
            Neighbours that the windows have, see :func:`bsn.frames.windows`.

        Returns
        -------
        Tensor, shape (N, K, H, W)
        """
        more = {} if available is None else {"available": available}
        if self.config.downsampling == "sub-image":
            return network(x, **more)
        stride, margin = self.config.step, self.config.mosaic_margin
        mosaic = network(mosaic_downsample(x, stride, margin=margin), **more)
        return mosaic_upsample(mosaic, stride, margin=margin)

    def loss(self, outputs: Tensor, target: Tensor, modules: Mapping[str, nn.Module]) -> Tensor:
        """Loss of each sample, shape (N,).

        Parameters
        ----------
        outputs : Tensor, shape (N, K, H, W)
            Outputs of the network: the mean and, for the likelihood, the covariance.
        target : Tensor, shape (N, C, H, W)
            Noisy pixels in network values.
        modules : mapping of str to nn.Module
            ``noise``, if it is there, gives the variance of the noise.

        Returns
        -------
        Tensor, shape (N,)
        """
        if "noise" in modules and self.config.noise_scope != "image":
            return self._likelihood(outputs, target, modules["noise"])
        if "noise" in modules:
            likelihood = self._uncertainty_loss(outputs, target, modules["noise"])
            return self._mean_loss(outputs[:, : target.shape[1]], target) + _UNCERTAINTY_WEIGHT * likelihood
        return self._mean_loss(outputs, target)

    def _mean_loss(self, prediction: Tensor, target: Tensor) -> Tensor:
        loss = find_loss(self.config.loss)
        if loss.on_intensities:
            prediction, target = (self.scale.to_image(t) / self.mean_intensity for t in (prediction, target))
        return loss(prediction, target)

    def _likelihood(self, outputs: Tensor, target: Tensor, noise: nn.Module) -> Tensor:
        prediction = split_prediction(outputs, target.shape[1])
        variance = noise(prediction, target)
        loss = posterior_nll(prediction, target, variance)
        if not self.config.noise_learned:
            return loss
        # Uncertainty and learned noise explain the same error; the noise is given what it can take.
        return loss - _NOISE_BONUS * variance.sqrt().flatten(1).mean(1)

    def _uncertainty_loss(self, outputs: Tensor, target: Tensor, noise: nn.Module) -> Tensor:
        """Likelihood as a function of the covariance alone.

        Its noise is fitted to the prediction itself, so it must not pull the prediction.
        """
        prediction = split_prediction(outputs, target.shape[1])
        fixed = dataclasses.replace(prediction, mean=prediction.mean.detach())
        return posterior_nll(fixed, target, noise(fixed, target))

    @override
    def held_back_numbers(self, modules: Mapping[str, nn.Module], sample: Path) -> dict[str, float]:
        """Self-supervised loss of the held-back crops, and what is left in their residuals."""
        if self.held_back is None:
            return {}
        losses: list[float] = []

        def blind(pixels: np.ndarray) -> np.ndarray:
            """Prediction from the surroundings: with the noisy pixel in it, the residual would not be noise."""
            target = self.scale.to_network(self.tensor(pixels[None]))
            outputs = self.predict(modules["network"], *next(seen, (target,))).to(target.dtype)
            mask = next(masks)
            if mask is None:
                losses.append(float(self.loss(outputs, target, modules)))
            elif mask.any():
                places = self.tensor(counted_places(mask[None]))
                scored, truth = only_counted(places, outputs, target)
                losses.append(float(self.loss(scored, truth, modules)))
            return self.scale.to_image(outputs[:, : target.shape[1]])[0].float().cpu().numpy()

        names, crops, counted = self.held_back.names, self.held_back.pixels, self.held_back.counted
        seen = self._held_back_windows(self.held_back)
        masks: Iterator[np.ndarray | None] = iter([None] * len(crops) if counted is None else self._sub_image(counted))
        pairs = [ImagePair(name, self._sub_image(crop)) for name, crop in zip(names, crops, strict=True)]
        residual = Validation(pairs).run(blind, sample)
        return {**({"val_loss": fmean(losses)} if losses else {}), **residual}

    def _held_back_windows(self, held_back: CropBatch) -> Iterator[tuple[Tensor, ...]]:
        """Windows of the held-back crops and their available neighbours; nothing where there is no context."""
        if held_back.available is not None:
            for window, there in zip(held_back.windows, held_back.available, strict=True):
                yield self.network_crops(window[None]), self.tensor(there[None])

    def network_crops(self, pixels: np.ndarray) -> Tensor:
        """Network input of crops (B, C, h, w) in image values.

        Parameters
        ----------
        pixels : ndarray, shape (B, C, h, w), float32
            Crops in image values.

        Returns
        -------
        Tensor, shape (B, C, h', w')
            Network values; h' and w' are those of a sub-image where the task trains on sub-images.
        """
        return self.scale.to_network(self.tensor(self._sub_image(pixels)))

    @override
    def model(self, modules: Mapping[str, nn.Module], facts: Mapping[str, Any]) -> Model:
        """The network with all that is needed to use it."""
        config = self.config
        inference = InferenceDefaults(
            stride=config.inference_stride,
            wiener=config.inference_wiener,
            mosaic_margin=config.mosaic_margin if config.downsampling == "mosaic" else None,
            training_crop=config.crop,
            outliers=config.outliers,
            hole=config.hole_test,
            polish=bool(config.polish_test),
            context_axis=config.stack_axis if config.neighbours or config.fixed_pattern == "subtract" else "",
            fixed_pattern="subtract" if config.fixed_pattern == "subtract" else "keep",
        )
        return Model(
            image_network(modules["network"]),
            self.scale,
            inference,
            {**self.provenance, **facts},
            self.weights_licence,
            None if self.noise is None else self.noise.model(),
            self.training_values,
        )
