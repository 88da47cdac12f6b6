"""FITS files of astronomy, through astropy: one image for each header and data unit (HDU).

The result of an image is a copy of its file with the pixels of that HDU replaced: headers with their world coordinates, other
HDUs, compression, and the scaling of the stored integers (BSCALE, BZERO) stay, and a HISTORY card says what was done.
Blank pixels are NaN, as astropy reads them, and blank again in the result. What a mask and a standard deviation are called is
what astropy's ``CCDData`` calls them: units MASK (not zero where pixels are no measurements) and UNCERT (with the card UTYPE).
A frame of a colour camera (BAYERPAT) is read as the four planes of its mosaic.
"""

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from bsn.data.errors import DataError
from bsn.data.files.formats.container import CONTAINER, Container, Listed, choose_key, container_of
from bsn.data.files.formats.decoded import DEVIATION, MASKED, Decoded
from bsn.data.files.formats.extras import need, output_file
from bsn.data.files.formats.losses import Keeping
from bsn.data.files.formats.mosaic import AXES as MOSAIC_AXES
from bsn.data.files.formats.mosaic import MOSAIC, PATTERNS, Mosaic, mosaic_in, planes_of

SUFFIXES = (".fits", ".fit", ".fts", ".fits.gz", ".fit.gz", ".fits.fz")
#: A FITS file keeps what is in the file that its image came from, and nothing of other formats.
KEEPING = Keeping("a FITS file", frozenset({MOSAIC, MASKED}))

HISTORY = "Denoised by Blindspot; the pixels of this unit were replaced."
#: Our keyword for the meaning of axes that have no standard name in FITS.
AXES = "BSNAXES"
_MASK, _UNCERTAINTY = "MASK", "UNCERT"
# First letters of CTYPEn to axes of ours; positions on the sky are rows and columns.
_KINDS = {
    "RGB": "C",
    "STOK": "S",
    "FREQ": "C",
    "WAVE": "C",
    "AWAV": "C",
    "VELO": "C",
    "VRAD": "C",
    "VOPT": "C",
    "ENER": "C",
    "WAVN": "C",
    "TIME": "T",
    "UTC": "T",
    "DEPT": "Z",
}
# Keywords of cameras and of the programs that drive them.
_BAYER, _BAYER_LEFT, _BAYER_TOP = "BAYERPAT", "XBAYROFF", "YBAYROFF"
_COLOURS = 3
_BYTE = 8
_NATIVE = ("u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8")


def read(path: Path, key: str | None = None) -> Decoded:
    """Read one image of a FITS file.

    Parameters
    ----------
    path : Path
        The file; it may be packed by gzip.
    key : str, optional
        Number of the HDU from 0, or its EXTNAME; needed where the file has several images.

    Returns
    -------
    Decoded
        Pixels with BSCALE and BZERO applied; the axes as far as the header tells them.

    Raises
    ------
    DataError
        There is no image, no such one, or several and no key; astropy is missing. Other failures are left to the caller
        to translate.
    """
    fits = need("astropy.io.fits", "astropy", str(path))
    with _opened(fits, path) as units:
        number = _chosen(units, key, path)
        unit = units[number]
        blank = _blank_value(unit.header)  # before the pixels are read, which takes the scaling away
        pixels = np.asarray(unit.data)
        pixels = pixels.astype(pixels.dtype.newbyteorder("="), copy=False)
        metadata: dict[str, Any] = {CONTAINER: Container(path, str(number))}
        masked = _mask_of(units, unit, pixels, blank)
        pattern = _pattern(unit.header, pixels.shape)
        if masked is not None:
            metadata[MASKED] = masked if pattern is None else planes_of(masked, pattern)
        if pattern is not None:
            metadata[MOSAIC] = Mosaic(path, (pixels.shape[0], pixels.shape[1]), pattern)
            return Decoded(planes_of(pixels, pattern), MOSAIC_AXES, metadata)
        return Decoded(pixels, _axes(unit.header, pixels.shape), metadata)


def write(path: Path, image: Decoded, key: str | None, target: Path) -> None:
    """Write a FITS file, or a copy of the file that the image came from with its pixels replaced.

    Parameters
    ----------
    path : Path
        Where to write; a new file.
    image : Decoded
        Integers of 8 to 64 bits, float32 or float64. Pixels under a mask stay as they are in the file that it came from.
    key : str, optional
        EXTNAME of the image. A file of its own is written then.
    target : Path
        The name for messages; an ending in ".gz" packs the file.

    Raises
    ------
    DataError
        A pixel type that FITS does not have; astropy is missing.
    """
    fits = need("astropy.io.fits", "astropy", str(target))
    facts = mosaic_in(image.metadata)
    if facts is not None:
        image = _mosaicked(image, facts)
    if image.pixels.dtype.newbyteorder("=").str[1:] not in _NATIVE:
        raise DataError(
            f"{target} of type {image.pixels.dtype.name}", "FITS has no such pixels", "convert them to float32 first"
        )
    container = container_of(image.metadata, *SUFFIXES) if key is None else None
    with output_file(path, target) as file:
        if container is None:
            made = _new_units(fits, image, key)
            if facts is not None:
                made[0].header[_BAYER] = (facts.pattern, "colours of the 2 x 2 cell, row by row")
            made.writeto(file)
            return
        with _opened(fits, container.path) as units:
            has_checksum = any("CHECKSUM" in unit.header or "DATASUM" in unit.header for unit in units)
            number = int(container.key)
            _replace(units, units[number], image.pixels)
            if image.pixels.dtype.kind == "f" and isinstance(units[number], fits.CompImageHDU):
                units[number] = _lossless(fits, units[number])
            if image.metadata.get(DEVIATION) is not None:
                _put_deviation(fits, units, units[number], image.metadata[DEVIATION])
            units.writeto(file, output_verify="silentfix+ignore", checksum=has_checksum)


