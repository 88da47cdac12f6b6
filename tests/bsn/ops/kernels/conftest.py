"""Kernels run on the GPU where there is one, otherwise in Triton's interpreter on the CPU.

The interpreter is chosen when Triton is imported, so the variable is set while tests are collected. It changes nothing for
other tests: "auto" never takes the interpreter.
"""

import importlib.util
import os

import pytest
import torch

if not torch.cuda.is_available():
    os.environ["TRITON_INTERPRET"] = "1"


@pytest.fixture(autouse=True)
def _triton():
    if importlib.util.find_spec("triton") is None:
        pytest.skip("Triton is not installed (it exists for Linux only)")


@pytest.fixture(autouse=True)
def _unwritten_cells_are_nan(monkeypatch):
    """Fill what launchers allocate with NaN, so that a cell that a kernel forgets to write shows."""
    for name in ("empty", "empty_like"):
        monkeypatch.setattr(torch, name, _filled(getattr(torch, name)))
    monkeypatch.setattr(torch.Tensor, "new_empty", _filled(torch.Tensor.new_empty))


def _filled(allocate):
    def allocate_and_fill(*args, **kwargs):
        out = allocate(*args, **kwargs)
        if type(out) is torch.Tensor and out.is_floating_point() and out.device.type != "meta":
            out.fill_(float("nan"))
        return out

    return allocate_and_fill


@pytest.fixture
def device():
    return "cuda" if torch.cuda.is_available() else "cpu"
