"""The device that a name stands for."""

from __future__ import annotations

import torch

__all__ = ["named_device"]


def named_device(name: str) -> torch.device:
    """Find a device that is there.

    Parameters
    ----------
    name : str
        "auto" for a GPU if there is one, or a name of PyTorch: "cpu", "cuda", "cuda:1" ...

    Returns
    -------
    torch.device

    Raises
    ------
    ValueError
        If it is not there.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError):
        raise ValueError(f"device {name!r} is not available; use 'cpu' or 'auto'") from None
    return device
