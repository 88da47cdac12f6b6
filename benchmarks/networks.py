"""Full-size networks, forward and training step, in the ways an engine can run them.

    python -m benchmarks.networks [--networks tbsn phase-unet-tiny dbsnl] [--size 256] [--repeats 3]

For TBSN, DDSA, DRT and ELF first the literal form of the specification, in PyTorch's own operators. On the CPU then: float32,
bfloat16, torch.compile (with --compile), one thread. On CUDA: our form with plain operators in float32, and with kernels in
float32, bfloat16 and as CUDA graphs; peak memory too. Memory that layers free is kept for the next in all forms. Prints a
table, writes benchmarks/results/networks_<device>.json.
"""

from __future__ import annotations

import argparse

import torch

from benchmarks.attention import measure, synchronise
from benchmarks.measure import write_result
from bsn.engine.allocator import keep_freed_memory
from bsn.inference.config import InferenceConfig
from bsn.inference.runner import Runner
from bsn.models import create
from bsn.models.interface import main_output
from bsn.ops import use_backend
from restoration.models import ELF
from tests.helpers.literal_restoration import LiteralDDSA, LiteralDRT, literal_elf
from tests.helpers.literal_tbsn import LiteralTBSN

LITERAL = {"tbsn": LiteralTBSN, "ddsa": LiteralDDSA, "drt": LiteralDRT, "elf": lambda: literal_elf(ELF())}
NETWORKS = ["tbsn", "phase-unet-tiny", "dbsnl", "ddsa", "drt", "elf"]
DRT_WINDOW = 7  # sides that its literal form takes are multiples


def forward_of(network: torch.nn.Module, x: torch.Tensor, config: InferenceConfig, backend: str):
    threads = torch.get_num_threads()
    run = Runner(network, x.device, config)

    def forward():
        torch.set_num_threads(config.threads or threads)
        with torch.no_grad(), use_backend(backend):
            run(x)
        synchronise(x.device.type)
        torch.set_num_threads(threads)

    return forward


def step_of(network: torch.nn.Module, x: torch.Tensor, bf16: bool, backend: str):
    optimizer = torch.optim.AdamW([p for p in network.parameters() if p.requires_grad], lr=1e-4)

    def step():
        with use_backend(backend), torch.autocast(x.device.type, torch.bfloat16, enabled=bf16):
            out = main_output(network(x))
        (out.float() - x).abs().mean().backward()
        optimizer.step()
        optimizer.zero_grad()
        synchronise(x.device.type)

    return step


def forward_forms(name: str, x: torch.Tensor, compiled: bool) -> dict:
    def form(backend: str = "auto", **options):
        network = create(name).to(x.device).eval()
        return forward_of(network, x, InferenceConfig(**options), backend)

    forms = {}
    if name in LITERAL:
        literal = LITERAL[name]().to(x.device).eval()
        forms["literal, float32"] = forward_of(literal, x, InferenceConfig(), "reference")
    forms |= {"float32, plain": form("reference"), "bf16": form(precision="bf16")}
    if x.device.type == "cuda":
        forms |= {
            "float32, kernels": form(),
            "bf16, graphs": form(precision="bf16", engine="graphs"),
        }
    else:
        forms["float32, 1 thread"] = form(threads=1)
    if compiled:
        forms["float32, compiled"] = form(engine="compile")
        forms["bf16, compiled"] = form(engine="compile", precision="bf16")
    return forms


def step_forms(name: str, x: torch.Tensor) -> dict:
    forms = {"float32, plain": (False, "reference"), "float32": (False, "auto"), "bf16": (True, "auto")}
    steps = {}
    if name in LITERAL:
        steps["literal, float32"] = step_of(LITERAL[name]().to(x.device).train(), x, False, "reference")
    return steps | {key: step_of(create(name).to(x.device).train(), x, *value) for key, value in forms.items()}


def side(name: str, size: int) -> int:
    return -(-size // DRT_WINDOW) * DRT_WINDOW if name == "drt" else size


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    parser.add_argument("--networks", nargs="+", default=NETWORKS if device == "cuda" else NETWORKS[:3])
    parser.add_argument("--size", type=int, default=512 if device == "cuda" else 256)
    parser.add_argument("--step_size", type=int, default=128)
    parser.add_argument("--batch", type=int, default=4 if device == "cuda" else 1)
    parser.add_argument("--repeats", type=int, default=20 if device == "cuda" else 3)
    parser.add_argument("--compile", action="store_true", help="also torch.compile: minutes before the first result")
    options = parser.parse_args()
    if device == "cpu":
        torch.set_num_threads(2)
        keep_freed_memory()
    rows = []
    for name in options.networks:
        channels = create(name).channels
        size, step_size = side(name, options.size), side(name, options.step_size)
        image = torch.rand(1, channels, size, size, device=device)
        crops = torch.rand(options.batch, channels, step_size, step_size, device=device)
        for kind, forms in (
            ("forward", forward_forms(name, image, options.compile)),
            ("step", step_forms(name, crops)),
        ):
            times, memory = measure(forms, options.repeats, device)
            for form, seconds in times.items():
                ratio = next(iter(times.values())) / seconds
                rows.append(
                    {"network": name, "kind": kind, "form": form, "seconds": seconds, "peak_bytes": memory.get(form)}
                )
                print(f"  {name:<10} {kind:<8} {form:<20} {seconds * 1e3:10.2f} ms  {ratio:5.2f} x", flush=True)
    sizes = {"size": options.size, "step_size": options.step_size, "batch": options.batch}
    print(write_result(f"networks_{device}", {**sizes, "threads": torch.get_num_threads(), "rows": rows}))


if __name__ == "__main__":
    main()
