"""TIFF files: pictures, stacks and hyperstacks, with their axes.

Reading: axes come from ImageJ, OME or tifffile metadata; an unknown stack axis keeps the letter ``Q`` or ``I``. The
samples of a colour pixel are ``C``. Palettes become RGB, except in ImageJ files, where the palette is a display setting
of grey data. How files are laid out when written is decided in `bsn.data.files.formats.tiff_layout`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bsn.data.arrays.axes import KNOWN
from bsn.data.errors import DataError, name_some
from bsn.data.files.formats.alpha import ALPHA, PREMULTIPLIED, Joining, split_alpha, split_boxes
from bsn.data.files.formats.decoded import ArrayBoxes, Decoded, Stored, refuse_key
from bsn.data.files.formats.tiff_chain import check_chain, check_extent
from bsn.data.files.formats.tiff_layout import plan_layout, write_layout
from bsn.data.files.formats.tiff_metadata import read_tags
from bsn.data.files.formats.tiff_segments import series_boxes

_ASSOCIATED, _UNASSOCIATED = 1, 2
_MINISWHITE, _MINISBLACK, _RGB, _PALETTE, _YCBCR = 0, 1, 2, 3, 6
_READ_AS_STORED = (_MINISWHITE, _MINISBLACK, _RGB, _PALETTE)
_JPEG = (6, 7, 33007, 34892)  # compressions whose decoder gives RGB
_OTHER_COLOURS = {
    4: "the form of a transparency mask",
    5: "printing colours (CMYK)",
    _YCBCR: "luminance and chrominance (YCbCr)",
    8: "CIE L*a*b*",
    9: "ICC L*a*b*",
    10: "ITU L*a*b*",
    32803: "raw sensor data (a colour filter array)",
    32844: "logarithmic luminance (LogL)",
    32845: "logarithmic luminance (LogLuv)",
    34892: "linear raw sensor data",
}
_BYTE = 8  # bits
_UNITS = {1: "none", 2: "inch", 3: "centimeter"}
_NO_RESOLUTION = ((1.0, 1.0), "none")  # what writers put where they know nothing
_COUNTS = {"ImageJ", "images", "channels", "slices", "frames", "hyperstack"}
_NAMED = 12
_SPARE = "TZQIRPEHVABDFGJKLMNOUW"


def read(path: Path, key: str | None = None) -> Decoded:
    """Read one image of a TIFF file.

    Parameters
    ----------
    path : Path
        The file.
    key : str, optional
        Number of the image ("0", "1" ...), or its name in OME metadata, where a file holds several.

    Returns
    -------
    Decoded
        The pixels, their axes, and resolution, ImageJ settings, colour profile, orientation.

    Raises
    ------
    DataError
        No TIFF, truncated, several images and no key, compressed in a way that needs imagecodecs, CMYK.
    """
    check_chain(path)
    import tifffile

    with tifffile.TiffFile(path) as tif:
        series = _choose(tif, key, path)
        try:
            pixels = series.asarray()
        except ValueError as error:
            if "imagecodecs" in str(error):
                raise _codec_error(series, path) from error
            raise
        decoded = Decoded(pixels, _axes(series), _metadata(tif, series), _is_guess(tif, series))
        return _in_colour(decoded, series)


def open_boxes(path: Path, key: str | None = None) -> Stored:
    """Open one image of a TIFF file for reading by boxes.

    Uncompressed pixels are read by seeking; else only the strips or tiles that a box touches are decoded. A page
    compressed in a single strip must be decoded whole. So must palettes and unusual page orders:
    those are read into memory.

    Parameters
    ----------
    path, key
        See `read`.

    Returns
    -------
    Stored
        The pixels, their axes and metadata.

    Raises
    ------
    DataError
        See `read`.
    """
    check_chain(path)
    import tifffile

    tif = tifffile.TiffFile(path)
    try:
        series = _choose(tif, key, path)
        metadata = _metadata(tif, series)  # before the pixels, whose reader may close the file
        boxes = None if _needs_colour_work(tif, series) else series_boxes(tif, series, path)
        if boxes is not None:
            dtype = series.dtype.newbyteorder("=")
            stored = Stored(boxes, series.shape, dtype, _axes(series), metadata, _is_guess(tif, series))
            return stored if (axis := _alpha_axis(series)) is None else _without_alpha(stored, axis)
    except BaseException:
        tif.close()
        raise
    tif.close()
    whole = read(path, key)
    return Stored(
        ArrayBoxes(whole.pixels), whole.pixels.shape, whole.pixels.dtype, whole.axes, whole.metadata, whole.guessed
    )


def write(path: Path, image: Decoded, key: str | None, target: Path) -> None:
    """Write a TIFF file; compressed and tiled like the one that the image comes from.

    Parameters
    ----------
    path : Path
        Where to write.
    image : Decoded
        Any axes; see `bsn.data.files.formats.tiff_layout` for the order in which they are stored.
    key : None
        Written files hold one image.
    target : Path
        The name for messages.

    Raises
    ------
    DataError
        A key was given.
    """
    refuse_key(key, str(target))
    pixels, axes = image.pixels, image.axes or ""
    joining = Joining.of(axes, pixels.shape, pixels.dtype, image.metadata)
    if joining is not None:
        (_, pixels), axes = joining.join(pixels, [0] * pixels.ndim), joining.axes
    layout = plan_layout(axes, pixels.shape, pixels.dtype, image.metadata, alpha=joining is not None)
    write_layout(path, layout, np.ascontiguousarray(pixels.transpose(layout.order)))


def _choose(tif: Any, key: str | None, path: Path) -> Any:
    full = _full(tif)
    names = [_describe(number, series) for number, series in enumerate(full)]
    if not full:
        raise DataError(str(path), "holds no image", "check what was saved in it")
    if key is None and len(full) > 1:
        raise DataError(str(path), f"holds {len(full)} images", f"choose one with --key: {name_some(names, _NAMED)}")
    series = full[0] if key is None else _series_of(full, key)
    if series is None:
        raise DataError(f"key {key!r} for {path}", "the file has no such image", f"use {name_some(names, _NAMED)}")
    check_extent(series, path)
    _refuse_colours(series.keyframe, path)
    _refuse_bits(series.keyframe, path)
    return series


def _full(tif: Any) -> list[Any]:
    """Give the images of a file without its thumbnails."""
    return [s for s in tif.series if not s.keyframe.is_reduced] or list(tif.series)


def _refuse_colours(page: Any, path: Path) -> None:
    """Refuse colour spaces that would come back as something else under their old name."""
    photometric = int(page.photometric)
    decoded_to_rgb = photometric == _YCBCR and int(page.compression) in _JPEG
    if photometric in _READ_AS_STORED or decoded_to_rgb:
        return
    name = _OTHER_COLOURS.get(photometric, f"an unknown colour space (photometric interpretation {photometric})")
    raise DataError(str(path), f"is in {name}", "convert it to RGB or grey")


def _refuse_bits(page: Any, path: Path) -> None:
    """Refuse grey values of fewer bits than their type, where black or white would become another value."""
    bits, photometric = int(page.bitspersample), int(page.photometric)
    if photometric == _PALETTE or bits in (1, 8, 16, 32, 64):
        return
    if bits < _BYTE or photometric == _MINISWHITE:
        raise DataError(str(path), f"has grey values of {bits} bits", "convert it to 8 or 16 bits")


def _describe(number: int, series: Any) -> str:
    name = f" {series.name!r}" if series.kind == "ome" and series.name else ""
    return f"{number}{name} ({series.axes} {' x '.join(map(str, series.shape))})"


def _series_of(full: Sequence[Any], key: str) -> Any:
    """Find a series by its number, or by the name that OME gives it, if no other has that name."""
    if key.isascii() and key.isdecimal():
        return full[int(key)] if int(key) < len(full) else None
    named = [series for series in full if series.kind == "ome" and series.name == key]
    return named[0] if len(named) == 1 else None


def _codec_error(series: Any, path: Path) -> DataError:
    return DataError(
        f"{path} (compression {series.keyframe.compression.name})",
        "it needs the package imagecodecs",
        'install it with pip install "blindspot-denoising[io]"',
    )


def _axes(series: Any) -> str | None:
    """Letters of a series: interleaved samples are channels, repeated unknown axes get letters of their own."""
    letters = series.axes.upper()
    if "Y" not in letters or "X" not in letters:
        return None
    if "C" not in letters:
        letters = letters.replace("S", "C")
    unique = ""
    for letter in letters:
        spare = (s for s in _SPARE if s not in letters and s not in unique)
        unique += letter if letter not in unique else next(spare)
    return unique


def _is_guess(tif: Any, series: Any) -> bool:
    """Tell whether nobody said what a stack axis is, so that it may also be the rows of an image."""
    if set(series.axes.upper()) <= KNOWN:
        return False
    stated = any("axes" in shaped for shaped in tif.shaped_metadata or ()) if tif.is_shaped else False
    return not (stated or tif.is_imagej or tif.is_ome)


def _metadata(tif: Any, series: Any) -> dict[str, Any]:
    page, images = series.keyframe, _full(tif)
    number = [image.keyframe.offset for image in images].index(page.offset)
    metadata: dict[str, Any] = read_tags(tif, series, number, len(images))
    if "XResolution" in page.tags and "YResolution" in page.tags and all(page.resolution):
        resolution, unit = tuple(float(r) for r in page.resolution), _UNITS.get(int(page.resolutionunit), "none")
        if (resolution, unit) != _NO_RESOLUTION:
            metadata["resolution"], metadata["resolution_unit"] = resolution, unit
    if "InterColorProfile" in page.tags:
        metadata["icc_profile"] = bytes(page.tags["InterColorProfile"].value)
    if "Orientation" in page.tags and int(page.tags["Orientation"].value) != 1:
        metadata["orientation"] = int(page.tags["Orientation"].value)
    if _alpha_axis(series) is not None and int(page.extrasamples[-1]) == _ASSOCIATED:
        metadata[PREMULTIPLIED] = True
    photometric = {_RGB: "rgb", _MINISWHITE: "miniswhite"}.get(int(page.photometric))
    if photometric:
        metadata["photometric"] = photometric
    if tif.is_imagej and tif.imagej_metadata:
        metadata["imagej"] = {k: v for k, v in tif.imagej_metadata.items() if k not in _COUNTS}
    return metadata


def _is_palette(tif: Any, page: Any) -> bool:
    return int(page.photometric) == _PALETTE and page.colormap is not None and not tif.is_imagej


def _alpha_axis(series: Any) -> int | None:
    """Find the axis of samples of an image whose last sample is its opacity."""
    extra, axes = series.keyframe.extrasamples, series.axes.upper()
    if not extra or int(extra[-1]) not in (_ASSOCIATED, _UNASSOCIATED) or "S" not in axes:
        return None
    axis = axes.index("S")
    return axis if series.shape[axis] > 1 else None


def _shorter(axes: str | None, axis: int, colours: int) -> str | None:
    """Take the axis of samples away where one colour is left."""
    return axes if axes is None or colours > 1 else axes[:axis] + axes[axis + 1 :]


def _without_alpha(stored: Stored, axis: int) -> Stored:
    boxes, alpha = split_boxes(stored.boxes, stored.shape, stored.dtype, axis)
    colours = stored.shape[axis] - 1
    shape = (*stored.shape[:axis], *((colours,) if colours > 1 else ()), *stored.shape[axis + 1 :])
    metadata = {**stored.metadata, ALPHA: alpha}
    return stored._replace(boxes=boxes, shape=shape, axes=_shorter(stored.axes, axis, colours), metadata=metadata)


def _needs_colour_work(tif: Any, series: Any) -> bool:
    return _is_palette(tif, series.keyframe)


def _in_colour(image: Decoded, series: Any) -> Decoded:
    axis = _alpha_axis(series)
    if axis is not None:
        axes = _shorter(image.axes, axis, image.pixels.shape[axis] - 1)
        colours, alpha = split_alpha(image.pixels, axis)
        image = image._replace(pixels=colours, axes=axes, metadata={**image.metadata, ALPHA: alpha})
    return _expanded(image, series.keyframe) if _is_palette(series.parent, series.keyframe) else image


def _expanded(image: Decoded, page: Any) -> Decoded:
    """Give the colours that the numbers of a palette stand for."""
    colours = page.colormap.astype(np.uint16)[:, image.pixels]
    # A palette has 16 bits, but one that was made from 8 repeats them (257 = 0x0101) or leaves the low ones empty.
    narrow = bool(np.all((page.colormap % 257 == 0) | (page.colormap % 256 == 0)))
    pixels = np.moveaxis((colours >> 8).astype(np.uint8) if narrow else colours, 0, -1)
    axes = None if image.axes is None else image.axes + "C"
    return image._replace(pixels=pixels, axes=axes, metadata={**image.metadata, "photometric": "rgb", "palette": True})
