"""Settings of the whole process that a training changes, and that a library must give back."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import torch

__all__ = ["process_restored"]

_CUBLAS = "CUBLAS_WORKSPACE_CONFIG"


@contextlib.contextmanager
def process_restored() -> Iterator[None]:
    """Give back PyTorch's global generators, threads, choices of cuDNN and cuBLAS's variable as they were."""
    cpu = torch.get_rng_state()
    gpus = torch.cuda.get_rng_state_all() if torch.cuda.is_available() and torch.cuda.is_initialized() else []
    threads, cublas = torch.get_num_threads(), os.environ.get(_CUBLAS)
    flags = (torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark)
    try:
        yield
    finally:
        torch.set_rng_state(cpu)
        if gpus:
            torch.cuda.set_rng_state_all(gpus)
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)
        torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = flags
        if cublas is None:
            os.environ.pop(_CUBLAS, None)
