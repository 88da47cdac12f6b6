"""Images that are folders: Zarr stores, told from folders of images."""

from pathlib import Path

#: Endings of the names of such folders.
STORE_SUFFIXES = (".zarr",)
_MARKS = (".zarray", ".zgroup", "zarr.json")


def is_store(path: Path) -> bool:
    """Tell whether a folder is a Zarr store, or an array or a group inside one.

    Parameters
    ----------
    path : Path
        Any path.

    Returns
    -------
    bool
    """
    return any((path / mark).is_file() for mark in _MARKS)


def stands_for_image(path: Path) -> bool:
    """Tell whether a folder is one image and no folder of images: by its name, or by what is in it.

    Parameters
    ----------
    path : Path
        Any path; it need not exist.

    Returns
    -------
    bool
    """
    return path.suffix.lower() in STORE_SUFFIXES or is_store(path)
