"""How the images of a run are read: said, or as the run that is resumed read them."""

from __future__ import annotations

from typing import Any

from bsn.data import ReadOptions
from bsn.data.arrays.planes import Missing
from bsn.engine import RunError, RunSettings

__all__ = ["plain_read_settings", "read_settings"]


def read_settings(
    stored: RunSettings,
    *,
    axes: str | None = None,
    key: str | None = None,
    nan: Missing | None = None,
    value_range: tuple[float, float] | None = None,
) -> ReadOptions:
    """Options of the reader for a run.

    Parameters
    ----------
    stored : RunSettings
        Settings of the run that is resumed; empty for a new one.
    axes, key, nan, value_range : optional
        See :class:`bsn.data.ReadOptions`. What is None is taken from the run.

    Returns
    -------
    ReadOptions

    Raises
    ------
    RunError
        If a run that is resumed read its images otherwise.
    """
    given: dict[str, Any] = {
        "axes": axes,
        "key": key,
        "nan": nan,
        "range": None if value_range is None else list(value_range),
    }
    own = {name: stored.settled.get(name) for name in given}
    for name, value in given.items():
        if name in stored.settled and value is not None and value != own[name]:
            raise RunError(
                f"a resumed run keeps its settings, and this differs: {name} {value} (the run has {own[name]}); leave it out, "
                "or start anew"
            )
    settled = {name: own[name] if value is None else value for name, value in given.items()}
    limits = settled["range"]
    missing: Missing = settled["nan"] or "refuse"
    return ReadOptions(settled["axes"], settled["key"], missing, None if limits is None else (limits[0], limits[1]))


def plain_read_settings(options: ReadOptions) -> dict[str, Any]:
    """Names and values for ``config.yaml``, which the command line reads.

    Parameters
    ----------
    options : ReadOptions
        How the images of the run are read.

    Returns
    -------
    dict of str to Any
    """
    limits = None if options.value_range is None else list(options.value_range)
    return {"axes": options.axes, "key": options.key, "nan": options.nan, "range": limits}
