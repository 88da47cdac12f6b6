"""Comparison of two functions in value and in every gradient, in float64."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from tests.helpers.golden import relative_error


def assert_same_gradients(
    function: Callable[..., Tensor], truth: Callable[..., Tensor], inputs: Sequence[Tensor], bound: float = 1e-11
) -> None:
    """Assert equal outputs and equal gradients of a random linear form, relative to the largest true value.

    Gradients that are zero in truth may be missing or rounding noise.
    """
    results = []
    projection = None
    for f in (function, truth):
        leaves = [t.detach().double().requires_grad_() for t in inputs]
        out = f(*leaves)
        if projection is None:
            projection = torch.randn(out.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        assert out.shape == projection.shape, f"shape {tuple(out.shape)} instead of {tuple(projection.shape)}"
        gradients = torch.autograd.grad((out * projection).sum(), leaves, allow_unused=True)
        results.append([out, *gradients])
    scale = max(float(t.detach().abs().max()) for t in results[1] if t is not None and t.numel())
    for index, (value, expected) in enumerate(zip(*results, strict=True)):
        name = "output" if index == 0 else f"gradient of input {index - 1}"
        zero = torch.zeros_like(results[1][0] if index == 0 else inputs[index - 1], dtype=torch.float64)
        value, expected = (zero if t is None else t for t in (value, expected))
        if expected.abs().max() <= 1e-12 * scale:
            assert value.abs().max() <= bound * scale, f"{name} should be zero"
        else:
            error = relative_error(value, expected)
            assert error <= bound, f"{name}: relative error {error:.3g} is above {bound:.3g}"
