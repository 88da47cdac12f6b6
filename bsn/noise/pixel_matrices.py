"""Small symmetric matrices at every pixel, as rows of images: factorisation written out over the few channels."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

__all__ = ["LEAST_VARIANCE", "Rows", "add_diagonal", "cholesky", "dot", "entry", "pivots", "solve_lower"]

LEAST_VARIANCE = 1e-6
"""Smallest noise variance, in network units, that keeps the factorisation safe in float32."""

Rows = list[list[Tensor]]
"""Lower triangle of a matrix: ``rows[i][j]`` for j <= i, each a Tensor (N, H, W)."""


def dot(a: list[Tensor] | tuple[Tensor, ...], b: list[Tensor] | tuple[Tensor, ...]) -> Tensor:
    """Sum of the products of two lists of images, over the length of the shorter one.

    Parameters
    ----------
    a, b : list or tuple of Tensor, each of shape (N, H, W)
        Images, at least one in each list.

    Returns
    -------
    Tensor, shape (N, H, W)
    """
    total = a[0] * b[0]
    for left, right in zip(a[1:], b[1:], strict=False):
        total = total + left * right
    return total


def entry(lower: Rows, i: int, j: int) -> Tensor:
    """Entry (i, j) of the symmetric matrix of that lower triangle.

    Parameters
    ----------
    lower : rows of Tensor, each of shape (N, H, W)
        Lower triangle of a matrix at each pixel; row i has i + 1 entries.
    i, j : int
        Row and column, from 0.

    Returns
    -------
    Tensor, shape (N, H, W)
    """
    return lower[max(i, j)][min(i, j)]


def add_diagonal(lower: Rows, diagonal: Tensor) -> Rows:
    """Lower triangle with the channels of a diagonal (N, C, H, W) added.

    Parameters
    ----------
    lower : rows of Tensor, each of shape (N, H, W)
        Lower triangle of C rows.
    diagonal : Tensor, shape (N, C, H, W)
        What is added to the diagonal.

    Returns
    -------
    rows of Tensor, each of shape (N, H, W)
    """
    return [[*row[:-1], row[-1] + diagonal[:, i]] for i, row in enumerate(lower)]


def cholesky(lower: Rows) -> Rows:
    """Lower triangle L with L L^T = the symmetric positive definite matrix of that lower triangle.

    Parameters
    ----------
    lower : rows of Tensor, each of shape (N, H, W)
        Lower triangle of a positive definite matrix at each pixel.

    Returns
    -------
    rows of Tensor, each of shape (N, H, W)
        The diagonal is kept positive where rounding would make it negative.
    """
    factor: Rows = []
    for i, row in enumerate(lower):
        done: list[Tensor] = []
        for j in range(i):
            rest = row[j] - dot(done, factor[j]) if done else row[j]
            done.append(rest / factor[j][j])
        rest = row[i] - dot(done, done) if done else row[i]
        factor.append([*done, rest.clamp_min(LEAST_VARIANCE / 2).sqrt()])
    return factor


def solve_lower(factor: Rows, right: Sequence[Tensor]) -> list[Tensor]:
    """Solve L z = right for z.

    Parameters
    ----------
    factor : rows of Tensor, each of shape (N, H, W)
        Lower triangle L.
    right : sequence of Tensor, each of shape (N, H, W)
        One per row.

    Returns
    -------
    list of Tensor, each of shape (N, H, W)
        z.
    """
    solution: list[Tensor] = []
    for i, row in enumerate(factor):
        rest = right[i] - dot(solution, row) if solution else right[i]
        solution.append(rest / row[i])
    return solution


def pivots(lower: Rows) -> list[Tensor]:
    """Squared diagonal of the Cholesky factor, not positive from where on the matrix is not positive definite.

    Parameters
    ----------
    lower : rows of Tensor, each of shape (N, H, W)
        Lower triangle of a symmetric matrix at each pixel.

    Returns
    -------
    list of Tensor, each of shape (N, H, W)
        One per row.
    """
    factor: Rows = []
    pivots: list[Tensor] = []
    for row in lower:
        done: list[Tensor] = []
        for j in range(len(row) - 1):
            rest = row[j] - dot(done, factor[j]) if done else row[j]
            done.append(rest / pivots[j].clamp_min(LEAST_VARIANCE).sqrt())
        pivots.append(row[-1] - dot(done, done) if done else row[-1])
        factor.append(done)
    return pivots
