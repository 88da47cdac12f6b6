"""The noise of one image, in words, numbers and curves."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np

from bsn.app.sizes import check_size
from bsn.app.tasks import Order, Tell, read_options_of
from bsn.app.words import judgement_in_words, kind_in_words
from bsn.data import open_image
from bsn.data.arrays.pixel_types import unit_span
from bsn.noise import NoiseStatistics

__all__ = ["inspect"]


def inspect(order: Order, tell: Tell, stop: threading.Event) -> dict[str, Any]:
    """Measure the noise of an image, and say what to do about it.

    Parameters
    ----------
    order : dict
        "path", "reading", and "limit" of its decoded size in bytes.
    tell, stop
        Not used.

    Returns
    -------
    dict
        "kind" (in words), "axes", "headline", "sentences", "advice" ("denoise", "train" or "none"), "reasons" (those of
        ``bsn inspect``), and "noise": numbers in units of the file, "curve" and "lags" for drawing; None where the image is
        too small to be measured.

    Raises
    ------
    DataError
        The file cannot be read.
    """
    from bsn.engine import keep_freed_memory
    from bsn.inference.boxed import choose_for_files
    from bsn.noise.report import inspect_files
    from bsn.training import Settled, settle_inspected

    keep_freed_memory()
    path, options = Path(order["path"]), read_options_of(order)
    check_size(path, order["limit"])
    report = inspect_files([path], options)
    entry = report.files[0]
    with open_image(path, options) as reader:
        planes = reader.planes
    settled = settle_inspected(report)
    units = unit_span(np.dtype(entry.dtype), options.value_range)
    (choice, *_) = choose_for_files([path], options)
    words = judgement_in_words(entry, report.together, settled, choice, units)
    reasons = settled.reasons if isinstance(settled, Settled) else [] if settled is None else [str(settled)]
    return {
        "kind": kind_in_words(entry, planes),
        "axes": entry.axes,
        "headline": words.headline,
        "sentences": list(words.sentences),
        "advice": words.advice,
        "model": None if choice.model is None else choice.model.name,
        "reasons": list(reasons),
        "noise": None if entry.statistics is None else _numbers(entry.statistics, units),
    }


def _numbers(found: NoiseStatistics, units: float) -> dict[str, Any]:
    """Numbers in units of the file; the curve as pairs of intensity and standard deviation."""
    points = [(p.intensity * units, max(p.variance, 0.0) ** 0.5 * units) for p in found.curve]
    ends = (min((p.intensity for p in found.curve), default=0.0), max((p.intensity for p in found.curve), default=0.0))
    line = []
    for index in range(33):
        at = ends[0] + (ends[1] - ends[0]) * index / 32
        line.append((at * units, max(found.gain * at + found.constant, 0.0) ** 0.5 * units))
    return {
        "sigma": found.sigma * units,
        "points": points,
        "line": line if found.curve else [],
        "lags_x": [1.0, *found.lags_x],
        "lags_y": [1.0, *found.lags_y],
        "clipped": found.clipped_low + found.clipped_high,
        "outliers": found.outliers,
    }
