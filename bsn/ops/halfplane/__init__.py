"""Half-plane operators: at every pixel they see one closed half-plane with that pixel on its border, and nothing else.

Four rotated copies of a network made of them, with the features moved away from the seen side, see everything but a hole
of any size, at full resolution. A *straight* half-plane is {dy <= 0} (this row and the rows above); a *diagonal* one is
{dy <= dx} (the upper right triangle). Rows count downwards, columns to the right.

===================  ===========================================================
paper                here
===================  ===========================================================
s, shift             ``shift``: distance by which :func:`moved_away` moves
hole_size (AT-BSN)   ``Hole.size`` = 2 s - 1
===================  ===========================================================

References
----------
Laine, Karras, Lehtinen, Aila, "High-Quality Self-Supervised Deep Image Denoising", NeurIPS 2019 (straight half-planes);
Chen, Zhang, Yu, Huang, AT-BSN, CVPR 2024, arXiv 2303.16783 (shift as an argument); TM-BSN, CVPR 2026 (diagonal).
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bsn.constants import device_constant
from bsn.ops.halfplane.attention import directional_window_attention
from bsn.shapes import check_divisible, check_image

__all__ = [
    "PLANES",
    "DirectionalConv2d",
    "Plane",
    "check_plane",
    "directional_conv",
    "directional_pool",
    "directional_window_attention",
    "moved",
    "moved_away",
    "rotated",
]

Plane = Literal["straight", "diagonal"]
PLANES: tuple[Plane, ...] = ("straight", "diagonal")


def check_plane(operator: str, plane: str) -> None:
    """Refuse anything but "straight" and "diagonal".

    Parameters
    ----------
    operator : str
        Name that the message begins with.
    plane : str
        Shape of the half-plane that the features see.

    Raises
    ------
    ValueError
        For any other half-plane.
    """
    if plane not in PLANES:
        raise ValueError(f"{operator}: the half-plane {plane!r} does not exist; use 'straight' or 'diagonal'")


@device_constant()
def _triangle() -> Tensor:
    return torch.triu(torch.ones(3, 3))


def directional_conv(x: Tensor, weight: Tensor, bias: Tensor | None = None, *, plane: Plane = "straight") -> Tensor:
    """Convolve with a 3 x 3 kernel that sees one half-plane.

    Parameters
    ----------
    x : Tensor, shape (N, C_in, H, W)
        Images or features.
    weight : Tensor, shape (C_out, C_in, 3, 3)
        Straight: the taps lie at dy = -2, -1, 0 and dx = -1, 0, 1. Diagonal: at dy, dx = -1, 0, 1, and the three taps
        below the diagonal count as zero whatever they hold.
    bias : Tensor, shape (C_out,), optional
        Offsets of the output channels.
    plane : {"straight", "diagonal"}
        Shape of the half-plane that the features see.

    Returns
    -------
    Tensor, shape (N, C_out, H, W)
        What lies outside the image counts as zero.

    Raises
    ------
    ValueError
        For other kernel sizes and unknown half-planes.

    Examples
    --------
    >>> x = torch.zeros(1, 1, 3, 3); x[..., 1, 1] = 1.0
    >>> directional_conv(x, torch.ones(1, 1, 3, 3), plane="diagonal")[0, 0]
    tensor([[1., 0., 0.],
            [1., 1., 0.],
            [1., 1., 1.]])
    """
    check_image("directional_conv", x)
    check_plane("directional_conv", plane)
    if tuple(weight.shape[-2:]) != (3, 3):
        raise ValueError(f"directional_conv: the kernel {tuple(weight.shape)} is not 3 x 3; use 3 x 3 kernels")
    if plane == "straight":
        return F.conv2d(F.pad(x, (0, 0, 2, 0)), weight, bias, padding=(0, 1))
    return F.conv2d(x, weight * _triangle(device=weight.device, dtype=weight.dtype), bias, padding=1)


def moved(x: Tensor, rows: int, columns: int) -> Tensor:
    """Move an image: ``out[..., i, j] = x[..., i - rows, j - columns]``, zero where that lies outside.

    Parameters
    ----------
    x : Tensor, shape (..., H, W)
        Images or features.
    rows, columns : int
        Positive: down and to the right.

    Returns
    -------
    Tensor, shape (..., H, W)
    """
    height, width = x.shape[-2:]
    if not rows and not columns:
        return x
    if abs(rows) >= height or abs(columns) >= width:
        return torch.zeros_like(x)
    return F.pad(x, (columns, -columns, rows, -rows))


def moved_away(x: Tensor, shift: int, *, plane: Plane = "straight") -> Tensor:
    """Features whose half-plane starts `shift` pixels away, which is what opens the hole.

    Parameters
    ----------
    x : Tensor, shape (N, C, H, W)
        Features that see dy <= 0, or dy <= dx.
    shift : int
        s, 0 or more.
    plane : {"straight", "diagonal"}
        Shape of the half-plane that the features see.

    Returns
    -------
    Tensor
        Straight: shape (N, C, H, W), the features of the pixel s rows above, which see dy <= -s. Diagonal: shape
        (N, 2 C, H, W), those of the pixels s rows above and s columns to the right, which see dy <= dx - s.

    Raises
    ------
    ValueError
        For negative shifts and unknown half-planes.
    """
    check_plane("moved_away", plane)
    if shift < 0:
        raise ValueError(f"moved_away: the shift {shift} points into the hole; use 0 or more")
    if plane == "straight":
        return moved(x, shift, 0)
    return torch.cat([moved(x, shift, 0), moved(x, 0, -shift)], 1)


def directional_pool(x: Tensor, *, plane: Plane = "straight") -> Tensor:
    """Halve the resolution by 2 x 2 maxima, keeping the half-plane.

    A cell of 2 x 2 pixels holds pixels that its own first ones must not see, so the features move first: one row down, and
    for the diagonal half-plane one column to the left as well.

    Parameters
    ----------
    x : Tensor, shape (N, C, H, W)
        H and W even.
    plane : {"straight", "diagonal"}
        Shape of the half-plane that the features see.

    Returns
    -------
    Tensor, shape (N, C, H / 2, W / 2)
        Upsampled by repetition, the features again see the half-plane of each pixel only.

    Raises
    ------
    ValueError
        For odd sides and unknown half-planes.
    """
    check_plane("directional_pool", plane)
    check_divisible("directional_pool", x, 2, "cells of 2 x 2 pixels")
    return F.max_pool2d(moved(x, 1, 0 if plane == "straight" else -1), 2)


def rotated(x: Tensor, quarters: int) -> Tensor:
    """Turn an image clockwise by quarter turns.

    Parameters
    ----------
    x : Tensor, shape (..., H, W)
        Images or features.
    quarters : int
        Negative: counter-clockwise, the inverse.

    Returns
    -------
    Tensor, shape (..., H, W) or (..., W, H)
    """
    return torch.rot90(x, -quarters, (-2, -1))


class DirectionalConv2d(nn.Module):
    """Module form of :func:`directional_conv`, with parameters ``weight`` and ``bias``.

    Parameters
    ----------
    in_channels, out_channels : int
        Channels in and out.
    plane : {"straight", "diagonal"}
        Half-plane that the output sees.

    Examples
    --------
    >>> DirectionalConv2d(1, 8)(torch.rand(2, 1, 9, 7)).shape
    torch.Size([2, 8, 9, 7])
    """

    def __init__(self, in_channels: int, out_channels: int, *, plane: Plane = "straight") -> None:
        super().__init__()
        check_plane("DirectionalConv2d", plane)
        self.plane: Plane = plane
        template = nn.Conv2d(in_channels, out_channels, 3)
        self.weight, self.bias = template.weight, template.bias

    def clear_unseen_taps(self) -> None:
        """Set the taps that never count to zero (published checkpoints may hold other values there)."""
        if self.plane == "diagonal":
            with torch.no_grad():
                self.weight.mul_(_triangle(device=self.weight.device, dtype=self.weight.dtype))

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
        return directional_conv(x, self.weight, self.bias, plane=self.plane)

    def extra_repr(self) -> str:
        """Shape of the weight and the half-plane."""
        return f"{tuple(self.weight.shape)}, plane={self.plane}"
