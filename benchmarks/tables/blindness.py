"""Tables of the blindness checks: networks certified, leaks found, leaks learned."""

from __future__ import annotations

import statistics
from typing import Any

from benchmarks.tables.markdown import Table, decibels
from benchmarks.tables.stored import stored

CHECKS = ("structure", "jacobian", "perturbation", "train mode", "odd size", "bf16 autocast", "moved weights")
_MARKS = {True: "ok", False: "leak", None: "not run"}


def certified() -> Table:
    """Presets: every pixel of a large image, then each check on a small one."""
    found = stored("blindness")["networks"]
    rows = []
    for row in found:
        checks = {check["check"]: check for check in row["checks"]}
        certificate = f"{row['certified']:,} of {row['pixels']:,}: {row['passes']} passes, {row['seconds']:.0f} s"
        times = (f"{_MARKS[checks[name]['passed']]}, {checks[name]['seconds']:.1f} s" for name in CHECKS)
        rows.append([f"`{row['network']}`", certificate, *times])
    return Table(["network", f"every pixel of {found[0]['size']}²", *CHECKS], rows, ["blindness"])


def leaks() -> Table:
    """Networks that must be caught, and networks that are blind in other ways than ours."""
    rows = [_leak(row) for row in stored("blindness")["cases"]]
    return Table(["case", *CHECKS[1:], "ratio", "module"], rows, ["blindness"])


def learned() -> Table:
    """How much fresh noise one layer of channel attention learns to copy."""
    rows = []
    for row in stored("blindness")["learnability"]:
        digits = 3 if row["scope"] == "phase" else 0
        earlier = "-" if row["study"] is None else f"{row['study']:.{digits}%}"
        here = f"{row['explained']:.3%} [{row['low']:.3%}, {row['high']:.3%}]"
        rows.append([row["scope"], str(row["positions"]), here, earlier])
    return Table(["scope", "positions", "copied, 95 % interval", "earlier study"], rows, ["blindness"])


def leak_in_training() -> Table:
    """Channel attention global and per phase in a real training, three seeds."""
    rows = []
    for scope, scores in stored("leak")["psnr"].items():
        seeds = ", ".join(f"{score:.2f}" for score in scores)
        rows.append([scope, decibels(statistics.mean(scores)), f"{statistics.stdev(scores):.2f} dB", seeds])
    return Table(["scope", "mean", "standard deviation over seeds", "seeds"], rows, ["leak"])


def tiles() -> Table:
    """Channel attention in tiles against the whole image."""
    result = stored("leak")
    rows = [["whole image", decibels(result["psnr"]["phase"][0]), ""]]
    for row in result["tiles"]:
        rows.append([f"tiles of {row['tile']}", decibels(row["psnr"]), f"{row['share_of_removed_noise']:.1%}"])
    return Table(["512 x 512 pixels denoised as", "PSNR", "difference, share of the removed noise"], rows, ["leak"])


def _leak(row: dict[str, Any]) -> list[str]:
    checks = {check["check"]: check["passed"] for check in row["checks"]}
    end = ["", ""] if row["ratio"] is None else [f"{row['ratio']:.1e}", f"`{row['module']}`"]
    return [row["case"], *(_MARKS[checks[name]] for name in CHECKS[1:]), *end]
