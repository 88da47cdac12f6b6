"""Looking at what a network has learned while it is being trained: with which model, and how often."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bsn.engine import Progress
from bsn.inference import Denoiser

__all__ = ["PreviewTimes", "learned_so_far"]


def learned_so_far(progress: Progress) -> Denoiser:
    """Make a denoiser with the model of the moment, for a small part of an image.

    Parameters
    ----------
    progress : Progress
        What a watcher of the run was told.

    Returns
    -------
    Denoiser
        It leaves a pattern that all frames share, since the part has too few frames to find it.

    Raises
    ------
    OSError
        The model cannot be written to the folder for temporary files.
    """
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "model.safetensors"
        progress.save(model)
        return Denoiser(model, fixed_pattern="keep")


class PreviewTimes:
    """When previews are due: not too often, and so that they take a small share of the time only.

    Parameters
    ----------
    first : float
        Seconds until the first preview, at least 0.
    every : float
        Least seconds between two previews.
    share : float
        Largest share of the time that previews take, above 0 and below 1.
    """

    def __init__(self, *, first: float, every: float, share: float) -> None:
        self._every, self._share = every, share
        self._next = time.monotonic() + first

    @property
    def due(self) -> bool:
        """Whether it is time for a preview."""
        return time.monotonic() >= self._next

    @contextlib.contextmanager
    def measured(self) -> Iterator[None]:
        """Make a preview inside, whose cost tells when the next one is due."""
        began = time.monotonic()
        yield
        ended = time.monotonic()
        self._next = ended + max(self._every, (ended - began) / self._share)
