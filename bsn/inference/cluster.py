"""Files denoised by the workers of a ``dask.distributed`` cluster."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bsn.data import DataError
from bsn.data.errors import one_line
from bsn.data.files.formats.extras import need
from bsn.inference.denoiser import Denoiser
from bsn.inference.explanation import Explanation
from bsn.inference.fitness import DenoisingWarning
from bsn.inference.parts import Part
from bsn.inference.results import FileReport
from bsn.inference.shared import (
    FileOrder,
    Packed,
    SharedFile,
    denoise_part,
    pack_denoiser,
    shared_file,
    unpack_denoiser,
)

__all__ = ["connect", "denoise_on_cluster"]

_SECONDS = 10
_PARTS_PER_WORKER = 4  # so that a worker that is lost, or slow, holds up little


@contextmanager
def connect(address: str) -> Iterator[Any]:
    """Connect to the scheduler of a cluster.

    Parameters
    ----------
    address : str
        Such as ``tcp://10.0.0.5:8786``.

    Yields
    ------
    distributed.Client

    Raises
    ------
    DataError
        There is no scheduler at that address, or it has no workers.
    """
    distributed = need("distributed", "distributed", "work on a cluster", "dask")
    try:
        client = distributed.Client(address, timeout=_SECONDS, set_as_default=False)
    except (OSError, ValueError, TimeoutError, ImportError) as error:
        reason = one_line(error)
        raise DataError(
            f"the scheduler {address}", f"cannot be reached ({reason[:120]})", "start it with: dask scheduler"
        ) from error
    try:
        if not client.scheduler_info(n_workers=-1)["workers"]:
            raise DataError(f"the scheduler {address}", "has no workers", f"start some with: dask worker {address}")
        yield client
    finally:
        client.close()


def denoise_on_cluster(
    denoiser: Denoiser,
    orders: Sequence[FileOrder],
    client: Any,
    progress: Callable[[Path], None] = lambda _: None,
) -> FileReport:
    """Denoise files one after the other, each by all workers.

    A worker that is lost is replaced by the others. All of them see the files under the same paths.

    Parameters
    ----------
    denoiser : Denoiser
        Made here, and anew by each worker.
    orders : sequence of FileOrder
        The files.
    client : distributed.Client
        See :func:`connect`.
    progress : callable
        Called after each file; ``denoiser.frame_done`` is called after each part of one.

    Returns
    -------
    FileReport
    """
    report = FileReport()
    # A task, not scattered data: if all workers that hold its result are lost, it is done again.
    packed = client.submit(_given, pack_denoiser(denoiser), pure=False)
    workers = sum(worker["nthreads"] for worker in client.scheduler_info(n_workers=-1)["workers"].values())
    for order in orders:
        try:
            with shared_file(denoiser, order, _PARTS_PER_WORKER * max(1, workers)) as shared:
                explanations = _denoise(client, packed, shared, denoiser.frame_done)
                for remark in shared.remarks:
                    report.note(order.source, remark)
            report.done[order.source] = order.target
            report.explanations[order.source] = explanations
        except ValueError as error:  # DataError is one
            report.failed[order.source] = str(error)
        progress(order.source)
    for text in report.said():
        warnings.warn(text, DenoisingWarning, stacklevel=2)
    return report


def _denoise(
    client: Any, packed: Any, shared: SharedFile, part_done: Callable[[int, int], None] | None
) -> list[Explanation]:
    distributed = need("distributed", "distributed", "work on a cluster", "dask")
    absolute = _absolute(shared)
    futures = [client.submit(_on_worker, packed, absolute, part, pure=False) for part in shared.parts]
    try:
        for done, _ in enumerate(distributed.as_completed(futures, raise_errors=False), 1):
            if part_done is not None:
                part_done(done, len(futures))
        found: list[list[Explanation]] = client.gather(futures)
    except (OSError, RuntimeError, CancelledError, distributed.scheduler.KilledWorker) as error:
        reason = one_line(error)
        raise DataError(
            shared.source.name, f"a part of it failed on the cluster ({reason[:160]})", "see its logs"
        ) from error
    finally:
        client.cancel(futures)
    return [explanation for part in found for explanation in part]


def _absolute(shared: SharedFile) -> SharedFile:
    """The same with paths that do not depend on where a worker runs."""
    outputs = tuple(
        dataclasses.replace(output, target=output.target.absolute(), scratch=output.scratch.absolute())
        for output in shared.outputs
    )
    return dataclasses.replace(shared, source=Path(shared.source).absolute(), outputs=outputs)


def _given(packed: Packed) -> Packed:
    return packed


def _on_worker(packed: Packed, shared: SharedFile, part: Part) -> list[Explanation]:
    return denoise_part(unpack_denoiser(packed), shared, part)
