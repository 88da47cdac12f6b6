"""Full-size TBSN: forward pass and training step, from the literal form to one CUDA graph; time and peak memory.

All forms of a task take turns in one process, so that their ratios are those of one run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from benchmarks.attention import measure, synchronise
from benchmarks.gpu.plan import Part, Setting, Tasks
from benchmarks.networks import forward_of, step_of
from bsn.engine.recording import record
from bsn.inference.config import InferenceConfig
from bsn.models import TBSN
from tests.helpers.literal_tbsn import OFFICIAL, LiteralTBSN

SMALL = {"dim": 8, "num_blocks": [1, 1, 1], "num_refinement_blocks": 1}
FORWARD, STEP = (1, 3, 512, 512), (8, 3, 128, 128)
SMALL_FORWARD, SMALL_STEP = (1, 3, 32, 32), (1, 3, 32, 32)
REPEATS = 15


def official(setting: Setting) -> dict[str, Any]:
    """Constructor arguments of the published network, or of a small one."""
    return {**OFFICIAL, **(SMALL if setting.tiny else {})}


def literal(setting: Setting) -> LiteralTBSN:
    """The published form."""
    torch.manual_seed(0)
    return LiteralTBSN(official(setting)).to(setting.device)


def ours(setting: Setting) -> TBSN:
    """The same weights on phases."""
    state = literal(setting).state_dict()
    return TBSN.from_official(state, official(setting)).to(setting.device, memory_format=torch.channels_last)


def image(setting: Setting, step: bool) -> torch.Tensor:
    """Random pixels, in the range of the published weights."""
    shape = (SMALL_STEP if step else SMALL_FORWARD) if setting.tiny else (STEP if step else FORWARD)
    return 255 * torch.rand(shape, generator=torch.Generator().manual_seed(0)).to(setting.device)


def whole_step(network: torch.nn.Module, x: torch.Tensor) -> Callable[[], None]:
    """Forward pass, backward pass and the optimiser's step as one CUDA graph, in bfloat16."""
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4, capturable=True, fused=True)

    def work() -> None:
        with torch.autocast("cuda", torch.bfloat16, cache_enabled=False):
            out = network(x)
        (out.float() - x).abs().mean().backward()
        optimizer.step()

    graph, _ = record(work, before=lambda: optimizer.zero_grad(set_to_none=True))

    def replay() -> None:
        graph.replay()
        synchronise("cuda")

    return replay


def forward_forms(setting: Setting) -> dict[str, Callable[[], Any]]:
    """Ways to run the forward pass, the literal one first."""
    x = image(setting, step=False)

    def form(backend: str, engine: Any = "eager", precision: Any = "32") -> Callable[[], Any]:
        return forward_of(ours(setting).eval(), x, InferenceConfig(engine=engine, precision=precision), backend)

    forms = {
        "literal, float32": forward_of(literal(setting).eval(), x, InferenceConfig(engine="eager"), "reference"),
        "phases, float32": form("reference"),
        "kernels, float32": form("auto"),
        "phases, bf16": form("reference", precision="bf16"),
        "kernels, bf16": form("auto", precision="bf16"),
    }
    if setting.device == "cuda":
        forms["kernels, bf16, graph"] = form("auto", precision="bf16", engine="graphs")
    return forms


def step_forms(setting: Setting) -> dict[str, Callable[[], Any]]:
    """Ways to take a training step, the literal one first."""
    x = image(setting, step=True)
    forms = {
        "literal, float32": step_of(literal(setting).train(), x, False, "reference"),
        "phases, float32": step_of(ours(setting).train(), x, False, "reference"),
        "kernels, float32": step_of(ours(setting).train(), x, False, "auto"),
        "phases, bf16": step_of(ours(setting).train(), x, True, "reference"),
        "kernels, bf16": step_of(ours(setting).train(), x, True, "auto"),
    }
    if setting.device == "cuda":
        forms["kernels, bf16, one graph"] = whole_step(ours(setting).train(), x)
    return forms


def compiled(network: torch.nn.Module, setting: Setting) -> torch.nn.Module:
    """``torch.compile`` of a network around our operators; the small trial leaves the code generator out."""
    return torch.compile(network, dynamic=False, backend="aot_eager" if setting.tiny else "inductor")


def compiled_forms(setting: Setting, step: bool) -> dict[str, Callable[[], Any]]:
    """The compiled network beside the same without."""
    x = image(setting, step)

    def form(network: torch.nn.Module) -> Callable[[], Any]:
        if step:
            return step_of(network.train(), x, True, "auto")
        return forward_of(network.eval(), x, InferenceConfig(engine="eager", precision="bf16"), "auto")

    networks = {"kernels, bf16": ours(setting), "kernels, bf16, compiled": compiled(ours(setting), setting)}
    return {name: form(network) for name, network in networks.items()}


def timed(forms: dict[str, Callable[[], Any]], setting: Setting) -> list[dict[str, Any]]:
    """Seconds and peak bytes of each form, and how much faster than the first it is."""
    times, memory = measure(forms, 1 if setting.tiny else REPEATS, setting.device)
    first = next(iter(times.values()))
    return [
        {"form": form, "seconds": seconds, "ratio": first / seconds, "peak_bytes": memory.get(form)}
        for form, seconds in times.items()
    ]


def agreement(setting: Setting) -> dict[str, float]:
    """Largest relative difference of our form from the literal one, in float32."""
    x = image(setting, step=False)
    with torch.no_grad():
        truth, found = literal(setting).eval()(x), ours(setting).eval()(x)
    return {"relative_difference": float((truth - found).abs().max() / truth.abs().max())}


def _tasks(setting: Setting) -> Tasks:
    return {
        "agreement": lambda: agreement(setting),
        "forward": lambda: timed(forward_forms(setting), setting),
        "step": lambda: timed(step_forms(setting), setting),
    }


def _compiled(setting: Setting) -> Tasks:
    tasks = {
        "step": lambda: timed(compiled_forms(setting, step=True), setting),
        "forward": lambda: timed(compiled_forms(setting, step=False), setting),
    }
    return {"step": tasks["step"]} if setting.tiny else tasks


PARTS = [Part("networks", 90, _tasks, least=45)]
COMPILED = [Part("compiled", 150, _compiled, least=90)]
