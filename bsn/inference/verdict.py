"""Whether a result is given, or what is given in its place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor
from typing_extensions import override

from bsn.inference.explanation import MEANS, RESULT, Explanation

__all__ = ["Removal", "Verdict"]


@dataclass(frozen=True)
class Removal(Explanation):
    """What is removed, and whether it is noise; the powers of what candidates remove stand in place of their risks.

    Parameters
    ----------
    factor : float
        Standard deviation of what the result removes, relative to the noise that the model in the box for cameras sees.
    share : float or None
        Share of what the result removes that the measured noise cannot explain; None where that was not asked, or where
        there is too little to measure the noise on.
    noise : float
        Standard deviation of the noise that the model in the box for cameras sees, as a share of the range of values.
    """

    factor: float = 1.0
    share: float | None = None
    noise: float = 0.0

    @override
    def line(self) -> str:
        """One line: what is given, and why."""
        given = next(choice.name for choice in self.choices if choice.weight == 1)
        why = f"{self.factor:.1f} times the noise that the model in the box for cameras sees"
        if self.share is not None:
            why += f", {100 * self.share:.0f} % of it beyond the measured noise"
        if given == RESULT:
            return f"the result removes {why}{self.afterwards}"
        instead = given if given == MEANS else f"the {given}"
        return (
            f"the result would remove picture ({why}), so {instead} is given in its place; --no_guard keeps the result"
        )

    @override
    def table(self) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
        """Headings and rows: what each candidate removes, in grey levels of 255, and which is given."""
        rows: list[tuple[str, ...]] = [
            (c.name, f"{255 * max(c.risk, 0) ** 0.5 / self.peak:.2f}", f"{c.weight:.3f}") for c in self.choices
        ]
        return ("candidate", "removes, of 255", "weight"), rows

    @override
    def as_dict(self) -> dict[str, object]:
        """The same as data for JSON."""
        return {
            "removes_relative_to_seen_noise": self.factor,
            "share_beyond_measured_noise": self.share,
            **({"afterwards": self.afterwards.removeprefix("; ")} if self.afterwards else {}),
            "candidates": [{"name": c.name, "removed_power": c.risk, "weight": c.weight} for c in self.choices],
        }


@dataclass(frozen=True)
class Verdict:
    """What becomes of the result of a plane.

    Parameters
    ----------
    removal : Removal
        Why.
    instead : callable, optional
        Maps a noisy region (1, C, H, W), in image values, to what is given in place of the result; None where the result is
        given.
    """

    removal: Removal
    instead: Callable[[Tensor], Tensor] | None = None
