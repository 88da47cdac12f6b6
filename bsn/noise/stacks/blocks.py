"""What the estimators of stacks look at: second differences, and blocks with hardly any picture in them."""

from __future__ import annotations

import numpy as np

__all__ = ["SIDE", "as_blocks", "plane_removed", "quiet_blocks", "second_differences"]

SIDE = 16
"""Side of a block in pixels."""

_CLASSES = 6
_QUIET = 0.25


def second_differences(frames: np.ndarray) -> np.ndarray:
    """Second differences along rows and columns, [1 -2 1] x [1 -2 1] / 6: white noise keeps its variance, optics leave little.

    Parameters
    ----------
    frames : ndarray, shape (..., H, W)
        Frames of 3 x 3 pixels or more.

    Returns
    -------
    ndarray, shape (..., H - 2, W - 2)
    """
    rows = frames[..., :-2, :] - 2 * frames[..., 1:-1, :] + frames[..., 2:, :]
    return (rows[..., :-2] - 2 * rows[..., 1:-1] + rows[..., 2:]) / 6


def as_blocks(frames: np.ndarray) -> np.ndarray:
    """Cut frames into blocks.

    Parameters
    ----------
    frames : ndarray, shape (..., H, W)
        What does not fill a block is left out.

    Returns
    -------
    ndarray, shape (..., B, 256)
        The pixels of each block, row by row.
    """
    height, width = (side // SIDE for side in frames.shape[-2:])
    cut = frames[..., : height * SIDE, : width * SIDE].reshape(*frames.shape[:-2], height, SIDE, width, SIDE)
    return np.moveaxis(cut, -2, -3).reshape(*frames.shape[:-2], height * width, SIDE * SIDE)


def quiet_blocks(energy: np.ndarray, intensity: np.ndarray) -> np.ndarray:
    """Choose the quarter of the blocks with the least energy, in each of six classes of intensity.

    Parameters
    ----------
    energy, intensity : ndarray, shape (B,)
        Of each block.

    Returns
    -------
    ndarray of int
        Numbers of the chosen blocks.
    """
    order = np.argsort(intensity, kind="stable")
    chosen = []
    for part in np.array_split(order, min(_CLASSES, len(order))):
        count = max(1, round(_QUIET * len(part)))
        chosen.append(part[np.argsort(energy[part], kind="stable")[:count]])
    return np.sort(np.concatenate(chosen))


def plane_removed(blocks: np.ndarray) -> np.ndarray:
    """Blocks without the plane that fits each best.

    Parameters
    ----------
    blocks : ndarray, shape (..., 256)
        Pixels of blocks.

    Returns
    -------
    ndarray, shape (..., 256)
    """
    basis = plane_basis()
    return blocks - (blocks @ basis) @ basis.T


def plane_basis() -> np.ndarray:
    """Orthonormal basis of the planes over a block, shape (256, 3)."""
    row, column = np.mgrid[:SIDE, :SIDE].reshape(2, -1) - (SIDE - 1) / 2
    basis = np.stack([np.ones_like(row), row, column], 1)
    scaled: np.ndarray = basis / np.linalg.norm(basis, axis=0)
    return scaled
