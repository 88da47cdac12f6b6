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
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from benchmarks.measure import alternate, write_result
from benchmarks.roofline import Shape, Work
from benchmarks.roofline import channel_attention as channel_work
from benchmarks.roofline import gated_depthwise as gate_work
from benchmarks.roofline import layer_norm as norm_work
from benchmarks.roofline import window_attention as window_work
from bsn.engine.recording import record
from bsn.ops import channel_attention, gated_depthwise_conv, layer_norm, use_backend, window_attention
from bsn.ops.backend import choose
from bsn.ops.channel_attention import APPLY_BACKENDS, channel_mixing_matrices
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


@dataclass(frozen=True)
class Case:
    """An operator at one shape.

    Parameters
    ----------
    name : str
        Title of its rows.
    operator : str
        Name under which :func:`bsn.ops.backend.choose` chooses its backend.
    width, pixels : int
        Channels of what the kernel holds at once (of a pixel, a head, a group, a half), and N H W: its shape class.
    ours : callable
        The operator; takes the inputs.
    inputs : callable
        Makes the inputs.
    works : list of Work
        Forward pass and backward pass.
    literal : callable, optional
        The published form of the operator.
    """

    name: str
    operator: str
    width: int
    pixels: int
    ours: Callable[..., torch.Tensor]
    inputs: Callable[[], list[torch.Tensor]]
    works: list[Work]
    literal: Callable[..., torch.Tensor] | None = None


@dataclass(frozen=True)
class On:
    """Device and precision that cases are made for."""

    device: str
    dtype: torch.dtype

    def image(self, n: int, c: int, side: int) -> torch.Tensor:
        """Random features, channels-last."""
        torch.manual_seed(0)
        return torch.randn(n, c, side, side).to(self.device, self.dtype, memory_format=torch.channels_last)

    def numbers(self, *shape: int) -> torch.Tensor:
        """Random parameters, in float32."""
        return torch.randn(*shape, device=self.device)

    def shape(self, n: int, c: int, side: int) -> Shape:
        """What the count of bytes and operations needs."""
        return Shape(n, c, side, side, self.dtype.itemsize)


def norm_case(on: On, n: int, c: int, side: int) -> Case:
    work = norm_work(on.shape(n, c, side))
    return Case(
        f"layer norm {c}", "layer_norm", c, n * side**2, layer_norm,
        lambda: [on.image(n, c, side), torch.rand(c, device=on.device)], [work["forward"], work["backward"]],
        literal_ops.layer_norm,
    )  # fmt: skip


def tables_case(on: On, n: int, heads: int, side: int) -> Case:
    """Windows of TBSN on phases: 4 queries a side, 6 keys, heads of 16 channels."""
    work = window_work(on.shape(n, 16 * heads, side), heads, 4, 6, True)
    q = {"window": 4, "key_window": 6, "heads": heads}
    return Case(
        "window attention 4/6, tables", "window_attention", 16, n * side**2,
        lambda x, h, w: window_attention(*x.chunk(3, 1), h, w, **q),
        lambda: [on.image(n, 48 * heads, side), on.numbers(11, 16), on.numbers(11, 16)],
        [work["forward"], work["backward"]],
        lambda x, h, w: literal_ops.window_attention(*x.chunk(3, 1), h.to(x), w.to(x), **q),
    )  # fmt: skip


def bias_case(on: On, n: int, side: int) -> Case:
    """Windows of DRT: 7 a side, 2 heads of 48 channels, a bias table."""
    side = side // 7 * 7
    work = window_work(on.shape(n, 96, side), 2, 7, 7, False)
    return Case(
        "window attention 7/7, bias", "window_attention", 48, n * side**2,
        lambda x, t: window_attention(*x.chunk(3, 1), bias_table=t, window=7, heads=2),
        lambda: [on.image(n, 288, side), on.numbers(169, 2)], [work["forward"], work["backward"]],
    )  # fmt: skip


def channel_case(on: On, n: int, c: int, heads: int, side: int) -> Case:
    work = channel_work(on.shape(n, c, side), heads)
    name = f"channel attention {c}" + (f", {heads} groups" if heads > 1 else "")
    return Case(
        name, "channel_attention", c // heads, n * side**2,
        lambda x, t: channel_attention(*x.chunk(3, 1), t, heads=heads),
        lambda: [on.image(n, 3 * c, side), torch.ones(heads, device=on.device)],
        [add(work["Gram forward"], work["apply forward"]), add(work["Gram backward"], work["apply backward"])],
    )  # fmt: skip


