"""Phase-preserving shuffle: change of resolution that never mixes phases ("patch unshuffle" of TBSN).

An ordinary pixel-unshuffle puts neighbouring pixels, hence different phases, into one position and ends the blindness
of everything behind it. Applied to each phase separately it does not.
"""

from __future__ import annotations

from torch import Tensor

from bsn.ops.backend import Implementation, choose
from bsn.ops.shuffle.reference import shuffle_reference, unshuffle_reference
from bsn.shapes import check_divisible, check_image

__all__ = ["phase_shuffle", "phase_unshuffle"]

UNSHUFFLE_BACKENDS = {"reference": Implementation(unshuffle_reference)}
SHUFFLE_BACKENDS = {"reference": Implementation(shuffle_reference)}


def phase_unshuffle(x: Tensor, factor: int = 2, *, dilation: int = 2, backend: str | None = None) -> Tensor:
    """Move pixels of the same phase from space to channels.

    With p = `dilation` and s = `factor`::

        out[n, c s s + sy s + sx, p Y + py, p X + px] = x[n, c, p (s Y + sy) + py, p (s X + sx) + px]

    Parameters
    ----------
    x : Tensor, shape (N, C, H, W)
        H and W multiples of ``factor * dilation``. On images that already are single phases use ``dilation=1``.
    factor : int
        s, the reduction of each side.
    dilation : int
        p, the distance between pixels of one phase.
    backend : str, optional
        See :mod:`bsn.ops.backend`.

    Returns
    -------
    Tensor, shape (N, C * factor**2, H / factor, W / factor)

    Raises
    ------
    ValueError
        If the sides do not fit.

    References
    ----------
    TBSN, arXiv 2404.07846; the same permutation as the down-sampling of PUCA (NeurIPS 2023).

    Examples
    --------
    >>> import torch
    >>> phase_unshuffle(torch.arange(16.0).reshape(1, 1, 4, 4))[0, :, 0, 0]
    tensor([ 0.,  2.,  8., 10.])
    """
    check_image("phase_unshuffle", x)
    check_divisible("phase_unshuffle", x, factor * dilation, f"factor {factor} x dilation {dilation}")
    return choose("phase_unshuffle", UNSHUFFLE_BACKENDS, backend, x, factor, dilation)(x, factor, dilation)


def phase_shuffle(x: Tensor, factor: int = 2, *, dilation: int = 2, backend: str | None = None) -> Tensor:
    """Inverse of :func:`phase_unshuffle`: channels back to pixels of the same phase.

    Parameters
    ----------
    x : Tensor, shape (N, C * factor**2, H, W)
        H and W multiples of `dilation`.
    factor, dilation : int
        Factor of the shuffle, and distance of neighbouring pixels of a phase, see :func:`phase_unshuffle`.
    backend : str, optional
        See :mod:`bsn.ops.backend`.

    Returns
    -------
    Tensor, shape (N, C, H * factor, W * factor)

    Raises
    ------
    ValueError
        If channels or sides do not fit.
    """
    check_image("phase_shuffle", x)
    check_divisible("phase_shuffle", x, dilation, f"dilation {dilation}")
    if x.shape[1] % (factor * factor):
        raise ValueError(f"phase_shuffle: {x.shape[1]} channels are not a multiple of factor^2 = {factor * factor}")
    return choose("phase_shuffle", SHUFFLE_BACKENDS, backend, x, factor, dilation)(x, factor, dilation)
