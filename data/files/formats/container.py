"""Files that hold several images: which one is meant, and what the result of one keeps of the others."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bsn.data.errors import DataError, name_some

#: The key of `Image.metadata` under which readers leave a `Container`.
CONTAINER = "container"
_NAMED = 12


@dataclass(frozen=True)
class Container:
    """The file that an image was read from, and the name of the image in it.

    A writer of the same format takes over everything else that is in that file.

    Parameters
    ----------
    path : Path
        The file.
    key : str
        The image: a dataset (HDF5) or variable (MATLAB).
    """

    path: Path
    key: str

    @property
    def name(self) -> str:
        """The last part of the key, for formats that know no folders."""
        return self.key.rsplit("/", 1)[-1]


class Listed(NamedTuple):
    """What a list of images says of one.

    Attributes
    ----------
    shape : tuple of int
        Its shape.
    dtype : numpy.dtype
        Its type.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def is_vector(self) -> bool:
        """Whether it is a list of numbers rather than an image, unless nothing else is there."""
        return sum(n > 1 for n in self.shape) < 2

    def __str__(self) -> str:
        return f"{' x '.join(map(str, self.shape))} {self.dtype.name}"


def choose_key(images: Mapping[str, Listed], key: str | None, given: str) -> str:
    """Choose the named image of a file that may hold several.

    Parameters
    ----------
    images : mapping
        The images in the file.
    key : str or None
        The wanted one; None where there is no choice to make. Lists of numbers, masks and complex numbers do
        not count where there is something else.
    given : str
        The file.

    Returns
    -------
    str
        One of `images`.

    Raises
    ------
    DataError
        There is no image, none of that name, or several and no key; the message lists those there are.
    """
    if not images:
        raise DataError(given, "holds no image (a numeric array of two or more axes)", "check what was saved in it")
    if key is not None:
        stripped = key.strip("/")
        if stripped not in images:
            raise DataError(f"key {key!r} for {given}", "the file has no image of that name", f"use {_list(images)}")
        return stripped
    likely = {name: image for name, image in images.items() if not image.is_vector} or dict(images)
    likely = {name: image for name, image in likely.items() if image.dtype.kind not in "bc"} or likely
    if len(likely) > 1:
        raise DataError(given, f"holds {len(likely)} images", f"choose one with --key: {_list(likely)}")
    return next(iter(likely))


def _list(images: Mapping[str, Listed]) -> str:
    return name_some([f"{name} ({image})" for name, image in images.items()], _NAMED)


def container_of(metadata: Mapping[str, Any], *suffixes: str) -> Container | None:
    """Find the file that a result takes over everything else from.

    Parameters
    ----------
    metadata : mapping
        Metadata of an image.
    *suffixes : str
        Endings of the names of files whose content can be taken over, such as ".nii.gz"; upper and lower case are the same.

    Returns
    -------
    Container or None
        None where the image comes from a file of another kind, or that file is gone.
    """
    found = metadata.get(CONTAINER)
    if isinstance(found, Container) and found.path.name.lower().endswith(suffixes) and found.path.is_file():
        return found
    return None


def name_of(metadata: Mapping[str, Any], key: str | None) -> str:
    """Name an image that is written to a file of its own.

    Parameters
    ----------
    metadata : mapping
        Metadata of the image.
    key : str or None
        The wanted name.

    Returns
    -------
    str
        `key`; else the name that the image had in its file; else ``image``.
    """
    found = metadata.get(CONTAINER)
    return (key or "").strip("/") or (found.name if isinstance(found, Container) else "image")
