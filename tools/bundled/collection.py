"""Photographs of a folder with a list of their authors and licences."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bsn.data import DataError

__all__ = ["ListedPhotograph", "listed_photographs"]

_LEAST_CERTAIN = "dali-"  # stated by its repository alone, but older than the change of terms of the site it came from


@dataclass(frozen=True)
class ListedPhotograph:
    """A file of the folder, and what the list says of it.

    Parameters
    ----------
    path : Path
    title, author, licence : str
    scales : tuple of float
        Sizes it is used in.
    """

    path: Path
    title: str
    author: str
    licence: str
    scales: tuple[float, ...] = (1.0, 0.7, 0.5)

    @property
    def file(self) -> str:
        """Name of the file."""
        return self.path.name

    @property
    def terms(self) -> str:
        """Title, author and licence in one line."""
        return f'{self.licence}: "{self.title}", {self.author}'

    def read(self) -> np.ndarray:
        """Picture of shape (3, H, W), float32, range [0, 1]."""
        from PIL import Image

        with Image.open(self.path) as picture:
            pixels = np.asarray(picture.convert("RGB"), np.float32) / 255
        return np.ascontiguousarray(np.moveaxis(pixels, -1, 0))


def listed_photographs(folder: str | Path) -> list[ListedPhotograph]:
    """Find the photographs whose terms allow to ship weights that were trained on them.

    Parameters
    ----------
    folder : str or Path
        With ``photos.csv``, beside or in the folder ``photos`` of the images. Its columns file, title, author, licence and
        terms_level are read; taken are level A and the files "dali-", not those whose photographer nobody states.

    Returns
    -------
    list of ListedPhotograph

    Raises
    ------
    DataError
        No list, or a file of it is missing.
    """
    root = Path(folder)
    table = root / "photos.csv"
    if not table.is_file():
        raise DataError(
            f"{root} without photos.csv", "terms and authors are unknown", "give the folder of the free images"
        )
    with table.open(encoding="utf-8", newline="") as lines:
        rows = [
            row for row in csv.DictReader(lines) if row["terms_level"] == "A" or row["file"].startswith(_LEAST_CERTAIN)
        ]
    found = [
        ListedPhotograph(root / "photos" / row["file"], row["title"], row["author"], row["licence"]) for row in rows
    ]
    missing = [photograph.file for photograph in found if not photograph.path.is_file()]
    if missing:
        raise DataError(f"{missing[0]} of {table}", "the file is not there", "complete the folder")
    return found
