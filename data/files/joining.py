"""A stack of files that each hold one frame."""

from collections.abc import Sequence
from pathlib import Path

from bsn.data.errors import DataError
from bsn.data.files.listing import list_images
from bsn.data.files.options import ReadOptions
from bsn.data.files.regions import ImageReader, open_image
from bsn.data.files.writers import open_writer

__all__ = ["join_frames"]


def join_frames(
    frames: str | Path | Sequence[str | Path],
    target: str | Path,
    *,
    axis: str = "T",
    options: ReadOptions | None = None,
    overwrite: bool = False,
) -> int:
    """Write files that each hold one frame as one stack, frame by frame, in bounded memory.

    Parameters
    ----------
    frames : str, Path or sequence of them
        Files, folders and patterns, see `bsn.data.list_images`; folders and patterns in natural order, 2 before 10.
    target : str or Path
        The stack: a TIFF, HDF5, ``.npy`` or MATLAB file, a Zarr store, or a lossless video (``.mkv``).
    axis : {"T", "Z"}
        What follows each other: moments or slices.
    options : ReadOptions, optional
        How each file is read.
    overwrite : bool
        Replace a target that exists.

    Returns
    -------
    int
        Number of frames.

    Raises
    ------
    DataError
        One frame only, files of several planes, frames of different sizes, channels or types, files that cannot be read or
        written. Nothing is left behind.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> folder = Path(tempfile.mkdtemp())
    >>> for number in (10, 2):
    ...     np.save(folder / f"{number}.npy", np.full((16, 16), number, np.uint8))
    >>> join_frames(folder, folder / "stack.tif")
    2
    >>> with open_image(folder / "stack.tif") as stack:
    ...     stack.axes, [int(stack.read_plane(t).mean()) for t in range(2)]
    ('TYX', [2, 10])
    """
    if axis.upper() not in ("T", "Z"):
        raise DataError(f"axis {axis!r}", "frames follow each other in time or in depth", "use T or Z")
    paths = list_images(frames)
    if len(paths) < 2:
        raise DataError(
            str(paths[0]), "is a single frame, and a stack has two or more", "name all frames, or their folder"
        )
    with open_image(paths[0], options) as first:
        shape, axes, kind = first.shape, first.axes, _kind(first)
        metadata = {key: value for key, value in first.metadata.items() if key in _SHARED}
        dtype = first.dtype
    # All are looked at before the first is copied.
    for path in paths:
        with open_image(path, options) as frame:
            _check(frame, paths[0], kind)
    whole, letters = (len(paths), *shape), axis.upper() + axes
    with open_writer(target, whole, letters, dtype, metadata, overwrite=overwrite) as stack:
        for number, path in enumerate(paths):
            with open_image(path, options) as frame:
                stack.write(number, 0, 0, frame.read_plane(0))
    return len(paths)


_SHARED = ("resolution", "resolution_unit", "icc_profile", "photometric")
"""What the first frame tells of all."""

_Kind = tuple[tuple[int, int], int, str]


def _kind(frame: ImageReader) -> _Kind:
    return frame.size, frame.channels, str(frame.dtype)


def _check(frame: ImageReader, first: Path, kind: _Kind) -> None:
    if frame.planes != 1:
        raise DataError(
            str(frame.path), f"holds {frame.planes} planes, not one frame", "leave it out; it is a stack of its own"
        )
    if _kind(frame) == kind:
        return
    (height, width), channels, dtype = _kind(frame)
    (rows, columns), known, usual = kind
    raise DataError(
        f"{frame.path.name} ({height} x {width}, {channels} channels, {dtype}) among frames like {first.name} "
        f"({rows} x {columns}, {known} channels, {usual})",
        "frames of a stack have one size, one number of channels and one type",
        "leave it out, or bring it to theirs",
    )
