"""What a DNG file says of its mosaic that LibRaw does not tell, and which of its directories holds it.

Adobe, Digital Negative Specification 1.7.1.0 (2023): tags by number.
"""

from pathlib import Path

from bsn.data.errors import DataError
from bsn.data.files.formats.mosaic import PLANES, NoiseLine
from bsn.data.files.formats.tiff_directory import Directory, read_directories

WIDTH, HEIGHT, BITS, COMPRESSION, SAMPLE_FORMAT = 256, 257, 258, 259, 339
STRIPS, ROWS_PER_STRIP, STRIP_BYTES, TILES, TILE_BYTES = 273, 278, 279, 324, 325
VERSION, WHITE, NOISE_PROFILE, NOISE_REDUCED = 50706, 50717, 51041, 50935
_KIND, _PHOTOMETRIC, _SAMPLES = 254, 262, 277
_CFA, _LINEAR = 32803, 34892
_FLOAT = 3
# Compressions after which the numbers are no longer those of the sensor, or which LibRaw does not read.
_REFUSED = {
    34892: "lossy JPEG, after which the noise is not that of the sensor",
    9: "VC-5 (GoPro's GPR), which LibRaw does not read",
    52546: "JPEG XL, which LibRaw does not read",
}


def find_mosaic(path: Path) -> Directory | None:
    """Find the directory of a DNG file that holds its mosaic, and refuse mosaics that are no longer those of a sensor.

    Parameters
    ----------
    path : Path
        Any file.

    Returns
    -------
    Directory or None
        None for files that are not DNG.

    Raises
    ------
    DataError
        A DNG file without a mosaic, with one of floats, one that was compressed with losses, or one that is cut off.
    """
    directories = _directories(path)
    if not any(VERSION in directory.entries for directory in directories):
        return None
    full = [d for d in directories if (d.whole(_KIND) or (0,))[0] == 0]
    mosaics = [d for d in full if d.whole(_PHOTOMETRIC) == (_CFA,)]
    if not mosaics:
        linear = any(d.whole(_PHOTOMETRIC) == (_LINEAR,) for d in directories)
        why = "holds demosaiced colours (linear DNG)" if linear else "holds no mosaic"
        raise DataError(str(path), why, "give the raw file that it was made from, or export a TIFF file of it")
    _check(path, mosaics[0])
    return mosaics[0]


def _directories(path: Path) -> list[Directory]:
    """All directories of a file; none of one that is no TIFF file."""
    try:
        with path.open("rb") as file:
            return read_directories(file)
    except DataError:
        return []


def _check(path: Path, directory: Directory) -> None:
    compression = (directory.whole(COMPRESSION) or (1,))[0]
    if compression in _REFUSED:
        raise DataError(
            str(path),
            f"its mosaic is compressed by {_REFUSED[compression]}",
            "convert it to a DNG file that is compressed without losses",
        )
    if directory.whole(_SAMPLES) not in ((), (1,)):
        raise DataError(str(path), "its mosaic has several samples per pixel", "give one with a single sample")
    if _FLOAT in directory.whole(SAMPLE_FORMAT):
        raise DataError(str(path), "its mosaic is of floats (a merged exposure series)", "give the single exposures")
    length = path.stat().st_size
    for places, sizes in ((STRIPS, STRIP_BYTES), (TILES, TILE_BYTES)):
        parts = zip(directory.whole(places), directory.whole(sizes), strict=False)
        if any(start + size > length for start, size in parts):
            raise DataError(str(path), "is cut off: its mosaic ends beyond the file", "copy it whole again")


def size_of(directory: Directory) -> tuple[int, int]:
    """Rows and columns of the whole sensor.

    Parameters
    ----------
    directory : Directory
        That of the mosaic.

    Returns
    -------
    tuple of int
    """
    return (directory.whole(HEIGHT) or (0,))[0], (directory.whole(WIDTH) or (0,))[0]


def noise_of(path: Path, colours: str) -> tuple[tuple[NoiseLine, ...], float]:
    """Read what a DNG file says of its noise.

    Parameters
    ----------
    path : Path
        Any file.
    colours : str
        Colour of each plane, such as "RGGB".

    Returns
    -------
    profile : tuple of (float, float)
        Gain and constant of the noise variance for each plane, in the range [0, 1]; empty where the file does not tell.
    reduced : float
        How much noise was taken away before, from 0 to 1.
    """
    directories = _directories(path)
    profiles = [values for d in directories if (values := d.numbers(NOISE_PROFILE))]
    reduced = max((d.numbers(NOISE_REDUCED)[0] for d in directories if d.numbers(NOISE_REDUCED)), default=0.0)
    if not profiles:
        return (), reduced
    lines = list(zip(profiles[0][::2], profiles[0][1::2], strict=False))
    if len(lines) == 1:
        return tuple(lines * PLANES), reduced
    by_colour = dict(zip("RGB", lines, strict=False))
    if not all(colour in by_colour for colour in colours):
        return (), reduced
    return tuple(by_colour[colour] for colour in colours), reduced
