"""Pixel-shuffle downsampling (PD): sub-images in which spatially correlated noise becomes nearly white.

Noise of cameras is correlated over a few pixels (demosaicking, JPEG), which breaks the one assumption of blind-spot
training. Pixels `stride` apart are nearly independent, so the network works on the sub-images of pixels that share
(row mod stride, column mod stride).

=====================  ===============================================
paper, spec            here
=====================  ===============================================
PD_f, f, pd_a, pd_b    ``stride``
TBSN's form            sub-images stacked on the batch
AP-BSN's form          sub-images tiled to one mosaic, ``margin`` zeros
                       around each
=====================  ===============================================
"""

from __future__ import annotations

import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

from bsn.lattice import merge_phases, pad_within_phases, split_phases
from bsn.shapes import check_image

__all__ = ["mosaic_downsample", "mosaic_upsample", "pixel_shuffle_downsample", "pixel_shuffle_upsample"]


def pixel_shuffle_downsample(x: Tensor, stride: int, *, period: int | None = None) -> Tensor:
    """Stack the ``stride**2`` sub-images of each image on the batch axis.

    Parameters
    ----------
    x : Tensor, shape (N, C, H, W)
        Any size of at least `period` pixels a side.
    stride : int
        Distance between neighbouring pixels of a sub-image.
    period : int, optional
        Sides that are not multiples of `stride` are padded by copies from the same residue class mod `period` (default:
        `stride`), see :func:`bsn.lattice.pad_within_phases`. For a network that is blind on d Z x d Z inside
        the sub-images, ``stride * d`` keeps it blind.

    Returns
    -------
    Tensor, shape (N * stride**2, C, ceil(H / stride), ceil(W / stride))
        Entry ``n * stride**2 + iy * stride + ix`` is ``x[n, :, iy::stride, ix::stride]``.

    Raises
    ------
    ValueError
        If the image is smaller than the lattice.

    References
    ----------
    Zhou et al., "When AWGN-based Denoiser Meets Real Noises", AAAI 2020; TBSN, arXiv 2404.07846.

    Examples
    --------
    >>> import torch
    >>> pixel_shuffle_downsample(torch.arange(16.0).reshape(1, 1, 4, 4), 2)[1, 0]
    tensor([[ 1.,  3.],
            [ 9., 11.]])
    """
    return split_phases(pad_within_phases(x, stride, period or stride), stride)


def pixel_shuffle_upsample(x: Tensor, stride: int, *, size: tuple[int, int] | None = None) -> Tensor:
    """Interleave sub-images: the inverse of :func:`pixel_shuffle_downsample`.

    Parameters
    ----------
    x : Tensor, shape (N * stride**2, C, h, w)
        Sub-images.
    stride : int
        Stride that was given to :func:`mosaic_downsample`.
    size : tuple of int, optional
        (H, W) to crop to.

    Returns
    -------
    Tensor, shape (N, C, H, W)
    """
    x = merge_phases(x, stride)
    return x if size is None else x[..., : size[0], : size[1]]


def mosaic_downsample(x: Tensor, stride: int, *, margin: int = 0) -> Tensor:
    """Tile the sub-images of each image to one mosaic (AP-BSN's form).

    Parameters
    ----------
    x : Tensor, shape (N, C, H, W)
        Any size; sides that are not multiples of `stride` are padded as in :func:`pixel_shuffle_downsample`.
    stride : int
        Stride that was given to :func:`mosaic_downsample`.
    margin : int
        Zeros added on every side of each sub-image.

    Returns
    -------
    Tensor, shape (N, C, stride * (ceil(H / stride) + 2 * margin), stride * (ceil(W / stride) + 2 * margin))
        Sub-image (iy, ix) is tile (iy, ix) of a `stride` x `stride` grid. Its neighbours are other sub-images: a network
        whose receptive field exceeds `margin` sees across the tile borders.

    References
    ----------
    Lee, Son, Lee, "AP-BSN", CVPR 2022.
    """
    check_image("mosaic_downsample", x)
    x = pad_within_phases(x, stride, stride)
    tiles = rearrange(x, "n c (h iy) (w ix) -> n c iy ix h w", iy=stride, ix=stride)
    tiles = F.pad(tiles, (margin,) * 4)
    return rearrange(tiles, "n c iy ix h w -> n c (iy h) (ix w)")


def mosaic_upsample(x: Tensor, stride: int, *, margin: int = 0, size: tuple[int, int] | None = None) -> Tensor:
    """Take a mosaic apart and interleave its tiles: the inverse of :func:`mosaic_downsample`.

    Parameters
    ----------
    x : Tensor, shape (N, C, h, w)
        Sides multiples of `stride`.
    stride, margin : int
        Stride and margin that were given to :func:`mosaic_downsample`.
    size : tuple of int, optional
        (H, W) to crop to.

    Returns
    -------
    Tensor, shape (N, C, H, W)

    Raises
    ------
    ValueError
        If the sides are not multiples of `stride` or the tiles are not larger than their margins.
    """
    check_image("mosaic_upsample", x)
    h, w = x.shape[-2:]
    if h % stride or w % stride or min(h, w) // stride <= 2 * margin:
        raise ValueError(
            f"mosaic_upsample: {h} x {w} is not a mosaic of {stride} x {stride} tiles with margin {margin}"
        )
    tiles = rearrange(x, "n c (iy h) (ix w) -> n c iy ix h w", iy=stride, ix=stride)
    if margin:
        tiles = tiles[..., margin:-margin, margin:-margin]
    image = rearrange(tiles, "n c iy ix h w -> n c (h iy) (w ix)")
    return image if size is None else image[..., : size[0], : size[1]]
