"""The images of a file and their results, side by side: one image of most files, every image of a packed one."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bsn.data.arrays.axes import PlaneIndex
from bsn.data.arrays.pixel_types import check_dtype
from bsn.data.errors import DataError, reading, writing
from bsn.data.files.atomic import atomic_output
from bsn.data.files.formats.decoded import DEVIATION
from bsn.data.files.formats.developing import is_developed
from bsn.data.files.formats.hdf5_boxes import DatasetOutput, replaced_dataset
from bsn.data.files.formats.hdf5_output import HDF5Output
from bsn.data.files.formats.mosaic import without_mosaic
from bsn.data.files.formats.packed import AXES, is_packed, options_of_packed, packed_keys
from bsn.data.files.options import ReadOptions
from bsn.data.files.regions import ImageReader, open_image
from bsn.data.files.writers import ImageWriter, InMemory, InPlace, open_writer


class Target(NamedTuple):
    """A file of results.

    Attributes
    ----------
    path : Path
        Where to write; the standard deviation may have that of the result, if the format holds both.
    dtype : numpy.dtype or what numpy takes for one, or None
        Type of its pixels; None for that of the image.
    """

    path: Path
    dtype: Any = None


@contextmanager
def open_results(
    source: str | Path,
    targets: Sequence[Target],
    options: ReadOptions | None = None,
    *,
    overwrite: bool = False,
    opened: ImageReader | None = None,
) -> Iterator[Iterator[tuple[ImageReader, list[ImageWriter]]]]:
    """Open a file and the files of its results.

    Parameters
    ----------
    source : str or Path
        An image file, or a packed file, of which each image gets a result unless the options have a key.
    targets : sequence of Target
        Files with the axes, size and metadata of the source; `ImageWriter.lost` says what cannot be kept.
        The result of a packed file is a packed file.
    options : ReadOptions, optional
        How the source is read.
    overwrite : bool
        Replace files that exist.
    opened : ImageReader, optional
        The source, if it was opened before with these options. It is closed with the results.

    Yields
    ------
    iterator of (ImageReader, list of ImageWriter)
        Each image, with a writer for each target. The targets appear when the block ends, and none of them if an exception
        ends it.

    Raises
    ------
    DataError
        See `open_image` and `open_writer`.
    """
    source, chosen = Path(source), options or ReadOptions()
    with ExitStack() as stack:
        if chosen.key is None and is_packed(source):
            outputs = [stack.enter_context(_packed_output(source, target, overwrite)) for target in targets]
            yield _packed_images(source, outputs, targets, chosen)
        else:
            reader = stack.enter_context(open_image(source, chosen) if opened is None else opened)
            yield iter([(reader, _writers(stack, reader, targets, overwrite))])


def _writers(stack: ExitStack, reader: ImageReader, targets: Sequence[Target], overwrite: bool) -> list[ImageWriter]:
    """A writer for each target. A second one of the same file takes the standard deviation, which the file holds, too."""
    within = deviation_within(reader, targets)
    writers: list[ImageWriter] = []
    for target in targets:
        if writers and target.path == targets[0].path and within is not None:
            writers.append(ImageWriter(target.path, reader.index, within.dtype, InMemory(within)))
            continue
        dtype = reader.dtype if target.dtype is None else target.dtype
        described = (target.path, reader.shape, reader.axes, dtype, metadata_for(reader, target, within))
        writers.append(stack.enter_context(open_writer(*described, overwrite=overwrite, warn=False)))
    return writers


def deviation_within(reader: ImageReader, targets: Sequence[Target]) -> np.ndarray | None:
    """Make room for a standard deviation that goes into the file of the result.

    Parameters
    ----------
    reader : ImageReader
        The source, whose shape it has.
    targets : sequence of Target
        The files of its results.

    Returns
    -------
    ndarray or None
        float32; None where each target is a file of its own.
    """
    if len({target.path for target in targets}) == len(targets):
        return None
    return np.full(reader.shape, np.nan, np.float32)


def metadata_for(reader: ImageReader, target: Target, deviation: np.ndarray | None) -> Mapping[str, Any]:
    """Choose the metadata of a result.

    Parameters
    ----------
    reader : ImageReader
        The source.
    target : Target
        The result. Where its type was asked for, the planes of a mosaic stay planes and make no picture.
    deviation : ndarray or None
        See `deviation_within`.

    Returns
    -------
    mapping
        Those of the source as far as they are true of the result.
    """
    stays = target.dtype is not None and is_developed(reader.metadata, reader.dtype, target.path)
    metadata = without_mosaic(reader.metadata) if stays else reader.metadata
    return metadata if deviation is None else {**metadata, DEVIATION: deviation}


@contextmanager
def _packed_output(source: Path, target: Target, overwrite: bool) -> Iterator[HDF5Output]:
    if target.path.suffix.lower() not in (".h5", ".hdf5"):
        raise DataError(
            f"the result {target.path} of the packed file {source.name}", "is a packed file too", "end its name in .h5"
        )
    with atomic_output(target.path, overwrite=overwrite) as temporary:
        with writing(target.path):
            output = HDF5Output(temporary, copy_of=source)
        try:
            if target.dtype is not None:
                output.file.attrs["dtype"] = check_dtype(target.dtype, "a result").name
            yield output
            with writing(target.path):
                output.close()
        finally:
            with suppress(OSError, RuntimeError):
                output.close()


def _packed_images(
    source: Path, outputs: list[HDF5Output], targets: Sequence[Target], options: ReadOptions
) -> Iterator[tuple[ImageReader, list[ImageWriter]]]:
    import h5py

    with reading(source), h5py.File(source, "r") as file:
        options = options_of_packed(file, options)
    for key in packed_keys(source):
        with open_image(source, options, key=key, axes=AXES) as reader:
            writers = [
                _packed_writer(output, target, key, reader) for output, target in zip(outputs, targets, strict=True)
            ]
            yield reader, writers
            for writer in writers:
                writer.check_complete()


def _packed_writer(output: HDF5Output, target: Target, key: str, reader: ImageReader) -> ImageWriter:
    dtype: np.dtype[Any] = reader.dtype if target.dtype is None else np.dtype(target.dtype)
    with writing(target.path):
        dataset = replaced_dataset(output.file, output.file[key], reader.shape, dtype)
    sink = InPlace(DatasetOutput(output, dataset), range(len(reader.shape)))
    return ImageWriter(target.path, PlaneIndex(reader.axes, reader.shape), dtype, sink)
