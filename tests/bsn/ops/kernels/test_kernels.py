"""Every kernel against its reference: awkward shapes, both layouts, values and gradients."""

import pytest
import torch

from bsn.ops import channel_attention, dilated_window_attention, gated_depthwise_conv, layer_norm, window_attention
from bsn.ops.layer_norm import add_layer_norm
from tests.helpers.kernels import assert_kernel_equals_reference

LAYOUTS = pytest.mark.parametrize("channels_last", [False, True], ids=["planes", "channels-last"])
pytestmark = pytest.mark.filterwarnings("ignore::bsn.ops.channel_attention.RankDeficientGramWarning")


def images(count, *shape, channels_last=False, seed=0):
    """Images that are slices of one tensor's channels, as a projection to q, k and v gives them."""
    n, c, h, w = shape
    whole = torch.randn(n, count * c, h, w, generator=torch.Generator().manual_seed(seed))
    return whole.to(memory_format=torch.channels_last) if channels_last else whole


def numbers(*shape, seed=1):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@LAYOUTS
@pytest.mark.parametrize("bias", [False, True], ids=["bias-free", "bias"])
@pytest.mark.parametrize("shape", [(2, 5, 3, 7), (1, 48, 5, 9), (1, 1, 1, 1), (0, 4, 3, 3)], ids=str)
def test_layer_norm(shape, bias, channels_last, device):
    x, branch = (images(1, *shape, channels_last=channels_last, seed=s) for s in range(2))
    weights = [numbers(shape[1]), *([numbers(shape[1], seed=2)] if bias else [])]
    assert_kernel_equals_reference(layer_norm, [3 * x + 1, *weights], device)
    assert_kernel_equals_reference(add_layer_norm, [3 * x + 1, branch, *weights], device)


def test_layer_norm_of_a_cropped_image(device):
    x = images(1, 1, 6, 5, 9)[..., 1:4, 2:7]
    assert_kernel_equals_reference(layer_norm, [x, numbers(6)], device)


GATES = {
    "less than a tile": (2, 3, 3, 5),
    "several tiles": (1, 5, 6, 11),
    "several blocks of channels": (1, 35, 1, 3),
    "wide": (1, 2, 2, 35),
    "tall": (1, 1, 9, 1),
    "one pixel": (1, 1, 1, 1),
    "empty batch": (0, 2, 3, 3),
}


# Activation and layout do not meet in the kernels: all four pairs on one shape, one of them on the others, and a second slowly.
PAIRS = [("gelu, bias", False), ("prelu", True), ("gelu, bias", True), ("prelu", False)]
GATED = [
    *(("less than a tile", *pair) for pair in PAIRS),
    *((shape, *PAIRS[0]) for shape in GATES if shape != "less than a tile"),
    *(pytest.param(shape, *PAIRS[1], marks=pytest.mark.slow) for shape in GATES if shape != "less than a tile"),
]


@pytest.mark.parametrize(("shape", "activation", "channels_last"), GATED)
def test_gated_depthwise_conv(shape, activation, channels_last, device):
    n, c, h, w = GATES[shape]
    inputs = [images(2, n, c, h, w, channels_last=channels_last), numbers(2 * c, 1, 3, 3)]
    bias, prelu = activation.endswith("bias"), activation.startswith("prelu")
    inputs += [numbers(2 * c, seed=2)] * bias + [numbers(1).abs()] * prelu

    def gate(x, weight, *rest):
        return gated_depthwise_conv(x, weight, rest[0] if bias else None, rest[-1] if prelu else None)

    assert_kernel_equals_reference(gate, inputs, device)


def test_gated_depthwise_conv_of_a_cropped_image_and_many_tiles(monkeypatch, device):
    """The second program of two takes the tiles that are left over."""
    monkeypatch.setattr("bsn.ops.gated_depthwise.triton.BACKWARD_PROGRAMS", 2)
    x = images(1, 2, 6, 14, 21)[..., 1:12, 2:19]
    assert_kernel_equals_reference(gated_depthwise_conv, [x, numbers(6, 1, 3, 3)], device)


WINDOWS = {
    "tbsn phases": {"n": 1, "heads": 2, "d": 16, "h": 8, "w": 4, "window": 4, "key_window": 6},
    "one channel": {"n": 2, "heads": 1, "d": 1, "h": 2, "w": 4, "window": 2, "key_window": 4},
    "one window, wide halo": {"n": 1, "heads": 1, "d": 3, "h": 3, "w": 3, "window": 3, "key_window": 7},
    "rectangle": {"n": 1, "heads": 1, "d": 5, "h": 2, "w": 6, "window": (2, 3), "key_window": (4, 5)},
    "one pixel": {"n": 1, "heads": 1, "d": 2, "h": 1, "w": 1, "window": 1, "key_window": 1},
    "empty batch": {"n": 0, "heads": 1, "d": 2, "h": 2, "w": 2, "window": 2, "key_window": 4},
}


