"""Settings of the whole process that a training or a denoiser changes, and that a library must give back."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator

import torch

from bsn.engine.devices import VARIABLES

__all__ = ["generators_restored", "process_restored", "threads_set"]

_LOGGERS = ("bsn.run", "lightning.fabric", "lightning_fabric")


@contextlib.contextmanager
def process_restored() -> Iterator[None]:
    """Give back what a training changes in its process.

    These are PyTorch's global generators and number of threads, the choices of cuDNN, the environment that Lightning and
    cuBLAS read, and the levels of the loggers of a run.
    """
    threads, variables = torch.get_num_threads(), {name: os.environ.get(name) for name in VARIABLES}
    flags = (torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark)
    loggers = [(log, log.level, log.propagate) for log in map(logging.getLogger, _LOGGERS)]
    with generators_restored():
        try:
            yield
        finally:
            if torch.get_num_threads() != threads:
                torch.set_num_threads(threads)
            torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = flags
            for name, value in variables.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value
            for log, level, propagate in loggers:
                log.setLevel(level)
                log.propagate = propagate


@contextlib.contextmanager
def generators_restored() -> Iterator[None]:
    """Give back the state of PyTorch's global random generators, on the processor and on all GPUs."""
    cpu = torch.get_rng_state()
    used = torch.cuda.is_available() and torch.cuda.is_initialized()
    gpus = torch.cuda.get_rng_state_all() if used else []
    try:
        yield
    finally:
        torch.set_rng_state(cpu)
        if gpus:
            torch.cuda.set_rng_state_all(gpus)
        elif torch.cuda.is_available():  # never drawn from: seeded, as PyTorch does it, along with the processor
            torch.cuda.manual_seed_all(torch.initial_seed())


@contextlib.contextmanager
def threads_set(number: int | None) -> Iterator[None]:
    """Compute with a number of threads on the processor.

    Parameters
    ----------
    number : int or None
        How many; None leaves PyTorch's choice.
    """
    before = torch.get_num_threads()
    if number is None or number == before:
        yield
        return
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)
