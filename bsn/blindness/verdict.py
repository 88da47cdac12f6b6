"""The answer to "is it blind?", for people and for programs."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import Any

from bsn.blindness.attribution import Culprit
from bsn.blindness.jacobian import Position
from bsn.blindness.learnability import Learnability

__all__ = ["CheckResult", "Leak", "Verdict"]


@dataclass(frozen=True)
class CheckResult:
    """One check in one condition.

    Parameters
    ----------
    check : str
        "structure", "jacobian", "perturbation", "region", "stack", "stochastic", "learnability".
    condition : str
        Precision, mode and size it ran in.
    passed : bool, optional
        None if it could not be run; `detail` says why.
    detail : str
        Numbers of the check, or why it could not be run.
    seconds : float
        Time that the check took.
    """

    check: str
    condition: str
    passed: bool | None
    detail: str
    seconds: float


@dataclass(frozen=True)
class Leak:
    """Where and how much a pixel sees itself.

    Parameters
    ----------
    check, condition : str
        That found it first.
    position : (int, int), optional
        The pixel with the largest leak; None if it was found by statistics over the image.
    size : float
        Gradient, or change of the output, there.
    ratio : float
        Relative to the largest gradient, or change, at any pixel.
    culprit : Culprit, optional
        The module that lets it through.
    """

    check: str
    condition: str
    position: Position | None
    size: float
    ratio: float
    culprit: Culprit | None = None


@dataclass(frozen=True)
class Verdict:
    """What all checks together say.

    Parameters
    ----------
    name : str
        Name of the network.
    blind : bool
        True if no check found a leak, the output depends on the input at all, and at least one check measured it.
    exact : bool
        True if every pixel of the image was certified bit by bit.
    certified, pixels : int
        Pixels certified, and pixels of the image.
    size : tuple of int
        (H, W) of the certified image.
    channels : int
        Channels of the images.
    lattice : int, optional
        Side of the lattice that no output sees; None if the pixel alone was checked.
    leak : Leak, optional
        The first leak that was found; None where there is none.
    learnable : tuple of Learnability
        What the network learns to copy of fresh noise, where it was measured.
    checks : tuple of CheckResult
        Results in the order in which the checks ran.
    hole : str, optional
        Region around each pixel that was certified, if it is more than the pixel.
    """

    name: str
    blind: bool
    exact: bool
    certified: int
    pixels: int
    size: tuple[int, int]
    channels: int
    lattice: int | None
    leak: Leak | None
    learnable: tuple[Learnability, ...]
    checks: tuple[CheckResult, ...]
    hole: str | None = None

    @property
    def seconds(self) -> float:
        """Time of all checks."""
        return sum(check.seconds for check in self.checks)

    @property
    def headline(self) -> str:
        """The verdict in one line."""
        height, width = self.size
        if self.blind and self.exact:
            lattice = f", and to its whole lattice {self.lattice}Z x {self.lattice}Z" if self.lattice else ""
            region = f" and every offset of the hole {self.hole}" if self.hole else ""
            return f"{self.name} is BLIND, exactly, for all {self.pixels} pixels of {height} x {width}{region}{lattice}"
        if self.blind and not self.certified:
            return f"{self.name} shows no leak, but no pixel was certified: that takes the perturbation check"
        if self.blind:
            return (
                f"{self.name} is BLIND at {self.certified} sampled pixels of {self.pixels} ({height} x {width}); the others "
                "were not looked at"
            )
        if self.leak is None:
            failed = next((c.detail for c in self.checks if c.passed is False), "no check could measure it")
            return f"{self.name} is NOT PROVED BLIND: {failed}"
        return f"{self.name} LEAKS{self._where()}, ratio {self.leak.ratio:.2g}{self._learnable()}"

    def _where(self) -> str:
        leak = self.leak
        assert leak is not None
        if leak.culprit is not None and leak.culprit.reason != "unknown":
            return f" at {leak.culprit.module or 'its own forward'} ({leak.culprit.kind})"
        return f" at pixel {leak.position}" if leak.position is not None else ""

    def _learnable(self) -> str:
        if not self.learnable:
            return ""
        worst = max(self.learnable, key=lambda found: found.explained)
        return f", learns to copy {worst.explained:.1%} of pure noise at {worst.size} x {worst.size}"

    def __str__(self) -> str:
        lines = [self.headline]
        if self.leak is not None:
            leak = self.leak
            where = "" if leak.position is None else f" at pixel {leak.position}"
            lines.append(f"  found by {leak.check} ({leak.condition}){where}: {leak.size:.3g}, ratio {leak.ratio:.3g}")
            if leak.culprit is not None:
                lines.append(f"  {leak.culprit}")
        lines += [
            f"  learned to explain {found.explained:.2%} [{found.low:.2%}, {found.high:.2%}] of fresh noise at "
            f"{found.size} x {found.size} in {found.steps} steps"
            for found in self.learnable
        ]
        marks = {True: "ok", False: "LEAK", None: "not run"}
        width = max((len(check.condition) for check in self.checks), default=0)
        lines += [
            f"  {marks[check.passed]:<8} {check.check:<13} {check.condition:<{width}}  {check.detail}  ({check.seconds:.1f} s)"
            for check in self.checks
        ]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """All of it as JSON values."""
        return {"headline": self.headline, "seconds": self.seconds, **dataclasses.asdict(self)}

    def to_json(self) -> str:
        """All of it as JSON text."""
        return json.dumps(self.to_dict(), indent=1)
