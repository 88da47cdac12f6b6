"""The whole diagonal of the Jacobian from random probes, for networks and images too large for exact gradients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from bsn.blindness.condition import Subject

__all__ = ["DiagonalEstimate", "estimate_diagonal"]


@dataclass(frozen=True)
class DiagonalEstimate:
    """Estimate of d out[o, p] / d x[c, p] for all pixels p.

    Parameters
    ----------
    mean, error : Tensor, shape (C_out, C, H, W)
        Estimate and its standard error.
    mean_square, mean_square_error : float
        Unbiased estimate of the mean square over pixels and channels, and its standard error: averaged over the whole
        image it sees leaks that are far below the error of a single pixel. Negative values are noise around zero.
    probes : int
        Number of products that the estimate averages.
    """

    mean: Tensor
    error: Tensor
    mean_square: float
    mean_square_error: float
    probes: int

    @property
    def rms(self) -> float:
        """Root of the mean square of the diagonal; 0 if the estimate is not positive."""
        return max(self.mean_square, 0.0) ** 0.5

    @property
    def rms_bound(self) -> float:
        """The diagonal's root mean square lies below this with 97.5 % confidence (normal approximation)."""
        return max(self.mean_square + 1.96 * self.mean_square_error, 0.0) ** 0.5

    @property
    def leaks(self) -> bool:
        """True if the mean square is more than four standard errors above zero."""
        return self.mean_square > 4 * self.mean_square_error


def estimate_diagonal(
    subject: Subject, probes: int = 16, *, mode: Literal["vjp", "jvp"] = "vjp", x: Tensor | None = None
) -> DiagonalEstimate:
    """Estimate the diagonal of the Jacobian with random signs.

    For independent signs v, E[v_i (J^T v)_j] = J_ij, so one vector-Jacobian product gives an unbiased estimate of all the
    C_out x C blocks on the diagonal.

    Parameters
    ----------
    subject : Subject
        The network in its condition.
    probes : int
        Products, at least 2. The standard error falls with its root, that of the mean square with itself.
    mode : {"vjp", "jvp"}
        Reverse mode works for every network; forward mode keeps no activations, and needs forward rules for all its
        operators.
    x : Tensor, shape (1, C, H, W), optional
        Input; default: random.

    Returns
    -------
    DiagonalEstimate

    Raises
    ------
    ValueError
        For fewer than 2 probes.

    References
    ----------
    Bekas, Kokiopoulou, Saad, "An estimator for the diagonal of a matrix", Applied Numerical Mathematics 57 (2007).
    """
    if probes < 2:
        raise ValueError(f"{probes} probes have no standard error; use 2 or more")
    x = subject.draw(subject.seed) if x is None else x
    generator = torch.Generator().manual_seed(subject.seed)
    products = _vjp_products if mode == "vjp" else _jvp_products
    samples = torch.stack(products(subject, x, probes, generator))
    mean = samples.mean(0)
    error = samples.std(0) / probes**0.5
    square, square_error = _mean_square(samples)
    return DiagonalEstimate(mean, error, square, square_error, probes)


def _signs(shape: torch.Size, generator: torch.Generator, like: Tensor) -> Tensor:
    return (torch.randint(0, 2, shape, generator=generator) * 2 - 1).to(like.dtype)


def _vjp_products(subject: Subject, x: Tensor, probes: int, generator: torch.Generator) -> list[Tensor]:
    x = x.detach().clone().requires_grad_()
    samples = []
    with torch.enable_grad():
        out = subject.run(x)
        for _ in range(probes):
            v = _signs(out.shape, generator, out)
            (u,) = torch.autograd.grad(out, x, v, retain_graph=True)
            samples.append(v[0][:, None] * u[0][None])
    return samples


def _jvp_products(subject: Subject, x: Tensor, probes: int, generator: torch.Generator) -> list[Tensor]:
    samples = []
    for _ in range(probes):
        v = _signs(x.shape, generator, x)
        u = torch.func.jvp(subject.run, (x,), (v,))[1]
        samples.append((u[0][:, None] * v[0][None]).detach())
    return samples


def _mean_square(samples: Tensor) -> tuple[float, float]:
    """Mean over pixels of J_pp^2 from the products of different probes, and its standard error.

    The K probes give K (K - 1) / 2 products; leaving out one probe at a time (jackknife) gives the error.
    """
    count = len(samples)
    flat = samples.flatten(1).double()
    gram = flat @ flat.T / flat.shape[1]
    gram.fill_diagonal_(0.0)
    total = float(gram.sum())
    mean = total / (count * (count - 1))
    if count < 3:
        return mean, float("inf")
    without = (total - 2 * gram.sum(1)) / ((count - 1) * (count - 2))
    return mean, float(((count - 1) / count * (without - without.mean()).square().sum()).sqrt())
