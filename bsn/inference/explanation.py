"""What was chosen for an image, and why: for the terminal, and as data."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

__all__ = ["BOXED", "MEANS", "NOISY", "RESULT", "Choice", "Explanation"]

RESULT = "result"
"""Name of the result of all other stages, where it is left as it is."""

NOISY, MEANS = "noisy image", "non-local means"
"""Names of the simplest candidates."""

BOXED = "model in the box for cameras"
"""Name of the result of the model in the box that knows noise which neighbours share."""

_SAID = 0.05  # weights below this are not worth a word on one line


@dataclass(frozen=True)
class Choice:
    """One candidate.

    Parameters
    ----------
    name : str
        Its name.
    risk : float
        Estimated mean squared error of it alone, in squared image values; it may be negative.
    weight : float
        Its weight in the result, averaged over the parts of the image.
    """

    name: str
    risk: float
    weight: float


@dataclass(frozen=True)
class Explanation:
    """Why the result of a plane is what it is.

    Parameters
    ----------
    scope : {"single", "image", "parts", "regions"}
        What the weights differ between; "single": one candidate alone.
    choices : tuple of Choice
        All candidates.
    risk : float
        Estimated mean squared error of the result.
    error : float
        Standard error of its difference to the best candidate.
    peak : float
        Image value for which PSNR is counted.
    preface : str
        What the line begins with, such as why results are mixed that nobody asked to mix.
    afterwards : str
        What the line ends with: what is done to the result after the choice.
    """

    scope: str
    choices: tuple[Choice, ...]
    risk: float
    error: float
    peak: float = 1.0
    preface: str = ""
    afterwards: str = ""

    @property
    def changes(self) -> bool:
        """Whether the result is another one than without a mixture."""
        return not any(choice.name == RESULT and choice.weight == 1 for choice in self.choices)

    def line(self) -> str:
        """One line: what was mixed, and the estimated PSNR before and after."""
        used = sorted((c for c in self.choices if c.weight >= _SAID), key=lambda c: -c.weight)
        noisy = next((c for c in self.choices if c.name == NOISY), None)
        if self.scope == "single":
            what = f"chosen: {used[0].name}" if used else "chosen: nothing"
        else:
            where = {"image": "", "parts": ", by frequency", "regions": ", by region"}[self.scope]
            what = f"mixed{where}: " + ", ".join(f"{c.name} {c.weight:.2f}" for c in used)
        before = "" if noisy is None else f", input {self.psnr(noisy.risk)}"
        return f"{self.preface}{what}; estimated PSNR {self.psnr(self.risk)} dB{before}{self.afterwards}"

    def psnr(self, risk: float) -> str:
        """PSNR of a mean squared error, in dB with one decimal.

        Parameters
        ----------
        risk : float
            Estimated mean squared error, in squared image values.

        Returns
        -------
        str
            "-" where the estimate is not positive.
        """
        return f"{10 * math.log10(self.peak**2 / risk):.1f}" if risk > 0 else "-"

    def table(self) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
        """All candidates for the terminal.

        Returns
        -------
        headings : tuple of str
        rows : list of tuple of str
        """
        rows = [(c.name, self.psnr(c.risk), f"{c.weight:.3f}") for c in self.choices]
        return ("candidate", "estimated PSNR", "weight"), [*rows, ("result", self.psnr(self.risk), "")]

    def as_dict(self) -> dict[str, Any]:
        """The same as data for JSON."""
        return {
            "scope": self.scope,
            "estimated_mse": self.risk,
            "standard_error": self.error,
            "peak": self.peak,
            **({"afterwards": self.afterwards.removeprefix("; ")} if self.afterwards else {}),
            "candidates": [{"name": c.name, "estimated_mse": c.risk, "weight": c.weight} for c in self.choices],
        }
