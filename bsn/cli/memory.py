"""The memory of a command's process, which belongs to the command alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jsonargparse import Namespace

__all__ = ["keep_memory"]


def keep_memory(options: Namespace) -> None:
    """Let malloc keep what is freed, where a command computes with networks on the CPU and the user does not forbid it.

    Parameters
    ----------
    options : Namespace
        Options of the command. Those that compute have ``device`` or ``accelerator``; ``keep_memory`` is the user's word.
    """
    place = options.get("device", options.get("accelerator"))
    if place not in ("auto", "cpu") or options.get("keep_memory") is False:
        return
    import torch

    from bsn.engine.allocator import keep_freed_memory

    if place == "cpu" or not torch.cuda.is_available():
        keep_freed_memory()
