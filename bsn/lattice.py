"""Images on the lattice d Z x d Z: splitting into sub-images, putting them together, padding inside them.

Both the phases of a dilated network and the pixel-shuffle downsampling of self-supervised training are this.
"""

from __future__ import annotations

import torch
from torch import Tensor

from bsn.constants import device_constant
from bsn.mirror import mirrored_position
from bsn.shapes import check_divisible, check_image

__all__ = ["lattice_pad_indices", "merge_phases", "pad_within_phases", "split_phases"]


def split_phases(x: Tensor, dilation: int = 2) -> Tensor:
    """Stack the ``dilation**2`` phases of each image on the batch axis.

    Parameters
    ----------
    x : Tensor, shape (N, C, H, W)
        H and W multiples of `dilation`.
    dilation : int
        Distance d between neighbouring pixels of one phase.

    Returns
    -------
    Tensor, shape (N * d * d, C, H / d, W / d)
        Entry ``n * d * d + py * d + px`` is ``x[n, :, py::d, px::d]``. A channels-last input gives a channels-last
        result.

    Raises
    ------
    ValueError
        If `x` is not 4-d or its sides are not multiples of `dilation`.

    Examples
    --------
    >>> x = torch.arange(16.0).reshape(1, 1, 4, 4)
    >>> split_phases(x)[1, 0]
    tensor([[ 1.,  3.],
            [ 9., 11.]])
    """
    check_image("split_phases", x)
    check_divisible("split_phases", x, dilation, f"dilation {dilation}")
    if dilation == 1:
        return x
    n, c, h, w = x.shape
    d = dilation
    if _is_channels_last(x):
        view = x.permute(0, 2, 3, 1).reshape(n, h // d, d, w // d, d, c).permute(0, 2, 4, 1, 3, 5)
        return view.reshape(n * d * d, h // d, w // d, c).permute(0, 3, 1, 2)
    view = x.reshape(n, c, h // d, d, w // d, d).permute(0, 3, 5, 1, 2, 4)
    return view.reshape(n * d * d, c, h // d, w // d)


def merge_phases(x: Tensor, dilation: int = 2) -> Tensor:
    """Interleave stacked phases to images: the inverse of :func:`split_phases`.

    Parameters
    ----------
    x : Tensor, shape (N * d * d, C, h, w)
        Stacked phases.
    dilation : int
        The d of :func:`split_phases`.

    Returns
    -------
    Tensor, shape (N, C, h * d, w * d)

    Raises
    ------
    ValueError
        If `x` is not 4-d or its batch is not a multiple of ``dilation**2``.

    Examples
    --------
    >>> x = torch.rand(2, 3, 8, 12)
    >>> torch.equal(merge_phases(split_phases(x)), x)
    True
    """
    check_image("merge_phases", x)
    m, c, h, w = x.shape
    d = dilation
    if d < 1 or m % (d * d):
        raise ValueError(f"merge_phases: {m} phase images are not whole images of {d * d} phases (dilation {d})")
    if d == 1:
        return x
    if _is_channels_last(x):
        view = x.permute(0, 2, 3, 1).reshape(m // (d * d), d, d, h, w, c).permute(0, 3, 1, 4, 2, 5)
        return view.reshape(m // (d * d), h * d, w * d, c).permute(0, 3, 1, 2)
    view = x.reshape(m // (d * d), d, d, c, h, w).permute(0, 3, 4, 1, 5, 2)
    return view.reshape(m // (d * d), c, h * d, w * d)


def lattice_pad_indices(length: int, padded: int, period: int) -> list[int]:
    """Source index of every position of an axis padded at its end, such that position and source agree mod `period`.

    Positions beyond the end take the pixel of their own residue class that lies nearest to their mirror image, so a
    network that is blind on a lattice of this period stays blind on the padded image; an ordinary reflection (for periods
    above 2) or a repeated edge would put a copy of a pixel where the network may see it.

    Parameters
    ----------
    length, padded : int
        Sizes before and after, ``0 < length <= padded``.
    period : int
        Side of the blind lattice.

    Returns
    -------
    list of int, length `padded`

    Raises
    ------
    ValueError
        If ``length < period`` and padding is needed: some residue class has no pixel to copy.

    Examples
    --------
    >>> lattice_pad_indices(5, 8, 2)
    [0, 1, 2, 3, 4, 3, 2, 1]
    >>> lattice_pad_indices(6, 9, 3)
    [0, 1, 2, 3, 4, 5, 3, 4, 2]
    """
    if padded > length < period:
        raise ValueError(
            f"an axis of {length} pixels cannot be padded on a lattice of period {period}: it is too short"
        )
    indices = list(range(length))
    for position in range(length, padded):
        mirrored = mirrored_position(position, length)
        shift = (position - mirrored) % period
        source = mirrored + (shift if 2 * shift <= period else shift - period)
        indices.append(source - period if source >= length else source + period if source < 0 else source)
    return indices


@device_constant()
def _pad_indices(length: int, padded: int, period: int) -> Tensor:
    return torch.tensor(lattice_pad_indices(length, padded, period))


def pad_within_phases(x: Tensor, multiple: int, period: int = 2) -> Tensor:
    """Pad bottom and right to a multiple, every new pixel a copy from its own residue class mod `period`.

    Parameters
    ----------
    x : Tensor, shape (N, C, H, W)
        Images.
    multiple : int
        Both sides of the result are the next multiples of this.
    period : int
        Side of the blind lattice, see :func:`lattice_pad_indices`.

    Returns
    -------
    Tensor, shape (N, C, H', W')
        `x` itself if nothing has to be added.

    Raises
    ------
    ValueError
        If a side that needs padding is shorter than `period`.
    """
    check_image("pad_within_phases", x)
    for axis in (2, 3):
        length = x.shape[axis]
        padded = -(-length // multiple) * multiple
        if padded != length:
            x = x.index_select(axis, _pad_indices(length, padded, period, device=x.device))
    return x


def _is_channels_last(x: Tensor) -> bool:
    return x.shape[1] > 1 and x.is_contiguous(memory_format=torch.channels_last) and not x.is_contiguous()
