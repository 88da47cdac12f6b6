"""Image files without their streaks: the same axes, type and metadata, and outside the streaks the same bits."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bsn.data import DataError, ImageReader, ImageWriter, ReadOptions, fill_missing, from_unit, open_image, open_writer
from restoration.streaks.direction import StreakDirection
from restoration.streaks.removal import remove_streaks
from restoration.streaks.settings import STREAKS, StreakSettings

__all__ = ["FileStreaks", "dry_file"]


@dataclass(frozen=True)
class FileStreaks:
    """What was found in a file.

    Parameters
    ----------
    directions : tuple of StreakDirection
        One for each plane, in their order.
    shares : tuple of float
        Share of the pixels of each plane that were replaced, 0 to 1.
    """

    directions: tuple[StreakDirection, ...]
    shares: tuple[float, ...]

    def line(self) -> str:
        """Half a sentence on what was found and replaced."""
        share = float(np.mean(self.shares))
        if not share:
            return "no streaks found, unchanged"
        angles = [d.angle for d, s in zip(self.directions, self.shares, strict=True) if s]
        low, high = round(min(angles)), round(max(angles))
        where = f"{low:+d}" if low == high else f"{low:+d} to {high:+d}"
        return f"streaks at {where} degrees from the vertical, {share:.1%} of the pixels replaced"


def dry_file(
    source: Path,
    target: Path,
    options: ReadOptions | None = None,
    *,
    angle: float | None = None,
    settings: StreakSettings = STREAKS,
    overwrite: bool = False,
) -> FileStreaks:
    """Write a file without its streaks, each plane by itself.

    Parameters
    ----------
    source : Path
        A file of images.
    target : Path
        The result. JPEG changes all pixels a little; other formats keep the bits of those that are not replaced.
    options : ReadOptions, optional
        How the source is read. Missing pixels that are kept stay missing.
    angle : float, optional
        See :func:`restoration.streaks.remove_streaks`.
    settings : StreakSettings
        Constants of the search.
    overwrite : bool
        Replace the target if it exists.

    Returns
    -------
    FileStreaks

    Raises
    ------
    DataError
        For files that cannot be read or written, and for mosaics of sensors.
    """
    with open_image(source, options) as reader:
        if reader.metadata.get("mosaic") is not None:
            raise DataError(
                f"{source}, a mosaic of a sensor",
                "has its colours side by side, not in channels",
                "develop it to a picture first",
            )
        described = (target, reader.shape, reader.axes, reader.dtype, reader.metadata)
        with open_writer(*described, overwrite=overwrite, warn=False) as writer:
            found = [_dry_plane(reader, writer, plane, angle, settings) for plane in range(reader.planes)]
    return FileStreaks(tuple(direction for direction, _ in found), tuple(share for _, share in found))


def _dry_plane(
    reader: ImageReader, writer: ImageWriter, plane: int, angle: float | None, settings: StreakSettings
) -> tuple[StreakDirection, float]:
    """Write a plane in the type of the file; the direction of its streaks and the share of its pixels that changed."""
    stored, unit = reader.read_plane(plane), reader.read_unit(plane, 0, 0, *reader.size)
    filled, missing = fill_missing(unit)
    dry = remove_streaks(filled, angle, settings)
    replaced = from_unit(dry.planes, reader.dtype, reader.options.value_range)
    writer.write(plane, 0, 0, np.where(dry.mask & ~missing, replaced, stored))
    return dry.direction, float(dry.mask.mean())
