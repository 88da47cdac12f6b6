"""Successive halving (Jamieson and Talwalkar, AISTATS 2016): train many a little, the better part of them longer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

__all__ = ["HalvingConfig", "Rung", "Trial", "halve", "rungs_of", "total_steps", "winner"]


@dataclass(frozen=True)
class HalvingConfig:
    """How many candidates are trained, and how fast their number falls.

    Parameters
    ----------
    candidates : int
        Random networks that are trained at first.
    factor : int
        The best ``1 / factor`` of a rung goes on to the next, which is `factor` times as long.
    rungs : int
        Lengths of trainings; the last one is the whole.
    filter : {"none", "gradient", "synflow"}
        Score of untrained networks by which the candidates are taken from `pool` random ones, see
        :mod:`restoration.manas.search.proxies`.
    pool : int
        Networks that the filter looks at.
    recipe : str
        Recipe of ``bsn restore train`` by which candidates are trained; crop, batch and learning rate are those of the search.
    validation_images : int
        Pairs on which candidates are compared, whole backgrounds at a time and at most `architecture_share` of them.
    validation_crop : int
        Side of the middle part of each that is scored; 0 for the whole.

    Raises
    ------
    ValueError
        For values outside their range.
    """

    candidates: int = 16
    factor: int = 2
    rungs: int = 4
    filter: Literal["none", "gradient", "synflow"] = "none"
    pool: int = 64
    recipe: str = "manas-tiny"
    validation_images: int = 16
    validation_crop: int = 128

    def __post_init__(self) -> None:
        rules = {
            "candidates": (self.candidates >= 1, "1 or more"),
            "factor": (self.factor >= 2, "2 or more"),
            "rungs": (self.rungs >= 1, "1 or more"),
            "pool": (self.filter == "none" or self.pool >= self.candidates, "candidates or more"),
            "validation_images": (self.validation_images >= 1, "1 or more"),
            "validation_crop": (self.validation_crop == 0 or self.validation_crop >= 16, "0, or 16 or more"),
        }
        for name, (legal, range_) in rules.items():
            if not legal:
                raise ValueError(f"halving.{name} {getattr(self, name)} is out of range; use {range_}")


@dataclass(frozen=True)
class Rung:
    """How many candidates are trained up to which step."""

    candidates: int
    steps: int


@dataclass(frozen=True)
class Trial:
    """A candidate at the end of a rung."""

    rung: int
    candidate: int
    steps: int
    score: float
    goes_on: bool


def rungs_of(config: HalvingConfig, steps: int) -> list[Rung]:
    """Rungs of a search.

    Parameters
    ----------
    config : HalvingConfig
        Candidates, factor and number of rungs.
    steps : int
        Length of the longest training; it is rounded down to a multiple of the shortest.

    Returns
    -------
    list of Rung
        From short to long.

    Raises
    ------
    ValueError
        If the shortest training would have fewer than 2 steps.
    """
    shortest = steps // config.factor ** (config.rungs - 1)
    if shortest < 2:
        raise ValueError(
            f"{steps} steps in {config.rungs} rungs, each {config.factor} times as long as the one before: the first would "
            f"have {shortest}; give {2 * config.factor ** (config.rungs - 1)} steps or more, or fewer rungs"
        )
    return [
        Rung(max(config.candidates // config.factor**number, 1), shortest * config.factor**number)
        for number in range(config.rungs)
    ]


def total_steps(rungs: Sequence[Rung]) -> int:
    """Training steps of all candidates together; each goes on from where it was left.

    Parameters
    ----------
    rungs : sequence of Rung
        From short to long.
    """
    before = [0, *(rung.steps for rung in rungs)]
    return sum(rung.candidates * (rung.steps - start) for rung, start in zip(rungs, before, strict=False))


def halve(rungs: Sequence[Rung], train: Callable[[int, int], float], say: Callable[[Trial], None]) -> list[Trial]:
    """Train candidates rung by rung.

    Parameters
    ----------
    rungs : sequence of Rung
        From short to long; candidates are the numbers from 0 to those of the first.
    train : callable
        ``train(candidate, steps)`` trains it from where it was left up to this step, and gives its score, the higher the
        better.
    say : callable
        Told each trial once its rung has ended.

    Returns
    -------
    list of Trial
        In the order of the work; the best one of the last rung is the winner, see :func:`winner`.
    """
    alive, trials = list(range(rungs[0].candidates)), []
    for number, rung in enumerate(rungs):
        scores = {candidate: train(candidate, rung.steps) for candidate in alive}
        kept = rungs[number + 1].candidates if number + 1 < len(rungs) else 1
        best = sorted(alive, key=lambda candidate: -scores[candidate])[:kept]
        for candidate in alive:
            trials.append(Trial(number, candidate, rung.steps, scores[candidate], candidate in best))
            say(trials[-1])
        alive = sorted(best)
    return trials


def winner(trials: Sequence[Trial]) -> Trial:
    """The candidate that was best at the end of the last rung.

    Parameters
    ----------
    trials : sequence of Trial
        All trials of :func:`halve`.
    """
    return next(trial for trial in reversed(trials) if trial.goes_on)
