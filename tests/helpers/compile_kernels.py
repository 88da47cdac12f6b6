"""Compile every kernel for a GPU that need not be there: run as ``python -m tests.helpers.compile_kernels [capability]``.

The launchers are called with tensors on the CPU; instead of launching, each kernel is compiled by Triton (to PTX and
machine code) for the arguments that it gets. Prints one line per compiled kernel. Must not run under TRITON_INTERPRET.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from bsn.ops.channel_attention import triton as channel
from bsn.ops.layer_norm import triton as norm
from bsn.ops.window_attention import triton as window

POINTERS = {torch.float32: "*fp32", torch.float16: "*fp16", torch.bfloat16: "*bf16"}


def _type(value) -> str:
    if isinstance(value, torch.Tensor):
        return POINTERS[value.dtype]
    return "fp32" if isinstance(value, float) else "i32"


class Compiler:
    """Takes the place of a launch; remembers what it compiled."""

    def __init__(self, capability: int) -> None:
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
        self.lines.append(
            f"{kernel.fn.__name__} warps={num_warps} shared={compiled.metadata.shared} {self._registers(compiled)}"
        )

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


def call_all(dtype: torch.dtype) -> None:
    """Every kernel on the shapes of the networks: TBSN on phases, DRT's heads of 48, groups of 48 and of 12 with top-k."""
    image = torch.empty(1, 96, 16, 16, dtype=dtype).contiguous(memory_format=torch.channels_last)
    weight = torch.empty(96)
    norm.forward(image, None, weight, None, 1e-5)
    norm.forward(image.contiguous(), image, weight, weight, 1e-5)
    norm.backward(image, image, image, weight, False, 1e-5)
    norm.backward(image, None, image, weight, True, 1e-5)
    tables, bias = torch.empty(11, 16), torch.empty(169, 2)
    geometry = (4, 4), (6, 6)
    q, k, v = torch.empty(1, 96, 16, 16, dtype=dtype).contiguous(memory_format=torch.channels_last).chunk(3, 1)
    out, lse = window.forward(q, k, v, (tables, tables, None), geometry, 2, 1)
    window.backward(out, q, k, v, (tables, tables, None), out, lse, geometry, 2, 1)
    wide = torch.empty(1, 96, 14, 14, dtype=dtype).contiguous(memory_format=torch.channels_last)
    geometry = (7, 7), (7, 7)
    out, lse = window.forward(wide, wide, wide, (None, None, bias), geometry, 2, 1)
    window.backward(out, wide, wide, wide, (None, None, bias), out, lse, geometry, 2, 1)
    for heads, factors in ((2, None), (8, torch.empty(2))):
        stats = channel.gram(image, image, heads, 1)
        weights, _ = channel.softmax(stats, torch.empty(heads), [96 // heads] * (1 if factors is None else 2), factors)
        channel.mix(weights, image, None, None, 1, False)
        channel.mix(weights, image, torch.empty(1, heads, 96 // heads), image, 1, True)


def main() -> None:
    compiler = Compiler(int(sys.argv[1]) if len(sys.argv) > 1 else 90)
    triton.runtime.jit.JITFunction.run = lambda kernel, *args, **kwargs: compiler(kernel, *args, **kwargs)
    names = sys.argv[2:] or ["bfloat16", "float32"]
    for name in names:
        compiler.lines.append(f"# {name}, capability {compiler.target.arch}")
        call_all(getattr(torch, name))
    print("\n".join(compiler.lines))


if __name__ == "__main__":
    main()