@contextmanager
def _opened(fits: Any, path: Path) -> Iterator[Any]:
    """Units of a file; cards that break the standard are left as they are, and nothing is said of them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fits.verify.VerifyWarning)
        with fits.open(path, memmap=False) as units:
            yield units


def _mosaicked(image: Decoded, facts: Mosaic) -> Decoded:
    """An image of four planes, and its deviation, as they are stored."""
    deviation = image.metadata.get(DEVIATION)
    beside = {} if deviation is None else {DEVIATION: facts.interleaved(deviation)}
    return image._replace(pixels=facts.stored(image.pixels), axes="YX", metadata={**image.metadata, **beside})


def _new_units(fits: Any, image: Decoded, key: str | None) -> Any:
    axes = image.axes or ""
    order = sorted(range(len(axes)), key=lambda i: ("YX".find(axes[i]), i))
    unit = fits.PrimaryHDU(np.ascontiguousarray(image.pixels.transpose(order)))
    unit.header[AXES] = ("".join(axes[i] for i in order), "meaning of the axes, the last runs fastest")
    if key is not None:
        unit.header["EXTNAME"] = key
    unit.header.add_history(HISTORY)
    units, deviation = fits.HDUList([unit]), image.metadata.get(DEVIATION)
    if deviation is not None:
        _put_deviation(fits, units, unit, deviation.transpose(order))
    return units


def _beside(units: Any, unit: Any, name: str) -> int | None:
    """Number of the unit of a name that belongs to an image: that of its version, where there are several."""
    found = [
        number for number, other in enumerate(units) if other.is_image and other.name == name and other is not unit
    ]
    same = [number for number in found if units[number].ver == unit.ver]
    images = [other for other in units if other.is_image and other.name == unit.name]
    if same and (len(images) > 1 or len(found) > 1):
        return same[0]
    return found[0] if len(found) == 1 else None


def _mask_of(units: Any, unit: Any, pixels: np.ndarray, blank: float | None) -> np.ndarray | None:
    """Pixels of a unit that are no measurements; one mask of a plane holds for all planes of a cube.

    Blank pixels of unsigned integers are among them: astropy has no NaN to give for them.
    """
    masked = np.zeros(pixels.shape, bool)
    number = _beside(units, unit, _MASK)
    mask = None if number is None else units[number].data
    if mask is not None and mask.shape == pixels.shape[-mask.ndim :]:
        masked |= np.asarray(mask) != 0
    if blank is not None and pixels.dtype.kind in "iu":
        masked |= pixels == blank
    return masked if masked.any() else None


def _under_mask(units: Any, unit: Any, pixels: np.ndarray, blank: float | None) -> np.ndarray:
    """New pixels, and under a mask those that were there."""
    before = np.asarray(unit.data)
    masked = None if before.shape != pixels.shape else _mask_of(units, unit, before, blank)
    return pixels if masked is None else np.where(masked, before, pixels).astype(pixels.dtype)


def _put_deviation(fits: Any, units: Any, unit: Any, deviation: np.ndarray) -> None:
    """Store a standard deviation where ``CCDData`` looks for it; that of the noisy image goes."""
    header = fits.Header()
    header["UTYPE"] = ("StdDevUncertainty", "standard deviation of the denoised pixels")
    if "BUNIT" in unit.header:
        header["BUNIT"] = unit.header["BUNIT"]
    header.add_history(HISTORY)
    several = unit.ver if unit.ver > 1 else None
    made = fits.ImageHDU(np.ascontiguousarray(deviation, np.float32), header, name=_UNCERTAINTY, ver=several)
    old = _beside(units, unit, _UNCERTAINTY)
    if old is not None:
        units[old] = made
    else:
        units.insert(units.index(unit) + 1, made)


def _replace(units: Any, unit: Any, pixels: np.ndarray) -> None:
    """Put new pixels into a unit, stored as the old ones were; those under a mask stay."""
    header = unit.header  # before the old pixels are read, which takes the scaling away
    bits, scale, zero = header["BITPIX"], header.get("BSCALE", 1), header.get("BZERO", 0)
    blank = _blank(header)
    pixels = _under_mask(units, unit, pixels, _blank_value(header))
    unit.data = pixels
    if bits > 0 and pixels.dtype.kind == "f" and ((scale, zero) != (1, 0) or blank is not None):
        stored = "uint8" if bits == _BYTE else f"int{bits}"
        numbers = _stored_numbers(pixels, np.iinfo(stored), scale, zero, blank)
        if numbers is not None:
            unit.data = numbers * scale + zero
            unit.scale(stored, bscale=scale, bzero=zero)
            if blank is not None:
                unit.header["BLANK"] = blank
    for word, extreme in (("DATAMIN", np.nanmin), ("DATAMAX", np.nanmax)):
        if word in unit.header:
            unit.header[word] = float(extreme(pixels))
    unit.header.add_history(HISTORY)


def _blank(header: Mapping[str, Any]) -> int | None:
    """The stored integer that stands for a missing pixel."""
    found = header.get("BLANK", header.get("ZBLANK"))
    return found if isinstance(found, int) else None


def _blank_value(header: Mapping[str, Any]) -> float | None:
    """The value that a missing pixel has in the units of the image."""
    blank = _blank(header)
    return None if blank is None else blank * float(header.get("BSCALE", 1)) + float(header.get("BZERO", 0))


def _stored_numbers(pixels: np.ndarray, limits: Any, scale: float, zero: float, blank: int | None) -> np.ndarray | None:
    """Integers, as float64, for pixels in the units of the image; None where a missing one has no integer."""
    missing = ~np.isfinite(pixels)
    if missing.any() and blank is None:
        return None
    numbers = np.clip(np.rint((pixels.astype(np.float64) - zero) / scale), limits.min, limits.max)
    if blank is not None:
        beside = blank + 1 if blank < limits.max else blank - 1
        numbers = np.where(missing, blank, np.where(numbers == blank, beside, numbers))
    return numbers


def _lossless(fits: Any, unit: Any) -> Any:
    """A packed unit of floats without the rounding that others may have."""
    return fits.CompImageHDU(unit.data, unit.header, unit.name, compression_type="GZIP_2", quantize_level=0.0)


def _chosen(units: Any, key: str | None, path: Path) -> int:
    """Number of the wanted unit; an EXTNAME is as good as a number."""
    if any(type(unit).__name__ == "GroupsHDU" for unit in units):
        raise DataError(str(path), "holds random groups (interferometry), not images", "make images of them first")
    found = [number for number, unit in enumerate(units) if unit.is_image and getattr(unit, "shape", ())]
    images = [number for number in found if len(units[number].shape) > 1 and 0 not in units[number].shape]
    names = [units[number].name for number in images]
    named = {
        name if name and names.count(name) == 1 else str(number): number
        for name, number in zip(names, images, strict=True)
    }
    wanted = key if key is None or key in named else key.upper()
    if wanted is not None and wanted.isdigit() and int(wanted) in images:
        return int(wanted)
    # What belongs to an image is no choice, unless it is asked for by name.
    pictures = {name: number for name, number in named.items() if units[number].name not in (_MASK, _UNCERTAINTY)}
    offered = named if wanted in named or not pictures else pictures
    listed = {name: Listed(tuple(units[number].shape), _type(units[number])) for name, number in offered.items()}
    return named[choose_key(listed, wanted, str(path))]


def _type(unit: Any) -> np.dtype[Any]:
    bits = int(unit.header["BITPIX"])
    return np.dtype("u1" if bits == _BYTE else f"{'f' if bits < 0 else 'i'}{abs(bits) // _BYTE}")


def _pattern(header: Mapping[str, Any], shape: tuple[int, ...]) -> str | None:
    """Colours of the 2 x 2 cell at the first pixel of the array; None for what is no mosaic.

    Programs leave the keyword in files whose colours they have filled in, which have a third axis.
    """
    named = str(header.get(_BAYER, "")).strip().upper()
    if named not in PATTERNS or len(shape) != len("YX") or min(shape) < len("YX"):
        return None
    try:
        left, top = (int(float(header.get(word, 0) or 0)) % 2 for word in (_BAYER_LEFT, _BAYER_TOP))
    except (TypeError, ValueError):
        return None
    return "".join(named[2 * ((row + top) % 2) + (column + left) % 2] for row in (0, 1) for column in (0, 1))


def _axes(header: Mapping[str, Any], shape: tuple[int, ...]) -> str | None:
    """Axes of the array, which are those of FITS in the opposite order; None where a meaning is not told."""
    ours = str(header.get(AXES, ""))
    if len(ours) == len(shape):
        return ours
    letters = ["Y", "X"]
    for axis in range(3, len(shape) + 1):
        size = shape[-axis]
        kind = str(header.get(f"CTYPE{axis}", "")).strip().upper()
        letter = next((letter for start, letter in _KINDS.items() if kind.startswith(start)), None)
        if letter is None and axis == len(shape) == _COLOURS and size == _COLOURS:
            letter = "C"
        if letter is None and size == 1:
            letter = next(free for free in "PQRUVW" if free not in letters)
        if letter is None or letter in letters:
            return None
        letters.insert(0, letter)
    return "".join(letters)
