"""One file that several processes denoise: what each of them has to know, and what it does."""

from __future__ import annotations

import copy
import dataclasses
import secrets
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bsn.data import DataError, ReadOptions, is_packed, open_image
from bsn.data.files.results import Target
from bsn.data.files.shared import SharedOutput, open_shared
from bsn.engine.side_effects import threads_set
from bsn.inference.config import InferenceConfig
from bsn.inference.denoiser import Denoiser
from bsn.inference.explanation import Explanation
from bsn.inference.fitness import Remark
from bsn.inference.of_files import bands_of_file, remarks_on_file
from bsn.inference.parts import Part, split_image
from bsn.inference.targets import uncertainty_path
from bsn.models import Model
from bsn.noise import NoiseSpectrum

__all__ = ["FileOrder", "Packed", "SharedFile", "denoise_part", "pack_denoiser", "shared_file", "unpack_denoiser"]


class FileOrder(NamedTuple):
    """A file that is to be denoised.

    Attributes
    ----------
    source, target : Path
        The noisy file, and its result.
    options : ReadOptions
        How the source is read.
    overwrite : bool
        Replace a result that exists.
    deviation : bool
        Also write the standard deviation.
    output_dtype : str or None
        Type of the result's pixels; None for that of the source.
    """

    source: Path
    target: Path
    options: ReadOptions = ReadOptions()
    overwrite: bool = False
    deviation: bool = False
    output_dtype: str | None = None


@dataclass(frozen=True)
class SharedFile:
    """A file and its results, of which any process can denoise a part.

    Parameters
    ----------
    source : Path
        The noisy file, under a path that all processes see.
    options : ReadOptions
        How it is read.
    outputs : sequence of SharedOutput
        The result and, if it was asked for, its deviation.
    parts : sequence of Part
        Together they are the whole image.
    remarks : sequence of Remark
        What the user should know of the file.
    """

    source: Path
    options: ReadOptions
    outputs: Sequence[SharedOutput]
    parts: Sequence[Part]
    remarks: Sequence[Remark]


@contextmanager
def shared_file(denoiser: Denoiser, order: FileOrder, count: int) -> Iterator[SharedFile]:
    """Begin a result that several processes write.

    Parameters
    ----------
    denoiser : Denoiser
        It is to denoise the file.
    order : FileOrder
        What is to be done.
    count : int
        How many parts are wanted.

    Yields
    ------
    SharedFile
        The results appear when the block ends, and none of them if an exception ends it.

    Raises
    ------
    data.DataError
        For files that cannot be read or written, and packed files.
    """
    if order.options.key is None and is_packed(order.source):
        raise DataError(
            str(order.source), "a packed file is not divided among processes", "denoise it by a single process"
        )
    targets = [Target(order.target, order.output_dtype)]
    targets += [Target(uncertainty_path(order.target), np.float32)] if order.deviation else []
    with (
        open_image(order.source, order.options) as reader,
        open_shared(reader, targets, overwrite=order.overwrite) as outputs,
    ):
        remarks = remarks_on_file(denoiser, reader, np.dtype(outputs[0].dtype))
        remarks += [Remark(outputs[0].lost, outputs[0].lost)] if outputs[0].lost else []
        chunks = [max(sizes) for sizes in zip(*(output.chunks for output in outputs), strict=True)]
        cuts = denoiser.pipeline.tiling.cuts(reader.size[0])
        parts = split_image(reader.index, chunks, cuts, count, denoiser.model.inference.context_axis)
        yield SharedFile(order.source, order.options, tuple(outputs), tuple(parts), tuple(remarks))


def denoise_part(denoiser: Denoiser, shared: SharedFile, part: Part) -> list[Explanation]:
    """Denoise a part of a file, the same bits as in the whole.

    Parameters
    ----------
    denoiser : Denoiser
        Made of the same model and options in every process.
    shared : SharedFile
        The file.
    part : Part
        One of its parts. It may be done again, after a process that had begun it was lost.

    Returns
    -------
    list of Explanation
        See :attr:`Denoiser.explanations`.

    Raises
    ------
    data.DataError
        For files that cannot be read or written.
    """
    dtype, deviation = np.dtype(shared.outputs[0].dtype), len(shared.outputs) > 1
    with (
        open_image(shared.source, shared.options) as reader,
        ExitStack() as stack,
        threads_set(denoiser.config.threads),
    ):
        writers = [stack.enter_context(output.part()) for output in shared.outputs]
        for rows in bands_of_file(denoiser, reader, dtype, deviation=deviation, part=part):
            for writer, pixels in zip(writers, rows.pixels(reader, dtype), strict=False):
                writer.write(rows.plane, rows.rows.start, 0, pixels)
    return list(denoiser.explanations)


class Packed(NamedTuple):
    """What a denoiser is made of, to travel to other processes.

    Attributes
    ----------
    token : str
        Tells it from others.
    model : Model
        On the CPU.
    config : InferenceConfig
        Its options.
    typical : NoiseSpectrum or None
        See :meth:`Denoiser.share_noise`.
    """

    token: str
    model: Model
    config: InferenceConfig
    typical: NoiseSpectrum | None


def pack_denoiser(denoiser: Denoiser) -> Packed:
    """Prepare a denoiser for other processes.

    Parameters
    ----------
    denoiser : Denoiser
        Its device is chosen anew in each process where it is "auto".

    Returns
    -------
    Packed
    """
    network = copy.deepcopy(denoiser.model.network).cpu()
    model = dataclasses.replace(denoiser.model, network=network)
    return Packed(secrets.token_hex(8), model, denoiser.config, denoiser.pipeline.measurement.typical)


_made: dict[str, Denoiser] = {}


def unpack_denoiser(packed: Packed) -> Denoiser:
    """Make a denoiser in another process; the last one is kept.

    Parameters
    ----------
    packed : Packed
        From a process of the same run.

    Returns
    -------
    Denoiser
    """
    if packed.token not in _made:
        denoiser = Denoiser(packed.model, packed.config)
        measurement = dataclasses.replace(denoiser.pipeline.measurement, typical=packed.typical)
        denoiser.pipeline = dataclasses.replace(denoiser.pipeline, measurement=measurement)
        _made.clear()
        _made[packed.token] = denoiser
    return _made[packed.token]
