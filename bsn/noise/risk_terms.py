"""What the estimated risk of mixtures consists of, summed over small cells of an image and over its parts.

The risk of a mixture is a sum over pixels, so its terms (see :mod:`bsn.noise.simplex`) can be kept for each cell: sums over any
cells are the terms of a region, and weights that were found on some cells are judged on others.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from bsn.noise.simplex import mixture_risk
from bsn.noise.subbands import Subbands

__all__ = ["CELL", "RiskTerms", "risk_terms"]

CELL = 32
"""Side of the cells in pixels."""


@dataclass(frozen=True)
class RiskTerms:
    """Terms of the risk of K images in G parts.

    Parameters
    ----------
    quadratic : Tensor, shape (G, ..., K, K)
        Products of the residuals.
    linear : Tensor, shape (G, ..., K)
        Divergence tr(S J_k), from one probe.
    own : Tensor, shape (G, ...)
        Expected power of the noise.
    probed : Tensor, shape (G, ...)
        Power of the probe; its expectation is `own`.
    """

    quadratic: Tensor
    linear: Tensor
    own: Tensor
    probed: Tensor

    def pooled(self, kernel: Tensor) -> RiskTerms:
        """Weighted sums over the cells around each cell.

        Parameters
        ----------
        kernel : Tensor, shape (k, k)
            Weights of the surroundings, k odd. Beyond the edges nothing is counted.

        Returns
        -------
        RiskTerms
            As many cells as before.
        """
        return RiskTerms(*(_pooled(part, kernel) for part in (self.quadratic, self.linear, self.own, self.probed)))

    def summed(self, chosen: Tensor | None = None) -> RiskTerms:
        """Sum over cells.

        Parameters
        ----------
        chosen : Tensor, shape (rows, columns), bool, optional
            Cells that count; all if left out.

        Returns
        -------
        RiskTerms
            Without axes of cells.
        """
        mask = torch.ones(self.own.shape[1:3], dtype=torch.bool) if chosen is None else chosen
        return RiskTerms(*(p[:, mask].sum(1) for p in (self.quadratic, self.linear, self.own, self.probed)))

    def whole(self) -> RiskTerms:
        """Sum over the parts, shape (1, ...)."""
        return RiskTerms(*(p.sum(0, keepdim=True) for p in (self.quadratic, self.linear, self.own, self.probed)))

    def plus(self, other: RiskTerms, share: float) -> RiskTerms:
        """Add the terms of another image.

        Parameters
        ----------
        other : RiskTerms
            Terms of the same shapes.
        share : float
            Factor of `other`.

        Returns
        -------
        RiskTerms
        """
        pairs = zip(
            (self.quadratic, self.linear, self.own, self.probed),
            (other.quadratic, other.linear, other.own, other.probed),
            strict=True,
        )
        return RiskTerms(*(a + share * b for a, b in pairs))

    def with_noise(self, factor: float) -> RiskTerms:
        """The terms if the noise has another power.

        Parameters
        ----------
        factor : float
            Power relative to the one that it was given.

        Returns
        -------
        RiskTerms
        """
        return RiskTerms(self.quadratic, *(factor * p for p in (self.linear, self.own, self.probed)))

    def divergence(self) -> Tensor:
        """Divergence of each image, (G, ..., K), corrected by what the probe's power is by chance.

        The probe of a region is stronger or weaker than noise is on average, and the divergence with it.
        """
        ratio = torch.where(self.probed > 1e-3 * self.own, self.own / self.probed.clamp_min(1e-300), 1.0)
        return self.linear * ratio.clamp(0.25, 4.0)[..., None]

    def risk(self, weights: Tensor) -> Tensor:
        """Risk of mixtures.

        Parameters
        ----------
        weights : Tensor, shape (G, ..., K), or one that broadcasts to it
            Weights of the K images.

        Returns
        -------
        Tensor, shape (G, ...)
        """
        full = weights.expand(self.linear.shape)
        return mixture_risk(self.quadratic, self.divergence(), self.own, full)

    def singles(self) -> Tensor:
        """Risk of each image by itself, (G, ..., K)."""
        return self.quadratic.diagonal(dim1=-2, dim2=-1) + 2 * self.divergence() - self.own[..., None]


def risk_terms(
    images: Tensor, moved: Tensor, noisy: Tensor, probe: Tensor, power: Tensor, subbands: Subbands, blind: Tensor
) -> RiskTerms:
    """Terms of the risk in the cells of a region.

    Parameters
    ----------
    images : Tensor, shape (K, C, H, W)
        Denoised images of one noisy image.
    moved : Tensor, shape (K, C, H, W)
        Derivative of each along the probe, (f(y + e z) - f(y)) / e.
    noisy, probe : Tensor, shape (1, C, H, W)
        The noisy image y, and a draw z of its noise.
    power : Tensor, shape (G, H, W)
        Expected power of the noise, see :meth:`Subbands.noise_power`.
    subbands : Subbands
        Parts.
    blind : Tensor, shape (K,), bool
        Images whose divergence is exactly zero.

    Returns
    -------
    RiskTerms
        float64, with axes (rows, columns) of cells, from the upper left; the last ones may be cut.
    """
    residual, along, z = (subbands.turn(x) for x in (images - noisy, moved, probe))
    along = along * ~blind[:, None, None, None]
    bands = [subbands.split(x) for x in (residual, along, z)]
    found: list[tuple[Tensor, ...]] = []
    cut_r, cut_z = _cells(residual), _cells(z)
    for group in subbands.groups:
        for r, d, s in zip(*bands, strict=True):
            whole, part = cut_r[:, group], _cells(r)[:, group]
            quadratic = torch.einsum("kcyaxb,lcyaxb->yxkl", whole, part)
            linear = torch.einsum("ncyaxb,kcyaxb->yxk", cut_z[:, group], _cells(d)[:, group])
            probed = torch.einsum("ncyaxb,ncyaxb->yx", cut_z[:, group], _cells(s)[:, group])
            found.append(((quadratic + quadratic.mT) / 2, linear, probed))
    quadratic, linear, probed = (torch.stack(parts).double().cpu() for parts in zip(*found, strict=True))
    own = _cells(power[None]).sum((3, 5))[0].double().cpu()
    return RiskTerms(quadratic, linear, own, probed)


def _cells(x: Tensor) -> Tensor:
    """Cut images (N, C, H, W) into cells, (N, C, rows, CELL, columns, CELL); zeros beyond the edges."""
    height, width = x.shape[-2:]
    full = F.pad(x, (0, -width % CELL, 0, -height % CELL))
    return full.unflatten(-1, (-1, CELL)).unflatten(-3, (-1, CELL))


def _pooled(part: Tensor, kernel: Tensor) -> Tensor:
    """Correlate the axes of cells (1 and 2) with a kernel."""
    moved = part.flatten(3).permute(0, 3, 1, 2) if part.ndim > 3 else part[:, None]
    planes = moved.reshape(-1, 1, *moved.shape[-2:])
    found = F.conv2d(planes, kernel.to(planes)[None, None], padding=kernel.shape[-1] // 2).reshape(moved.shape)
    return found.permute(0, 2, 3, 1).reshape(part.shape) if part.ndim > 3 else found[:, 0]
