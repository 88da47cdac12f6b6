"""What workers do, each task a function of an order (plain values), of ``tell`` and of a request to stop.

Tasks import torch only where they need it, so that a worker that shows pictures starts at once.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable
from typing import Any

from bsn.data import ReadOptions

__all__ = ["TASKS", "Order", "Stopped", "Task", "Tell", "find_task", "read_options_of"]

Order = dict[str, Any]
Tell = Callable[[dict[str, Any]], None]
Task = Callable[[Order, Tell, threading.Event], dict[str, Any]]

TASKS = {
    "gauge": "looking",
    "picture": "looking",
    "box": "denoising",
    "inspect": "inspecting",
    "denoise": "denoising",
    "train": "training",
}
"""Module of each task."""


class Stopped(Exception):
    """The task was asked to stop, and did."""


def find_task(name: str) -> Task:
    """Import a task.

    Parameters
    ----------
    name : str
        A key of :data:`TASKS`.

    Returns
    -------
    callable
        ``task(order, tell, stop)`` gives the result, as values of JSON.
    """
    module = importlib.import_module(f"bsn.app.tasks.{TASKS[name]}")
    task: Task = getattr(module, name)
    return task


def read_options_of(order: Order) -> ReadOptions:
    """Options with which the file of an order is read.

    Parameters
    ----------
    order : dict
        With "reading": the axes and the key, each where it was said.

    Returns
    -------
    ReadOptions
    """
    said = order.get("reading") or {}
    return ReadOptions(axes=said.get("axes") or None, key=said.get("key") or None)
