"""Kernels run on the GPU where there is one, otherwise in Triton's interpreter on the CPU (see tests/conftest.py)."""

import importlib.util

import pytest
import torch


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
