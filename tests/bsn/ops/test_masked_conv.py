import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bsn.ops import MaskedConv2d, masked_conv
from tests.helpers import literal_ops
from tests.helpers.golden import assert_close, load_golden
from tests.helpers.gradients import assert_same_gradients


@pytest.mark.parametrize("name", ["op_masked_conv_k3", "op_masked_conv_k5"])
@pytest.mark.parametrize(("dtype", "bound"), [(torch.float64, 1e-12), (torch.float32, 5e-6)])
def test_golden(name, dtype, bound):
    golden = load_golden(f"tbsn/{name}.safetensors")
    weight, bias = golden["weight.weight"].to(dtype), golden.weights.get("bias")
    lattice = (weight.shape[-1] + 1) // 2
    out = masked_conv(golden["input"].to(dtype), weight, None if bias is None else bias.to(dtype), lattice=lattice)
    assert_close(out, golden["output64"], bound)


@given(reach=st.integers(1, 4), lattice=st.integers(2, 5), bias=st.booleans(), h=st.integers(1, 9), w=st.integers(1, 9))
def test_value_and_gradients_equal_the_literal_form(reach, lattice, bias, h, w):
    kernel = 2 * reach + 1
    inputs = [torch.randn(2, 3, h, w), torch.randn(4, 3, kernel, kernel)] + ([torch.randn(4)] if bias else [])
    assert_same_gradients(
        lambda *t: masked_conv(*t, lattice=lattice), lambda *t: literal_ops.masked_conv(*t, lattice=lattice), inputs
    )


def test_output_does_not_see_its_lattice():
    torch.manual_seed(0)
    conv = MaskedConv2d(2, 5, 9, lattice=3).double()
    x = torch.randn(1, 2, 15, 15, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(conv(x)[0, :, 7, 7].sum(), x)
    assert (gradient[..., 1::3, 1::3] == 0).all()
    assert (gradient != 0).any()


def test_masked_taps_get_no_gradient():
    conv = MaskedConv2d(1, 2)
    conv(torch.rand(1, 1, 6, 6)).sum().backward()
    assert (conv.weight.grad[..., 1, 1] == 0).all()


@pytest.mark.parametrize(
    ("weight", "lattice", "message"),
    [((2, 1, 4, 4), 2, "odd square kernel"), ((2, 1, 3, 5), 2, "odd square kernel"), ((2, 1, 3, 3), 1, "every tap")],
)
def test_illegal_kernels_are_refused(weight, lattice, message):
    with pytest.raises(ValueError, match=message):
        masked_conv(torch.zeros(1, 1, 8, 8), torch.zeros(weight), lattice=lattice)
