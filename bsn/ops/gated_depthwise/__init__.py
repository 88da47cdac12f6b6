"""Depth-wise 3x3 convolution with the gate of a gated feed-forward network behind it (Restormer's GDFN, ELF's).

The kernels (:mod:`bsn.ops.gated_depthwise.triton`) read the 2 C channels where they lie, convolve both halves in
registers and write the C channels of the product only: 3 images of C channels move through memory where convolution,
activation and product as three operators move 9. Nothing is kept for the backward but the input; both convolutions are
computed again there.

A phase image (:mod:`bsn.lattice`) is an ordinary image of the batch, so "within a phase" needs nothing more here: the
neighbours of a pixel in its phase image are those at distance d in the full image. The operator couples neighbours, which
is why it stands on phase images, or in networks that need not be blind.
"""

from __future__ import annotations

from torch import Tensor

from bsn.ops.backend import Implementation, choose
from bsn.ops.gated_depthwise.reference import gated_depthwise_conv_reference
from bsn.ops.gated_depthwise.registration import gated_depthwise_conv_triton
from bsn.ops.limits import not_interpreting, refuse_gated_depthwise
from bsn.ops.measured import slower_where_measured
from bsn.shapes import check_image

__all__ = ["gated_depthwise_conv"]


_slower = slower_where_measured("gated_depthwise_conv", lambda x, *_: x.shape[1] // 2)

BACKENDS = {
    "triton": Implementation(gated_depthwise_conv_triton, refuse_gated_depthwise, not_interpreting, _slower),
    "reference": Implementation(gated_depthwise_conv_reference),
}


def _check(x: Tensor, weight: Tensor, bias: Tensor | None, slope: Tensor | None) -> None:
    check_image("gated_depthwise_conv", x)
    channels = x.shape[1]
    if channels % 2 or not channels:
        raise ValueError(f"gated_depthwise_conv: {channels} channels cannot be halved; give an even number")
    if weight.shape != (channels, 1, 3, 3):
        raise ValueError(
            f"gated_depthwise_conv: weight {tuple(weight.shape)} does not fit the {channels} channels of x; "
            f"a depth-wise 3x3 has ({channels}, 1, 3, 3)"
        )
    if bias is not None and bias.shape != (channels,):
        raise ValueError(f"gated_depthwise_conv: bias {tuple(bias.shape)} does not fit the {channels} channels of x")
    if slope is not None and slope.shape != (1,):
        raise ValueError(f"gated_depthwise_conv: slope {tuple(slope.shape)}, but one for all channels (1,) is needed")


def gated_depthwise_conv(
    x: Tensor, weight: Tensor, bias: Tensor | None = None, slope: Tensor | None = None, *, backend: str | None = None
) -> Tensor:
    """Convolve every channel with its own 3x3 kernel, and multiply the activated first half by the second.

    With zeros outside the image::

        u, v = conv(x)[:, :C], conv(x)[:, C:]        conv: depth-wise 3x3, correlation as in PyTorch
        out  = gelu(u) * v                           gelu(u) = u Phi(u), the exact form
        out  = prelu(u) * v                          with a slope: u where u > 0, else slope u

    Parameters
    ----------
    x : Tensor, shape (N, 2 C, H, W)
        Any floating dtype; the kernels add up in float32 and round once, at the end.
    weight : Tensor, shape (2 C, 1, 3, 3)
        One 3x3 kernel per channel.
    bias : Tensor, shape (2 C,), optional
        Offsets of the convolution.
    slope : Tensor, shape (1,), optional
        Slope of the PReLU; None selects the GELU.
    backend : str, optional
        See :mod:`bsn.ops.backend`.

    Returns
    -------
    Tensor, shape (N, C, H, W), dtype of `x`
        Channels-last if `x` is.

    Raises
    ------
    ValueError
        If the shapes do not fit.

    References
    ----------
    Zamir et al., "Restormer", CVPR 2022 (gated-Dconv feed-forward network); Jiang et al., "Magic ELF", ACM MM 2022.

    Examples
    --------
    >>> import torch
    >>> x = torch.tensor([2.0, 3.0]).reshape(1, 2, 1, 1)
    >>> centre = torch.zeros(2, 1, 3, 3).index_fill(-1, torch.tensor(1), 1.0)
    >>> gated_depthwise_conv(x, centre, slope=torch.tensor([0.25])).item()
    6.0
    """
    _check(x, weight, bias, slope)
    arguments = (x, weight, bias, slope)
    return choose("gated_depthwise_conv", BACKENDS, backend, *arguments)(*arguments)
