import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bsn.ops import ChannelNorm, layer_norm
from tests.helpers import literal_ops
from tests.helpers.golden import assert_close, load_golden
from tests.helpers.gradients import assert_same_gradients


@pytest.mark.parametrize(
    ("name", "dtype", "bound"),
    [
        ("op_norm_biasfree", torch.float64, 1e-12),
        ("op_norm_biasfree", torch.float32, 5e-6),
        ("op_norm_withbias", torch.float64, 1e-10),
        ("op_norm_withbias", torch.float32, 5e-5),
    ],
)
def test_golden(name, dtype, bound):
    golden = load_golden(f"tbsn/{name}.safetensors")
    bias = golden.weights.get("body.bias")
    out = layer_norm(
        golden["input"].to(dtype), golden["weight.body.weight"].to(dtype), None if bias is None else bias.to(dtype)
    )
    assert_close(out, golden["output64"], bound)


@given(c=st.integers(2, 9), h=st.integers(1, 5), w=st.integers(1, 5), bias=st.booleans(), channels_last=st.booleans())
def test_value_and_gradients_equal_the_literal_form(c, h, w, bias, channels_last):
    x = torch.randn(2, c, h, w)
    if channels_last:
        x = x.to(memory_format=torch.channels_last)
    inputs = [x, torch.rand(c)] + ([torch.randn(c)] if bias else [])
    assert_same_gradients(layer_norm, literal_ops.layer_norm, inputs, bound=1e-9)


@pytest.mark.parametrize("bias", [False, True])
def test_half_precision_keeps_its_statistics_in_float32(bias):
    torch.manual_seed(0)
    x = 300 + torch.randn(1, 48, 4, 4)  # a mean that would cancel in bfloat16
    norm = ChannelNorm(48, bias=bias)
    exact = norm(x.bfloat16().float())
    assert norm(x.bfloat16()).dtype == torch.bfloat16
    assert_close(norm(x.bfloat16()).float(), exact, 2**-8)


def test_large_mean_does_not_cancel():
    x = (1e4 + torch.randn(1, 16, 3, 3, dtype=torch.float64)).float()
    assert_close(layer_norm(x, torch.ones(16)), layer_norm(x.double(), torch.ones(16).double()), 1e-4)


def test_wrong_weight_is_named():
    with pytest.raises(ValueError, match="does not fit the 4 channels"):
        layer_norm(torch.zeros(1, 4, 2, 2), torch.ones(3))


@pytest.mark.parametrize("kind", ["withbias", "biasfree"])
def test_golden_of_the_deraining_networks(kind):
    """Inputs with a mean far from zero, which the bias-free form keeps."""
    golden = load_golden(f"ddsa/layernorm_{kind}.safetensors")
    bias = golden.weights.get("body.bias")
    out = layer_norm(
        golden["input"].double(), golden["weight.body.weight"].double(), None if bias is None else bias.double()
    )
    assert_close(out, golden["output64"], 1e-12)


@pytest.mark.parametrize(("dtype", "bound"), [(torch.bfloat16, 2**-8), (torch.float16, 2**-10)])
@pytest.mark.parametrize("weight_dtype", [None, torch.float32])
@pytest.mark.parametrize("autocast", [False, True])
def test_narrow_images_in_many_blocks_lose_one_rounding(dtype, bound, weight_dtype, autocast):
    """The form for CPUs, forward and gradients, over an image of several blocks; against the literal form in float64."""
    torch.manual_seed(0)
    x = (2 + torch.randn(2, 48, 64, 65)).to(dtype).contiguous(memory_format=torch.channels_last).requires_grad_()
    weight = (0.5 + torch.rand(48)).to(weight_dtype or dtype).requires_grad_()
    grad = torch.randn(2, 48, 64, 65).to(dtype)
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        out = layer_norm(x, weight, backend="cpu")
    assert out.dtype == dtype
    wide = [t.detach().double().requires_grad_() for t in (x, weight)]
    truth = literal_ops.layer_norm(*wide)
    assert_close(out, truth, bound)
    found = torch.autograd.grad(out, (x, weight), grad)
    for value, exact in zip(found, torch.autograd.grad(truth, wide, grad.double()), strict=True):
        assert_close(value, exact, bound)
