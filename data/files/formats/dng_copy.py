"""A copy of a DNG file with another mosaic: every tag, preview and note of the maker stays where it is.

The mosaic is written uncompressed, 16 bits, in the place of the old one if that is large enough or the last thing in the file,
and behind everything else otherwise; what is left of the old one becomes zeros. The directory of the mosaic is written anew and
its pointer is changed, so that nothing else moves.
"""

import itertools
import shutil
from pathlib import Path
from typing import IO

import numpy as np

from bsn.data.files.formats.dng_tags import (
    BITS,
    COMPRESSION,
    HEIGHT,
    NOISE_REDUCED,
    ROWS_PER_STRIP,
    SAMPLE_FORMAT,
    STRIP_BYTES,
    STRIPS,
    TILE_BYTES,
    TILES,
    WHITE,
    WIDTH,
)
from bsn.data.files.formats.tiff_directory import (
    LONG,
    LONG_8,
    RATIONAL,
    SHORT,
    Directory,
    end_of,
    make_entry,
    read_directories,
    read_directory,
    replace_directory,
)

_LINEARIZATION = 50712
# How the old numbers were packed: order of bits, predictor, tiles, JPEG tables, the table that made them linear (LibRaw has
# applied it), interleaving, JPEG XL.
_PACKING = {
    266,
    317,
    322,
    323,
    TILES,
    TILE_BYTES,
    SAMPLE_FORMAT,
    347,
    _LINEARIZATION,
    50974,
    50975,
    52547,
    52553,
    52554,
    52555,
}
# Checksums and names of the old numbers.
_DIGESTS = {50781, 50972, 51111}


def copy_with_mosaic(source: Path, target: Path, directory: Directory, mosaic: np.ndarray, white: float) -> None:
    """Write a copy of a DNG file with another mosaic.

    Parameters
    ----------
    source : Path
        The file.
    target : Path
        Where to write.
    directory : Directory
        That of the mosaic in `source`.
    mosaic : ndarray, shape (H, W), uint16
        Numbers of the whole sensor.
    white : float
        Which of them is saturated; told where the file does not, since its default depends on the number of bits.

    Raises
    ------
    DataError
        The file would be larger than 4 GiB and is no BigTIFF.
    """
    shutil.copyfile(source, target)
    with target.open("r+b") as file:
        place = _replace(file, directory, mosaic.astype(f"{directory.form.order}u2"))
        _write_raw(file, directory, mosaic.shape, place, white)
        first = read_directories(file)[0]
        if _DIGESTS & set(first.entries):
            replace_directory(file, first, {tag: e for tag, e in first.entries.items() if tag not in _DIGESTS})


def _replace(file: IO[bytes], directory: Directory, mosaic: np.ndarray) -> int:
    """Put numbers where the old ones were, or behind everything; give their place."""
    parts = sorted(
        part
        for tags in ((STRIPS, STRIP_BYTES), (TILES, TILE_BYTES))
        for part in zip(directory.whole(tags[0]), directory.whole(tags[1]), strict=False)
    )
    for start, length in parts:
        file.seek(start)
        file.write(bytes(length))
    end = end_of(file)
    start, stop = (parts[0][0], sum(parts[-1])) if parts else (end, end)
    # A byte between parts keeps them at even places; anything longer may belong to something else.
    gaps = [after[0] - sum(before) for before, after in itertools.pairwise(parts)]
    alone = all(0 <= gap <= 1 for gap in gaps)
    if not (alone and (stop >= end or mosaic.nbytes <= stop - start)):
        start = end + end % 2
    file.seek(start)
    file.write(mosaic.tobytes())
    return start


def _write_raw(file: IO[bytes], directory: Directory, shape: tuple[int, ...], place: int, white: float) -> None:
    now = read_directory(file, directory.pointer, directory.form)
    place_kind = LONG_8 if now.form.big else LONG
    entries = {tag: entry for tag, entry in now.entries.items() if tag not in _PACKING | _DIGESTS}
    for tag, kind, value in (
        (WIDTH, LONG, shape[1]),
        (HEIGHT, LONG, shape[0]),
        (BITS, SHORT, 16),
        (COMPRESSION, SHORT, 1),
        (STRIPS, place_kind, place),
        (ROWS_PER_STRIP, LONG, shape[0]),
        (STRIP_BYTES, place_kind, 2 * shape[0] * shape[1]),
        (NOISE_REDUCED, RATIONAL, 1.0),
    ):
        entries[tag] = make_entry(kind, value, now.form)
    entries.setdefault(WHITE, make_entry(LONG, round(white), now.form))
    replace_directory(file, now, entries)
