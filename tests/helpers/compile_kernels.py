"""Compile every kernel for a GPU that need not be there.

    python -m tests.helpers.compile_kernels [dtype ...] [--capability 90] [--quick]

The launchers are called with tensors on the CPU; instead of launching, each kernel is compiled by Triton (to PTX and
machine code) for the arguments that it gets. Prints one line per compiled kernel, with registers and spilled bytes unless
--quick, which also leaves out the larger shapes. Must not run under TRITON_INTERPRET.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import tempfile
from pathlib import Path

import torch
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from bsn.ops.channel_attention import triton as channel
from bsn.ops.gated_depthwise import triton as gate
from bsn.ops.layer_norm import triton as norm
from bsn.ops.window_attention import triton as window

POINTERS = {torch.float32: "*fp32", torch.float16: "*fp16", torch.bfloat16: "*bf16"}


def _type(value) -> str:
    if isinstance(value, torch.Tensor):
        return POINTERS[value.dtype]
    return "fp32" if isinstance(value, float) else "i32"


class Compiler:
    """Takes the place of a launch; remembers what it compiled."""

    def __init__(self, capability: int, quick: bool) -> None:
        self.quick = quick
        self.target = GPUTarget("cuda", capability, 32)
        self.seen: set[str] = set()
        self.lines: list[str] = []

    def __call__(self, kernel, *args, grid=None, warmup=False, num_warps=4, **kwargs):
        values = dict(zip(kernel.arg_names, args, strict=False)) | kwargs
        constants = {p.name: values[p.name] for p in kernel.params if p.is_constexpr}
        signature = {p.name: "constexpr" if p.is_constexpr else _type(values[p.name]) for p in kernel.params}
        key = f"{kernel.fn.__name__} {signature} {constants}"
        if key in self.seen:
            return
        self.seen.add(key)
        # A stride of 1 is a constant for Triton, which is how it finds the contiguous axis.
        ones = [name for name, value in values.items() if signature[name] == "i32" and value == 1]
        for name in ones:
            signature[name], constants[name] = "constexpr", 1
        source = ASTSource(kernel, signature, constants)
        compiled = triton.compile(source, target=self.target, options={"num_warps": num_warps})
        found = "" if self.quick else self._registers(compiled)
        self.lines.append(f"{kernel.fn.__name__} warps={num_warps} shared={compiled.metadata.shared} {found}")

    def _registers(self, compiled) -> str:
        """Registers per thread and bytes spilled, as the assembler reports them."""
        ptxas = Path(triton.__file__).parent / "backends/nvidia/bin/ptxas-blackwell"  # the newer assembler
        arch = f"sm_{self.target.arch}a" if self.target.arch >= 90 else f"sm_{self.target.arch}"
        with tempfile.NamedTemporaryFile("w", suffix=".ptx") as file:
            file.write(compiled.asm["ptx"])
            file.flush()
            command = [ptxas, "-v", f"-arch={arch}", file.name, "-o", "/dev/null"]
            done = subprocess.run(command, capture_output=True, text=True)
            report = done.stdout + done.stderr
        registers = re.search(r"Used (\d+) registers", report)
        spills = re.search(r"(\d+) bytes spill stores", report)
        return f"registers={registers[1] if registers else '?'} spilled={spills[1] if spills else '?'}"


def call_small(dtype: torch.dtype) -> None:
    """Every kernel on the shapes of TBSN on phases."""
    image = torch.empty(1, 96, 16, 16, dtype=dtype).contiguous(memory_format=torch.channels_last)
    weight, tables = torch.empty(96), torch.empty(11, 16)
    norm.forward(image, image, weight, None, 1e-5)
    norm.backward(image, image, image, weight, False, 1e-5)
    taps = torch.empty(96, 1, 3, 3)
    gate.backward(gate.forward(image, taps, None, weight[:1]), image, taps, None, weight[:1])
    geometry = (4, 4), (6, 6)
    q, k, v = torch.empty(1, 96, 16, 16, dtype=dtype).contiguous(memory_format=torch.channels_last).chunk(3, 1)
    out, lse = window.forward(q, k, v, (tables, tables, None), geometry, 2, 1)
    window.backward(out, q, k, v, (tables, tables, None), out, lse, geometry, 2, 1)
    weights, _ = channel.softmax(channel.gram(image, image, 2, 1), torch.empty(2), [48], None)
    channel.mix(weights, image, torch.empty(1, 2, 48), image, 1, True)


def call_large(dtype: torch.dtype) -> None:
    """Planes and bias of the norm and of the gate, DRT's windows (in half precision), groups of 12 with top-k."""
    image = torch.empty(1, 96, 14, 14, dtype=dtype).contiguous(memory_format=torch.channels_last)
    weight = torch.empty(96)
    norm.forward(image.contiguous(), None, weight, weight, 1e-5)
    norm.backward(image.contiguous(), None, image, weight, True, 1e-5)
    taps = torch.empty(96, 1, 3, 3)
    gate.backward(gate.forward(image.contiguous(), taps, weight, None), image.contiguous(), taps, weight, None)
    if dtype != torch.float32:
        geometry, bias = ((7, 7), (7, 7)), torch.empty(169, 2)
        out, lse = window.forward(image, image, image, (None, None, bias), geometry, 2, 1)
        window.backward(out, image, image, image, (None, None, bias), out, lse, geometry, 2, 1)
    weights, _ = channel.softmax(channel.gram(image, image, 8, 1), torch.empty(8), [12, 8], torch.empty(2))
    channel.mix(weights, image, None, None, 1, False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dtypes", nargs="*", default=["bfloat16", "float32"])
    parser.add_argument("--capability", type=int, default=90)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    compiler = Compiler(options.capability, options.quick)
    triton.runtime.jit.JITFunction.run = lambda kernel, *args, **kwargs: compiler(kernel, *args, **kwargs)
    for name in options.dtypes:
        compiler.lines.append(f"# {name}, capability {options.capability}")
        call_small(getattr(torch, name))
        if not options.quick:
            call_large(getattr(torch, name))
    print("\n".join(compiler.lines))


if __name__ == "__main__":
    main()
