"""Candidates in mixed precision."""

from __future__ import annotations

import pytest
import torch

from restoration.manas.space.candidates import separable


@pytest.mark.parametrize("dilation", [1, 2])
def test_depthwise_gradients_in_bfloat16_are_those_of_float32_but_for_rounding(dilation: int) -> None:
    torch.manual_seed(0)
    layer = separable(8, 8, dilation=dilation)[0].to(memory_format=torch.channels_last)
    x = torch.randn(2, 8, 32, 32).contiguous(memory_format=torch.channels_last)
    target = torch.randn(2, 8, 32, 32)
    gradients = []
    for low in (False, True):
        # A source in bfloat16, as the layers before a candidate give it.
        source = (x.bfloat16() if low else x.clone()).requires_grad_()
        with torch.autocast("cpu", torch.bfloat16, enabled=low):
            out = layer(source)
        gradients.append(torch.autograd.grad((out.float() * target).sum(), [source, layer.weight]))
    for exact, rounded in zip(*gradients, strict=True):
        assert torch.dist(exact, rounded.float()) <= 0.02 * exact.norm()
