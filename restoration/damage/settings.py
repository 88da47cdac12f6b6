"""What a run on clean images stores of them, and whether a resumed run has the same."""

from __future__ import annotations

import dataclasses
from typing import Any

from bsn.engine import RunError, RunSettings, named_images, plain
from restoration.damage.clean_data import CleanData, CleanSource

__all__ = ["clean_settings", "restore_clean"]

_SETTLED = ("tasks", "mixed", "untouched")


def clean_settings(given: CleanData | CleanSource) -> dict[str, Any]:
    """Images and tasks of a run, as its config.yaml says them; no images for a source that was opened already.

    Parameters
    ----------
    given : CleanData or CleanSource
        Files and folders, or an opened source, with the tasks.

    Returns
    -------
    dict of str to Any
    """
    named = named_images(given.clean) if isinstance(given, CleanData) else []
    return {"degraded": [], "clean": named, **_settled(given)}


def restore_clean(stored: RunSettings, given: CleanData | CleanSource | None) -> CleanData | CleanSource:
    """Clean images of a resumed run: those given, which are to be those of the run, or else its own. They may lie elsewhere.

    Parameters
    ----------
    stored : RunSettings
        Settings of the run.
    given : CleanData or CleanSource, optional
        What the caller gives now; None takes what the run has.

    Returns
    -------
    CleanData or CleanSource

    Raises
    ------
    RunError
        If other images or other tasks are given, or none where the run had none of its own.
    """
    if given is None:
        stored.restore_images(None, "clean")
        return stored.restore(CleanData, None)
    now = _settled(given)
    other = [name for name, value in now.items() if name in stored.settled and stored.settled[name] != value]
    if other:
        told = ", ".join(f"{name} {now[name]} (the run has {stored.settled[name]})" for name in other)
        raise RunError(f"a resumed run keeps its settings, and these differ: {told}; leave them out, or start anew")
    if isinstance(given, CleanSource):
        return given
    # They may have moved: whether they are the same is seen by their content, see `RunSettings.check_images`.
    return dataclasses.replace(given, clean=named_images(stored.restore_images(given.clean, "clean", moved=True)))


def _settled(given: CleanData | CleanSource) -> dict[str, Any]:
    """Settings that a resumed run keeps, as its config.yaml has them."""
    return {name: plain(getattr(given, name)) for name in _SETTLED}
