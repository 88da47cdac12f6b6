"""Many files one after the other: while one is denoised, the next is decoded and the last is encoded.

PNG, JPEG and the like are decoded and encoded as a whole, which takes longer than a small network takes on a GPU. Both happen
in threads of their own, one file at a time each, so that one decoded image and one finished result are in memory beside the
file that is being denoised. Files that are read piece by piece are opened when their turn comes. Results, messages and their
order are those of one file after the other.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bsn.data import ImageReader, ReadOptions
from bsn.data.files.formats import find_format
from bsn.data.files.regions import open_image
from bsn.data.files.results import Target, open_results
from bsn.data.files.writers import ImageWriter
from bsn.engine.side_effects import threads_set
from bsn.inference.explanation import Explanation
from bsn.inference.fitness import Remark
from bsn.inference.of_files import DenoisesPlanes, bands_of_file, remarks_on_file
from bsn.inference.results import FileReport
from bsn.inference.targets import uncertainty_path

__all__ = ["Wanted", "denoise_line", "fill_results"]


class Wanted(NamedTuple):
    """What is written of each file.

    Parameters
    ----------
    deviation : bool
        Also the standard deviation of the posterior, to the file of :func:`bsn.inference.targets.uncertainty_path`.
    output_dtype : str, optional
        Type of the result's pixels; that of the file if left out.
    overwrite : bool
        Replace files that exist.
    """

    deviation: bool = False
    output_dtype: str | None = None
    overwrite: bool = False

    def targets(self, path: str | Path) -> list[Target]:
        """Files of a result.

        Parameters
        ----------
        path : str or Path
            File of the denoised image.

        Returns
        -------
        list of Target
        """
        result = [Target(Path(path), self.output_dtype)]
        return [*result, Target(uncertainty_path(path), np.float32)] if self.deviation else result


def fill_results(
    denoiser: DenoisesPlanes,
    images: Iterator[tuple[ImageReader, list[ImageWriter]]],
    *,
    deviation: bool,
    say: Callable[[Remark], None],
) -> None:
    """Denoise the images of an opened file into its results.

    Parameters
    ----------
    denoiser : DenoisesPlanes
        It denoises them.
    images : iterator of (ImageReader, list of ImageWriter)
        See :func:`bsn.data.files.results.open_results`.
    deviation : bool
        Also the standard deviation.
    say : callable
        Gets what the user should know of the file.
    """
    for reader, writers in images:
        for found in remarks_on_file(denoiser, reader, writers[0].dtype):
            say(found)
        for band in bands_of_file(denoiser, reader, writers[0].dtype, deviation=deviation):
            for writer, pixels in zip(writers, band.pixels(reader, writers[0].dtype), strict=False):
                writer.write(band.plane, band.rows.start, 0, pixels)
        if writers[0].lost:
            say(Remark(writers[0].lost, writers[0].lost))


class _Finished(NamedTuple):
    """A file whose result is being written, or that has failed."""

    source: Path
    written: Future[None] | None
    message: str
    explanations: list[Explanation]


def denoise_line(
    denoiser: DenoisesPlanes,
    sources: Sequence[Path],
    target: Callable[[Path], Path],
    options: ReadOptions,
    wanted: Wanted,
    progress: Callable[[Path], None] = lambda _: None,
) -> FileReport:
    """Denoise many files; bad ones are reported and do not stop the others.

    Parameters
    ----------
    denoiser : DenoisesPlanes
        It denoises them.
    sources : sequence of Path
        Noisy files.
    target : callable
        Output path of an input path.
    options : ReadOptions
        How they are read.
    wanted : Wanted
        What is written.
    progress : callable
        Called after each file, in order.

    Returns
    -------
    FileReport
    """
    report = FileReport()
    last: _Finished | None = None

    def settle(finished: _Finished | None) -> None:
        if finished is not None:
            _settle(report, finished, target)
            progress(finished.source)

    with ThreadPoolExecutor(1, "decode") as decoding, ThreadPoolExecutor(1, "encode") as encoding:
        ahead: Future[ImageReader | None] | None = None
        for number, source in enumerate(sources):
            opened = ahead.result() if ahead is not None else None
            following = sources[number + 1 : number + 2]
            ahead = decoding.submit(_decoded, following[0], options) if following else None
            say = functools.partial(report.note, source)
            try:
                ready = _denoised(denoiser, source, target(source), options, wanted, opened, say)
                now = _Finished(source, encoding.submit(ready.close), "", list(denoiser.explanations))
            except ValueError as error:  # DataError is one
                now = _Finished(source, None, str(error), [])
            settle(last)
            last = now
        settle(last)
    return report


def _settle(report: FileReport, finished: _Finished, target: Callable[[Path], Path]) -> None:
    """Wait until a file is written, and note what became of it."""
    source, written, message, explanations = finished
    if written is None:
        report.failed[source] = message
        return
    try:
        written.result()
    except ValueError as error:
        report.failed[source] = str(error)
    else:
        report.done[source] = target(source)
        report.explanations[source] = explanations


def _decoded(path: Path, options: ReadOptions) -> ImageReader | None:
    """Reader of a file that can only be decoded whole; None for others, and for files that cannot be read."""
    try:
        return open_image(path, options) if find_format(path).open_boxes is None else None
    except (ValueError, OSError):
        return None  # it is opened again when its turn comes, and then says why it cannot be


def _denoised(
    denoiser: DenoisesPlanes,
    source: Path,
    target: Path,
    options: ReadOptions,
    wanted: Wanted,
    opened: ImageReader | None,
    say: Callable[[Remark], None],
) -> ExitStack:
    """Denoise a file; closing what is returned encodes the results and puts them in place."""
    with ExitStack() as stack:
        images = open_results(source, wanted.targets(target), options, overwrite=wanted.overwrite, opened=opened)
        with threads_set(denoiser.config.threads):
            fill_results(denoiser, stack.enter_context(images), deviation=wanted.deviation, say=say)
        return stack.pop_all()
