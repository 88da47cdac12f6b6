"""Small tensors that depend on shapes alone (masks, tables of indices), made once for each device."""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable

import torch
from torch import Tensor

__all__ = ["device_constant"]


def device_constant(*, kept: int = 64) -> Callable[[Callable[..., Tensor]], Callable[..., Tensor]]:
    """Keep what a function makes on the CPU, on every device where it is used.

    A copy from ordinary memory makes the processor wait for the GPU, and cannot be recorded in a CUDA graph.

    Parameters
    ----------
    kept : int
        Tensors that are kept; the one that was not used for longest goes.

    Returns
    -------
    decorator
        Of a function that takes hashable arguments and returns a tensor, always the same. It then takes ``device`` and
        optionally ``dtype`` too, and its tensor is shared: it is not to be changed.

    Examples
    --------
    >>> count = device_constant()(torch.arange)
    >>> count(3, device=torch.device("cpu"), dtype=torch.float32)
    tensor([0., 1., 2.])
    """

    def decorate(make: Callable[..., Tensor]) -> Callable[..., Tensor]:
        @functools.lru_cache(maxsize=kept)
        def made(*arguments: Hashable, device: torch.device, dtype: torch.dtype | None) -> Tensor:
            # Made under torch.inference_mode it could not take part in a training later.
            with torch.inference_mode(False):
                return make(*arguments).to(device=device, dtype=dtype)

        @functools.wraps(make)
        def constant(*arguments: Hashable, device: torch.device, dtype: torch.dtype | None = None) -> Tensor:
            if torch.compiler.is_compiling():  # what is made there belongs to the trace
                return make(*arguments).to(device=device, dtype=dtype)
            return made(*arguments, device=device, dtype=dtype)

        return constant

    return decorate
