"""A kernel that is refused says why; no Triton and no GPU is needed to hear it."""

import importlib

import pytest
import torch

from bsn.ops import BackendError, channel_attention, gated_depthwise_conv, layer_norm, limits, window_attention


@pytest.fixture
def _no_interpreter(monkeypatch):
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    monkeypatch.setattr(limits, "TRITON_INSTALLED", True)


@pytest.fixture
def _interpreter(monkeypatch):
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    monkeypatch.setattr(limits, "TRITON_INSTALLED", True)


def norm(x):
    return layer_norm(x, torch.ones(x.shape[1], dtype=x.dtype), backend="triton")


def windows(window, key_window, channels=4, **options):
    q = torch.zeros(1, channels, window, window)
    if "mask" in options:
        options["mask"] = torch.zeros(1, window**2, key_window**2)
    tables = torch.zeros(2, 2 * key_window - 1, channels)
    return window_attention(
        q, q, q, *tables, window=window, key_window=key_window, heads=1, backend="triton", **options
    )


@pytest.mark.usefixtures("_no_interpreter")
def test_a_cpu_is_refused():
    with pytest.raises(BackendError, match="the tensors are on cpu, and Triton needs CUDA"):
        norm(torch.zeros(1, 2, 1, 1))


def test_a_missing_triton_is_named(monkeypatch):
    monkeypatch.setattr(limits, "TRITON_INSTALLED", False)
    with pytest.raises(BackendError, match="layer_norm cannot run on 'triton': Triton is not installed"):
        norm(torch.zeros(1, 2, 1, 1))


@pytest.mark.usefixtures("_interpreter")
@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: norm(torch.zeros(1, 1025, 1, 1)), "1025 channels do not fit one block; the limit is 1024"),
        (lambda: norm(torch.zeros(1, 2, 1, 1).double()), "torch.float64 is computed by the reference only"),
        (lambda: norm(torch.zeros(1, 2, 1, 1).bfloat16()), "interpreter has no bfloat16"),
        (lambda: norm(torch.zeros(70000, 1, 1, 1)), "70000 images with 1 heads each are more than 65535 programs"),
        (
            lambda: gated_depthwise_conv(torch.zeros(1, 2, 1, 1), torch.zeros(2, 1, 3, 3).double(), backend="triton"),
            "the weight is torch.float64; kernels add up in float32",
        ),
        (lambda: windows(9, 9), "a window of 9 x 9 does not fit one block; the limit is 64 queries"),
        (lambda: windows(4, 18), "a key window of 18 x 18 does not fit one block; the side's limit is 16"),
        (lambda: windows(2, 2, 130), "heads of 130 channels do not fit one block; the limit is 128"),
        (lambda: windows(7, 7, 48), "blocks of q and k take 32 KiB in torch.float32; the limit is 16 KiB"),
        (lambda: windows(2, 2, mask=True), "windows with a mask are computed by the reference only"),
        (
            lambda: channel_attention(*[torch.zeros(1, 300, 20, 20)] * 3, torch.ones(1), heads=1, backend="triton"),
            "groups of 300 channels do not fit one block; the limit is 256",
        ),
    ],
)
def test_limits_say_what_was_given_and_what_fits(call, message):
    with pytest.raises(BackendError, match=message):
        call()


@pytest.mark.usefixtures("_interpreter")
def test_auto_never_takes_the_interpreter(monkeypatch):
    registration = importlib.import_module("bsn.ops.layer_norm.registration")
    monkeypatch.setattr(registration, "_forward", None)  # calling it would raise
    layer_norm(torch.ones(1, 2, 1, 1), torch.ones(2))
