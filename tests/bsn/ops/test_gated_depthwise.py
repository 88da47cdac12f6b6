"""The gated depth-wise convolution's reference against its literal form."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bsn.ops import gated_depthwise_conv
from tests.helpers import literal_ops
from tests.helpers.gradients import assert_same_gradients


@given(
    c=st.integers(1, 4), h=st.integers(1, 5), w=st.integers(1, 5), prelu=st.booleans(), bias=st.booleans(),
    channels_last=st.booleans(),
)  # fmt: skip
def test_value_and_gradients_equal_the_literal_form(c, h, w, prelu, bias, channels_last):
    x = torch.randn(2, 2 * c, h, w)
    if channels_last:
        x = x.to(memory_format=torch.channels_last)
    inputs = [
        x,
        torch.randn(2 * c, 1, 3, 3),
        *([torch.randn(2 * c)] if bias else []),
        *([torch.rand(1)] if prelu else []),
    ]

    def call(function):
        def run(x, weight, *rest):
            rest = list(rest)
            return function(x, weight, rest.pop(0) if bias else None, rest.pop(0) if prelu else None)

        return run

    assert_same_gradients(call(gated_depthwise_conv), call(literal_ops.gated_depthwise_conv), inputs)


def test_half_precision_takes_weights_in_float32():
    x, weight = torch.randn(1, 6, 5, 5), torch.randn(6, 1, 3, 3)
    out = gated_depthwise_conv(x.bfloat16(), weight, torch.randn(6), torch.tensor([0.25]))
    assert out.dtype == torch.bfloat16
    assert out.shape == (1, 3, 5, 5)


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        (((1, 3, 4, 4), (3, 1, 3, 3)), "3 channels cannot be halved; give an even number"),
        (((1, 0, 4, 4), (0, 1, 3, 3)), "0 channels cannot be halved"),
        (((1, 4, 4, 4), (4, 1, 5, 5)), "weight .* does not fit the 4 channels of x; a depth-wise 3x3 has"),
        (((1, 4, 4, 4), (4, 1, 3, 3), (2,)), "bias .* does not fit the 4 channels"),
        (((1, 4, 4, 4), (4, 1, 3, 3), (4,), (2,)), "slope .* but one for all channels"),
        (((4, 4, 4), (4, 1, 3, 3)), "an image batch"),
    ],
)
def test_shapes_that_do_not_fit_are_named(shapes, message):
    with pytest.raises(ValueError, match=message):
        gated_depthwise_conv(*(torch.zeros(shape) for shape in shapes))
