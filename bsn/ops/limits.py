"""Where the Triton kernels run and what they take: all limits in one place, each with its reason.

=================  ========================================================================================
kernel             takes
=================  ========================================================================================
all                float32, float16, bfloat16 on CUDA (compute capability 8.0 or later), float32 and float16
                   in Triton's interpreter (``TRITON_INTERPRET=1``, on the CPU, only when asked for by name)
layer_norm         up to 1024 channels
window_attention   heads of up to 128 channels, windows of up to 64 queries, key windows of up to 16 x 16, no mask;
                   blocks of q and k together up to 16 KiB (float32: not DRT's 7 x 7 with heads of 48)
channel_attention  groups of up to 256 channels, up to 4 branches
gated_depthwise    3x3, any number of channels, weights of up to float32
=================  ========================================================================================

A function here returns None where the kernel takes the call and otherwise one sentence that says why not; dispatch
(:mod:`bsn.ops.backend`) and error messages use the same answer.
"""

from __future__ import annotations

import importlib.util
import os

import torch
from torch import Tensor

from bsn.ops.layout import next_power_of_two

__all__ = [
    "MAX_BRANCHES",
    "MAX_GROUP",
    "MAX_HEAD_DIM",
    "MAX_KEY_WINDOW",
    "MAX_NORM_CHANNELS",
    "MAX_QUERIES",
    "interpreting",
    "not_interpreting",
    "refuse_apply_channel_weights",
    "refuse_channel_attention",
    "refuse_everywhere",
    "refuse_gated_depthwise",
    "refuse_layer_norm",
    "refuse_window_attention",
]

MAX_NORM_CHANNELS = 1024
MAX_HEAD_DIM = 128
MAX_QUERIES = 64
MAX_KEY_WINDOW = 16
MAX_OPERANDS = 16 * 1024  # bytes; the compiled kernels use up to seven times as much shared memory, of 99 KiB or more
MAX_GROUP = 256
MAX_BRANCHES = 4
LEAST_CAPABILITY = 8
TRITON_INSTALLED = importlib.util.find_spec("triton") is not None  # found, not imported
DTYPES = (torch.float32, torch.float16, torch.bfloat16)
LARGEST_OFFSET = 2**31  # kernels address inside one image with 32 bits
LARGEST_GRID = 65535  # of CUDA, on any axis but the first


def interpreting() -> bool:
    """Whether Triton runs its kernels in the interpreter (set before Triton is imported)."""
    return os.environ.get("TRITON_INTERPRET") == "1"


def not_interpreting() -> bool:
    """Whether "auto" may take the kernels: the interpreter is for tests, which ask for it by name."""
    return not interpreting()


def _refuse_device(x: Tensor) -> str | None:
    if x.device.type == "cpu" and interpreting():
        return "Triton's interpreter has no bfloat16" if x.dtype == torch.bfloat16 else None
    if x.device.type != "cuda":
        return f"the tensors are on {x.device.type}, and Triton needs CUDA (or TRITON_INTERPRET=1, for tests)"
    gpu = torch.cuda.get_device_properties(x.device.index or 0)
    if gpu.major < LEAST_CAPABILITY:
        return f"the GPU has compute capability {gpu.major}.{gpu.minor}, and {LEAST_CAPABILITY}.0 is needed"
    return None


def refuse_everywhere(*tensors: Tensor, groups: int = 1) -> str | None:
    """Reasons that hold for every kernel: the graph is being exported, Triton, device, precision, size.

    Parameters
    ----------
    *tensors : Tensor
        Images of the call, all of them.
    groups : int
        Programs per entry of the batch on the second axis of the grid.

    Returns
    -------
    str or None
    """
    if torch.compiler.is_exporting():
        return "the graph is being exported, and an export holds PyTorch's own operators only"
    if not TRITON_INSTALLED:
        return "Triton is not installed"
    for x in tensors:
        if x.dtype not in DTYPES:
            return f"{x.dtype} is computed by the reference only; kernels take float32, float16 and bfloat16"
        reason = _refuse_device(x)
        if reason:
            return reason
        if x.numel() and x.stride(0) >= LARGEST_OFFSET:
            return "one image has 2^31 elements or more; use smaller tiles"
        if x.shape[0] * groups > LARGEST_GRID:
            return f"{x.shape[0]} images with {groups} heads each are more than {LARGEST_GRID} programs; use a smaller batch"
    return None


