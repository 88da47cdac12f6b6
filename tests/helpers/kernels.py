"""Comparison of an operator's kernels with its reference in float64: value and every gradient."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from bsn.ops import use_backend
from tests.helpers.golden import assert_close

FORMS = 8  # over which errors are pooled: those of a gradient of one or two numbers are chance


def run(
    function: Callable[..., Tensor | tuple[Tensor, ...]], inputs: Sequence[Tensor], backend: str, seed: int = 0
) -> list[Tensor]:
    """Outputs of `function` on one backend, and the gradients of a random linear form of them, the same for one seed."""
    leaves = [t.detach().requires_grad_() for t in inputs]
    with use_backend(backend):
        out = function(*leaves)
    outputs = [out] if isinstance(out, Tensor) else list(out)
    generator = torch.Generator().manual_seed(seed)
    form = torch.zeros((), dtype=outputs[0].dtype, device=outputs[0].device)
    for t in outputs:
        form = form + (t * torch.randn(t.shape, generator=generator).to(t)).sum()
    gradients = torch.autograd.grad(form, leaves)
    return [t.detach() for t in (*outputs, *gradients)]


def assert_kernel_equals_reference(
    function: Callable[..., Tensor | tuple[Tensor, ...]], inputs: Sequence[Tensor], device: str, bound: float = 5e-6
) -> None:
    """Assert that kernels in float32 give the numbers of the reference in float64, gradients included."""
    truth = run(function, [t.double() for t in inputs], "reference")
    value = run(function, [t.to(device) for t in inputs], "triton")
    assert len(value) == len(truth)
    largest = max([float(t.abs().max()) for t in truth if t.numel()], default=0.0)
    for index, (ours, expected) in enumerate(zip(value, truth, strict=True)):
        assert ours.shape == expected.shape
        if not expected.numel():
            continue
        if expected.abs().max() <= 1e-9 * largest:  # zero but for rounding
            assert float(ours.abs().max()) <= bound * largest, f"result {index} should be zero"
        else:
            assert_close(ours.cpu(), expected, bound, f"result {index}")


def budget(
    function: Callable[..., Tensor | tuple[Tensor, ...]],
    inputs: Sequence[Tensor],
    dtype: torch.dtype,
    backend: str = "triton",
) -> None:
    """Assert that kernels in `dtype` err at most twice as much as PyTorch's own operators in `dtype`.

    Both are compared with the reference in float64 on the rounded inputs: root mean squares over several linear forms.
    """
    rounded = [t.to(dtype) for t in inputs]
    squares = []  # of both errors and of the truth, for each form and result
    for seed in range(FORMS):
        truth = run(function, [t.double() for t in rounded], "reference", seed)
        ours, theirs = (run(function, rounded, name, seed) for name in (backend, "reference"))
        results = zip(ours, theirs, truth, strict=True)
        squares.append(
            [[(x.double() - y).square().mean().item() for x, y in ((a, t), (b, t), (t, 0))] for a, b, t in results]
        )
    for index, (error, allowed, size) in enumerate(torch.tensor(squares).mean(0).sqrt().tolist()):
        floor = torch.finfo(dtype).eps * size
        assert error <= 2 * allowed + floor, f"result {index}: error {error:.3g}, PyTorch's own {allowed:.3g}"
