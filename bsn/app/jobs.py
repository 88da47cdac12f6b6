"""Work that takes a while, which the page shows from its order to its end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["ENDED", "Job", "thinned"]

ENDED = ("done", "failed", "cancelled")
"""States from which a job does not go on."""

_POINTS = 300
_SAID = 40


@dataclass
class Job:
    """A batch that is denoised, or a training.

    Parameters
    ----------
    number : int
        Its name in requests.
    kind : {"denoise", "train"}
        What it does.
    title : str
        One line for the list.
    order : dict
        What the worker is given, see :mod:`bsn.app.tasks`.
    items : list of int
        Its images.
    state : {"waiting", "running", "pausing", "paused", "done", "failed", "cancelling", "cancelled"}
        Where it stands.
    progress : dict
        Last numbers of a training: "step", "total", "loss", "rate", "left" and "preview".
    losses : list of [step, loss]
        Thinned, for drawing.
    said : list of str
        What the run found, the last sentences.
    error : str
        Why it failed, one line.
    """

    number: int
    kind: str
    title: str
    order: dict[str, Any]
    items: list[int] = field(default_factory=list)
    state: str = "waiting"
    progress: dict[str, Any] = field(default_factory=dict)
    losses: list[list[float]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    error: str = ""

    def hear(self, told: dict[str, Any]) -> None:
        """Note what a training told.

        Parameters
        ----------
        told : dict
            See :func:`bsn.app.tasks.training.train`.
        """
        if "said" in told:
            self.said = [*self.said, told["said"]][-_SAID:]
            return
        self.progress |= told
        if told.get("loss") is not None:
            self.losses = thinned([*self.losses, [told["step"], told["loss"]]])

    def summary(self) -> dict[str, Any]:
        """What the page shows, as values of JSON."""
        return {
            "id": self.number,
            "kind": self.kind,
            "title": self.title,
            "state": self.state,
            "items": self.items,
            "progress": self.progress,
            "losses": self.losses,
            "said": self.said,
            "error": self.error,
            "run": self.order.get("run", "") if self.kind == "train" else "",
        }


def thinned(points: list[list[float]]) -> list[list[float]]:
    """Points of a curve, every other of them once there are too many to draw.

    Parameters
    ----------
    points : list of [x, y]
        In order.

    Returns
    -------
    list of [x, y]
        The first and the last stay.

    Examples
    --------
    >>> kept = thinned([[float(x), 0.0] for x in range(301)])
    >>> len(kept), kept[0], kept[-1]
    (151, [0.0, 0.0], [300.0, 0.0])
    """
    if len(points) <= _POINTS:
        return points
    return points[::2] if len(points) % 2 else [*points[::2], points[-1]]
