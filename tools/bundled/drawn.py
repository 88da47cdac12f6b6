"""Pictures drawn by rule."""

from __future__ import annotations

import numpy as np

__all__ = ["dead_leaves"]


def dead_leaves(side: int, rng: np.random.Generator, colours: np.ndarray) -> np.ndarray:
    """Draw discs of all sizes over each other until nothing is bare.

    Their edges and occlusions have the statistics of photographs, of which there are few with free terms.

    Parameters
    ----------
    side : int
    rng : numpy.random.Generator
    colours : ndarray, shape (3, N)
        Colours to draw from.

    Returns
    -------
    ndarray, shape (3, side, side), float32

    References
    ----------
    Lee, Mumford, Huang, IJCV 2001. Achddou, Gousseau, Ladjal, "Synthetic images as a regularity prior for image
    restoration neural networks", SSVM 2021.
    """
    picture = np.zeros((3, side, side), np.float32)
    bare = np.ones((side, side), bool)
    rows, columns = np.mgrid[:side, :side]
    smallest, largest = 3.0, side / 3
    while bare.mean() > 0.001:
        # Radii with density ~ r ** -3, by inversion; new discs go below the old ones.
        u = rng.random()
        radius = (smallest**-2 + u * (largest**-2 - smallest**-2)) ** -0.5
        y, x = rng.uniform(-radius, side + radius, 2)
        top, left = max(int(y - radius), 0), max(int(x - radius), 0)
        window = (slice(top, int(y + radius) + 2), slice(left, int(x + radius) + 2))
        disc = (rows[window] - y) ** 2 + (columns[window] - x) ** 2 < radius**2
        fresh = disc & bare[window]
        picture[:, window[0], window[1]][:, fresh] = colours[:, rng.integers(colours.shape[1])][:, None]
        bare[window] &= ~disc
    return picture