def matrices_case(on: On, n: int, c: int, heads: int, side: int) -> Case:
    """The matrices alone, as networks take them: the product with v is one with the projection that follows."""
    work = channel_work(on.shape(n, c, side), heads)
    return Case(
        f"channel matrices {c}, {heads} groups", "channel_matrices", c // heads, n * side**2,
        lambda x, t: channel_mixing_matrices(*x.chunk(3, 1)[:2], t, heads=heads),
        lambda: [on.image(n, 3 * c, side), torch.ones(heads, device=on.device)],
        [work["Gram forward"], work["Gram backward"]],
    )  # fmt: skip


def product_case(on: On, n: int, c: int, heads: int, side: int) -> Case:
    """The product of given matrices with v alone."""
    work = channel_work(on.shape(n, c, side), heads)
    return Case(
        f"channel product {c}, {heads} groups", "channel_product", c // heads, n * side**2,
        lambda *arguments: choose("channel_attention", APPLY_BACKENDS, None, *arguments, 1)(*arguments, 1),
        lambda: [torch.rand(n, heads, c // heads, c // heads, device=on.device), on.image(n, c, side)],
        [work["apply forward"], work["apply backward"]],
    )  # fmt: skip


def gate_case(on: On, n: int, hidden: int, side: int) -> Case:
    work = gate_work(on.shape(n, hidden, side))
    return Case(
        f"gated depth-wise 2 x {hidden}", "gated_depthwise_conv", hidden, n * side**2,
        lambda x, w, s: gated_depthwise_conv(x, w, None, s),
        lambda: [on.image(n, 2 * hidden, side), on.numbers(2 * hidden, 1, 3, 3), torch.full((1,), 0.25, device=on.device)],
        [work["forward"], work["backward"]],
    )  # fmt: skip


def cases(size: int, on: On) -> list[Case]:
    """The operators of the networks on an image of size x size pixels."""
    half = size // 2
    return [
        norm_case(on, 4, 96, half),
        tables_case(on, 4, 2, half),
        bias_case(on, 1, size),
        channel_case(on, 4, 96, 1, half),
        gate_case(on, 1, 127, half),
    ]


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


def forms_of(case: Case, train: bool, others: Mapping[str, Callable[..., torch.Tensor]] | None = None) -> dict:
    """Calls of each form of an operator, ready to run."""
    inputs = case.inputs()
    forms = {"literal": runner(case.literal, inputs, "reference", train)} if case.literal else {}
    forms["reference"] = runner(case.ours, inputs, "reference", train)
    forms |= {name: runner(function, inputs, "reference", train) for name, function in (others or {}).items()}
    return forms


def rows_of(case: Case, train: bool, limits: Mapping[str, float], repeats: int, device: str) -> list[dict[str, Any]]:
    """Times of the forms of an operator, against the time that its bytes and its FLOP need at least."""
    forms = forms_of(case, train) | {"auto": runner(case.ours, case.inputs(), "auto", train)}
    times, memory = device_seconds(forms, repeats, device)
    return rows_from(case, train, limits, times, memory)


def rows_from(
    case: Case, train: bool, limits: Mapping[str, float], times: Mapping[str, float], memory: Mapping[str, int]
) -> list[dict[str, Any]]:
    work = add(*case.works) if train else case.works[0]
    floor = max(work.read_write / limits["bytes_per_second"], work.flop / limits["flop_per_second"])
    return [
        {
            "operator": case.name, "form": form, "train": train, "seconds": seconds, "floor_seconds": floor,
            "ratio": times["reference"] / seconds, "chosen_as": case.operator, "width": case.width, "pixels": case.pixels,
            "bytes_per_second": work.read_write / seconds, "flop_per_second": work.flop / seconds,
            "peak_bytes": memory.get(form),
        }
        for form, seconds in times.items()
    ]  # fmt: skip


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
    for case in cases(options.size, On(device, dtype)):
        for train in (False, True):
            found = rows_of(case, train, limits, options.repeats, device)
            rows += found
            for row in found:
                print(
                    f"  {case.name:<30} {'step' if train else 'forward':<8} {row['form']:<10} {row['seconds'] * 1e3:9.3f} ms  "
                    f"{row['ratio']:5.2f} x  {row['seconds'] / row['floor_seconds']:7.1f} x the floor"
                )
    content = {"size": options.size, "dtype": options.dtype, "ceilings": limits, "rows": rows}
    print(write_result(f"attention_{device}", content))


if __name__ == "__main__":
    main()
