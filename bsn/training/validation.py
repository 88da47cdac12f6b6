"""Validation of blind-spot training, without clean images and with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

import numpy as np
from torch import nn

from bsn.data import Image, write_image
from bsn.data.arrays.planes import from_unit
from bsn.data.sources.crops import CropBatch
from bsn.evaluation import Protocol, autocorrelation
from bsn.inference import Denoiser, InferenceConfig
from bsn.models import Model

if TYPE_CHECKING:
    from bsn.training.task import BlindSpotTask

__all__ = ["CleanPair", "Validation"]


@dataclass(frozen=True)
class CleanPair:
    """A noisy image and its truth, both (C, H, W), float32, image values."""

    name: str
    noisy: np.ndarray
    clean: np.ndarray


@dataclass
class Validation:
    """What is looked at while training.

    Parameters
    ----------
    crops : CropBatch, optional
        Fixed crops that training never sees. Their self-supervised loss tells when training stops to help; the residual's
        autocorrelation at lag 1 tells if correlated noise is learned (positive) or the picture is eaten (far from the
        noise's own).
    pairs : sequence of CleanPair
        With clean images: PSNR and SSIM of the whole inference.
    protocol : Protocol, optional
        For `pairs`.
    """

    crops: CropBatch | None = None
    pairs: Sequence[CleanPair] = field(default_factory=tuple)
    protocol: Protocol | None = None

    @property
    def monitor(self) -> str:
        """Number that chooses the best weights."""
        return "+val_psnr" if self.pairs else "val_loss"

    def run(self, task: BlindSpotTask, modules: Mapping[str, nn.Module], step: int, samples: Path) -> dict[str, float]:
        """Numbers of one validation; a picture of the first crop goes to `samples`."""
        numbers: dict[str, float] = {}
        model = task.model(modules, {})
        if self.crops is not None:
            numbers |= self._self_supervised(task, model, modules, step, samples)
        if self.pairs:
            numbers |= self._with_truth(model)
        return numbers

    def _self_supervised(
        self, task: BlindSpotTask, model: Model, modules: Mapping[str, nn.Module], step: int, samples: Path
    ) -> dict[str, float]:
        assert self.crops is not None
        losses, lags_x, lags_y = [], [], []
        for index, pixels in enumerate(self.crops.pixels):
            target = task.network_crops(pixels[None])
            outputs = task.predict(modules["network"], target).to(target.dtype)
            losses.append(float(task.loss(outputs, target, modules)))
            # The residual of the prediction from the surroundings: with the noisy pixel in it, it would not be noise.
            blind = outputs[:, : target.shape[1]]
            noisy, denoised = (model.scale.to_image(t)[0].float().cpu().numpy() for t in (target, blind))
            lags_x.append(autocorrelation(noisy - denoised, 1, -1))
            lags_y.append(autocorrelation(noisy - denoised, 1, -2))
            if index == 0:
                _write_sample(samples / f"step_{step:07d}.png", noisy, denoised)
        return {
            "val_loss": fmean(losses),
            "val_residual_lag1_x": fmean(lags_x),
            "val_residual_lag1_y": fmean(lags_y),
        }

    def _with_truth(self, model: Model) -> dict[str, float]:
        assert self.protocol is not None
        device = str(next(model.network.parameters()).device)
        # A graph of a network in training would live for a few images only, in memory that the training needs.
        denoiser = Denoiser(model, InferenceConfig(device=device, engine="eager"))
        scores = [self.protocol.score(np.asarray(denoiser(pair.noisy, "CYX")), pair.clean) for pair in self.pairs]
        return {"val_psnr": fmean(s.psnr for s in scores), "val_ssim": fmean(s.ssim for s in scores)}


def _write_sample(path: Path, noisy: np.ndarray, denoised: np.ndarray) -> None:
    """Noisy, denoised and residual (around mid-grey) side by side, stretched by the noisy crop's percentiles."""
    low, high = np.percentile(noisy, (1, 99.5))
    span = max(float(high - low), 1e-12)
    panels = [(noisy - low) / span, (denoised - low) / span, 0.5 + (noisy - denoised) / span]
    row = from_unit(np.clip(np.concatenate(panels, -1), 0, 1), np.uint8)
    shown = row if row.shape[0] in (1, 3) else row[:1]
    pixels, axes = (shown[0], "YX") if shown.shape[0] == 1 else (np.moveaxis(shown, 0, -1), "YXC")
    write_image(path, Image(pixels, axes), overwrite=True)