def refuse_layer_norm(x: Tensor, weight: Tensor, bias: Tensor | None, eps: float) -> str | None:
    """Say why the kernel of the layer norm cannot take a call.

    Parameters
    ----------
    x, weight, bias, eps
        See :func:`bsn.ops.layer_norm.layer_norm`.

    Returns
    -------
    str or None
        The reason; None if it can.
    """
    if x.shape[1] > MAX_NORM_CHANNELS:
        return f"{x.shape[1]} channels do not fit one block; the limit is {MAX_NORM_CHANNELS}"
    return refuse_everywhere(x)


def refuse_gated_depthwise(x: Tensor, weight: Tensor, bias: Tensor | None, slope: Tensor | None) -> str | None:
    """Say why the kernel of the gated depth-wise convolution cannot take a call.

    Parameters
    ----------
    x, weight, bias, slope
        See :func:`bsn.ops.gated_depthwise.gated_depthwise_conv`.

    Returns
    -------
    str or None
        The reason; None if it can.
    """
    if x.dtype != torch.float64 and weight.dtype == torch.float64:
        return f"the weight is {weight.dtype}; kernels add up in float32"
    return refuse_everywhere(x)


def _window_operands(head_dim: int, window: tuple[int, int], key_window: tuple[int, int]) -> int:
    """Elements of the blocks of queries and keys."""
    keys = next_power_of_two(key_window[0], 4) * next_power_of_two(key_window[1], 4)
    return (next_power_of_two(window[0] * window[1], 16) + keys) * next_power_of_two(head_dim, 16)


def refuse_window_attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    rel_height: Tensor | None,
    rel_width: Tensor | None,
    geometry: tuple[tuple[int, int], tuple[int, int]],
    heads: int,
    bias_table: Tensor | None = None,
    mask: Tensor | None = None,
    dilation: int = 1,
) -> str | None:
    """Say why the kernel of the window attention cannot take a call.

    Parameters
    ----------
    q, k, v, rel_height, rel_width, geometry, heads, bias_table, mask
        See :func:`bsn.ops.window_attention.reference.window_attention_reference`.
    dilation : int
        Distance of neighbouring pixels of a phase.

    Returns
    -------
    str or None
        The reason; None if it can.
    """
    window, key_window = geometry
    if mask is not None:
        return "windows with a mask are computed by the reference only"
    if q.shape[1] // heads > MAX_HEAD_DIM:
        return f"heads of {q.shape[1] // heads} channels do not fit one block; the limit is {MAX_HEAD_DIM}"
    if window[0] * window[1] > MAX_QUERIES:
        return f"a window of {window[0]} x {window[1]} does not fit one block; the limit is {MAX_QUERIES} queries"
    if max(key_window) > MAX_KEY_WINDOW:
        return f"a key window of {key_window[0]} x {key_window[1]} does not fit one block; the side's limit is {MAX_KEY_WINDOW}"
    operands = _window_operands(q.shape[1] // heads, window, key_window) * q.element_size()
    if operands > MAX_OPERANDS:
        return f"blocks of q and k take {operands // 1024} KiB in {q.dtype}; the limit is {MAX_OPERANDS // 1024} KiB"
    if not q.dtype == k.dtype == v.dtype:
        return f"q, k and v are of different types ({q.dtype}, {k.dtype}, {v.dtype})"
    return refuse_everywhere(q, k, v, groups=heads * dilation**2)


def refuse_channel_attention(
    q: Tensor,
    k: Tensor,
    temperature: Tensor,
    heads: int,
    phases: int,
    kept: tuple[int, ...] | None = None,
    mix: Tensor | None = None,
) -> str | None:
    """Say why the kernel of the channel attention cannot take a call.

    Parameters
    ----------
    q, k, temperature, heads, phases, kept, mix
        See :func:`bsn.ops.channel_attention.reference.channel_attention_weights`.

    Returns
    -------
    str or None
        The reason; None if it can.
    """
    if q.shape[1] // heads > MAX_GROUP:
        return f"groups of {q.shape[1] // heads} channels do not fit one block; the limit is {MAX_GROUP}"
    if kept is not None and len(kept) > MAX_BRANCHES:
        return f"{len(kept)} branches; the limit is {MAX_BRANCHES}"
    if q.dtype != k.dtype:
        return f"q and k are of different types ({q.dtype}, {k.dtype})"
    return refuse_everywhere(q, k, groups=heads)


def refuse_apply_channel_weights(weights: Tensor, v: Tensor, phases: int) -> str | None:
    """Say why the kernel cannot multiply weights and pixels.

    Parameters
    ----------
    weights, v, phases
        See :func:`bsn.ops.channel_attention.reference.apply_channel_weights`.

    Returns
    -------
    str or None
        The reason; None if it can.
    """
    if weights.dtype != torch.float32:
        return f"the weights are {weights.dtype}; kernels keep them in float32"
    return refuse_everywhere(v, groups=weights.shape[1])
