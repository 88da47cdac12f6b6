"""Raw photographs of cameras, through LibRaw (rawpy): the mosaic of the sensor before anything was done to it.

Files of all cameras that LibRaw knows are read, if their mosaic has a cell of 2 x 2 pixels (Bayer): as four half-size planes
(`bsn.data.files.formats.mosaic`) with black at 0 and white at 1. X-Trans, Foveon and demosaiced colours are refused. DNG
files are written: a copy of the file where that is DNG, otherwise a new one with what raw developers need.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from bsn.data.errors import DataError
from bsn.data.files.formats.collected_stderr import collected_stderr
from bsn.data.files.formats.decoded import Decoded, refuse_key
from bsn.data.files.formats.dng_copy import copy_with_mosaic
from bsn.data.files.formats.dng_new import SRGB, Photograph, write_new
from bsn.data.files.formats.dng_tags import find_mosaic, noise_of, size_of
from bsn.data.files.formats.extras import need
from bsn.data.files.formats.losses import Keeping
from bsn.data.files.formats.mosaic import (
    AXES,
    MOSAIC,
    PATTERNS,
    Levels,
    Mosaic,
    mosaic_in,
    places,
    planes_of,
)
from bsn.data.files.formats.raw_words import MAKER, MODEL, NOTHING, words_of_raw

#: The one kind of raw file that is written.
WRITTEN = ".dng"
SUFFIXES = (
    WRITTEN,
    *(".cr2", ".cr3", ".crw", ".nef", ".nrw", ".arw", ".sr2", ".srf", ".raf", ".orf", ".rw2", ".rwl"),
    *(".pef", ".srw", ".3fr", ".fff", ".iiq", ".mos", ".mef", ".mrw", ".erf", ".dcr", ".kdc", ".x3f", ".gpr"),
)
#: A DNG file keeps what is in the raw file that its mosaic came from.
KEEPING = Keeping("a DNG file", frozenset({MOSAIC, "container"}))

_CELL = 2
# What LibRaw prints of files that end too early or cannot be decoded.
_DAMAGE = ("Unexpected end of file", "data corrupted")
_LARGEST = 65535
# LibRaw's way to turn a picture upright, and that of EXIF.
_ORIENTATIONS = {0: 1, 3: 3, 5: 8, 6: 6}


def read(path: Path, key: str | None = None) -> Decoded:
    """Read the mosaic of a raw file.

    Parameters
    ----------
    path : Path
        The file.
    key : None
        These files have no named parts.

    Returns
    -------
    Decoded
        Axes CYX: red, green of the red rows, green of the blue rows, blue, each of half the size; float32 with black at 0 and
        white at 1. Values below black are negative.

    Raises
    ------
    DataError
        A key was given; rawpy is missing; LibRaw does not know the file; it is damaged; it has no Bayer mosaic.
    """
    refuse_key(key, str(path))
    rawpy = need("rawpy", "rawpy", str(path), "raw")
    if path.stat().st_size == 0:
        raise DataError(str(path), "is empty", "copy it again")
    find_mosaic(path)
    with opened(rawpy, path) as raw:
        pattern = _pattern(raw, path)
        visible = raw.raw_image_visible
        levels = _levels(raw, pattern)
        if levels.white <= max(levels.black):
            raise DataError(
                str(path), f"says that white is {levels.white:g} and black {max(levels.black):g}", "convert it again"
            )
        colours = "".join(pattern[row * _CELL + column] for row, column in places(pattern))
        noise, reduced = noise_of(path, colours)
        planes = levels.to_unit(planes_of(visible, pattern))
        facts = Mosaic(path, (visible.shape[0], visible.shape[1]), pattern, levels, noise, reduced)
    return Decoded(planes, AXES, {MOSAIC: facts})


def write(path: Path, image: Decoded, key: str | None, target: Path) -> None:
    """Write a DNG file.

    Parameters
    ----------
    path : Path
        Where to write; a new file.
    image : Decoded
        A mosaic that was read from a raw file or from a FITS file.
    key : None
        These files have no named parts.
    target : Path
        The name for messages.

    Raises
    ------
    DataError
        A key was given; the target is not DNG; the image is no mosaic; the raw file is gone; rawpy is missing.
    """
    refuse_key(key, str(target))
    if target.suffix.lower() != WRITTEN:
        raise DataError(str(target), "only cameras write such files", f"write {target.with_suffix(WRITTEN).name}")
    facts = mosaic_in(image.metadata)
    if facts is None:
        raise DataError(
            str(target), "a DNG file holds the mosaic of a sensor, which this image is not", "write .tif or .png"
        )
    stored = facts.stored(image.pixels)
    if stored.dtype != np.uint16:
        raise DataError(
            f"{target} of type {stored.dtype.name}", "its mosaic takes whole numbers of 16 bits", "write .fits or .npy"
        )
    if facts.levels is None:
        write_new(path, stored, unknown_camera(facts), NOTHING)
        return
    check_source(facts, str(target))
    rawpy = need("rawpy", "rawpy", str(target), "raw")
    directory = find_mosaic(facts.path)
    with opened(rawpy, facts.path) as raw:
        if directory is not None and size_of(directory) == raw.raw_image.shape:
            whole = raw.raw_image.copy()
            margin = raw.sizes.top_margin, raw.sizes.left_margin
            whole[margin[0] : margin[0] + facts.size[0], margin[1] : margin[1] + facts.size[1]] = stored
            copy_with_mosaic(facts.path, path, directory, whole, facts.levels.white)
            return
        words = words_of_raw(facts.path, _preview(rawpy, raw))
        write_new(path, stored, _photograph(raw, facts, f"{words.text(MAKER)} {words.text(MODEL)}".strip()), words)


@contextmanager
def opened(rawpy: Any, path: Path, *, decode: bool = True) -> Iterator[Any]:
    """Open a raw file.

    Parameters
    ----------
    rawpy : module
        The library.
    path : Path
        The file.
    decode : bool
        Whether its numbers are decoded, too.

    Yields
    ------
    rawpy.RawPy
        Closed when the block ends.

    Raises
    ------
    DataError
        LibRaw does not know it, or finds it damaged.
    """
    with rawpy.RawPy() as raw:
        try:
            with collected_stderr() as said:
                raw.open_file(str(path))
                if decode:
                    raw.unpack()
        except (rawpy.LibRawFileUnsupportedError, rawpy.LibRawNotImplementedError) as error:
            raise DataError(
                str(path),
                "is no raw file that LibRaw can read",
                "convert it to a DNG file that is compressed without losses",
            ) from error
        except rawpy.LibRawError as error:
            raise _damaged(path, _words(error)) from error
        # LibRaw goes on with whatever it has, and prints a line.
        complaint = next((line for line in said if any(word in line for word in _DAMAGE)), None)
        if complaint is not None:
            raise _damaged(path, complaint.removeprefix(f"{path}:").strip())
        yield raw


def _damaged(path: Path, words: str) -> DataError:
    return DataError(str(path), f"is damaged or cut off (LibRaw: {words})", "copy it whole again")


def unknown_camera(facts: Mosaic) -> Photograph:
    """What developers are told of a camera of which nothing is known but its pattern.

    Parameters
    ----------
    facts : Mosaic
        The mosaic, as stored.

    Returns
    -------
    Photograph
        Black at 0, white at 65535, colours of sRGB, no white balance.
    """
    return Photograph(facts.pattern, (0.0,) * 4, float(_LARGEST), facts.path.stem, SRGB)


def _words(error: Exception) -> str:
    text = error.args[0] if error.args else type(error).__name__
    return text.decode("ascii", "replace") if isinstance(text, bytes) else str(text)


def check_source(facts: Mosaic, given: str) -> None:
    """Refuse where the raw file of a mosaic is needed and gone.

    Parameters
    ----------
    facts : Mosaic
        The mosaic.
    given : str
        What is to be made, for messages.

    Raises
    ------
    DataError
        The file that it was read from is not there.
    """
    if not facts.path.is_file():
        raise DataError(
            given, f"it needs {facts.path}, which its mosaic came from and which is gone", "put it back, or write .npy"
        )


def _pattern(raw: Any, path: Path) -> str:
    """Colours of the 2 x 2 cell; whatever is none is refused."""
    remedy = "develop it with the software of the camera, or choose another file"
    try:
        visible = raw.raw_image_visible
    except Exception as error:  # rawpy raises RuntimeError for sensors without a mosaic, and others in older versions
        raise DataError(str(path), "holds no mosaic (LibRaw gives several colours per pixel)", remedy) from error
    pattern = raw.raw_pattern
    if visible is None or pattern is None:
        raise DataError(
            str(path), "holds no mosaic (it is sRAW, linear DNG, Foveon, or of a sensor without colours)", remedy
        )
    if pattern.shape != (_CELL, _CELL):
        raise DataError(
            str(path),
            f"its sensor has a pattern of {pattern.shape[0]} x {pattern.shape[1]} pixels, as those of X-Trans cameras",
            "only mosaics of 2 x 2 pixels (Bayer) can be read; develop it first",
        )
    names = raw.color_desc.decode("ascii", "replace")
    colours = "".join(names[index] for index in raw.raw_colors_visible[:_CELL, :_CELL].reshape(-1))
    if colours not in PATTERNS:
        raise DataError(str(path), f"its sensor has the colours {colours}", f"only {', '.join(PATTERNS)} can be read")
    return colours


def _levels(raw: Any, pattern: str) -> Levels:
    """Black of each plane and the common white."""
    numbers = raw.raw_colors_visible[:_CELL, :_CELL]
    black = [float(raw.black_level_per_channel[numbers[place]]) for place in places(pattern)]
    return Levels((black[0], black[1], black[2], black[3]), float(raw.white_level))


def _preview(rawpy: Any, raw: Any) -> bytes:
    try:
        thumb = raw.extract_thumb()
    except rawpy.LibRawError:
        return b""
    return bytes(thumb.data) if thumb.format == rawpy.ThumbFormat.JPEG else b""


def _photograph(raw: Any, facts: Mosaic, camera: str) -> Photograph:
    """What LibRaw knows of a camera and its photograph."""
    assert facts.levels is not None
    factors = np.array(raw.camera_whitebalance[:3], np.float64)
    factors = factors if (factors > 0).all() else np.array(raw.daylight_whitebalance[:3], np.float64)
    neutral = factors[1] / factors if (factors > 0).all() else np.ones(3)
    matrix = np.array(raw.rgb_xyz_matrix[:3], np.float64)
    black = dict(zip(places(facts.pattern), facts.levels.black, strict=True))
    s = raw.sizes
    crop = (s.crop_left_margin - s.left_margin, s.crop_top_margin - s.top_margin, s.crop_width, s.crop_height)
    inside = min(crop[:2]) >= 0 and min(crop[2:]) > 0
    inside = inside and crop[0] + crop[2] <= facts.size[1] and crop[1] + crop[3] <= facts.size[0]
    return Photograph(
        facts.pattern,
        tuple(black[place] for place in ((0, 0), (0, 1), (1, 0), (1, 1))),
        facts.levels.white,
        camera,
        matrix if matrix.any() else SRGB,
        tuple(float(value) for value in neutral),
        _ORIENTATIONS.get(s.flip, 1),
        crop if inside else None,
    )
