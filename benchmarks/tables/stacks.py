"""Tables of time-lapses and volumes: clean clips with noise, recordings, and what is measured between frames."""

from __future__ import annotations

from typing import Any

from benchmarks.tables.markdown import Table, bold
from benchmarks.tables.stored import RESULTS, stored

_CLIPS = ("carphone_30", "carphone_PG", "tractor_30", "tractor_PG")
_NOISE = {"30": "sigma 30", "PG": "Poisson-Gaussian"}
_ENDS = ("BM4D", "BM4D first", "BM4D inner", "BM4D last")


def stacks_cost() -> Table:
    """What neighbouring frames cost, against none."""
    rows = stored("stacks_cost")["rows"]
    plain = rows[0]
    cells = [
        [
            str(row["context"]),
            f"{row['macs_per_pixel']:,.0f}",
            f"{row['inference_seconds'] / plain['inference_seconds']:.2f}",
            f"{row['step_seconds'] / plain['step_seconds']:.2f}",
        ]
        for row in rows
    ]
    header = ["neighbours on each side", "operations per pixel", "time of a frame", "time of a training step"]
    return Table(header, cells, ["stacks_cost"])


def stacks_clips() -> Table:
    """Clean clips with noise: PSNR of all frames, of the ends, and of what stands still and moves."""
    rows, sources = [], []
    for name in _CLIPS:
        source = f"stacks_{name}"
        found = stored(source)
        sources.append(source)
        title = f"{found['clip']}, {_NOISE[found['noise']]}"
        rows += [[title, *cells] for cells in _classical(found["classical"])]
        rows += [[title, *_clip_cells(row)] for row in found["rows"]]
    header = ["clip", "method", "all", "first", "inner", "last", "static", "moving", "ghost"]
    return Table(header, rows, sources)


def _classical(found: dict[str, float]) -> list[list[str]]:
    ends = [f"{found[key]:.2f}" for key in _ENDS]
    return [["BM3D, each frame", f"{found['BM3D']:.2f}", *["-"] * 6], ["BM4D, the stack", *ends, *["-"] * 3]]


def _clip_cells(row: dict[str, Any]) -> list[str]:
    numbers = [f"{row[key]:.2f}" for key in ("all", "first", "inner", "last", "static", "moving")]
    cells = [_method(row), *numbers, f"{row['ghost']:+.2f}" if "ghost" in row else "-"]
    return [bold(cell) for cell in cells] if row["method"].startswith(("context", "`")) else cells


def _method(row: dict[str, Any]) -> str:
    if not row["method"].startswith("context"):
        return str(row["method"])
    count = row["context"]
    hole = ", with the hole" if row.get("context_hole") else ""
    return f"bsn, {count} neighbours on each side{hole}" if count else "bsn, each frame"


def _recordings(*scored: str) -> list[str]:
    names = sorted(path.stem for path in RESULTS.glob("stacks_real_*.json"))
    return [name for name in names if stored(name)["scored"] in scored]


def stacks_recorded() -> Table:
    """Recordings with a near-truth or a repeat."""
    sources = _recordings("near-truth", "repeat")
    rows = []
    for source in sources:
        found = stored(source)
        for row in found["rows"]:
            far = f"{row['beyond_4_sigma']:.2%}" if "beyond_4_sigma" in row else "-"
            rows.append([found["stack"], _method(row), f"{row['psnr']:.2f} dB", far, _residual(row), _seconds(row)])
    header = ["recording", "method", "PSNR", "beyond 4 sigma", "residual along x, y, stack", "training"]
    return Table(header, rows, sources)


def stacks_held_back() -> Table:
    """Recordings without any truth, by frames that no training saw."""
    sources = _recordings("held back")
    rows = []
    for source in sources:
        found = stored(source)
        trained = [row for row in found["rows"] if "likelihood" in row]
        rows += [
            [
                found["stack"],
                _method(row),
                f"{row['blind_error']:.4g}",
                f"{row['likelihood']:.3f}",
                _residual(row),
                _seconds(row),
            ]
            for row in trained
        ]
        rows += [] if trained else [[found["stack"], "not trained yet", "-", "-", "-", "-"]]
    header = ["recording", "method", "error and noise", "log-likelihood", "residual along x, y, stack", "training"]
    return Table(header, rows, sources)


def _residual(row: dict[str, Any]) -> str:
    return ", ".join(f"{row[f'residual_{key}']:+.2f}" if f"residual_{key}" in row else "-" for key in "xyt")


def _seconds(row: dict[str, Any]) -> str:
    """Length of a training; processor time where it was measured, since other work on a machine does not count in it."""
    if "training_seconds" not in row:
        return "-"
    return f"{row['steps']} steps, {row.get('processor_seconds', row['training_seconds']) / 60:.1f} min"


def stacks_judged() -> Table:
    """What is measured between the frames of recordings, and what follows."""
    sources = _recordings("near-truth", "repeat", "held back", "refused")
    rows = []
    for source in sources:
        found = stored(source)
        judged = found["judged"]
        between = "-" if judged["between"] is None else f"{judged['between']:+.2f}"
        hole = ", with the hole" if judged["hole"] else ""
        rows.append(
            [
                found["stack"],
                f"{found['frames'][0]} {'slices' if found['axis'] == 'Z' else 'frames'}",
                between,
                f"{judged['lags_x'][0]:+.2f}, {judged['lags_y'][0]:+.2f}",
                f"{judged['pattern']:.0%}",
                f"{judged['worth'][0]:.0%}",
                f"{judged['context']} on each side{hole}" if judged["context"] else "each frame alone",
            ]
        )
    header = ["recording", "length", "between frames", "within, x and y", "fixed pattern", "next tells", "neighbours"]
    return Table(header, rows, sources)
