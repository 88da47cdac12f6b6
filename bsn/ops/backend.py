"""Choice of the implementation ("backend") that an operator runs on.

Every operator owns a table ``{"reference": Implementation, ...}``. The plain PyTorch reference accepts everything; a
kernel says in :attr:`Implementation.refuse` why it cannot take a call. The choice is made, strongest first, by the
argument ``backend=`` of the operator, by :func:`use_backend`, by the environment variable ``BSN_BACKEND``, and is
``"auto"`` otherwise: the first kernel that accepts the call and was not measured slower than plain operators for such a
shape (:mod:`bsn.ops.measured`), else the reference. What is exported (``torch.export``, ONNX) is always the reference.

==============  ==============================================================================================
``reference``   plain PyTorch, everywhere; the truth
``cpu``         PyTorch's own operators in an order that passes over memory less often; norms and plain windows on a CPU
``products``    channel attention by batched matrix products of PyTorch, on any device
``triton``      CUDA kernels; their limits are in :mod:`bsn.ops.limits`
==============  ==============================================================================================
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch

__all__ = ["BACKENDS", "BackendError", "Implementation", "choose", "current_backend", "use_backend"]

BACKENDS = ("auto", "reference", "cpu", "products", "triton")

# A plain global, not a context variable: torch.compile can read and guard it, so a graph follows the switch.
_override: str | None = None


class BackendError(RuntimeError):
    """A backend was asked for by name and cannot run this call."""


def _accept(*_: Any, **__: Any) -> None:
    return None


def _always() -> bool:
    return True


def _never(*_: Any, **__: Any) -> bool:
    return False


@dataclass(frozen=True)
class Implementation:
    """One way to compute an operator.

    Parameters
    ----------
    run : callable
        Takes the operator's checked arguments, returns its result.
    refuse : callable
        Takes the same arguments; returns None if `run` can take them, otherwise the reason in one sentence.
    automatic : callable
        Takes no argument; False where "auto" should pass over it (kernels that would run in an interpreter).
    slower : callable
        Takes the arguments; True where it was measured slower than the reference, so that "auto" passes over it.
    """

    run: Callable[..., Any]
    refuse: Callable[..., str | None] = _accept
    automatic: Callable[[], bool] = _always
    slower: Callable[..., bool] = _never

    def chosen(self, *args: Any, **options: Any) -> bool:
        """Whether "auto" takes it for a call.

        Parameters
        ----------
        *args, **options
            The operator's arguments.

        Returns
        -------
        bool
        """
        if not self.automatic() or self.refuse(*args, **options) is not None:
            return False
        return not self.slower(*args, **options)


def _check_name(name: str, origin: str) -> str:
    if name not in BACKENDS:
        raise ValueError(f"{origin} is {name!r}, which is not a backend; choose one of {', '.join(BACKENDS)}")
    return name


def current_backend() -> str:
    """Name of the backend in force: that of :func:`use_backend`, of ``BSN_BACKEND``, or ``"auto"``."""
    if _override is not None:
        return _override
    return _check_name(os.environ.get("BSN_BACKEND", "auto") or "auto", "the environment variable BSN_BACKEND")


@contextlib.contextmanager
def use_backend(name: str) -> Iterator[None]:
    """Run the operators called inside the ``with`` block, by all threads, on one backend.

    Parameters
    ----------
    name : {"auto", "reference", "cpu", "products", "triton"}
        Backend to use; "auto" chooses for each call.

    Raises
    ------
    ValueError
        If `name` is not a backend.

    Examples
    --------
    >>> with use_backend("reference"):
    ...     current_backend()
    'reference'
    """
    global _override
    before, _override = _override, _check_name(name, "backend")
    try:
        yield
    finally:
        _override = before


def choose(
    operator: str, table: Mapping[str, Implementation], backend: str | None, *args: Any, **options: Any
) -> Callable[..., Any]:
    """Function that computes `operator` for these arguments.

    Parameters
    ----------
    operator : str
        Name for messages.
    table : mapping of str to Implementation
        Must hold ``"reference"``; kernels come first in order of preference.
    backend : str or None
        What the caller asked for; None follows :func:`current_backend`.
    *args, **options
        The operator's arguments, shown to :attr:`Implementation.refuse`.

    Raises
    ------
    BackendError
        If a kernel was asked for by name and refuses the call, or by the argument and does not exist. (For operators
        without that backend, :func:`use_backend` and ``BSN_BACKEND`` leave the reference.)
    """
    name = current_backend() if backend is None else _check_name(backend, "backend")
    if backend is None and torch.compiler.is_exporting():
        name = "reference"
    if name == "auto":
        for implementation in table.values():
            if implementation.chosen(*args, **options):
                return implementation.run
    if backend is None and name not in table:
        name = "reference"  # a setting for all operators must not fail on an operator that lacks this kernel
    if name not in table:
        raise BackendError(f"{operator} has no {name!r} backend; use one of {', '.join(table)} or 'auto'")
    reason = table[name].refuse(*args, **options)
    if reason is not None:
        raise BackendError(f"{operator} cannot run on {name!r}: {reason}; use 'auto' or 'reference'")
    return table[name].run
