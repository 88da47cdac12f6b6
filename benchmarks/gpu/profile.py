"""Where each millisecond goes: a table of kinds of work for a forward pass and a training step of TBSN.

On a GPU the kernels' own times are summed; what is left of the time by the clock is launches and waiting. On a processor the
own times of PyTorch's operators are summed.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from typing import Any

from torch.profiler import ProfilerActivity, profile

from benchmarks.attention import synchronise
from benchmarks.gpu.networks import image, ours
from benchmarks.gpu.plan import Part, Setting, Tasks
from benchmarks.networks import forward_of, step_of
from bsn.inference.config import InferenceConfig

# The first pattern that a name contains says what it is; names of CUDA kernels and of PyTorch's operators.
KINDS = {
    "window attention": r"window_attention",
    "channel attention": r"gram_kernel|softmax_kernel|mix_kernel|channel_(gram|mix|softmax)",
    "norms": r"layer_norm|_BiasFree|vector_norm|vecdot|norm",
    "optimiser": r"adam|multi_tensor|foreach",
    "convolutions": r"conv|fprop|dgrad|wgrad|implicit|xmma.*(fprop|grad)|depthwise",
    "matrix products": r"gemm|gemv|bmm|addmm|aten::(mm|addr|baddbmm|matmul)|cutlass|cublas|nvjet|splitKreduce",
    "copies": r"copy|memcpy|memset|cat|nchwtonhwc|nhwctonchw|transpose|fill_|zero_|contiguous|pixel_(un)?shuffle|index|pad",
    "softmax": r"softmax",
    "activations": r"gelu|relu|sigmoid",
    "sums and products": r"add|mul|sub|div|sum|mean|abs|sqrt|reduce|elementwise|clamp|neg|sign|reciprocal",
}
SHOWN = 12  # kernels that are named


def kind_of(name: str) -> str:
    """Kind of work of a kernel or an operator, by its name."""
    return next((kind for kind, pattern in KINDS.items() if re.search(pattern, name, re.IGNORECASE)), "other")


def table_of(times: Iterable[tuple[str, float]]) -> dict[str, float]:
    """Seconds by kind of work, the largest first.

    Parameters
    ----------
    times : iterable of (str, float)
        Name and seconds of each kernel or operator.
    """
    totals: dict[str, float] = {}
    for name, seconds in times:
        totals[kind_of(name)] = totals.get(kind_of(name), 0.0) + seconds
    return dict(sorted(totals.items(), key=lambda item: -item[1]))


def own_times(run: Callable[[], Any], device: str) -> list[tuple[str, float]]:
    """Name and own seconds of everything that one call computes on a device."""
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if device == "cuda" else [])]
    run()
    with profile(activities=activities) as found:
        run()
    if device == "cuda":
        rows = [(e.key, e.self_device_time_total) for e in found.key_averages() if str(e.device_type).endswith("CUDA")]
    else:
        rows = [(e.key, e.self_cpu_time_total) for e in found.key_averages()]
    return [(name, micro / 1e6) for name, micro in rows if micro]


def clock(run: Callable[[], Any], device: str, repeats: int) -> float:
    """Seconds of a call by the clock."""
    synchronise(device)
    start = time.perf_counter()
    for _ in range(repeats):
        run()
    synchronise(device)
    return (time.perf_counter() - start) / repeats


def measured(run: Callable[[], Any], setting: Setting) -> dict[str, Any]:
    """Table of one call, its slowest kernels, and the seconds by the clock."""
    times = own_times(run, setting.device)
    by_the_clock = clock(run, setting.device, 1 if setting.tiny else 5)
    kinds = table_of(times)
    if setting.device == "cuda":
        kinds["launches and waiting"] = max(0.0, by_the_clock - sum(kinds.values()))
    slowest = sorted(times, key=lambda item: -item[1])[:SHOWN]
    return {"seconds": by_the_clock, "kinds": kinds, "slowest": [list(item) for item in slowest]}


def _tasks(setting: Setting) -> Tasks:
    def forward(bf16: bool) -> dict[str, Any]:
        config = InferenceConfig(engine="eager", precision="bf16" if bf16 else "32")
        return measured(forward_of(ours(setting).eval(), image(setting, step=False), config, "auto"), setting)

    def step(bf16: bool) -> dict[str, Any]:
        return measured(step_of(ours(setting).train(), image(setting, step=True), bf16, "auto"), setting)

    return {
        "forward, bf16": lambda: forward(True),
        "step, bf16": lambda: step(True),
        "forward, float32": lambda: forward(False),
        "step, float32": lambda: step(False),
    }


PARTS = [Part("profile", 60, _tasks, least=25)]
