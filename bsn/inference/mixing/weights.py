"""Weights of a mixture, chosen by estimated risk: for the image, for its parts, and for the surroundings of each cell.

Free weights would follow the errors of the estimate, the more the fewer pixels they are chosen on. So the weights of a cell
minimise the risk of its surroundings plus a share of the risk of the image, and the share is the one whose weights are best
on cells that were left out when they were found. So is everything else: whether weights differ between regions, between
the parts of the image, or not at all.

Nor is the noise known exactly: its measured power may be wrong in each colour and each band of frequencies. A common factor
hardly moves weights of the whole image, but weights of the parts follow such errors. So weights leave those of the
whole image only as far as it pays if the noise is stronger or weaker by some share than measured, whichever is worse.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from bsn.noise import RiskTerms, simplex_weights

__all__ = ["WEIGHTS", "ChosenWeights", "Scope", "WeightSettings", "choose_weights", "depart_from"]

Scope = Literal["single", "image", "parts", "regions"]


@dataclass(frozen=True)
class WeightSettings:
    """Constants of the choice.

    Parameters
    ----------
    shares : tuple of float
        Weights of the mean risk of the image in that of a region, which are tried.
    fewest : int
        Cells, at least, from which on weights of regions are tried.
    doubt : float
        Share by which the power of the noise in a part may be wrong.
    stronger : float
        Where a model's own result is left only for good reason: power of the noise relative to the measured one. JPEG takes
        more noise from flat blocks, on which it is measured, than from others. Tried from 1 to 3 on the training part of
        polyu.
    own_doubt : float
        Share by which that power may be wrong. Tried from 0 to 0.7 on the same images: from 0.5 on, none of twelve lost more
        than 0.25 dB against the model's own result; with 0.7, none more than 0.05 dB.
    """

    shares: tuple[float, ...] = (0.3, 1.0, 3.0)
    fewest: int = 16
    doubt: float = 0.1
    stronger: float = 1.5
    own_doubt: float = 0.7


WEIGHTS = WeightSettings()

_AROUND = torch.tensor([[1.0, 2.0, 1.0], [2.0, 4.0, 2.0], [1.0, 2.0, 1.0]], dtype=torch.float64) / 4


@dataclass(frozen=True)
class ChosenWeights:
    """Weights and what is expected of them.

    Parameters
    ----------
    weights : Tensor, shape (G, rows, columns, K), float64
        Weights of each part; rows and columns are 1 where they are the same in the whole image.
    scope : {"single", "image", "parts", "regions"}
        What they differ between; "single": one image alone.
    risk : float
        Estimated mean squared error of the mixture.
    error : float
        Standard error of its difference to the best single image.
    singles : Tensor, shape (K,)
        Estimated mean squared error of each image alone.
    """

    weights: Tensor
    scope: Scope
    risk: float
    error: float
    singles: Tensor


def choose_weights(terms: RiskTerms, values: int, *, regions: bool) -> ChosenWeights:
    """Choose weights.

    Parameters
    ----------
    terms : RiskTerms
        Terms of the risk in cells.
    values : int
        Number of values (pixels times channels) that the terms sum over.
    regions : bool
        Whether weights may differ between regions.

    Returns
    -------
    ChosenWeights
        A mixture only where it is estimated to be better than the best single image by more than the standard error
        of the difference.
    """
    singles = terms.summed().whole().singles()[0] / values
    best = int(singles.argmin())
    corner = torch.zeros_like(singles).index_fill_(0, torch.tensor(best), 1.0)
    found = [_image(terms), _parts(terms)]
    if regions and terms.own[0].numel() >= WEIGHTS.fewest:
        found.append(_regions(terms, *found[1]))
    scopes: list[Scope] = ["image", "parts", "regions"]
    risks = [risk.sum() for _, risk in found]
    chosen = int(torch.stack(risks).argmin())
    weights, risk = found[chosen]
    gain = terms.risk(corner) - risk
    cells = gain.sum(0).flatten()
    error = float(cells.std(correction=0) * math.sqrt(len(cells))) / values if len(cells) > 1 else 0.0
    if float(gain.sum()) / values <= error:
        single = corner.expand(len(terms.own), 1, 1, -1)
        return ChosenWeights(single, "single", float(singles[best]), error, singles)
    return ChosenWeights(weights, scopes[chosen], float(risk.sum()) / values, error, singles)


def depart_from(terms: RiskTerms, values: int, own: int, simple: tuple[int, ...]) -> ChosenWeights:
    """Leave a model's own result, for the whole image, only as far as that pays whatever the noise may really be.

    Parameters
    ----------
    terms : RiskTerms
        Terms of the risk in cells.
    values : int
        Number of values that the terms sum over.
    own : int
        Which image is the model's own result.
    simple : tuple of int
        Images, such as the noisy one, than which the result must not be worse: it is the best of them where that is
        estimated to be better by more than two standard errors.

    Returns
    -------
    ChosenWeights
        The same weights everywhere; the risks are those of noise as it was measured.
    """
    measured = terms.summed().whole()
    singles = measured.singles()[0] / values
    doubted = terms.with_noise(WEIGHTS.stronger)
    total = doubted.summed().whole()
    start = torch.nn.functional.one_hot(torch.tensor(own), len(singles)).double()[None]
    weights = _cautious(total, start, simplex_weights(total.quadratic, total.divergence()), WEIGHTS.own_doubt)
    corners = torch.eye(len(singles), dtype=torch.float64)
    rival = min(simple, key=lambda index: float(doubted.risk(corners[index]).sum()))
    cells = (doubted.risk(weights[:, None, None]) - doubted.risk(corners[rival])).sum(0).flatten()
    error = float(cells.std(correction=0) * math.sqrt(len(cells)))
    if float(cells.sum()) > 2 * error:
        weights = corners[rival][None]
    risk = float(measured.risk(weights)[0]) / values
    spread = weights[:, None, None].expand(len(terms.own), -1, -1, -1)
    scope: Scope = "single" if float(weights.max()) > 1 - 1e-6 else "image"
    return ChosenWeights(spread, scope, risk, error / values, singles)


def _image(terms: RiskTerms) -> tuple[Tensor, Tensor]:
    """Weights (G, 1, 1, K) for all parts together, and the risk (G, rows, columns) of such weights on cells left out."""

    def solve(part: RiskTerms) -> Tensor:
        whole = part.whole()
        return simplex_weights(whole.quadratic, whole.divergence()).expand(part.linear.shape)

    return _crossed(terms, solve)


def _parts(terms: RiskTerms) -> tuple[Tensor, Tensor]:
    """Weights (G, 1, 1, K) for each part, and their risk on cells left out."""

    def solve(part: RiskTerms) -> Tensor:
        whole = part.whole()
        together = simplex_weights(whole.quadratic, whole.divergence()).expand(part.linear.shape)
        return _cautious(part, together, simplex_weights(part.quadratic, part.divergence()))

    return _crossed(terms, solve)


def _cautious(terms: RiskTerms, start: Tensor, end: Tensor, doubt: float = WEIGHTS.doubt) -> Tensor:
    """Go from weights towards others as far as that pays if the noise is a share stronger or weaker than measured.

    On the way the risk is a parabola; what the doubt adds to it grows with the change of the divergence.
    """
    way, divergence = end - start, terms.divergence()
    bend = torch.einsum("...k,...kl,...l->...", way, terms.quadratic, way).clamp_min(1e-300)
    slope = 2 * torch.einsum("...k,...kl,...l->...", way, terms.quadratic, start.expand(way.shape))
    change = 2 * (way * divergence).sum(-1)
    length = ((-slope - change - doubt * change.abs()) / (2 * bend)).clamp(0, 1)
    return start + length[..., None] * way


def _crossed(terms: RiskTerms, solve: Callable[[RiskTerms], Tensor]) -> tuple[Tensor, Tensor]:
    rows, columns = terms.own.shape[1:]
    board = (torch.arange(rows)[:, None] + torch.arange(columns)[None]) % 2 == 0
    weights = solve(terms.summed())[:, None, None]
    if rows * columns < 2:
        return weights, terms.risk(weights)
    risk = torch.zeros_like(terms.own)
    for fold in (board, ~board):
        risk = torch.where(fold, terms.risk(solve(terms.summed(~fold))[:, None, None]), risk)
    return weights, risk


def _regions(terms: RiskTerms, image_weights: Tensor, image_risk: Tensor) -> tuple[Tensor, Tensor]:
    """Weights (G, rows, columns, K) of each cell, and their risk on cells left out of them."""
    rows, columns = terms.own.shape[1:]
    mean = _scaled(terms.summed(), 1 / (rows * columns))
    start = image_weights.expand(-1, rows, columns, -1)
    around = _AROUND.clone()
    around[1, 1] = 0
    others = terms.pooled(around)
    weights, risk, share_of = start.clone(), image_risk.clone(), torch.zeros(len(image_risk))
    for share in WEIGHTS.shares:
        left_out = terms.risk(_solved(others, mean, share, start))
        better = left_out.sum((1, 2)) < risk.sum((1, 2))
        risk[better], share_of[better] = left_out[better], share
    everything = terms.pooled(_AROUND)
    for share in {float(value) for value in share_of if value > 0}:
        chosen = share_of == share
        weights[chosen] = _solved(everything, mean, share, start)[chosen]
    return weights, risk


def _solved(regions: RiskTerms, mean: RiskTerms, share: float, start: Tensor) -> Tensor:
    """Weights that minimise the risk of each region plus a share of the image's mean cell, in units of a whole window."""
    amount = share * float(_AROUND.sum())
    blended = RiskTerms(
        regions.quadratic + amount * mean.quadratic[:, None, None],
        regions.divergence() + amount * mean.divergence()[:, None, None],
        torch.ones_like(regions.own),
        torch.ones_like(regions.own),
    )
    return _cautious(blended, start, simplex_weights(blended.quadratic, blended.divergence()))


def _scaled(terms: RiskTerms, factor: float) -> RiskTerms:
    return RiskTerms(*(factor * p for p in (terms.quadratic, terms.linear, terms.own, terms.probed)))
