"""A last look at a trained model: what it removes from the images that it was trained on must be noise."""

from __future__ import annotations

from collections.abc import Callable

import torch

from bsn.data import CropBatch, ImageSource
from bsn.engine import RunFolder, is_first_process
from bsn.inference.denoiser import Denoiser
from bsn.inference.measuring import region_of
from bsn.inference.verdict import Verdict
from bsn.noise.judgement import grey_level_of
from bsn.training.looks import looked_at
from bsn.training.sighted_task import SightedTask
from bsn.training.task import BlindSpotTask

__all__ = ["tell_removal"]


def tell_removal(
    folder: RunFolder, task: BlindSpotTask | SightedTask, source: ImageSource, say: Callable[[str], None]
) -> None:
    """Warn where the model of a finished run removes picture.

    Parameters
    ----------
    folder : RunFolder
        Folder of the run.
    task : BlindSpotTask or SightedTask
        Task of the run. Networks that see their pixel are not looked at: what they remove was measured before. Nor are those
        of stacks whose fixed pattern is taken off first.
    source : ImageSource
        The images of the training; parts of some of them are denoised.
    say : callable
        Gets the warning, one sentence.
    """
    if not isinstance(task, BlindSpotTask) or task.config.fixed_pattern == "subtract" or not is_first_process():
        return
    denoiser = Denoiser(folder.final, device="cpu")
    if denoiser.pipeline.guard is None:
        return
    regions, level = looked_at(source, task.config), grey_level_of(source)
    verdicts = [_judge(denoiser, regions, number, level) for number in range(len(regions.pixels))]
    refused = [verdict.removal for verdict in verdicts if verdict is not None and verdict.instead is not None]
    if 2 * len(refused) < max(len(verdicts), 2):
        return
    factor = max(removal.factor for removal in refused)
    say(
        f"warning: the network removes picture from {len(refused)} of {len(verdicts)} regions of these images, up to "
        f"{factor:.1f} times their noise; it has learned too little of them, so train it longer or on more images. "
        "bsn denoise gives a simpler result where that is so"
    )


def _judge(denoiser: Denoiser, regions: CropBatch, number: int, grey_level: float) -> Verdict | None:
    """Verdict on one region."""
    window = torch.from_numpy(regions.windows[number : number + 1])
    pipeline = denoiser.pipeline
    if regions.available is not None:
        pipeline = pipeline.with_neighbours(torch.from_numpy(regions.available[number : number + 1]))
    return pipeline.measure(region_of(window), (window.shape[-2], window.shape[-1]), grey_level).verdict
