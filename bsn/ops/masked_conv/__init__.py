"""Centre-masked convolution: the head that makes a dilated blind-spot network blind.

=============  =================================================
paper, spec    here
=============  =================================================
s, dilation    ``lattice``: distance between blind positions
k = 2 s - 1    ``kernel_size`` (the centre is the only masked tap)
=============  =================================================
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bsn.coupling import Coupling
from bsn.ops.backend import Implementation, choose
from bsn.ops.masked_conv.reference import blind_tap_mask, masked_conv_reference
from bsn.shapes import check_image

__all__ = ["MaskedConv2d", "blind_tap_mask", "masked_conv"]

BACKENDS = {"reference": Implementation(masked_conv_reference)}


def masked_conv(
    x: Tensor, weight: Tensor, bias: Tensor | None = None, *, lattice: int = 2, backend: str | None = None
) -> Tensor:
    """Convolve with a kernel that does not see the lattice of its centre pixel.

    Parameters
    ----------
    x : Tensor, shape (N, C_in, H, W)
        Images or features.
    weight : Tensor, shape (C_out, C_in, k, k)
        k odd. The taps whose row and column offsets are both multiples of `lattice` count as zero whatever they hold, so
        published checkpoints with non-zero centre taps are harmless; their gradient is zero.
    bias : Tensor, shape (C_out,), optional
        Offsets of the output channels.
    lattice : int
        Blind distance d. With ``k <= 2 d - 1`` only the centre tap is masked.
    backend : str, optional
        See :mod:`bsn.ops.backend`.

    Returns
    -------
    Tensor, shape (N, C_out, H, W)
        Zero padding k // 2, stride 1. The value at p depends on no pixel p + d Z x d Z.

    Raises
    ------
    ValueError
        For even or non-square kernels and for ``lattice < 2``, where nothing would be left of the kernel.

    References
    ----------
    Wu et al., "Unpaired Learning of Deep Image Denoising", ECCV 2020 (dilated blind-spot network); AP-BSN, CVPR 2022.

    Examples
    --------
    >>> import torch
    >>> x = torch.zeros(1, 1, 5, 5); x[..., 2, 2] = 1.0
    >>> masked_conv(x, torch.ones(1, 1, 3, 3))[0, 0, 1:4, 1:4]
    tensor([[1., 1., 1.],
            [1., 0., 1.],
            [1., 1., 1.]])
    """
    check_image("masked_conv", x)
    kernel = weight.shape[-1]
    if weight.ndim != 4 or weight.shape[-2] != kernel or kernel % 2 == 0:
        raise ValueError(f"masked_conv: weight {tuple(weight.shape)} has no centre tap; use an odd square kernel")
    if lattice < 2:
        raise ValueError(f"masked_conv: lattice {lattice} would mask every tap; use 2 or more")
    return choose("masked_conv", BACKENDS, backend, x, weight, bias, lattice)(x, weight, bias, lattice)


class MaskedConv2d(nn.Module):
    """Module form of :func:`masked_conv`, with parameters ``weight`` and (with ``bias=True``) ``bias``.

    Parameters
    ----------
    in_channels, out_channels : int
        Channels in and out.
    kernel_size : int, optional
        Odd; default ``2 * lattice - 1``, the largest kernel of which only the centre is masked.
    lattice : int
        Blind distance d in pixels.
    bias : bool
        Whether there is an offset for each output channel.

    Examples
    --------
    >>> import torch
    >>> MaskedConv2d(1, 8, lattice=3)(torch.rand(2, 1, 9, 9)).shape
    torch.Size([2, 8, 9, 9])
    """

    coupling = Coupling.OTHER_PHASES

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | None = None,
        *,
        lattice: int = 2,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.lattice = lattice
        template = nn.Conv2d(in_channels, out_channels, kernel_size or 2 * lattice - 1, bias=bias)
        self.weight = template.weight
        self.bias = template.bias

    @property
    def reach(self) -> int:
        """Distance in pixels to the farthest tap."""
        return self.weight.shape[-1] // 2

    def clear_blind_taps(self) -> None:
        """Set the taps that never count to zero (published checkpoints hold noise there)."""
        with torch.no_grad():
            self.weight.mul_(blind_tap_mask(self.weight.shape[-1], self.lattice, self.weight))

    def forward(self, x: Tensor) -> Tensor:
        """Convolve a batch.

        Parameters
        ----------
        x : Tensor, shape (N, C_in, H, W)
            Images or features.

        Returns
        -------
        Tensor, shape (N, C_out, H, W)
        """
        return masked_conv(x, self.weight, self.bias, lattice=self.lattice)

    def extra_repr(self) -> str:
        """Shape of the weight and the blind lattice."""
        return f"{tuple(self.weight.shape)}, lattice={self.lattice}, bias={self.bias is not None}"
