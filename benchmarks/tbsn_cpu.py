"""Full-size TBSN on the CPU: our form on phases against the literal, dilated and masked form.

    python -m benchmarks.tbsn_cpu [--size 256] [--step_batch 4] [--repeats 3] [--float32]

Both have the same weights and give the same numbers; the ratio is taken in one run. All forms are timed twice: with malloc
as it comes, which is how the published code runs, and with freed memory kept (bsn.engine.allocator), which is how ours
runs by default. Prints a table, writes benchmarks/results/tbsn_cpu.json. Processors without instructions for bfloat16 take
many times longer with it; ``--float32`` leaves it out and writes tbsn_cpu_float32.json.
"""

from __future__ import annotations

import argparse
import time

import torch

from benchmarks.measure import alternate, peak_memory, write_result
from bsn.engine.allocator import keep_freed_memory
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
    parser.add_argument(
        "--float32", action="store_true", help="no bfloat16, for processors without instructions for it"
    )
    options = parser.parse_args()
    torch.set_num_threads(2)
    x = torch.rand(1, 3, options.size, options.size) * 255
    literal, ours = build("literal").eval(), build("ours").eval()
    with torch.no_grad():
        error = float((literal(x) - ours(x)).abs().max() / literal(x).abs().max())
    small = torch.rand(options.step_batch, 3, options.step_size, options.step_size) * 255
    forwards = {"literal": forward_of(literal, x, False), "phases": forward_of(ours, x, False)}
    steps = {"literal": step_of(build("literal").train(), small), "phases": step_of(build("ours").train(), small)}
    found = {}
    if not options.float32:
        half = build("ours").eval().bfloat16()
        with torch.no_grad():
            rounded = half(x.bfloat16()).float() - ours(x)
        found["bf16_weights_rms_of_range"] = float(rounded.square().mean().sqrt() / 255)
        forwards["phases bf16"] = forward_of(ours, x, True)
        forwards["bf16 weights"] = forward_of(half, x.bfloat16(), False)
        steps["phases bf16"] = step_of(build("ours").train(), small, True)
    tables = {"malloc as it comes": [alternate(forms, options.repeats) for forms in (forwards, steps)]}
    if keep_freed_memory():
        tables["freed memory kept"] = [alternate(forms, options.repeats) for forms in (forwards, steps)]
    del literal, ours, forwards, steps
    memory = {
        "forward literal": peak_memory(forward, "literal", options.size),
        "forward phases": peak_memory(forward, "ours", options.size),
        "step literal": peak_memory(step, "literal", options.step_size),
        "step phases": peak_memory(step, "ours", options.step_size),
    }
    if not options.float32:
        memory["forward phases bf16"] = peak_memory(forward, "ours", options.size, True)
    rate, work = matrix_rate(), 2 * MACS_PER_PIXEL * options.size**2 / 1e9
    print(
        f"identical output: largest relative difference {error:.1e}; 2 threads; float32 products reach {rate:.0f} GFLOP/s"
    )
    published = tables["malloc as it comes"]
    titles = (f"forward {options.size}^2", f"step {options.step_batch} x {options.step_size}^2")
    for setting, pair in tables.items():
        for title, table, first in zip(titles, pair, published, strict=True):
            for name, seconds in table.items():
                print(
                    f"  {setting:<19} {title:<16} {name:<12} {seconds:7.2f} s   {table['literal'] / seconds:5.2f} x"
                    f"   {first['literal'] / seconds:5.2f} x the literal form with malloc as it comes"
                )
    best = min(pair[0]["phases"] for pair in tables.values())
    print(f"  forward is {work:.0f} GFLOP: {work / rate:.2f} s at that rate, {work / rate / best:.0%} of it reached")
    for name, size in memory.items():
        print(f"  peak memory {name:<22} {size / 1e6:7.0f} MB")
    path = write_result(
        "tbsn_cpu_float32" if options.float32 else "tbsn_cpu",
        {
            "relative_difference": error,
            **found,
            "forward_seconds": {setting: pair[0] for setting, pair in tables.items()},
            "step_seconds": {setting: pair[1] for setting, pair in tables.items()},
            "step_batch": options.step_batch,
            "peak_bytes": memory,
            "matrix_gflops": rate,
            "forward_gflop": work,
        },
    )
    print(path)


if __name__ == "__main__":
    main()
