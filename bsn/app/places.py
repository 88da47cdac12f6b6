"""Paths inside the folders that the command line named, and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bsn.app.sizes import readable_suffixes
from bsn.data import DataError, suffix_of
from bsn.data.files.listing import natural_key
from bsn.data.files.stores import is_store

__all__ = ["Listing", "list_folder", "place_inside"]

_MOST = 5000  # images of one folder


@dataclass(frozen=True)
class Listing:
    """A folder as the page shows it.

    Parameters
    ----------
    folders : tuple of str
        Names of the folders in it.
    images : tuple of Path
        Its images.
    """

    folders: tuple[str, ...]
    images: tuple[Path, ...]


def place_inside(folders: Sequence[Path], number: int, below: str) -> Path:
    """Find a path below one of the chosen folders.

    Parameters
    ----------
    folders : sequence of Path
        The chosen folders, resolved.
    number : int
        Which of them.
    below : str
        Path below it, with "/" between its parts; "" for the folder itself.

    Returns
    -------
    Path
        Resolved: links are followed first, then the path has to be inside.

    Raises
    ------
    DataError
        It leaves the folder, by "..", as an absolute path, or through a link; or it is not there.
    """
    refused = DataError(
        f"the path {below!r}", "it is not inside a folder that was opened", "start bsn app --folder with it"
    )
    if not 0 <= number < len(folders) or "\0" in below:
        raise refused
    base = folders[number]
    try:
        found = (base / below).resolve()
    except (OSError, RuntimeError):  # a circle of links
        raise refused from None
    # A path that leaves the folder gets the same answer whether something is there or not.
    hidden = any(part.startswith(".") for part in Path(below).parts)
    if hidden or not found.is_relative_to(base) or not found.exists():
        raise refused
    return found


def list_folder(folders: Sequence[Path], number: int, below: str) -> Listing:
    """List the folders and images of a folder; hidden ones and links that lead outside are left out.

    Parameters
    ----------
    folders, number, below
        See :func:`place_inside`.

    Returns
    -------
    Listing

    Raises
    ------
    DataError
        See :func:`place_inside`; and for a file, or a folder that may not be read.
    """
    here = place_inside(folders, number, below)
    try:
        entries = sorted((entry for entry in here.iterdir() if not entry.name.startswith(".")), key=natural_key)
    except OSError:
        raise DataError(f"the folder {below!r}", "it cannot be read", "choose another one") from None
    inside = [entry for entry in entries if entry.resolve().is_relative_to(folders[number])]
    images = [entry for entry in inside if _is_image(entry)]
    return Listing(
        tuple(entry.name for entry in inside if entry.is_dir() and not is_store(entry)), tuple(images[:_MOST])
    )


def _is_image(path: Path) -> bool:
    return is_store(path) or (path.is_file() and suffix_of(path) in readable_suffixes())
