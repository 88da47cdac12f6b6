"""Checkpoints: everything a run needs to go on in the same bits, written atomically, read without unpickling code."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import torch

from bsn.data.errors import writing
from bsn.data.files.atomic import atomic_output
from bsn.engine.errors import RunError

__all__ = ["capture_generators", "load_checkpoint", "restore_generators", "save_checkpoint"]


def save_checkpoint(path: Path, content: dict[str, Any]) -> None:
    """Write a checkpoint so that a crash leaves the old file or the new one.

    Parameters
    ----------
    path : Path
        File to write; an existing one is replaced.
    content : dict
        Tensors, numbers, strings, lists and dicts.

    Raises
    ------
    DataError
        If the disk is full or the folder not writable; no partial file stays.
    """
    with atomic_output(path, overwrite=True) as partial, writing(path), partial.open("wb") as file:
        torch.save(content, file)
        file.flush()
        os.fsync(file.fileno())


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint of :func:`save_checkpoint`; code in a pickle is never run.

    Parameters
    ----------
    path : Path
        File to read.

    Returns
    -------
    dict

    Raises
    ------
    RunError
        If the file is missing, broken, or holds more than tensors and plain values.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise RunError(f"there is no checkpoint {path}; start the run without --resume") from None
    except pickle.UnpicklingError:
        raise RunError(
            f"{path} is damaged or holds objects other than tensors, and is not loaded; start the run anew"
        ) from None
    except (OSError, RuntimeError, EOFError, ValueError) as error:
        raise RunError(f"the checkpoint {path} cannot be read: {str(error).splitlines()[0]}; start anew") from None
    if not isinstance(content, dict) or "step" not in content:
        raise RunError(f"{path} is not a checkpoint of this program; give the folder of a run")
    return content


def capture_generators() -> dict[str, Any]:
    """States of torch's global generators on CPU and GPUs."""
    states: dict[str, Any] = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        states["cuda"] = torch.cuda.get_rng_state_all()
    return states


def restore_generators(states: dict[str, Any]) -> None:
    """Set torch's global generators to captured states.

    Parameters
    ----------
    states : dict
        What :func:`capture_generators` returned.
    """
    torch.set_rng_state(states["cpu"])
    if "cuda" in states and torch.cuda.is_available() and len(states["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(states["cuda"])
