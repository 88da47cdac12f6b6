"""Files denoised by the processes of lightning-fabric: on several devices, and on several machines.

Where there are as many files as processes, each process takes some of them. Otherwise each file is divided, and every process
writes its part; the first process puts the result in place when all parts are there. Launchers kill the other processes of a
run when one has died; nothing is left of an unfinished result then (:mod:`bsn.inference.janitor`).
"""

from __future__ import annotations

import functools
import os
import pickle
import shutil
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bsn.inference.denoiser import Denoiser
from bsn.inference.explanation import Explanation
from bsn.inference.fitness import DenoisingWarning
from bsn.inference.janitor import janitor
from bsn.inference.results import FileReport
from bsn.inference.shared import FileOrder, SharedFile, denoise_part, shared_file

if TYPE_CHECKING:
    from lightning_fabric import Fabric

__all__ = ["denoise_on_ranks"]

_POLL = 0.1  # seconds


def denoise_on_ranks(
    denoiser: Denoiser,
    orders: Sequence[FileOrder],
    fabric: Fabric,
    progress: Callable[[Path], None] = lambda _: None,
) -> FileReport:
    """Denoise files by all processes of a run; each of them calls this.

    Parameters
    ----------
    denoiser : Denoiser
        On the device of this process.
    orders : sequence of FileOrder
        The files, the same in every process.
    fabric : Fabric
        It has launched the processes.
    progress : callable
        Called after each file that this process takes part in.

    Returns
    -------
    FileReport
        Of the first process: the report on all files; of the others, on theirs.
    """
    report = FileReport()
    if len(orders) >= fabric.world_size:
        for order in orders[fabric.global_rank :: fabric.world_size]:
            report.add(_denoise_whole(denoiser, order))
            progress(order.source)
    else:
        for order in orders:
            together = _lead if fabric.global_rank == 0 else _follow
            report.add(together(denoiser, order, fabric))
            progress(order.source)
    for other in _gathered(report, fabric):
        report.add(other)
    if fabric.global_rank == 0:
        for text in report.said():
            warnings.warn(text, DenoisingWarning, stacklevel=2)
    order_of = {order.source: number for number, order in enumerate(orders)}
    report.done = dict(sorted(report.done.items(), key=lambda item: order_of[item[0]]))
    report.failed = dict(sorted(report.failed.items(), key=lambda item: order_of[item[0]]))
    return report


def _denoise_whole(denoiser: Denoiser, order: FileOrder) -> FileReport:
    report = FileReport()
    try:
        denoiser.denoise_file(
            order.source,
            order.target,
            options=order.options,
            overwrite=order.overwrite,
            deviation=order.deviation,
            output_dtype=order.output_dtype,
            remark=functools.partial(report.note, order.source),
        )
        report.done[order.source] = order.target
        report.explanations[order.source] = list(denoiser.explanations)
    except ValueError as error:  # DataError is one
        report.failed[order.source] = str(error)
    return report


def _follow(denoiser: Denoiser, order: FileOrder, fabric: Fabric) -> FileReport:
    """Do a part of what the first process has begun."""
    begun = fabric.broadcast(None)
    if begun is not None:
        _do_part(denoiser, *begun, fabric.global_rank)
    return FileReport()


def _lead(denoiser: Denoiser, order: FileOrder, fabric: Fabric) -> FileReport:
    """Begin a file, do a part of it, and put it in place when the other parts are there."""
    report, told = FileReport(), False
    try:
        with (
            janitor() as cleaner,
            _notes(order.target) as notes,
            shared_file(denoiser, order, fabric.world_size) as shared,
        ):
            for path in (notes, *(path for output in shared.outputs for path in output.traces)):
                cleaner.watch(path)
            told = True
            fabric.broadcast((shared, notes))
            _do_part(denoiser, shared, notes, 0)
            explanations = _wait(notes, fabric.world_size)
            for remark in shared.remarks:
                report.note(order.source, remark)
        report.done[order.source] = order.target
        report.explanations[order.source] = explanations
    except ValueError as error:  # DataError is one
        report.failed[order.source] = str(error)
    finally:
        if not told:
            fabric.broadcast(None)
    return report


def _do_part(denoiser: Denoiser, shared: SharedFile, notes: Path, rank: int) -> None:
    """Denoise the part of this process, if there is one, and note how it went."""
    outcome: list[Explanation] | ValueError
    try:
        outcome = denoise_part(denoiser, shared, shared.parts[rank]) if rank < len(shared.parts) else []
    except ValueError as error:
        outcome = error
    written = notes / f"{rank}.new"
    written.write_bytes(pickle.dumps(outcome))
    os.replace(written, notes / f"{rank}")


def _wait(notes: Path, count: int) -> list[Explanation]:
    """Wait for all parts; raises what went wrong in one of them."""
    names = [notes / f"{rank}" for rank in range(count)]
    while not all(name.is_file() for name in names):
        time.sleep(_POLL)
    outcomes = [pickle.loads(name.read_bytes()) for name in names]
    for outcome in outcomes:
        if isinstance(outcome, ValueError):
            raise outcome
    return [explanation for outcome in outcomes for explanation in outcome]


@contextmanager
def _notes(target: Path) -> Iterator[Path]:
    """A folder beside the result in which processes say that they are done."""
    folder = target.parent if target.parent.is_dir() else None
    found = Path(tempfile.mkdtemp(prefix=".", suffix=".part", dir=folder))
    try:
        yield found
    finally:
        shutil.rmtree(found, ignore_errors=True)


def _gathered(report: FileReport, fabric: Fabric) -> list[FileReport]:
    """Reports of the other processes, in the first one."""
    if fabric.world_size == 1:
        return []
    from torch import distributed

    found: list[Any] = [None] * fabric.world_size
    distributed.all_gather_object(found, report)
    return [other for rank, other in enumerate(found) if rank != 0] if fabric.global_rank == 0 else []
