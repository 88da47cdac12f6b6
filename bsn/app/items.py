"""Images on the page."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Item"]


@dataclass
class Item:
    """An image, what is known of its noise, and its result.

    Parameters
    ----------
    number : int
        Its name in requests.
    path : Path
        The file.
    uploaded : bool
        Whether it is a copy that was dropped into the page, which goes when the item is removed.
    where : str
        Folder that is shown with its name; empty for uploads.
    reading : dict
        "axes" and "key", each where the user said it.
    state : {"waiting", "measuring", "known", "broken", "unmeasured"}
        Where the inspection stands; "unmeasured" ones of a large folder are inspected when they are looked at.
    problem : str
        Why it cannot be read, one line.
    inspection : dict, optional
        What :func:`bsn.app.tasks.inspecting.inspect` found.
    target : Path, optional
        Where its result goes.
    work : {"", "waiting", "working", "done", "failed"}
        Where denoising stands.
    planes : list of int
        Planes done and in all, while it is denoised.
    failure : str
        Why it could not be denoised, one line.
    result : dict, optional
        What was said of the result, see :func:`bsn.app.tasks.denoising.denoise`.
    version : int
        Grows with each result, so that pictures of old ones are not shown.
    """

    number: int
    path: Path
    uploaded: bool = False
    where: str = ""
    reading: dict[str, str] = field(default_factory=dict)
    state: str = "waiting"
    problem: str = ""
    inspection: dict[str, Any] | None = None
    target: Path | None = None
    work: str = ""
    planes: list[int] = field(default_factory=list)
    failure: str = ""
    result: dict[str, Any] | None = None
    version: int = 0

    @property
    def name(self) -> str:
        """Name of the file."""
        return self.path.name

    def summary(self) -> dict[str, Any]:
        """What the list of the page shows, as values of JSON."""
        found = self.inspection or {}
        return {
            "id": self.number,
            "name": self.name,
            "where": self.where,
            "state": self.state,
            "problem": self.problem,
            "kind": found.get("kind", ""),
            "axes": found.get("axes", ""),
            "headline": found.get("headline", ""),
            "advice": found.get("advice", ""),
            "work": self.work,
            "planes": self.planes,
            "failure": self.failure,
            "result": self.result,
            "version": self.version,
            "saved": "" if self.target is None or self.work != "done" else str(self.target),
            "reading": self.reading,
        }