def sides(size):
    return size if isinstance(size, tuple) else (size, size)


@LAYOUTS
@pytest.mark.parametrize("case", WINDOWS)
def test_window_attention_with_tables(case, channels_last, device):
    n, heads, d, h, w, window, key_window = WINDOWS[case].values()
    qkv = images(3, n, heads * d, h, w, channels_last=channels_last)
    tables = [numbers(2 * side - 1, d, seed=s) for s, side in enumerate(sides(key_window))]
    options = {"window": window, "key_window": key_window, "heads": heads}
    assert_kernel_equals_reference(
        lambda x, *t: window_attention(*x.chunk(3, 1), *t, **options), [qkv, *tables], device
    )


@pytest.mark.parametrize(
    ("window", "key_window", "heads", "d"), [(7, 7, 2, 5), ((2, 3), (4, 5), 1, 4)], ids=["drt", "rectangle"]
)
def test_window_attention_with_a_bias_table(window, key_window, heads, d, device):
    (wh, ww), (kh, kw) = sides(window), sides(key_window)
    qkv = images(3, 1, heads * d, wh, 2 * ww, channels_last=True)
    table = numbers((wh + kh - 1) * (ww + kw - 1), heads)
    options = {"window": window, "key_window": key_window, "heads": heads}
    assert_kernel_equals_reference(
        lambda x, t: window_attention(*x.chunk(3, 1), bias_table=t, **options), [qkv, table], device
    )


@LAYOUTS
def test_dilated_window_attention_addresses_phases_by_stride(channels_last, device):
    qkv = images(3, 1, 4, 4, 8, channels_last=channels_last)
    tables = [numbers(15, 4, seed=s) for s in range(2)]
    assert_kernel_equals_reference(
        lambda x, *t: dilated_window_attention(*x.chunk(3, 1), *t, window=4, key_window=8, heads=1),
        [qkv, *tables],
        device,
    )


GROUPS = {
    "one channel": {"n": 1, "heads": 1, "group": 1, "h": 3, "w": 5},
    "groups of 12": {"n": 2, "heads": 2, "group": 12, "h": 7, "w": 11},
    "more than a block": {"n": 1, "heads": 1, "group": 70, "h": 3, "w": 3},
    "whole images of four phases": {"n": 4, "heads": 2, "group": 5, "h": 4, "w": 3, "scope": "global"},
    "dense and top-k": {"n": 1, "heads": 2, "group": 10, "h": 6, "w": 6, "ratios": ((1, 1), (7, 10))},
    "empty batch": {"n": 0, "heads": 1, "group": 4, "h": 4, "w": 4},
}


@LAYOUTS
@pytest.mark.parametrize("case", GROUPS)
def test_channel_attention(case, channels_last, device):
    options = dict(GROUPS[case])
    n, heads, group, h, w = (options.pop(key) for key in ("n", "heads", "group", "h", "w"))
    qkv = images(3, n, heads * group, h, w, channels_last=channels_last)
    inputs = [qkv, numbers(heads, 1, 1).abs() + 0.5]
    if "ratios" in options:
        inputs.append(torch.tensor([0.3, 0.4]))

    def attend(x, temperature, mix=None):
        return channel_attention(*x.chunk(3, 1), temperature, heads=heads, mix=mix, **options)

    assert_kernel_equals_reference(attend, inputs, device, 1e-5)


def test_a_single_top_k_branch_needs_no_factor(device):
    qkv = images(3, 1, 6, 3, 4)
    assert_kernel_equals_reference(
        lambda x, t: channel_attention(*x.chunk(3, 1), t, heads=1, ratios=((1, 2),)), [qkv, numbers(1)], device, 1e-5
    )


@pytest.mark.slow
def test_the_backward_of_the_gate_gives_the_same_bits_every_time(device):
    leaves = [images(2, 2, 3, 5, 9), numbers(6, 1, 3, 3), numbers(6), numbers(1)]
    leaves = [t.to(device).requires_grad_() for t in leaves]

    def gradients():
        return torch.autograd.grad(gated_depthwise_conv(*leaves, backend="triton").square().sum(), leaves)

    assert all(torch.equal(a, b) for a, b in zip(gradients(), gradients(), strict=True))


def test_the_backward_gives_the_same_bits_every_time(device):
    qkv = images(3, 1, 4, 4, 4, channels_last=True).to(device)
    tables = [numbers(7, 4, seed=s).to(device) for s in range(2)]

    def gradients():
        leaves = [t.detach().requires_grad_() for t in (qkv, *tables)]
        out = window_attention(*leaves[0].chunk(3, 1), *leaves[1:], window=2, key_window=4, heads=1, backend="triton")
        return torch.autograd.grad(out.sum(), leaves)

    assert all(torch.equal(a, b) for a, b in zip(gradients(), gradients(), strict=True))
