"""Work that a command shares among processes, machines, or the workers of a cluster."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from jsonargparse import ArgumentParser, Namespace
    from lightning_fabric import Fabric

__all__ = ["add_sharing_options", "cluster_of", "processes_of"]


def add_sharing_options(parser: ArgumentParser) -> None:
    """Declare ``--devices``, ``--num_nodes`` and ``--scheduler``.

    Parameters
    ----------
    parser : ArgumentParser
        Parser of a sub-command; it is changed in place.
    """
    parser.add_argument(
        "--devices",
        type=int,
        default=1,
        help="processes on each machine, each with a device of its own, that share the work",
    )
    parser.add_argument("--num_nodes", type=int, default=1, help="machines that share the work, with processes on each")
    parser.add_argument(
        "--scheduler",
        type=str | None,
        default=None,
        metavar="ADDRESS",
        help="let the workers of a Dask cluster do the work, such as tcp://10.0.0.5:8786; they see the same paths",
    )


def processes_of(options: Namespace) -> Fabric | None:
    """The processes that share the work, not launched yet.

    Parameters
    ----------
    options : Namespace
        Parsed options of :func:`add_sharing_options`, and ``device``; commands without them share nothing.

    Returns
    -------
    Fabric or None
        None for a single process.

    Raises
    ------
    ValueError
        For options that exclude each other, or numbers below 1.
    RunError
        If there are not as many GPUs.
    """
    from bsn.engine import LoopConfig
    from bsn.engine.devices import make_fabric

    devices, nodes = getattr(options, "devices", 1), getattr(options, "num_nodes", 1)
    loop = LoopConfig(devices=devices, num_nodes=nodes, precision="32-true", deterministic=False)
    if devices * nodes == 1:
        return None
    if options.scheduler is not None:
        raise ValueError("--scheduler and --devices are two ways to share work; leave one of them out")
    kind = options.device.partition(":")[0]
    if kind not in ("auto", "cpu", "cuda") or ":" in options.device:
        raise ValueError(f"--device {options.device} names one device for several processes; use auto, cpu or cuda")
    accelerators: dict[str, Literal["auto", "cpu", "gpu"]] = {"auto": "auto", "cpu": "cpu", "cuda": "gpu"}
    return make_fabric(dataclasses.replace(loop, accelerator=accelerators[kind]))


@contextmanager
def cluster_of(options: Namespace) -> Iterator[Any]:
    """Connect to the cluster that is asked for.

    Parameters
    ----------
    options : Namespace
        Parsed options of :func:`add_sharing_options`.

    Yields
    ------
    distributed.Client or None
        None where none is asked for.

    Raises
    ------
    DataError
        If there is no such cluster.
    """
    if getattr(options, "scheduler", None) is None:
        yield None
        return
    from bsn.inference.cluster import connect

    with connect(options.scheduler) as client:
        yield client
