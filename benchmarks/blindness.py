"""Is it blind? Every network by every check, every known leak, and what one layer of channel attention learns to copy.

    python -m benchmarks.blindness [--parts networks cases learnability] [--size 128] [--steps 500] [--curriculum 16 32 64]

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
    Verdict,
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

STUDY_PER_PHASE = {16: 0.0, 64: 0.00002}
PARTS = ("networks", "cases", "learnability")
CONDITIONS = {
    "float64, train mode": "train mode",
    "float64, eval, odd size": "odd size",
    "bf16, autocast": "bf16 autocast",
    "float64, moved weights": "moved weights",
}


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
                **slim(verdict),
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
        print(f"{verdict.headline}  [{verdict.seconds:.1f} s]", flush=True)
        rows.append({"case": name, **slim(verdict)})
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
            before = (MEASURED_LEAKS[192, 4] if scope == "global" else STUDY_PER_PHASE).get(positions)
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


def slim(verdict: Verdict) -> dict[str, Any]:
    """What the tables need of a verdict."""
    leak = verdict.leak
    where = None if leak is None or leak.culprit is None else leak.culprit.module or "its own forward"
    checks = [
        {
            "check": CONDITIONS.get(c.condition.rsplit(",", 1)[0], c.check),
            "passed": c.passed,
            "seconds": round(c.seconds, 2),
        }
        for c in verdict.checks
    ]
    return {
        "headline": verdict.headline,
        "ratio": None if leak is None else leak.ratio,
        "module": where,
        "checks": checks,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--curriculum", type=int, nargs="+", default=[16, 32, 64])
    parser.add_argument("--image_channels", type=int, default=1)
    parser.add_argument("--pixels", type=int, default=16384)
    options = parser.parse_args()
    torch.set_num_threads(2)
    torch.manual_seed(0)
    stored = RESULTS / "blindness.json"
    result = json.loads(stored.read_text()) if stored.exists() else {}
    result = {part: result[part] for part in PARTS if part in result}
    if "networks" in options.parts:
        result["networks"] = networks(options.size)
    if "cases" in options.parts:
        result["cases"] = cases()
    if "learnability" in options.parts:
        result["learnability"] = learned(options.steps, options.curriculum, options.image_channels, options.pixels)
    print(write_result("blindness", result))


if __name__ == "__main__":
    main()
