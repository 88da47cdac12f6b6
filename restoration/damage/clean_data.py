"""Clean images, and the kinds of damage that a run makes on them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bsn.data import DataError, PackedPairs, Pair, PlaneSource, ReadOptions, is_packed, open_source
from restoration.damage.kinds import find_damages
from restoration.damage.mixture import Mixture

__all__ = ["CleanData", "CleanSource"]

_MIDDLE = 256


@dataclass(frozen=True)
class CleanData:
    """Clean images, and what is done to them while training.

    Parameters
    ----------
    clean : list of str
        Files, folders or patterns of clean images, or a file of ``bsn pack``.
    tasks : tuple of str
        Kinds of damage by name, see :func:`restoration.damage.damages`; one text may hold several, separated by commas.
    mixed : float
        Share of the crops that get two kinds, from 0 to 1.
    untouched : float
        Share of the crops that stay as they are, from 0 to 1, so that the network learns to leave good images alone.

    Raises
    ------
    ValueError
        For names that are not known, none at all, or a share out of range.
    """

    clean: list[str]
    tasks: tuple[str, ...]
    mixed: float = 0.2
    untouched: float = 0.0

    def __post_init__(self) -> None:
        given = (self.tasks,) if isinstance(self.tasks, str) else self.tasks
        names = [name.strip() for text in given for name in text.split(",")]
        object.__setattr__(self, "tasks", tuple(name for name in names if name))
        find_damages(self.tasks)
        for name in ("mixed", "untouched"):
            share = getattr(self, name)
            if not 0 <= share <= 1:
                raise ValueError(f"{name} {share} is no share of the crops; use a number from 0 to 1")
        if self.untouched == 1:
            raise ValueError("untouched 1 leaves every crop as it is, and nothing is learned; use a share below 1")
        if not self.clean:
            raise ValueError(
                f"the tasks {', '.join(self.tasks)} need images to be made on; name a folder of clean images (--clean)"
            )

    def open(self, options: ReadOptions | None = None) -> CleanSource:
        """Open the images; bad ones are all refused here, before anything starts.

        Parameters
        ----------
        options : ReadOptions, optional
            How all files are read.

        Returns
        -------
        CleanSource

        Raises
        ------
        DataError
            If files cannot be read, or cannot be damaged in these ways.
        """
        single = Path(self.clean[0])
        if len(self.clean) == 1 and is_packed(single) and _holds_pairs(single):
            raise DataError(
                str(single), "holds pairs, and tasks are made on clean images", "give it as --degraded, without tasks"
            )
        return CleanSource(open_source(list(self.clean), options), self.tasks, self.mixed, self.untouched)


class CleanSource:
    """Opened clean images, and what is done to them while training.

    Parameters
    ----------
    images : PlaneSource
        Clean images in units of [0, 1], see :func:`bsn.data.open_source`.
    tasks : tuple of str
        Kinds of damage by name.
    mixed, untouched : float
        Shares of the crops that get two kinds, and none.

    Raises
    ------
    ValueError
        For kinds that are not known.
    DataError
        If a kind does not work on images of so many channels, or values lie outside [0, 1].
    """

    def __init__(self, images: PlaneSource, tasks: tuple[str, ...], mixed: float = 0.2, untouched: float = 0.0) -> None:
        self.images, self.tasks, self.mixed, self.untouched = images, tuple(tasks), mixed, untouched
        self.mixture = Mixture(find_damages(self.tasks), mixed, untouched)
        for kind in self.mixture.kinds:
            if kind.channels is not None and images.channels not in kind.channels:
                wanted = " or ".join(map(str, kind.channels))
                raise DataError(
                    f"images of {images.channels} channel{'s' * (images.channels != 1)}",
                    f"the task {kind.name!r} works on {wanted}",
                    "leave the task out, or give other images",
                )
        if images.dtype.kind == "f" or images.options.value_range is not None:
            _check_range(images)

    def __len__(self) -> int:
        return len(self.images)

    @property
    def channels(self) -> int:
        """Channels of the images."""
        return self.images.channels

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the pixels of the files."""
        return self.images.dtype

    @property
    def purpose(self) -> str:
        """What a model of these images and tasks is for, in words."""
        return f"{', '.join(self.tasks)}, made on clean images"

    @property
    def groups(self) -> list[str]:
        """What is held back together: the planes of one file, and copies of one picture."""
        names = []
        for index in range(len(self.images)):
            path = _file_of(self.images, index)
            names.append(_picture(self.images, index) if path is None else path)
        return names

    @property
    def pairs(self) -> list[Pair]:
        """Files of single images as pairs with themselves, for the check of leaks; those of stacks are left out."""
        files = {path.resolve() for path in getattr(self.images, "paths", ())}
        stacks = {_file_of(self.images, index) for index in range(len(self.images))}
        return [Pair(path, path, path.stem) for path in sorted(files) if str(path) not in stacks]


def _holds_pairs(path: Path) -> bool:
    try:
        PackedPairs(path)
    except DataError:
        return False
    return True


def _check_range(images: PlaneSource) -> None:
    """Refuse values that are not in [0, 1], in which all damages are stated."""
    for index in range(len(images)):
        pixels = images.image(index)
        present = pixels[np.isfinite(pixels)]
        if present.size and not (present.min() >= 0 and present.max() <= 1):
            raise DataError(
                f"{images.name(index)} with values from {present.min():g} to {present.max():g}",
                "damage is made in units of [0, 1]",
                "say with --range LOW HIGH which values stand for 0 and 1",
            )


def _file_of(images: PlaneSource, index: int) -> str | None:
    """Name of the file of a stack; None for single images and images in memory."""
    locate = getattr(images, "locate", None)
    if locate is None:
        return None
    path, _ = locate(index)
    beside = [other for other in (index - 1, index + 1) if 0 <= other < len(images)]
    return str(path.resolve()) if any(locate(other)[0] == path for other in beside) else None


def _picture(images: PlaneSource, index: int) -> str:
    """Size and middle of an image: equal for copies of one picture."""
    size = images.size(index)
    height, width = (min(_MIDDLE, side) for side in size)
    middle = images.crop(index, (size[0] - height) // 2, (size[1] - width) // 2, height, width)
    return f"{size} {hashlib.sha256(middle.tobytes()).hexdigest()}"
