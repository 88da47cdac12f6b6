"""Which files a list of paths, folders and patterns stands for."""

import glob
import re
from collections.abc import Sequence
from pathlib import Path

from bsn.data.errors import DataError
from bsn.data.files.formats import SUFFIXES

_MAGIC = re.compile(r"[*?\[]")


def is_image_path(path: str | Path) -> bool:
    """Tell by its name whether a file is one that `bsn.data.files.images.read_image` reads.

    Parameters
    ----------
    path : str or Path
        The file; it need not exist.

    Returns
    -------
    bool
        False for unknown suffixes and for hidden files, such as the ``._*`` that macOS leaves on other disks.

    Examples
    --------
    >>> is_image_path("a.TIF"), is_image_path("._a.tif"), is_image_path("a.txt")
    (True, False, False)
    """
    path = Path(path)
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def natural_key(path: str | Path) -> tuple[tuple[int, int, str], ...]:
    """Give a sort key by which ``z2`` comes before ``z10``.

    Parameters
    ----------
    path : str or Path
        A file name.

    Returns
    -------
    tuple
        To be used as ``key=`` of a sort.

    Examples
    --------
    >>> sorted(["z10.png", "z2.png"], key=natural_key)
    ['z2.png', 'z10.png']
    """
    parts = re.split(r"([0-9]+)", str(path))
    return tuple((0, int(p), p) if p.isdigit() else (1, 0, p.casefold()) for p in parts if p)


def list_images(paths: str | Path | Sequence[str | Path]) -> list[Path]:
    """Collect image files.

    Parameters
    ----------
    paths : str, Path or sequence of them
        Files, folders (their own images, not those of folders inside) and patterns such as ``runs/*/noisy_?.tif``.

    Returns
    -------
    list of Path
        In the order of `paths`, each folder and pattern in natural order (2 before 10); no file twice.

    Raises
    ------
    DataError
        A path does not exist, a file has no known suffix, a folder or a pattern has no images.
    """
    listed = [paths] if isinstance(paths, (str, Path)) else list(paths)
    if not listed:
        raise DataError("an empty list of paths", "there is nothing to read", "name files, folders or patterns")
    found: dict[Path, None] = {}
    for path in listed:
        found.update(dict.fromkeys(_expand(path)))
    return list(found)


def _expand(given: str | Path) -> list[Path]:
    path = Path(given)
    if path.is_dir():
        return _images_of(list(path.iterdir()), f"folder {path}")
    if path.exists():
        if path.suffix.lower() not in SUFFIXES:
            raise DataError(str(path), f"the suffix {path.suffix!r} is not known", f"use one of {', '.join(SUFFIXES)}")
        return [path]
    if _MAGIC.search(str(given)):
        return _images_of([Path(p) for p in glob.glob(str(given), recursive=True)], f"pattern {given}")
    raise DataError(str(path), "there is no such file or folder", "check the path")


def _images_of(candidates: list[Path], given: str) -> list[Path]:
    images = sorted((p for p in candidates if is_image_path(p) and p.is_file()), key=natural_key)
    if not images:
        raise DataError(given, "has no images", f"images end in {', '.join(SUFFIXES)}")
    return images
