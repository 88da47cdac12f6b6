"""A last look at a trained model: what it removes from crops that it was not trained on must be noise."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from bsn.data import CropBatch
from bsn.engine import RunFolder, is_first_process
from bsn.inference.denoiser import Denoiser
from bsn.inference.verdict import Verdict
from bsn.training.sighted_task import SightedTask
from bsn.training.task import BlindSpotTask

__all__ = ["tell_removal"]

_MOST = 4  # crops that are looked at


def tell_removal(
    folder: RunFolder, task: BlindSpotTask | SightedTask, grey_level: float, say: Callable[[str], None]
) -> None:
    """Warn where the model of a finished run removes picture.

    Parameters
    ----------
    folder : RunFolder
        Folder of the run.
    task : BlindSpotTask or SightedTask
        Task of the run, with crops that the training has not seen, unless the images are too few. Networks that see their
        pixel are not looked at: what they remove was measured before.
    grey_level : float
        Distance of two values of the images' files, in image values; 0 for floats.
    say : callable
        Gets the warning, one sentence.
    """
    if not isinstance(task, BlindSpotTask) or task.held_back is None or not is_first_process():
        return
    held_back = task.held_back
    denoiser = Denoiser(folder.final, device="cpu")
    if denoiser.pipeline.guard is None:
        return
    verdicts = [_judge(denoiser, held_back, number, grey_level) for number in range(min(len(held_back.pixels), _MOST))]
    refused = [verdict.removal for verdict in verdicts if verdict is not None and verdict.instead is not None]
    if 2 * len(refused) <= len(verdicts):
        return
    factor = max(removal.factor for removal in refused)
    say(
        f"warning: the network removes picture from {len(refused)} of {len(verdicts)} crops that it was not trained on, up to "
        f"{factor:.1f} times their noise; it has learned too little of these images, so train it longer or on more of them. "
        "bsn denoise gives a simpler result where that is so"
    )


def _judge(denoiser: Denoiser, crops: CropBatch, number: int, grey_level: float) -> Verdict | None:
    """Verdict on one crop, with its neighbours where the network takes them."""
    window = torch.from_numpy(crops.windows[number : number + 1])
    pipeline = denoiser.pipeline
    if crops.available is not None:
        pipeline = pipeline.with_neighbours(torch.from_numpy(crops.available[number : number + 1]))

    def read(top: int, left: int, height: int, width: int) -> Tensor:
        return window[..., top : top + height, left : left + width]

    size = (window.shape[-2], window.shape[-1])
    return pipeline.measure(read, size, grey_level).verdict
