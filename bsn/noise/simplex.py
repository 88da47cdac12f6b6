"""Weights of a mixture of denoised images that minimise its estimated risk.

The risk of a mixture of images f_k of one noisy image y with weights w, which are not negative and sum to one, is quadratic in
the weights (see :mod:`bsn.noise.sure`)::

    R(w)  =  w' A w + 2 w' t - s      A_kl = (f_k - y) . (f_l - y),   t_k = tr(S J_k),   s = tr S

Weights on the simplex cannot blow up the errors of A and t, and every single image is one of its corners: the best mixture
is estimated to be no worse than the best single image.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["SIMPLEX", "SimplexSettings", "mixture_risk", "simplex_weights"]


@dataclass(frozen=True)
class SimplexSettings:
    """Constants of the solver.

    Parameters
    ----------
    steps : int
        Exchanges between two weights, at most.
    tolerance : float
        Largest difference of the slopes, relative to the largest entry of A and t, that counts as none.
    """

    steps: int = 400
    tolerance: float = 1e-6


SIMPLEX = SimplexSettings()


def mixture_risk(quadratic: Tensor, linear: Tensor, own: Tensor, weights: Tensor) -> Tensor:
    """Estimated risk of mixtures.

    Parameters
    ----------
    quadratic : Tensor, shape (..., K, K)
        A, the products of the residuals.
    linear : Tensor, shape (..., K)
        t, the divergence of each image.
    own : Tensor, shape (...)
        s, the power of the noise.
    weights : Tensor, shape (..., K)
        Weights w of the images.

    Returns
    -------
    Tensor, shape (...)
        Risk in the units of A.
    """
    squares = torch.einsum("...k,...kl,...l->...", weights, quadratic, weights)
    return squares + 2 * (weights * linear).sum(-1) - own


def simplex_weights(quadratic: Tensor, linear: Tensor) -> Tensor:
    """Minimise w' A w + 2 w' t over weights that are not negative and sum to one, for many problems at once.

    In each step the weight whose growth lowers the risk most takes from the one whose loss lowers it most, as far as the
    parabola between the two or the border of the simplex allows (sequential minimal optimisation: Platt 1998; Keerthi et al.,
    Neural Computation 2001).

    Parameters
    ----------
    quadratic : Tensor, shape (..., K, K)
        Symmetric matrices A; where one is not positive semidefinite, the result is a local minimum.
    linear : Tensor, shape (..., K)
        Vectors t.

    Returns
    -------
    Tensor, shape (..., K), float64
        Weights.

    Raises
    ------
    ValueError
        If the shapes do not fit together.

    Examples
    --------
    >>> simplex_weights(torch.diag(torch.tensor([1.0, 3.0])), torch.zeros(2))
    tensor([0.7500, 0.2500], dtype=torch.float64)
    """
    count = linear.shape[-1]
    if quadratic.shape != (*linear.shape, count):
        raise ValueError(
            f"simplex_weights: matrices of shape {tuple(quadratic.shape)} for vectors of shape {tuple(linear.shape)}; "
            f"give matrices of shape {(*linear.shape, count)}"
        )
    a, t = quadratic.double().reshape(-1, count, count), linear.double().reshape(-1, count)
    diagonal = a.diagonal(dim1=-2, dim2=-1)
    scale = torch.maximum(a.abs().amax((-1, -2)), t.abs().amax(-1)).clamp_min(1e-300)
    # The best corner is a start from which no step leads to a worse mixture.
    start = (diagonal + 2 * t).argmin(-1)
    weights = torch.nn.functional.one_hot(start, count).to(a)
    slope = a[torch.arange(len(a)), start] + t
    rows = torch.arange(len(a))
    for _ in range(SIMPLEX.steps):
        up = slope.argmin(-1)
        down = torch.where(weights > 0, slope, -torch.inf).argmax(-1)
        gap = slope[rows, down] - slope[rows, up]
        if bool((gap <= SIMPLEX.tolerance * scale).all()):
            break
        bend = diagonal[rows, up] + diagonal[rows, down] - 2 * a[rows, up, down]
        step = torch.minimum(gap / bend.clamp_min(1e-12 * scale), weights[rows, down]).clamp_min(0)
        weights[rows, up] += step
        weights[rows, down] -= step
        slope += step[:, None] * (a[rows, up] - a[rows, down])
    return weights.reshape(linear.shape)
