"""One result that several processes write together: each fills its part, and the one that began puts it in place.

A Zarr store is written as it is to be: no two processes write into one chunk. For the other formats the parts go into one
uncompressed file beside the result, which is encoded at the end. All processes see the folder of the result under one path.
"""

import secrets
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bsn.data.arrays.axes import PlaneIndex
from bsn.data.errors import writing
from bsn.data.files.atomic import atomic_output
from bsn.data.files.boxes import FileBoxes
from bsn.data.files.formats import find_format, zarr_store
from bsn.data.files.formats.losses import Outline, tell_lost
from bsn.data.files.regions import ImageReader
from bsn.data.files.results import Target, deviation_within, metadata_for
from bsn.data.files.stores import STORE_SUFFIXES
from bsn.data.files.white import must_invert, without_mark
from bsn.data.files.writers import ImageWriter, InPlace, open_writer

_ROWS = 256  # that are encoded at once


@dataclass(frozen=True)
class SharedOutput:
    """A result that is being written; it travels to other processes.

    Parameters
    ----------
    target : Path
        The name that it gets in the end.
    scratch : Path
        Where the parts are written.
    index : PlaneIndex
        Axes and shape.
    dtype : str
        Type of the pixels.
    layout : StoreLayout or None
        How it lies in a Zarr store; None for other formats.
    invert : bool
        Whether values are turned round, for formats in which zero is black.
    lost : str
        See `ImageWriter`.
    traces : tuple of Path
        All that is there of it until it is finished.
    """

    target: Path
    scratch: Path
    index: PlaneIndex
    dtype: str
    layout: zarr_store.StoreLayout | None
    invert: bool
    lost: str
    traces: tuple[Path, ...] = ()

    @property
    def chunks(self) -> tuple[int, ...]:
        """Along each axis of the image, the length of what one process must write alone."""
        if self.layout is None:
            return (1,) * len(self.index.shape)
        level = self.layout.levels[0]
        stored = level.options.get("shards") or level.chunks
        return tuple(stored[self.layout.order.index(axis)] for axis in range(len(self.index.shape)))

    @contextmanager
    def part(self) -> Iterator[ImageWriter]:
        """Open for writing a part.

        Yields
        ------
        ImageWriter
            What was written is in the scratch when the block ends.

        Raises
        ------
        DataError
            A full disk, or a folder that this machine does not see.
        """
        dtype = np.dtype(self.dtype)
        sink: zarr_store.StoreOutput | InPlace
        with writing(self.target):
            if self.layout is not None:
                sink = zarr_store.open_store(self.scratch, self.layout)
            else:
                boxes = FileBoxes(self.scratch.open("r+b"), 0, self.index.shape, dtype, str(self.target))
                sink = InPlace(boxes, range(len(self.index.shape)))
        try:
            yield ImageWriter(self.target, self.index, dtype, sink, self.lost, invert=self.invert)
            with writing(self.target):
                sink.flush()
        finally:
            with suppress(OSError):
                sink.close()


@contextmanager
def open_shared(reader: ImageReader, targets: Sequence[Target], *, overwrite: bool) -> Iterator[list[SharedOutput]]:
    """Begin results that several processes write.

    Parameters
    ----------
    reader : ImageReader
        The source, whose axes, size and metadata they have.
    targets : sequence of Target
        The results.
    overwrite : bool
        Replace files that exist.

    Yields
    ------
    list of SharedOutput
        All parts have to be written when the block ends; then the results appear. If an exception ends it, none does.

    Raises
    ------
    DataError
        See `open_writer`.
    """
    within = deviation_within(reader, targets)
    with ExitStack() as stack:  # what was opened last, such as the deviation, is finished first
        outputs = []
        for number, target in enumerate(targets):
            if number and within is not None and target.path == targets[0].path:
                outputs.append(stack.enter_context(_within(reader, target, within)))
            else:
                outputs.append(stack.enter_context(_one(reader, target, overwrite, within)))
        yield outputs


@contextmanager
def _one(reader: ImageReader, target: Target, overwrite: bool, deviation: np.ndarray | None) -> Iterator[SharedOutput]:
    dtype: np.dtype[Any] = reader.dtype if target.dtype is None else np.dtype(target.dtype)
    if target.path.suffix.lower() in STORE_SUFFIXES:
        with _store(reader, target.path, dtype, overwrite) as shared:
            yield shared
    else:
        with _encoded(reader, target, dtype, overwrite, deviation) as shared:
            yield shared


@contextmanager
def _store(reader: ImageReader, path: Path, dtype: np.dtype[Any], overwrite: bool) -> Iterator[SharedOutput]:
    keeping = find_format(path).keeping
    invert = must_invert(reader.metadata, keeping, dtype, path)
    metadata = without_mark(reader.metadata) if invert else reader.metadata
    layout = zarr_store.plan_layout(reader.shape, reader.axes, metadata)
    lost = tell_lost(keeping, Outline(reader.axes, reader.shape, dtype, metadata))
    with atomic_output(path, overwrite=overwrite) as temporary:
        with writing(path):
            zarr_store.create_store(temporary, layout, dtype)
        yield SharedOutput(path, temporary, reader.index, dtype.name, layout, invert, lost, (temporary,))
        with writing(path):
            zarr_store.open_store(temporary, layout).finish()


@contextmanager
def _encoded(
    reader: ImageReader, target: Target, dtype: np.dtype[Any], overwrite: bool, deviation: np.ndarray | None
) -> Iterator[SharedOutput]:
    path, size = target.path, int(np.prod(reader.shape, dtype=np.int64)) * dtype.itemsize
    described = (path, reader.shape, reader.axes, dtype, metadata_for(reader, target, deviation))
    with open_writer(*described, overwrite=overwrite, warn=False) as writer, _scratch_beside(path, size) as scratch:
        traces = (scratch, writer.temporary)
        yield SharedOutput(path, scratch, reader.index, dtype.name, None, False, writer.lost, traces)
        _encode(scratch, writer)


@contextmanager
def _within(reader: ImageReader, target: Target, deviation: np.ndarray) -> Iterator[SharedOutput]:
    """The standard deviation, which is encoded with the result."""
    with _scratch_beside(target.path, deviation.nbytes) as scratch:
        yield SharedOutput(target.path, scratch, reader.index, deviation.dtype.name, None, False, "", (scratch,))
        deviation[...] = np.fromfile(scratch, deviation.dtype).reshape(deviation.shape)


@contextmanager
def _scratch_beside(path: Path, size: int) -> Iterator[Path]:
    """A file of so many bytes beside a result, for its uncompressed pixels; it is removed at the end."""
    scratch = path.parent / f".{secrets.token_hex(8)}.part"
    try:
        with writing(path), scratch.open("xb") as file:
            file.truncate(size)
        yield scratch
    finally:
        with suppress(OSError):
            scratch.unlink(missing_ok=True)


def _encode(scratch: Path, writer: ImageWriter) -> None:
    index = writer.index
    boxes = FileBoxes(scratch.open("rb"), 0, index.shape, writer.dtype, str(writer.target))
    try:
        for plane in range(index.count):
            for top in range(0, index.size[0], _ROWS):
                starts, sizes = index.box(plane, top, 0, min(_ROWS, index.size[0] - top), index.size[1])
                writer.write(plane, top, 0, np.ascontiguousarray(index.from_box(boxes.read(starts, sizes))))
    finally:
        boxes.close()
