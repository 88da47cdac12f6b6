"""Tables of trainings that begin with a prior of the box, beside those from random weights."""

from __future__ import annotations

from typing import Any

from benchmarks.tables.markdown import Table, bold, decibels
from benchmarks.tables.stored import RESULTS, stored, value

__all__ = ["MAKERS", "start_prior", "start_rate"]

_SCORED, _TUNED = "start_prior*", "tune_start*"
_BEGUN = {"none": "random weights", "auto": "the prior"}


def start_prior() -> Table:
    """PSNR after so many steps, from random weights and from the prior."""
    return _table(_SCORED)


def start_rate() -> Table:
    """The photographs on which the learning rate was chosen."""
    return _table(_TUNED)


def _table(pattern: str) -> Table:
    """Trainings of some files of results; the better of the two beginnings is bold."""
    names = sorted(path.stem for path in RESULTS.glob(f"{pattern}.json"))
    cases: dict[str, dict[str, Any]] = {}
    for name in names:
        for title, case in value(name, "cases").items():
            cases.setdefault(title, {"what": case["what"], "rows": []})["rows"].extend(case["rows"])
    lengths = sorted({row["steps"] for case in cases.values() for row in case["rows"]})
    rows = [[case["what"], *cells] for case in cases.values() for cells in _begun(case["rows"], lengths)]
    crop = stored(names[0])["crop"]
    header = [f"trained on, crops of {crop} pixels", "begun with", *(f"{steps} steps" for steps in lengths)]
    return Table(header, rows, names)


def _begun(rows: list[dict[str, Any]], lengths: list[int]) -> list[list[str]]:
    """Cells of one case, a list for each beginning and learning rate."""
    best = {steps: max((row["psnr"] for row in rows if row["steps"] == steps), default=0.0) for steps in lengths}
    ways = sorted({(row["start"], row["rate"]) for row in rows}, key=lambda way: (way[0] != "none", -(way[1] or 0)))
    found = []
    for start, rate in ways:
        scores = {row["steps"]: row["psnr"] for row in rows if (row["start"], row["rate"]) == (start, rate)}
        cells = [decibels(scores[steps]) if steps in scores else "-" for steps in lengths]
        marked = [
            bold(cell) if scores.get(steps) == best[steps] else cell for steps, cell in zip(lengths, cells, strict=True)
        ]
        found.append([_BEGUN[start] + ("" if rate is None else f", rate x {rate:g}"), *marked])
    return found


MAKERS = {
    start_prior: (_SCORED, "python -m benchmarks.start_prior"),
    start_rate: (_TUNED, "python -m benchmarks.start_prior --cases 'tuned shared' 'tuned white' --name tune_start"),
}
"""Tables, the files that they are made of, and the command that brings those."""
