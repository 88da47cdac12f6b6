"""Each operator with kernels: literal form, reference, and (on CUDA) kernels; forward and forward with backward.

    python -m benchmarks.attention [--size 512] [--dtype bfloat16] [--repeats 10]

Times take turns, so that a change of the machine's speed meets all forms. On CUDA they are those of the device: calls are
recorded as CUDA graphs and replayed, since launching such small operations one by one takes longer than they do. There also
peak memory, achieved bytes and FLOP per second from the shapes (`benchmarks.roofline`), and their share of the card's
ceilings, which are measured in the same run (a copy, a matrix product). Prints a table, writes
benchmarks/results/attention_<device>.json.
"""

from __future__ import annotations

import argparse
import time

import torch

from benchmarks.measure import alternate, write_result
from benchmarks.roofline import Shape, Work
from benchmarks.roofline import channel_attention as channel_work
from benchmarks.roofline import gated_depthwise as gate_work
from benchmarks.roofline import layer_norm as norm_work
from benchmarks.roofline import window_attention as window_work
from bsn.engine.recording import record
from bsn.ops import channel_attention, gated_depthwise_conv, layer_norm, use_backend, window_attention
from tests.helpers import literal_ops

RECORDED = 10  # calls in one graph


def synchronise(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def ceilings(device: str, dtype: torch.dtype) -> dict[str, float]:
    """Bytes per second of a copy and FLOP per second of a matrix product, the best of several."""
    count = 2**28 if device == "cuda" else 2**25
    source, side = torch.empty(count, dtype=torch.uint8, device=device), 8192 if device == "cuda" else 1024
    target, a = torch.empty_like(source), torch.rand(side, side, device=device).to(dtype)

    def best(run) -> float:
        times = []
        for _ in range(8):
            synchronise(device)
            start = time.perf_counter()
            run()
            synchronise(device)
            times.append(time.perf_counter() - start)
        return min(times)

    return {
        "bytes_per_second": 2 * count / best(lambda: target.copy_(source)),
        "flop_per_second": 2 * side**3 / best(lambda: a @ a),
    }


def operators(size: int, dtype: torch.dtype, device: str) -> dict:
    """Name -> (our operator, its literal form or None, inputs, work forward, work backward)."""
    half, element = size // 2, torch.empty(0, dtype=dtype).element_size()
    torch.manual_seed(0)

    def image(n: int, c: int, side: int) -> torch.Tensor:
        return torch.randn(n, c, side, side).to(device, dtype, memory_format=torch.channels_last)

    wide, inner = Shape(4, 96, half, half, element), Shape(4, 32, half, half, element)
    side = size // 7 * 7
    drt = Shape(1, 96, side, side, element)
    norm, window = norm_work(wide), window_work(inner, 2, 4, 6, True)
    biased, channel = window_work(drt, 2, 7, 7, False), channel_work(wide, 1)
    gate = gate_work(Shape(1, 127, half, half, element))
    tables = [torch.randn(11, 16, device=device) for _ in range(2)]
    q = {"window": 4, "key_window": 6, "heads": 2}
    return {
        "layer norm 96": (
            layer_norm, literal_ops.layer_norm, [image(4, 96, half), torch.rand(96, device=device)],
            [norm["forward"], norm["backward"]],
        ),
        "window attention 4/6, tables": (
            lambda x, h, w: window_attention(*x.chunk(3, 1), h, w, **q),
            lambda x, h, w: literal_ops.window_attention(*x.chunk(3, 1), h.to(x), w.to(x), **q),
            [image(4, 96, half), *tables], [window["forward"], window["backward"]],
        ),
        "window attention 7/7, bias": (
            lambda x, t: window_attention(*x.chunk(3, 1), bias_table=t, window=7, heads=2), None,
            [image(1, 288, side), torch.randn(169, 2, device=device)], [biased["forward"], biased["backward"]],
        ),
        "channel attention 96": (
            lambda x, t: channel_attention(*x.chunk(3, 1), t, heads=1), None,
            [image(4, 288, half), torch.ones(1, device=device)],
            [add(channel["Gram forward"], channel["apply forward"]), add(channel["Gram backward"], channel["apply backward"])],
        ),
        "gated depth-wise 2 x 127": (
            lambda x, w, s: gated_depthwise_conv(x, w, None, s), None,
            [image(1, 254, half), torch.randn(254, 1, 3, 3, device=device), torch.full((1,), 0.25, device=device)],
            [gate["forward"], gate["backward"]],
        ),
    }  # fmt: skip


def add(a: Work, b: Work) -> Work:
    return Work(a.read_write + b.read_write, a.flop + b.flop, a.plain + b.plain)


def runner(function, inputs, backend: str, train: bool):
    leaves = [t.detach().requires_grad_(train) for t in inputs]

    def run():
        with use_backend(backend):
            out = function(*leaves)
        if train:
            torch.autograd.grad(out, leaves, out.detach())

    return run


def recorded(run):
    """Ten calls as one launch, to its end."""
    graph, _ = record(lambda: [run() for _ in range(RECORDED)])

    def replay():
        graph.replay()
        synchronise("cuda")

    return replay


def device_seconds(forms: dict, repeats: int, device: str) -> tuple[dict[str, float], dict[str, int]]:
    """Seconds of a call of each form, and on CUDA its peak memory."""
    if device != "cuda":
        return alternate(forms, repeats), {}
    memory = {name: peak_of(run) for name, run in forms.items()}
    times = alternate({name: recorded(run) for name, run in forms.items()}, repeats)
    return {name: seconds / RECORDED for name, seconds in times.items()}, memory


def peak_of(run) -> int:
    run()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    run()
    synchronise("cuda")
    return torch.cuda.max_memory_allocated() - before


def measure(forms: dict, repeats: int, device: str) -> tuple[dict[str, float], dict[str, int]]:
    """Seconds of a call of each form as it is, launches and waiting included, and on CUDA its peak memory."""
    memory = {name: peak_of(run) for name, run in forms.items()} if device == "cuda" else {}
    return alternate(forms, repeats), memory


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    parser.add_argument("--size", type=int, default=512 if device == "cuda" else 128)
    parser.add_argument("--dtype", default="bfloat16" if device == "cuda" else "float32")
    parser.add_argument("--repeats", type=int, default=20 if device == "cuda" else 3)
    options = parser.parse_args()
    dtype = getattr(torch, options.dtype)
    limits = ceilings(device, dtype)
    print(
        f"{device}, {options.dtype}, {options.size} x {options.size}; "
        f"copies reach {limits['bytes_per_second'] / 1e9:.0f} GB/s, "
        f"products {limits['flop_per_second'] / 1e12:.2f} TFLOP/s"
    )
    rows = []
    for name, (ours, literal, inputs, works) in operators(options.size, dtype, device).items():
        for train in (False, True):
            forms = {"literal": runner(literal, inputs, "reference", train)} if literal else {}
            forms["reference"] = runner(ours, inputs, "reference", train)
            forms["auto"] = runner(ours, inputs, "auto", train)
            times, memory = device_seconds(forms, options.repeats, device)
            work = add(*works) if train else works[0]
            floor = max(work.read_write / limits["bytes_per_second"], work.flop / limits["flop_per_second"])
            for form, seconds in times.items():
                rows.append({
                    "operator": name, "form": form, "train": train, "seconds": seconds, "floor_seconds": floor,
                    "bytes_per_second": work.read_write / seconds, "flop_per_second": work.flop / seconds,
                    "peak_bytes": memory.get(form),
                })  # fmt: skip
                print(
                    f"  {name:<30} {'step' if train else 'forward':<8} {form:<10} {seconds * 1e3:9.3f} ms  "
                    f"{times['reference'] / seconds:5.2f} x  {seconds / floor:7.1f} x the floor"
                )
    content = {"size": options.size, "dtype": options.dtype, "ceilings": limits, "rows": rows}
    print(write_result(f"attention_{device}", content))


if __name__ == "__main__":
    main()
