"""File names from a browser, made safe on every system and unlike those that are taken."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from pathlib import Path, PurePosixPath, PureWindowsPath

from bsn.app.sizes import readable_suffixes
from bsn.data import suffix_of
from bsn.data.errors import DataError

__all__ = ["free_name", "safe_image_name", "safe_name"]

_FORBIDDEN = set("<>:\"/\\|?*&'`$;")
_RESERVED = {"con", "prn", "aux", "nul", *(f"com{n}" for n in range(1, 10)), *(f"lpt{n}" for n in range(1, 10))}
_LONGEST = 120  # bytes, so that the name of a partial or second file still fits


def safe_name(name: str) -> str:
    r"""Make a file name of whatever a browser calls a file.

    Parameters
    ----------
    name : str
        Any text, such as a path, markup or a device name.

    Returns
    -------
    str
        A name without folders, signs of markup and shells, control characters or a leading dot; never empty.

    Examples
    --------
    >>> safe_name("../../etc/passwd"), safe_name("C:\\images\\a.png"), safe_name("<b>.png"), safe_name("con.tif")
    ('passwd', 'a.png', '_b_.png', '_con.tif')
    """
    base = PureWindowsPath(PurePosixPath(unicodedata.normalize("NFC", name)).name).name
    kept = "".join("_" if c in _FORBIDDEN or unicodedata.category(c)[0] == "C" else c for c in base)
    kept = " ".join(kept.split()).strip(" .") or "image"
    if kept.split(".")[0].lower() in _RESERVED:
        kept = f"_{kept}"
    return _shortened(kept)


def _shortened(name: str) -> str:
    stem, ending = _parts(name)
    room = max(_LONGEST - len(ending.encode()), 1)
    if len(stem.encode()) > room:
        stem = stem.encode()[:room].decode(errors="ignore")
    return (stem + ending)[:_LONGEST]


def _parts(name: str) -> tuple[str, str]:
    """Name before its ending, and the ending as it is written, both of ".nii.gz"."""
    ending = name[len(name) - len(suffix_of(Path(name))) :]
    return name[: len(name) - len(ending)], ending


def safe_image_name(name: str) -> str:
    """Make a file name of an upload, or refuse a file that the page does not open.

    Parameters
    ----------
    name : str
        What the browser calls the file.

    Returns
    -------
    str

    Raises
    ------
    DataError
        It has no ending of an image that the page opens. Model files, archives and pickles are never opened.
    """
    safe = safe_name(name)
    if suffix_of(Path(safe)) not in readable_suffixes():
        raise DataError(
            safe,
            "its ending is not one of an image that this page opens",
            f"use {', '.join(readable_suffixes())}",
        )
    return safe


def free_name(name: str, is_taken: Callable[[str], bool]) -> str:
    """Give a name that is not taken: the name itself, or with a number before its ending.

    Parameters
    ----------
    name : str
        The wanted name.
    is_taken : callable
        Tells whether a name is taken.

    Returns
    -------
    str

    Examples
    --------
    >>> free_name("a.nii.gz", lambda name: name in ("a.nii.gz", "a (2).nii.gz"))
    'a (3).nii.gz'
    """
    stem, ending = _parts(name)
    number, found = 1, name
    while is_taken(found):
        number += 1
        found = f"{stem} ({number}){ending}"
    return found
