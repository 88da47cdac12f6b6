"""A training that can be followed, paused and resumed, through :func:`bsn.train` as everybody calls it."""

from __future__ import annotations

import shutil
import threading
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bsn.app.sizes import check_size
from bsn.app.tasks import Order, Stopped, Tell, read_options_of
from bsn.data import ReadOptions, encode_png, list_images, open_image
from bsn.data.sources.samples import middle

if TYPE_CHECKING:
    from bsn.engine import Progress, RunFolder

__all__ = ["CROP", "train"]

CROP = 224
"""Side in pixels of the part whose improvement is shown."""

_SECONDS = 0.4  # between two reports
_PREVIEW_SHARE = 0.05  # of the time may go into previews
_PREVIEW_SECONDS = 4.0  # between two of them at least


def train(order: Order, tell: Tell, stop: threading.Event) -> dict[str, Any]:
    """Train on noisy images, or go on with a run that was paused.

    Parameters
    ----------
    order : dict
        "images" (paths), "reading", "limit" in bytes, "run" (the folder), "minutes" or "steps", and "previews" (a folder for
        pictures). A run whose folder holds a checkpoint is resumed with its own images and settings.
    tell : callable
        Gets "said" (a sentence), "step", "total", "loss", "rate", "left" (seconds) and "preview" (number of a picture).
    stop : Event
        Asks to pause: a checkpoint is written, from which the run goes on to the same bits.

    Returns
    -------
    dict
        "paused": whether the run was stopped before its end; "steps" and "seconds".

    Raises
    ------
    DataError
        For images that cannot be read or do not fit together.
    Stopped
        The request to stop came before the first step.
    """
    from bsn.engine import Interrupted, LoopConfig, RunFolder, keep_freed_memory
    from bsn.training import train as run_training

    keep_freed_memory()
    folder = RunFolder(Path(order["run"]))
    resume = folder.checkpoint.is_file()
    images, reading = _images_of(folder, order, resume=resume)
    for path in images:
        check_size(Path(path), order["limit"])
    if stop.is_set():
        raise Stopped
    if not resume and folder.path.is_dir() and not folder.final.exists():
        shutil.rmtree(folder.path)  # it was stopped before its first checkpoint
    length: dict[str, Any] = (
        {"steps": order["steps"]} if order.get("steps") else {"minutes": order.get("minutes", 10.0)}
    )
    watcher = _Watcher(tell, stop, _Preview(images, reading, Path(order["previews"])))
    try:
        found = run_training(
            None if resume else images,
            folder.path,
            loop=None if resume else LoopConfig(**length),
            axes=None if resume else reading.axes,
            key=None if resume else reading.key,
            resume=resume,
            say=lambda text: tell({"said": text}),
            watch=watcher,
        )
    except Interrupted:
        return {"paused": True, "steps": watcher.step}
    return {"paused": False, "steps": found.kept_step, "seconds": round(found.seconds, 1)}


def _images_of(folder: RunFolder, order: Order, *, resume: bool) -> tuple[list[str], ReadOptions]:
    """Images of a run, and how they are read; of one that is resumed, those of its settings."""
    if not resume:
        return [str(path) for path in order["images"]], read_options_of(order)
    from bsn.engine import RunSettings
    from bsn.training import read_settings

    stored = RunSettings.of_run(folder)
    named = stored.settled["images"]
    images = list_images([named] if isinstance(named, str) else named)
    return [str(path) for path in images], read_settings(stored)


class _Watcher:
    """Tells how a run goes, and asks it to stop."""

    def __init__(self, tell: Tell, stop: threading.Event, preview: _Preview) -> None:
        self._tell, self._stop, self._preview = tell, stop, preview
        self._next = 0.0
        self.step = 0

    def __call__(self, progress: Progress) -> bool:
        self.step = progress.step
        now = time.monotonic()
        if now >= self._next or progress.step == progress.total:
            self._next = now + _SECONDS
            self._tell(
                {
                    "step": progress.step,
                    "total": progress.total,
                    "loss": progress.loss,
                    "rate": progress.rate,
                    "left": progress.seconds_left,
                }
            )
        if self._preview.due(progress):
            number = self._preview.draw(progress)
            if number is not None:
                self._tell({"preview": number})
        return self._stop.is_set()


class _Preview:
    """Pictures of one part of the first image, by the model of the moment."""

    def __init__(self, images: list[str], reading: ReadOptions, folder: Path) -> None:
        from bsn.training import PreviewTimes

        self._folder = folder
        self._times = PreviewTimes(first=0.0, every=_PREVIEW_SECONDS, share=_PREVIEW_SHARE)
        self._range = (0.0, 1.0)
        self._pixels: np.ndarray | None = None
        self._value_range: tuple[float, float] | None = None
        if not images:
            return
        folder.mkdir(parents=True, exist_ok=True)
        with open_image(images[0], reading) as reader:
            plane, box = reader.planes // 2, middle(reader.size, CROP)
            self._pixels = reader.read(plane, *box)
            self._value_range = reader.options.value_range
            unit = np.nan_to_num(reader.read_unit(plane, *box))
            if reader.dtype != np.uint8 or self._value_range is not None:
                low, high = (float(value) for value in np.quantile(unit, (0.005, 0.995)))
                self._range = (low, high if high > low else low + 1.0)
        self._write(unit, "before")

    def due(self, progress: Progress) -> bool:
        """Whether it is time for a picture: at the first steps, at the end, and as often as it costs little."""
        return self._pixels is not None and (self._times.due or progress.step == progress.total)

    def draw(self, progress: Progress) -> int | None:
        """Write a picture; the number of the step in its name, or None where the model of the moment gives none."""
        assert self._pixels is not None
        from bsn.training import learned_so_far

        try:
            with self._times.measured():
                clean = learned_so_far(progress)(self._pixels, "CYX", nan="keep", value_range=self._value_range)
                self._write(self._unit(clean), f"step-{progress.step}")
        except Exception:  # such as a part too small for the stages of denoising: no reason to end the run
            traceback.print_exc()
            self._pixels = None
            return None
        return progress.step

    def _unit(self, pixels: np.ndarray) -> np.ndarray:
        from bsn.data import to_unit

        return np.nan_to_num(to_unit(pixels, self._value_range))

    def _write(self, image: np.ndarray, name: str) -> None:
        low, high = self._range
        (self._folder / f"{name}.png").write_bytes(encode_png((image - low) / (high - low)))
