"""Images denoised one after another; a bad one is reported and does not stop the others."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bsn.app.sizes import check_size
from bsn.app.tasks import Order, Stopped, Tell, read_options_of
from bsn.app.tasks.looking import MOST
from bsn.data import ReadOptions, is_packed, read_shown
from bsn.data.errors import one_line

if TYPE_CHECKING:
    from bsn.inference import Denoiser

__all__ = ["box", "denoise"]

_SECONDS = 0.3  # between two reports on the planes of a stack


def box(order: Order, tell: Tell, stop: threading.Event) -> dict[str, Any]:
    """List the models in the box.

    Parameters
    ----------
    order, tell, stop
        Not used.

    Returns
    -------
    dict
        "models": a list of "name" and "what" it is for.
    """
    from bsn.models.bundled import boxed_models

    return {"models": [{"name": model.name, "what": model.purpose} for model in boxed_models()]}


def denoise(order: Order, tell: Tell, stop: threading.Event) -> dict[str, Any]:
    """Denoise images.

    Parameters
    ----------
    order : dict
        "images": a list of "item", "path", "reading" and "target"; "model": a name in the box, the folder of a run, or None
        for the one in the box that the noise of each image asks for; "strength", "neighbours", and "limit" in bytes.
    tell : callable
        Gets "item" and "planes" (done and in all) on the way, and "item" with "done" or "failed" at the end of each.
    stop : Event
        Looked at between planes.

    Returns
    -------
    dict
        "done" and "failed": numbers of images.

    Raises
    ------
    Stopped
        The request to stop was seen; finished images stay.
    """
    from bsn.engine import keep_freed_memory

    keep_freed_memory()
    ready = _Models(order)
    done = failed = 0
    for image in order["images"]:
        if stop.is_set():
            raise Stopped
        tell({"item": image["item"], "planes": []})
        try:
            tell({"item": image["item"], "done": _one(image, order, ready, tell, stop)})
            done += 1
        except (ValueError, RuntimeError, OSError) as error:
            tell({"item": image["item"], "failed": one_line(error)})
            failed += 1
    return {"done": done, "failed": failed}


class _Models:
    """Denoisers by the name of their model, each loaded once."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._loaded: dict[str | None, Denoiser] = {}

    def find(self, path: Path, options: ReadOptions) -> tuple[Denoiser, str, str]:
        """Denoiser for an image, the name of its model, and why it was taken."""
        from bsn.inference import Denoiser
        from bsn.inference.boxed import choose_for_files

        name, why = self._order["model"], ""
        if name is None:
            (choice, *_) = choose_for_files([path], options)
            name, why = (None if choice.model is None else choice.model.name), choice.why
        if name not in self._loaded:
            self._loaded[name] = Denoiser(
                name, strength=self._order["strength"], neighbours=self._order.get("neighbours", 0)
            )
        return self._loaded[name], str(name), why


def _one(image: Order, order: Order, ready: _Models, tell: Tell, stop: threading.Event) -> dict[str, Any]:
    """Denoise a file; what there is to say about it."""
    path, target, options = Path(image["path"]), Path(image["target"]), read_options_of(image)
    check_size(path, order["limit"])
    denoiser, name, why = ready.find(path, options)
    next_report = time.monotonic()

    def frame_done(number: int, count: int) -> None:
        nonlocal next_report
        if stop.is_set():
            raise Stopped
        if time.monotonic() >= next_report:
            tell({"item": image["item"], "planes": [number, count]})
            next_report = time.monotonic() + _SECONDS

    remarks: list[str] = []
    denoiser.frame_done = frame_done
    target.parent.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    denoiser.denoise_file(
        path, target, options=options, overwrite=True, remark=lambda remark: remarks.append(remark.text)
    )
    seconds = time.monotonic() - started
    return {
        "model": name,
        "why": why,
        "strength": order["strength"],
        "remarks": remarks,
        "seconds": round(seconds, 2),
        **_verdict(path, target, options),
    }


def _verdict(path: Path, target: Path, options: ReadOptions) -> dict[str, Any]:
    """Whether what was removed looks like noise, as far as it can be told."""
    import numpy as np

    from bsn.evaluation.removed import examine_removed

    if options.key is None and is_packed(path):
        return {}
    shown = read_shown(path, target, options, most=MOST)
    assert shown.denoised is not None  # it was written a moment ago
    found = examine_removed(shown.noisy, shown.denoised)
    told = bool(np.isfinite(found.structured))
    return {
        "removed": found.std * shown.units,
        "looks_like_picture": bool(found.looks_like_picture) if told else None,
    }
