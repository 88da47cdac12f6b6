"""Layer norm over the channels of every pixel, with bias or bias-free (Restormer's two forms)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bsn.ops.backend import Implementation, choose
from bsn.ops.coupling import Coupling
from bsn.ops.layer_norm.reference import layer_norm_reference
from bsn.shapes import check_image

__all__ = ["ChannelNorm", "layer_norm"]

BACKENDS = {"reference": Implementation(layer_norm_reference)}


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
    bias : Tensor, shape (C,), optional
        None selects the bias-free form.
    eps : float
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
    check_image("layer_norm", x)
    if weight.shape != (x.shape[1],) or (bias is not None and bias.shape != weight.shape):
        raise ValueError(f"layer_norm: weight {tuple(weight.shape)} does not fit the {x.shape[1]} channels of x")
    return choose("layer_norm", BACKENDS, backend, x, weight, bias, eps)(x, weight, bias, eps)


class ChannelNorm(nn.Module):
    """Module form of :func:`layer_norm`.

    Parameters
    ----------
    channels : int
    bias : bool
        False for the bias-free form.
    """

    coupling = Coupling.POINTWISE

    def __init__(self, channels: int, *, bias: bool = False) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to the same shape."""
        return layer_norm(x, self.weight, self.bias)
