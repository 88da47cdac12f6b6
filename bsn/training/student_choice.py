"""A student and the network that taught it, compared by their estimated error."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from bsn.data import CropBatch, DataError, ImageSource
from bsn.engine import RunFolder, is_first_process
from bsn.inference.denoiser import Denoiser
from bsn.inference.measuring import region_of
from bsn.inference.stages import Measured
from bsn.noise import NoiseCovariance, estimate_risk, local_intensity, measure_covariance
from bsn.noise.judgement import grey_level_of
from bsn.training.config import TrainConfig
from bsn.training.looks import looked_at

__all__ = ["tell_better"]

_ERRORS = 2.0  # standard errors by which one has to be ahead


def tell_better(folder: RunFolder, config: TrainConfig, source: ImageSource, say: Callable[[str], None]) -> None:
    """Say which of a network and its student is estimated to give the better pictures.

    Parameters
    ----------
    folder : RunFolder
        Folder of the run, with the student in its folder ``student``.
    config : TrainConfig
        Settings of the run.
    source : ImageSource
        Images of the training; four regions of them are denoised by both.
    say : callable
        Gets one sentence; nothing where the noise cannot be measured.
    """
    student = folder.path / "student" / "final.safetensors"
    if not is_first_process() or not student.is_file():
        return
    regions, level = looked_at(source, config), grey_level_of(source)
    try:
        covariance = measure_covariance(list(regions.pixels), level)
    except DataError:
        return
    risks = [_risks(path, regions, covariance, level) for path in (folder.final, student)]
    difference = np.subtract(*risks)
    error = float(difference.std(ddof=1) / math.sqrt(len(difference))) if len(difference) > 1 else math.inf
    own, taught = (_psnr(found, regions.pixels, level) for found in risks)
    told = f"estimated PSNR of the student {taught}, of the network with its filter {own}"
    if abs(float(difference.mean())) <= _ERRORS * error:
        say(f"{told}: they are as good as each other by this estimate, and the student is faster")
    elif difference.mean() > 0:
        say(f"{told}: the student is better")
    else:
        say(f"{told}: the network with its filter is better, so give --model {folder.path} to bsn denoise")


def _risks(path: object, regions: CropBatch, covariance: NoiseCovariance, grey_level: float) -> np.ndarray:
    """Estimated mean squared error on each region."""
    denoiser = Denoiser(str(path), device="cpu", guard=False, polish=False)
    found = []
    for pixels in regions.pixels:
        noisy = torch.from_numpy(pixels)[None]
        measured = denoiser.pipeline.measure(region_of(noisy), (noisy.shape[-2], noisy.shape[-1]), grey_level)

        def denoise(image: Tensor, known: Measured = measured) -> Tensor:
            return denoiser.pipeline(image, measured=known)[0]

        risk = estimate_risk(denoise, noisy, covariance, level=covariance.level(local_intensity(noisy)))
        found.append(float(risk.value))
    return np.array(found)


def _psnr(risks: np.ndarray, images: np.ndarray, grey_level: float) -> str:
    peak = 1.0 if grey_level > 0 else float(images.max() - images.min())
    mean = float(risks.mean())
    return f"{10 * math.log10(peak**2 / mean):.1f} dB" if mean > 0 and peak > 0 else "unknown"
