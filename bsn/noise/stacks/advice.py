"""From what frames share to how many neighbours a network takes, and how it sees them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bsn.noise.stacks.readings import StackReadings

__all__ = ["ALONE", "CONTEXT_ADVICE", "ContextAdvice", "ContextAdviceSettings", "advise_context"]


@dataclass(frozen=True)
class ContextAdviceSettings:
    """Limits of the judgement.

    They follow from a prototype: noise that is correlated by 0.3 from frame to frame made sighted neighbours 3.3 dB worse than
    none, a fixed pattern of a fifth of the noise variance 3 dB, and neighbours with the hole gained 1 to 4 dB in both cases.

    Parameters
    ----------
    correlated : float
        Correlation between frames from which neighbours are not seen whole.
    pattern : float
        Share of a fixed pattern from which they are not.
    white : float
        Correlation of neighbouring pixels up to which a hole of one pixel hides what frames share.
    worth : float
        Share of the picture that a frame has to tell to count as a neighbour.
    still : float
        The same for the third neighbour.
    copies : float
        Share of equal pixels from which a frame is a copy of the one before.
    largest, largest_z : int
        Most neighbours on each side in time, and in depth.
    """

    correlated: float = 0.05
    pattern: float = 0.05
    white: float = 0.1
    worth: float = 0.5
    still: float = 0.8
    copies: float = 0.9
    largest: int = 3
    largest_z: int = 2


CONTEXT_ADVICE = ContextAdviceSettings()

ALONE = "; every plane is denoised alone"
"""What ends a reason against neighbours."""


@dataclass(frozen=True)
class ContextAdvice:
    """What to do with neighbouring frames.

    Parameters
    ----------
    context : int
        Neighbours on each side; 0 for none.
    hole : bool
        They have the hole of the frame itself, too.
    reasons : tuple of str
        Sentences for the reader.
    """

    context: int
    hole: bool = False
    reasons: tuple[str, ...] = ()


def advise_context(stacks: Sequence[StackReadings], axis: str = "T") -> ContextAdvice:
    """Judge what was measured; of several stacks the most careful judgement holds for all.

    Parameters
    ----------
    stacks : sequence of StackReadings
        One or more.
    axis : {"T", "Z"}
        What the frames are.

    Returns
    -------
    ContextAdvice
    """
    if not stacks:
        return ContextAdvice(0, reasons=(f"no stack could be measured{ALONE}",))
    found = [_advise(readings, axis) for readings in stacks]
    return min(found, key=lambda advice: (advice.context, not advice.hole))


def _advise(r: StackReadings, axis: str) -> ContextAdvice:
    what = "slice" if axis == "Z" else "frame"
    if r.equal.largest > CONTEXT_ADVICE.copies:
        return _none(
            f"{what}s are repeated ({r.equal.largest:.0%} of the pixels of one are those of the one before): a network would "
            "copy the noise from them; take the copies out of the file to use neighbours"
        )
    if r.worth[0] < CONTEXT_ADVICE.worth:
        return _none(f"the next {what} tells only {r.worth[0]:.0%} of the picture: neighbours hardly pay")
    count = _count(r, axis)
    correlated = r.between.correlated(CONTEXT_ADVICE.correlated)
    pattern = r.pattern >= CONTEXT_ADVICE.pattern
    if correlated is False and not pattern:
        return ContextAdvice(count, False, (_sighted(r, what, count),))
    why = _shared(r, what, correlated=correlated, pattern=pattern)
    if abs(r.within.strongest) >= CONTEXT_ADVICE.white:
        return _none(
            f"{why}, and noise inside {what}s is correlated, too ({r.within.strongest:+.2f} between neighbouring pixels), so a "
            "hole of one pixel does not hide it"
        )
    return ContextAdvice(
        count, True, (f"{why}: {count} neighbouring {what}s on each side, with the hole of the {what} itself",)
    )


def _none(reason: str) -> ContextAdvice:
    return ContextAdvice(0, reasons=(f"{reason}{ALONE}",))


def _count(r: StackReadings, axis: str) -> int:
    """Neighbours that tell enough of the picture."""
    largest = CONTEXT_ADVICE.largest_z if axis == "Z" else CONTEXT_ADVICE.largest
    wanted = (CONTEXT_ADVICE.worth, CONTEXT_ADVICE.worth, CONTEXT_ADVICE.still)
    count = 0
    for share, least in zip(r.worth, wanted, strict=False):
        if share < least:
            break
        count += 1
    return max(1, min(count, largest))


def _sighted(r: StackReadings, what: str, count: int) -> str:
    return (
        f"the noise of neighbouring {what}s is independent (correlation {r.between.correlation:+.2f}), there is no fixed "
        f"pattern, and the next {what} tells {r.worth[0]:.0%} of the picture: {count} neighbouring {what}s on each side, seen "
        "whole"
    )


def _shared(r: StackReadings, what: str, *, correlated: bool | None, pattern: bool) -> str:
    """What frames share, and what it would do."""
    said = []
    if correlated:
        rho = float(r.between.correlation or 0.0)
        passed = min(1.0, 2 * rho**2 / (1 + rho**2))
        said.append(
            f"noise is correlated from {what} to {what} ({rho:+.2f}): neighbours seen whole would let {passed:.0%} of its "
            "variance through"
        )
    if correlated is None:
        said.append(
            f"whether noise is independent from {what} to {what} cannot be told from {r.frames} {what}s of this size"
        )
    if pattern:
        said.append(
            f"all {what}s share a pattern ({r.pattern:.0%} of the noise variance), which neighbours seen whole would confirm"
        )
    return "; ".join(said)
