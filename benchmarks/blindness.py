"""Is it blind? Every network by every check, every known leak, and what one layer of channel attention learns to copy.

    python -m benchmarks.blindness [--parts networks cases learnability] [--size 128] [--steps 1200] [--curriculum 16 32 64]

Prints the tables and writes benchmarks/results/blindness.json; parts that are left out keep their last results.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.measure import RESULTS, write_result
from bsn.blindness import (
    MEASURED_LEAKS,
    Condition,
    LearnabilityConfig,
    Subject,
    VerifyConfig,
    learnability,
    move_weights,
    perturbation_check,
    verify,
)
from bsn.models import create, presets
from bsn.ops import MaskedConv2d, merge_phases, split_phases
from bsn.ops.channel_attention.module import ChannelAttention
from tests.helpers.blindness_cases import blind_networks, leaking_networks

PARTS = ("networks", "cases", "learnability")


class OneChannelAttention(nn.Module):
    """Masked head, two unshuffles, one channel attention, two shuffles, 1x1 output: the layer on trial and little else."""

    def __init__(self, channels: int, heads: int, scope: str, image_channels: int) -> None:
        super().__init__()
        self.head = MaskedConv2d(image_channels, channels // 16, bias=False)
        self.attention = ChannelAttention(channels, heads=heads, scope=scope)
        self.output = nn.Conv2d(channels // 16, image_channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to the same shape; H and W multiples of 8."""
        phases = nn.functional.pixel_unshuffle(split_phases(self.head(x)), 4)
        return self.output(merge_phases(nn.functional.pixel_shuffle(self.attention(phases), 4)))


def networks(size: int) -> list[dict[str, Any]]:
    """Every preset by every check; the certificate at full size and 128 x 128 is timed by itself."""
    rows = []
    for name in presets():
        network = move_weights(create(name))
        subject = Subject(network, 3, Condition("certificate", (size, size), False))
        start, cpu = time.perf_counter(), time.process_time()
        certificate = perturbation_check(subject, [network.lattice])
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
        print(
            f"{name}: {certificate.pixels} of {certificate.total} pixels of {size} x {size} certified, lattice "
            f"{certificate.lattice}, {certificate.passes} passes, {seconds:.1f} s ({cpu:.1f} s of processor time)",
            flush=True,
        )
        verdict = verify(network, 3, VerifyConfig((32, 32)), name=name)
        print(verdict, flush=True)
        rows.append(
            {
                "network": name,
                "certified": certificate.pixels,
                "pixels": certificate.total,
                "size": size,
                "lattice": certificate.lattice,
                "passes": certificate.passes,
                "seconds": seconds,
                "cpu_seconds": cpu,
                "verdict": verdict.to_dict(),
            }
        )
    return rows


def cases() -> list[dict[str, Any]]:
    """Every known leak, and the networks that are blind in other ways."""
    rows = []
    entries = [(name, network, 1) for name, (network, _) in leaking_networks().items()]
    entries += [(name, network, channels) for name, (network, channels, _) in blind_networks().items()]
    for name, network, channels in entries:
        verdict = verify(network, channels, VerifyConfig((32, 32)), name=name)
        caught = [f"{check.check} ({check.condition})" for check in verdict.checks if check.passed is False]
        print(f"{verdict.headline}  [{verdict.seconds:.1f} s]  by {', '.join(caught) or 'none'}", flush=True)
        rows.append({"case": name, "caught_by": caught, "verdict": verdict.to_dict()})
    return rows


