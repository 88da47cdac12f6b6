"""Full-size TBSN on the CPU: our form on phases against the literal, dilated and masked form.

    python -m benchmarks.tbsn_cpu [--size 256] [--step_batch 4] [--repeats 3]

Both have the same weights and give the same numbers; the ratio is taken in one run. Prints a table, writes
benchmarks/results/tbsn_cpu.json.
"""

from __future__ import annotations

import argparse
import time

import torch

from benchmarks.measure import alternate, peak_memory, write_result
from bsn.models import TBSN
from tests.helpers.literal_tbsn import LiteralTBSN

MACS_PER_PIXEL = 4_973_032  # specification, convolutions and matrix products of the published form


def build(kind: str) -> torch.nn.Module:
    torch.manual_seed(0)
    literal = LiteralTBSN()
    return literal if kind == "literal" else TBSN.from_official(literal.state_dict(), {})


def forward(kind: str, size: int, bf16: bool = False) -> None:
    network = build(kind).eval()
    forward_of(network, torch.rand(1, 3, size, size) * 255, bf16)()


def forward_of(network, x, bf16):
    def run():
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            return network(x)

    return run


def step(kind: str, size: int) -> None:
    step_of(build(kind).train(), torch.rand(1, 3, size, size) * 255)()


def step_of(network, x, bf16=False):
    optimizer = torch.optim.AdamW([p for p in network.parameters() if p.requires_grad], lr=3e-4)

    def run():
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            out = network(x)
        loss = (out.float() - x).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return run


def matrix_rate() -> float:
    """Best rate of float32 matrix products on this machine, GFLOP/s."""
    a = torch.rand(2048, 2048)
    best = 0.0
    for _ in range(5):
        start = time.perf_counter()
        a @ a
        best = max(best, 2 * 2048**3 / (time.perf_counter() - start) / 1e9)
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--step_size", type=int, default=128)
    parser.add_argument("--step_batch", type=int, default=4, help="crops of a step; published: 4")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(2)
    x = torch.rand(1, 3, options.size, options.size) * 255
    literal, ours = build("literal").eval(), build("ours").eval()
    with torch.no_grad():
        error = float((literal(x) - ours(x)).abs().max() / literal(x).abs().max())
    times = alternate(
        {
            "literal": forward_of(literal, x, False),
            "phases": forward_of(ours, x, False),
            "phases bf16": forward_of(ours, x, True),
        },
        options.repeats,
    )
    small = torch.rand(options.step_batch, 3, options.step_size, options.step_size) * 255
    literal, ours = build("literal").train(), build("ours").train()
    steps = alternate(
        {
            "literal": step_of(literal, small),
            "phases": step_of(ours, small),
            "phases bf16": step_of(build("ours").train(), small, True),
        },
        options.repeats,
    )
    del literal, ours
    memory = {
        "forward literal": peak_memory(forward, "literal", options.size),
        "forward phases": peak_memory(forward, "ours", options.size),
        "forward phases bf16": peak_memory(forward, "ours", options.size, True),
        "step literal": peak_memory(step, "literal", options.step_size),
        "step phases": peak_memory(step, "ours", options.step_size),
    }
    rate, work = matrix_rate(), 2 * MACS_PER_PIXEL * options.size**2 / 1e9
    print(
        f"identical output: largest relative difference {error:.1e}; 2 threads; float32 products reach {rate:.0f} GFLOP/s"
    )
    for title, table in (
        (f"forward {options.size}^2", times),
        (f"step {options.step_batch} x {options.step_size}^2", steps),
    ):
        for name, seconds in table.items():
            print(f"  {title:<20} {name:<12} {seconds:7.2f} s   {table['literal'] / seconds:5.2f} x")
    print(
        f"  forward is {work:.0f} GFLOP: {work / rate:.2f} s at that rate, {work / rate / times['phases']:.0%} of it reached"
    )
    for name, size in memory.items():
        print(f"  peak memory {name:<22} {size / 1e6:7.0f} MB")
    path = write_result(
        "tbsn_cpu",
        {
            "relative_difference": error,
            "forward_seconds": times,
            "step_seconds": steps,
            "step_batch": options.step_batch,
            "peak_bytes": memory,
            "matrix_gflops": rate,
            "forward_gflop": work,
        },
    )
    print(path)


if __name__ == "__main__":
    main()
