"""How large a file is, and pictures of a plane before and after, without torch."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np

from bsn.app.sizes import check_size
from bsn.app.tasks import Order, Tell, read_options_of
from bsn.data import Shown, encode_png, read_shown

__all__ = ["MOST", "draw", "gauge", "picture"]

MOST = 2560
"""Largest side in pixels of what is shown: of larger planes a part, or all of it reduced."""

_DEVIATIONS = 4  # of what was removed, from grey to black or white


def gauge(order: Order, tell: Tell, stop: threading.Event) -> dict[str, Any]:
    """Tell the decoded size of a file, or refuse it.

    Parameters
    ----------
    order : dict
        "path" and "limit" in bytes.
    tell, stop
        Not used.

    Returns
    -------
    dict
        "bytes".

    Raises
    ------
    DataError
        See :func:`bsn.app.sizes.check_size`.
    """
    return {"bytes": check_size(Path(order["path"]), order["limit"])}


def picture(order: Order, tell: Tell, stop: threading.Event) -> dict[str, Any]:
    """Write PNG pictures of a plane: before, and where there is a result, after and what was removed.

    Parameters
    ----------
    order : dict
        "path", "reading", "limit", "result" (a path or None), "plane" (a number or None), "around" (row and column in the
        middle of the part of a large plane, or None for all of it, reduced), and "folder" for the pictures.
    tell, stop
        Not used.

    Returns
    -------
    dict
        "plane", "planes", "height" and "width" of the pictures, "rows" and "columns" of the plane, "top", "left" and "factor"
        (pixels per pixel that is shown) of what is shown, and "kinds" of pictures, each the stem of a file in the folder.

    Raises
    ------
    DataError
        A file cannot be read.
    """
    check_size(Path(order["path"]), order["limit"])
    around = order.get("around")
    shown = read_shown(
        order["path"],
        order["result"],
        read_options_of(order),
        most=MOST,
        plane=order["plane"],
        around=None if around is None else (around[0], around[1]),
        reduced=around is None,
    )
    folder = Path(order["folder"])
    folder.mkdir(parents=True, exist_ok=True)
    pictures = draw(shown)
    for kind, image in pictures.items():
        (folder / f"{kind}.png").write_bytes(encode_png(image))
    height, width = shown.noisy.shape[-2:]
    return {
        "plane": shown.plane,
        "planes": shown.planes,
        "height": height,
        "width": width,
        "rows": shown.size[0],
        "columns": shown.size[1],
        "top": shown.top,
        "left": shown.left,
        "factor": shown.factor,
        "kinds": list(pictures),
    }


def draw(shown: Shown) -> dict[str, np.ndarray]:
    """Pictures on one range of grey.

    Parameters
    ----------
    shown : Shown
        A plane, with or without its result.

    Returns
    -------
    dict of str to ndarray, shape (C, H, W), range [0, 1]
        "before"; with a result also "after" and "removed", in which grey stands for nothing.
    """
    low, high = shown.display_range
    span = high - low
    drawn = {"before": np.nan_to_num((shown.noisy - low) / span)}
    if shown.denoised is not None:
        removed = shown.noisy - shown.denoised
        deviation = float(np.nanstd(np.where(np.isfinite(removed), removed, np.nan)))
        drawn["after"] = np.nan_to_num((shown.denoised - low) / span)
        drawn["removed"] = np.nan_to_num(0.5 + removed / (2 * _DEVIATIONS * max(deviation, 1e-12)), nan=0.5)
    return drawn
