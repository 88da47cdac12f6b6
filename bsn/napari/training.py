"""Train on layers, with a preview of what the network has learned so far."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bsn.data import DataError, PlaneIndex
from bsn.data.arrays.pixel_types import Range
from bsn.napari.control import Control
from bsn.napari.gathering import gather
from bsn.napari.layers import LayerImage, without_alpha

if TYPE_CHECKING:
    from bsn.engine import Progress
    from bsn.inference import Denoiser

__all__ = ["Preview", "TrainChoices", "Trained", "default_folder", "preview_place", "said_progress", "train_on"]

_LIMIT = 1 << 31
_PREVIEW_SIDE = 256
_TELL_EVERY = 0.25  # seconds
_FIRST_PREVIEW, _PREVIEW_EVERY, _PREVIEW_SHARE = 3.0, 10.0, 0.1  # seconds, and the share of the time
_STOPPED = "stopped.safetensors"
_MINUTE, _HOUR = 60, 3600


@dataclass(frozen=True)
class TrainChoices:
    """What the user chose.

    Parameters
    ----------
    folder : Path
        Folder of the run. A run that was stopped there goes on.
    minutes : float
        Length of the training.
    start : str
        A blind model to begin with; "auto" for a new network, as the noise asks for, with the prior of the box where one fits.
    value_range : tuple of float, optional
        The pixel values that stand for 0 and 1.
    """

    folder: Path
    minutes: float = 10.0
    start: str = "auto"
    value_range: Range | None = None


class Preview(NamedTuple):
    """A part of a layer, denoised with what the network has learned so far.

    Parameters
    ----------
    pixels : ndarray
        Of the shape and type of the part.
    step : int
        Steps that were taken.
    """

    pixels: np.ndarray
    step: int


class Trained(NamedTuple):
    """What a training left.

    Parameters
    ----------
    model : Path
        The model file.
    finished : bool
        Whether the training came to its end; otherwise the model is that of the moment at which it was stopped.
    text : str
        What to say of it.
    """

    model: Path
    finished: bool
    text: str


def preview_place(image: LayerImage, place: Sequence[slice]) -> tuple[slice, ...]:
    """The middle of a plane, of at most 256 x 256 pixels.

    Parameters
    ----------
    image : LayerImage
        The image.
    place : sequence of slice
        The plane, see :func:`bsn.napari.layers.plane_at`.

    Returns
    -------
    tuple of slice
    """
    found = list(place)
    for letter in "YX":
        position = image.axes.index(letter)
        length = image.pixels.shape[position]
        side = min(length, _PREVIEW_SIDE)
        found[position] = slice((length - side) // 2, (length - side) // 2 + side)
    return tuple(found)


def train_on(
    images: Sequence[LayerImage], choices: TrainChoices, control: Control, place: Sequence[slice] | None = None
) -> Trained:
    """Train a blind-spot network on the images of layers.

    Parameters
    ----------
    images : sequence of LayerImage
        Images of one kind.
    choices : TrainChoices
        Folder and length.
    control : Control
        It may pause or stop the training, and is told how far it is; previews of the first image are its content.
    place : sequence of slice, optional
        Part of the first image for the preview, see :func:`preview_place`; none is made where it is left out.

    Returns
    -------
    Trained

    Raises
    ------
    DataError, ValueError, RunError
        See :func:`bsn.train`.
    Cancelled
        The user stopped it before the first step.
    """
    from bsn.engine import Interrupted, LoopConfig
    from bsn.training import TrainConfig, train

    control.tell("reading")
    gathered = gather(images, _LIMIT)
    for note in gathered.notes:
        control.tell(note)
    control.look()
    watcher = _Watcher(choices, control, images[0], place)
    resume = (choices.folder / "last.ckpt").is_file()
    control.tell("going on with the run in this folder" if resume else "looking at the noise")
    try:
        train(
            gathered.arrays,
            choices.folder,
            None if resume else TrainConfig(start=choices.start),
            None if resume else LoopConfig(minutes=choices.minutes),
            axes=gathered.axes,
            nan="keep",
            value_range=choices.value_range,
            resume=resume,
            say=control.tell,
            watch=watcher,
        )
    except Interrupted:
        kept = choices.folder / _STOPPED
        return Trained(kept, False, f"Stopped after step {watcher.step}. The model so far is {kept}.")
    final = choices.folder / "final.safetensors"
    (choices.folder / _STOPPED).unlink(missing_ok=True)
    return Trained(final, True, f"Trained {watcher.step} steps. The model is {final}.")


class _Watcher:
    """Looks at a run after each step: tells how far it is, shows what it has learned, and stops it."""

    def __init__(
        self, choices: TrainChoices, control: Control, image: LayerImage, place: Sequence[slice] | None
    ) -> None:
        from bsn.training import PreviewTimes

        self.choices, self.control, self.image, self.place = choices, control, image, place
        self.step = 0
        self._told = 0.0
        self._times = PreviewTimes(first=_FIRST_PREVIEW, every=_PREVIEW_EVERY, share=_PREVIEW_SHARE)

    def __call__(self, progress: Progress) -> bool:
        self.step = progress.step
        now = time.monotonic()
        if now - self._told > _TELL_EVERY or progress.step == progress.total:
            self._told = now
            share = None if progress.total is None else progress.step / progress.total
            self.control.tell(said_progress(progress), share)
        self.control.wait()
        if self.control.cancelled:
            progress.save(self.choices.folder / _STOPPED)
            return True
        if self.place is not None and self._times.due:
            self._show(progress, self.place)
        return False

    def _show(self, progress: Progress, place: Sequence[slice]) -> None:
        from bsn.training import learned_so_far

        with self._times.measured():
            pixels = _denoised_part(learned_so_far(progress), self.image, place, self.choices.value_range)
        self.control.tell(said_progress(progress), content=Preview(pixels, progress.step))


def _denoised_part(
    denoiser: Denoiser, image: LayerImage, place: Sequence[slice], value_range: Range | None
) -> np.ndarray:
    """A part of a plane; for models with context, with the same part of its neighbours."""
    from bsn.data import stack_axis

    wide, middle = list(place), [slice(None)] * len(place)
    reach = denoiser.model.context
    index = PlaneIndex(image.axes, tuple(image.pixels.shape))
    letter = stack_axis(index, denoiser.model.inference.context_axis) if reach else ""
    if letter:
        position = image.axes.index(letter)
        at = place[position].start
        first = max(at - reach, 0)
        wide[position] = slice(first, at + reach + 1)
        middle[position] = slice(at - first, at - first + 1)
    noisy = np.asarray(without_alpha(image)[tuple(wide)])
    clean = denoiser(noisy, image.axes, nan="keep", value_range=value_range)
    found: np.ndarray = clean[tuple(middle)]
    return found


def said_progress(progress: Progress) -> str:
    """Say where a run stands.

    Parameters
    ----------
    progress : Progress
        After a step.

    Returns
    -------
    str
        For example "step 120 of 900, loss 0.0123, 3.1 steps/s, 4 min left".
    """
    of = "" if progress.total is None else f" of {progress.total}"
    left = progress.seconds_left
    ending = "measuring the speed" if left is None else _said_seconds(left)
    return f"step {progress.step}{of}, loss {progress.loss:.4g}, {progress.rate:.2g} steps/s, {ending}"


def _said_seconds(seconds: float) -> str:
    if seconds < _MINUTE:
        return f"{math.ceil(seconds)} s left"
    if seconds < _HOUR:
        return f"{math.ceil(seconds / _MINUTE)} min left"
    return f"{seconds / _HOUR:.1f} h left"


def default_folder(name: str, home: Path) -> Path:
    """Name a folder for the run of a layer that does not exist yet.

    Parameters
    ----------
    name : str
        Name of the layer.
    home : Path
        Where runs are kept.

    Returns
    -------
    Path

    Raises
    ------
    DataError
        There are ten thousand of that name.
    """
    plain = "".join(c if c.isalnum() or c in "-_" else "-" for c in name).strip("-")[:60] or "layer"
    for number in range(1, 10_000):
        found = home / (plain if number == 1 else f"{plain}-{number}")
        if not found.exists():
            return found
    raise DataError(f"a folder for {name}", "ten thousand of that name exist", "choose another folder")