def learned(steps: int, sizes: list[int], image_channels: int, pixels: int) -> list[dict[str, Any]]:
    """Rows of the table of leaks: 192 channels in 4 groups, global and per phase."""
    rows = []
    for scope in ("global", "phase"):
        torch.manual_seed(0)
        network = OneChannelAttention(192, 4, scope, image_channels)
        config = LearnabilityConfig(steps=steps, pixels=pixels)
        for found in learnability(
            network, image_channels, sizes, config, say=lambda text: print("  " + text, flush=True)
        ):
            positions = (found.size // 4) ** 2
            before = MEASURED_LEAKS[192, 4].get(positions) if scope == "global" else 0.0
            print(
                f"{scope:<7} {positions:>5} positions: {found.explained:.3%} [{found.low:.3%}, {found.high:.3%}], study "
                f"{'-' if before is None else format(before, '.0%')}",
                flush=True,
            )
            rows.append(
                {
                    "scope": scope,
                    "positions": positions,
                    "study": before,
                    "image_channels": image_channels,
                    "steps": found.steps,
                    "batch_pixels": pixels,
                    "explained": found.explained,
                    "low": found.low,
                    "high": found.high,
                }
            )
    return rows


def markdown(result: dict[str, Any]) -> str:
    """Tables of the README from the stored results."""
    lines = []
    if "networks" in result:
        checks = [(c["check"], c["condition"].rsplit(",", 1)[0]) for c in result["networks"][0]["verdict"]["checks"]]
        size = result["networks"][0]["size"]
        titles = [check if check == "structure" else condition for check, condition in checks]
        lines += ["| network | " + " | ".join([f"every pixel of {size} x {size}", *titles]) + " |"]
        lines += ["|---" * (len(checks) + 2) + "|"]
        for row in result["networks"]:
            cells = [f"{row['certified']} of {row['pixels']}, {row['passes']} passes, {row['seconds']:.0f} s"]
            cells += [f"{_mark(check['passed'])} {check['seconds']:.1f} s" for check in row["verdict"]["checks"]]
            lines += [f"| {row['network']} | " + " | ".join(cells) + " |"]
    if "cases" in result:
        lines += ["", "| case | verdict | ratio | caught by | module |", "|---|---|---|---|---|"]
        for row in result["cases"]:
            leak = row["verdict"]["leak"]
            kinds = list(dict.fromkeys(_short(text) for text in row["caught_by"]))
            cells = ["blind", "-", "-", "-"]
            if leak is not None:
                cells = [
                    "leaks",
                    f"{leak['ratio']:.1e}",
                    ", ".join(kinds),
                    leak["culprit"]["module"] or "its own forward",
                ]
            lines += [f"| {row['case']} | " + " | ".join(cells) + " |"]
    if "learnability" in result:
        lines += ["", "| scope | positions | explained here, 95 % interval | published study |", "|---|---|---|---|"]
        for row in result["learnability"]:
            study = "-" if row["study"] is None else f"{row['study']:.0%}"
            here = f"{row['explained']:.2%} [{row['low']:.2%}, {row['high']:.2%}]"
            lines += [f"| {row['scope']} | {row['positions']} | {here} | {study} |"]
    return "\n".join(lines)


def _mark(passed: bool | None) -> str:
    return {True: "ok", False: "LEAK", None: "not run"}[passed]


def _short(text: str) -> str:
    """'perturbation (float64, train mode, 32 x 32)' to 'perturbation, train mode'."""
    check, _, condition = text.rstrip(")").partition(" (")
    words = condition.split(", ")[1:-1]
    return check if words in ([], ["eval"]) else f"{check}, {words[-1]}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--steps", type=int, default=1200)
    parser.add_argument("--curriculum", type=int, nargs="+", default=[16, 32, 64])
    parser.add_argument("--image_channels", type=int, default=3)
    parser.add_argument("--pixels", type=int, default=16384)
    parser.add_argument("--table", action="store_true", help="only print the stored results, as Markdown")
    options = parser.parse_args()
    torch.set_num_threads(2)
    torch.manual_seed(0)
    stored = RESULTS / "blindness.json"
    result = json.loads(stored.read_text()) if stored.exists() else {}
    result = {part: result[part] for part in PARTS if part in result}
    if options.table:
        print(markdown(result))
        return
    if "networks" in options.parts:
        result["networks"] = networks(options.size)
    if "cases" in options.parts:
        result["cases"] = cases()
    if "learnability" in options.parts:
        result["learnability"] = learned(options.steps, options.curriculum, options.image_channels, options.pixels)
    print(write_result("blindness", result))


if __name__ == "__main__":
    main()
