import pytest
import torch

from bsn.ops import BackendError, current_backend, phase_unshuffle, use_backend
from bsn.ops.backend import Implementation, choose

TABLE = {
    "triton": Implementation(lambda x: "kernel", lambda x: "x is odd" if x % 2 else None),
    "reference": Implementation(lambda x: "reference"),
}


def test_auto_takes_the_kernel_where_it_can():
    assert choose("op", TABLE, None, 2)(2) == "kernel"
    assert choose("op", TABLE, None, 3)(3) == "reference"


def test_a_refused_kernel_says_why():
    with pytest.raises(BackendError, match="op cannot run on 'triton': x is odd; use 'auto' or 'reference'"):
        choose("op", TABLE, "triton", 3)


def test_a_missing_kernel_says_so():
    with pytest.raises(BackendError, match="phase_unshuffle has no 'triton' backend"):
        phase_unshuffle(torch.zeros(1, 2, 4, 4), backend="triton")


def test_context_manager_and_environment(monkeypatch):
    monkeypatch.setenv("BSN_BACKEND", "reference")
    assert choose("op", TABLE, None, 2)(2) == "reference"
    with use_backend("triton"):
        assert choose("op", TABLE, None, 2)(2) == "kernel"
        with use_backend("auto"):
            assert current_backend() == "auto"
    assert current_backend() == "reference"
    monkeypatch.setenv("BSN_BACKEND", "cuda")
    with pytest.raises(ValueError, match="environment variable BSN_BACKEND is 'cuda'"):
        current_backend()
