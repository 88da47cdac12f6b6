"""Layer norm over the channels of every pixel, with bias or bias-free (Restormer's two forms).

The kernels (:mod:`bsn.ops.layer_norm.triton`) read N C H W and channels-last images, or slices of their channels, where they
lie, and hold the channels of a block of pixels in registers: one read, one write, and nothing kept for the backward but
the input. A norm that follows a residual sum takes the sum along (:func:`add_layer_norm`): one read of
the image fewer forward, a read and a write fewer backward.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bsn.coupling import Coupling
from bsn.ops.backend import Implementation, choose
from bsn.ops.layer_norm.cpu import layer_norm_cpu, refuse_layer_norm_cpu
from bsn.ops.layer_norm.reference import add_layer_norm_reference, layer_norm_reference
from bsn.ops.layer_norm.registration import add_layer_norm_triton, layer_norm_triton
from bsn.ops.limits import not_interpreting, refuse_everywhere, refuse_layer_norm
from bsn.ops.measured import slower_where_measured
from bsn.shapes import check_image, check_same_shape

__all__ = ["ChannelNorm", "add_layer_norm", "layer_norm"]


def _add_layer_norm_cpu(
    x: Tensor, branch: Tensor, weight: Tensor, bias: Tensor | None, eps: float
) -> tuple[Tensor, Tensor]:
    total = x + branch
    return total, layer_norm_cpu(total, weight, bias, eps)


_slower = slower_where_measured("layer_norm", lambda x, *_: x.shape[1])

BACKENDS = {
    "triton": Implementation(layer_norm_triton, refuse_layer_norm, not_interpreting, _slower),
    "cpu": Implementation(layer_norm_cpu, refuse_layer_norm_cpu),
    "reference": Implementation(layer_norm_reference),
}
ADD_BACKENDS = {
    "triton": Implementation(
        add_layer_norm_triton,
        lambda x, branch, *rest: refuse_everywhere(branch) or refuse_layer_norm(x, *rest),
        not_interpreting,
        _slower,
    ),
    "cpu": Implementation(
        _add_layer_norm_cpu,
        lambda x, branch, *rest: refuse_layer_norm_cpu(x, *rest) or refuse_layer_norm_cpu(branch, *rest),
    ),
    "reference": Implementation(add_layer_norm_reference),
}


def _check(operator: str, x: Tensor, weight: Tensor, bias: Tensor | None) -> None:
    check_image(operator, x)
    if weight.shape != (x.shape[1],) or (bias is not None and bias.shape != weight.shape):
        raise ValueError(f"{operator}: weight {tuple(weight.shape)} does not fit the {x.shape[1]} channels of x")


def layer_norm(
    x: Tensor, weight: Tensor, bias: Tensor | None = None, *, eps: float = 1e-5, backend: str | None = None
) -> Tensor:
    """Normalise each pixel over its channels.

    With m and v the mean and the biased variance of the C values of a pixel::

        with bias:   (x - m) / sqrt(v + eps) * weight + bias
        bias-free:    x      / sqrt(v + eps) * weight          (the mean is not subtracted)

    Parameters
    ----------
    x : Tensor, shape (N, C, H, W)
        Any floating dtype; statistics are taken in float32 at least.
    weight : Tensor, shape (C,)
        Factor of each channel.
    bias : Tensor, shape (C,), optional
        None selects the bias-free form.
    eps : float
        Positive number that is added to the variance.
    backend : str, optional
        See :mod:`bsn.ops.backend`.

    Returns
    -------
    Tensor, shape (N, C, H, W), dtype of `x`

    Raises
    ------
    ValueError
        If the shapes do not fit.

    References
    ----------
    Zamir et al., "Restormer", CVPR 2022 (BiasFree and WithBias LayerNorm).

    Examples
    --------
    >>> x = torch.tensor([1.0, 3.0]).reshape(1, 2, 1, 1)
    >>> layer_norm(x, torch.ones(2), eps=0.0).flatten()
    tensor([1., 3.])
    """
    _check("layer_norm", x, weight, bias)
    return choose("layer_norm", BACKENDS, backend, x, weight, bias, eps)(x, weight, bias, eps)


def add_layer_norm(
    x: Tensor,
    branch: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    eps: float = 1e-5,
    backend: str | None = None,
) -> tuple[Tensor, Tensor]:
    """Residual sum and its norm: ``total = x + branch`` and ``layer_norm(total, weight, bias)``.

    Parameters
    ----------
    x, branch : Tensor, shape (N, C, H, W)
        The input of the residual block, and what the block adds to it.
    weight, bias, eps, backend
        See :func:`layer_norm`.

    Returns
    -------
    tuple of Tensor, each of shape (N, C, H, W)
        The sum, and its norm.

    Raises
    ------
    ValueError
        If the shapes do not fit.
    """
    _check("add_layer_norm", x, weight, bias)
    check_same_shape("add_layer_norm", x=x, branch=branch)
    arguments = (x, branch, weight, bias, eps)
    return choose("add_layer_norm", ADD_BACKENDS, backend, *arguments)(*arguments)


class ChannelNorm(nn.Module):
    """Module form of :func:`layer_norm`.

    Parameters
    ----------
    channels : int
        Channels in and out.
    bias : bool
        False for the bias-free form.
    """

    coupling = Coupling.POINTWISE

    def __init__(self, channels: int, *, bias: bool = False) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        """Normalise every pixel over its channels.

        Parameters
        ----------
        x : Tensor, shape (N, C, H, W)
            The input of the residual block, and what the block adds to it.

        Returns
        -------
        Tensor, shape (N, C, H, W)
        """
        return layer_norm(x, self.weight, self.bias)

    def add(self, x: Tensor, branch: Tensor) -> tuple[Tensor, Tensor]:
        """Sum of two images and its norm, see :func:`add_layer_norm`.

        Parameters
        ----------
        x, branch : Tensor, shape (N, C, H, W)
            The input of the residual block, and what the block adds to it.

        Returns
        -------
        total, norm : Tensor, shape (N, C, H, W)
        """
        return add_layer_norm(x, branch, self.weight, self.bias)
