"""Gradients of the references against finite differences, and of the CPU form against the literal one."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bsn.ops import channel_attention, gated_depthwise_conv, layer_norm, window_attention
from bsn.ops.layer_norm import add_layer_norm
from tests.helpers import literal_ops
from tests.helpers.gradients import assert_same_gradients


def leaf(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64).requires_grad_()


REFERENCES = {
    "layer_norm": (lambda x, w: layer_norm(x, w, backend="reference"), [leaf(1, 3, 2, 2), leaf(3)]),
    "layer_norm with bias": (
        lambda x, w, b: layer_norm(x, w, b, backend="reference"), [leaf(1, 3, 2, 2), leaf(3), leaf(3, seed=1)]
    ),
    "add_layer_norm": (
        lambda x, y, w: add_layer_norm(x, y, w, backend="reference"),
        [leaf(1, 3, 2, 2), leaf(1, 3, 2, 2, seed=1), leaf(3)],
    ),
    "layer_norm, cpu form": (
        lambda x, w: layer_norm(x.contiguous(memory_format=torch.channels_last), w, backend="cpu"),
        [leaf(1, 3, 2, 2), leaf(3)],
    ),
    "gated depth-wise, gelu": (
        lambda x, w, b: gated_depthwise_conv(x, w, b, backend="reference"),
        [leaf(1, 4, 3, 2), leaf(4, 1, 3, 3), leaf(4)],
    ),
    "gated depth-wise, prelu": (
        lambda x, w, s: gated_depthwise_conv(x, w, None, s, backend="reference"),
        [leaf(1, 4, 3, 2), leaf(4, 1, 3, 3), leaf(1)],
    ),
    "window attention, tables": (
        lambda q, k, v, h, w: window_attention(
            q, k, v, h, w, window=2, key_window=4, heads=1, backend="reference"
        ),
        [*(leaf(1, 2, 2, 4, seed=s) for s in range(3)), leaf(7, 2), leaf(7, 2, seed=1)],
    ),
    "window attention, bias": (
        lambda q, k, v, t: window_attention(q, k, v, bias_table=t, window=2, heads=2, backend="reference"),
        [*(leaf(1, 2, 2, 4, seed=s) for s in range(3)), leaf(9, 2)],
    ),
    "channel attention, top-k": (
        lambda q, k, v, t, m: channel_attention(
            q, k, v, t, heads=1, ratios=((1, 1), (2, 3)), mix=m, backend="reference"
        ),
        [*(leaf(1, 3, 2, 2, seed=s) for s in range(3)), leaf(1), leaf(2)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFERENCES)
def test_finite_differences(name):
    function, inputs = REFERENCES[name]
    assert torch.autograd.gradcheck(function, inputs)


@given(c=st.integers(2, 9), h=st.integers(1, 5), w=st.integers(1, 5), shift=st.sampled_from([0.0, 100.0]))
def test_the_cpu_form_of_the_norm_equals_the_literal_one(c, h, w, shift):
    x = shift + torch.randn(2, c, h, w)

    def cpu_form(x, weight):
        return layer_norm(x.contiguous(memory_format=torch.channels_last), weight, backend="cpu")

    assert_same_gradients(cpu_form, literal_ops.layer_norm, [x, torch.rand(c)], bound=1e-7 if shift else 1e-9)


def test_auto_takes_the_cpu_form_for_channels_last_images(monkeypatch):
    import importlib

    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    module = importlib.import_module("bsn.ops.layer_norm.cpu")
    calls = []
    apply = module._BiasFree.apply
    monkeypatch.setattr(module._BiasFree, "apply", lambda *a: calls.append(1) or apply(*a))
    x = torch.rand(1, 4, 3, 3)
    layer_norm(x, torch.ones(4))
    assert not calls
    layer_norm(x.contiguous(memory_format=torch.channels_last), torch.ones(4))
    assert calls
