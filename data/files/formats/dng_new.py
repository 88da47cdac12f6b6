"""A DNG file for a mosaic that was no DNG file: of other raw files, and of FITS images of astronomical cameras.

tifffile writes the mosaic and the tags that every raw developer needs; directories of EXIF data and places are added to it.

Adobe, Digital Negative Specification 1.4.0.0 (2012).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from bsn.data.files.formats.dng_tags import NOISE_PROFILE, NOISE_REDUCED, VERSION, WHITE
from bsn.data.files.formats.mosaic import NoiseLine
from bsn.data.files.formats.raw_words import EXIF, GPS, MODEL, Words
from bsn.data.files.formats.tiff_directory import (
    ASCII,
    BYTE,
    DOUBLE,
    LONG,
    RATIONAL,
    SHORT,
    SIGNED_RATIONAL,
    make_entry,
    read_directories,
    replace_directory,
    write_directory,
)

_ORIENTATION, _CELL, _PATTERN, _OLDEST_READER, _CAMERA, _PLANES, _LAYOUT = 274, 33421, 33422, 50707, 50708, 50710, 50711
_BLACK_CELL, _BLACK, _CROP_START, _CROP_SIZE = 50713, 50714, 50719, 50720
_MATRIX, _NEUTRAL, _ILLUMINANT = 50721, 50728, 50778
_RECTANGULAR, _D65 = 1, 21
_COLOURS = {"R": 0, "G": 1, "B": 2}
#: From XYZ to linear sRGB (IEC 61966-2-1), for sensors of which nobody knows the colours.
SRGB = np.array([[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]])


@dataclass(frozen=True)
class Photograph:
    """What raw developers have to know of a mosaic.

    Parameters
    ----------
    pattern : str
        Colours of the 2 x 2 cell, row by row, such as "RGGB".
    black : tuple of float
        Of the 2 x 2 cell, row by row.
    white : float
        Saturation.
    camera : str
        Its name.
    matrix : ndarray, shape (3, 3)
        From XYZ under D65 to red, green, blue of the camera.
    neutral : tuple of float
        What grey is in red, green, blue of the camera, green being 1.
    orientation : int
        As in TIFF and EXIF: 1 for upright.
    crop : tuple of int, optional
        First column, first row, columns and rows of the picture within the mosaic.
    noise : tuple of (float, float)
        Gain and constant of the noise variance of red, green and blue; empty if unknown.
    reduced : float
        Share of the noise that was taken away.
    """

    pattern: str
    black: tuple[float, ...]
    white: float
    camera: str
    matrix: np.ndarray
    neutral: tuple[float, ...] = (1.0, 1.0, 1.0)
    orientation: int = 1
    crop: tuple[int, int, int, int] | None = None
    noise: tuple[NoiseLine, ...] = ()
    reduced: float = 1.0


def write_new(target: Path | IO[bytes], mosaic: np.ndarray, photograph: Photograph, words: Words) -> None:
    """Write a DNG file.

    Parameters
    ----------
    target : Path or binary file
        A new file.
    mosaic : ndarray, shape (H, W), uint16
        Stored numbers.
    photograph : Photograph
        What raw developers have to know.
    words : Words
        What is known of the photograph.
    """
    import tifffile

    tifffile.imwrite(
        target,
        mosaic,
        photometric="cfa",
        byteorder="<" if words.order == "<" else ">",
        metadata=None,
        software="Blindspot",
        subfiletype=0,
        extratags=[(tag, kind, count, value, True) for tag, (kind, count, value) in _tags(photograph).items()],
    )
    if isinstance(target, Path):
        with target.open("r+b") as file:
            _add_words(file, words)
    else:
        _add_words(target, words)


def _tags(p: Photograph) -> dict[int, tuple[int, int, Any]]:
    """Tags of DNG: type, number of values, values as tifffile takes them."""
    name = (p.camera or "unknown camera").encode("ascii", "replace").decode()
    tags: dict[int, tuple[int, int, Any]] = {
        _ORIENTATION: (SHORT, 1, p.orientation),
        MODEL: (ASCII, 0, name),
        _CELL: (SHORT, 2, (2, 2)),
        _PATTERN: (BYTE, 4, bytes(_COLOURS[colour] for colour in p.pattern)),
        VERSION: (BYTE, 4, bytes((1, 4, 0, 0))),
        _OLDEST_READER: (BYTE, 4, bytes((1, 1, 0, 0))),
        _CAMERA: (ASCII, 0, name),
        _PLANES: (BYTE, 3, bytes((0, 1, 2))),
        _LAYOUT: (SHORT, 1, _RECTANGULAR),
        _BLACK_CELL: (SHORT, 2, (2, 2)),
        _BLACK: (RATIONAL, 4, _ratio(p.black, 256)),
        WHITE: (LONG, 1, round(p.white)),
        _MATRIX: (SIGNED_RATIONAL, 9, _ratio(p.matrix.reshape(-1).tolist(), 10_000)),
        _NEUTRAL: (RATIONAL, 3, _ratio(p.neutral, 1_000_000)),
        _ILLUMINANT: (SHORT, 1, _D65),
        NOISE_REDUCED: (RATIONAL, 1, _ratio((p.reduced,), 1000)),
    }
    if p.crop is not None:
        left, top, width, height = p.crop
        tags |= {_CROP_START: (LONG, 2, (left, top)), _CROP_SIZE: (LONG, 2, (width, height))}
    if p.noise:
        tags[NOISE_PROFILE] = (DOUBLE, 2 * len(p.noise), tuple(value for line in p.noise for value in line))
    return tags


def _ratio(values: Sequence[float], divisor: int) -> tuple[int, ...]:
    return tuple(part for value in values for part in (round(value * divisor), divisor))


def _add_words(file: IO[bytes], words: Words) -> None:
    """Add what is known of the photograph to a file that tifffile has written."""
    first = read_directories(file)[0]
    below = {
        tag: make_entry(LONG, write_directory(file, entries, 0, first.form), first.form)
        for tag, entries in ((EXIF, words.exif), (GPS, words.gps))
        if entries
    }
    replace_directory(file, first, {**first.entries, **words.words, **below})
