"""Pictures drawn by rule."""

from __future__ import annotations

import numpy as np

__all__ = ["cloth", "dead_leaves"]


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


_SHORTEST, _LONGEST = 2.5, 16.0  # periods, in pixels
_SINES = 5.0  # shorter periods have no room for other waves than sines


def cloth(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Clothe a picture, or a part of it, in a fine pattern: stripes, checks, a weave or dots, in folds, lit unevenly.

    Photographs show such patterns rarely, and a denoiser that has seen few of them takes strong fine stripes for noise.

    Parameters
    ----------
    picture : ndarray, shape (C, h, w), float32, range [0, 1]
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, shape (C, h, w), float32, range [0, 1]
        The pattern has two colours of the picture, or lies over the picture as light and shadow.
    """
    size = picture.shape[1:]
    wave = _pattern(size, rng)
    contrast = np.float32(rng.uniform(0.1, 1.0)) * np.clip(1 + 0.7 * _uneven(size, rng), 0, 1)
    if rng.random() < 0.5:
        first, second = picture.reshape(len(picture), -1)[:, rng.integers(wave.size, size=2)].T[..., None, None]
        middle, amplitude = (first + second) / 2, (first - second) / 2
        if rng.random() < 0.5:  # a colour, and lighter or darker yarn
            amplitude = middle * np.float32(rng.uniform(0.2, 1.0))
        woven = (middle + amplitude * contrast * wave) * (1 + 0.4 * _uneven(size, rng))
    else:
        woven = picture * (1 + contrast * wave)
    covered = np.ones(size)
    if rng.random() < 0.6:
        covered = np.clip(0.5 + rng.uniform(2, 30) * (_uneven(size, rng) + rng.uniform(-0.3, 0.6)), 0, 1)
    return np.clip(picture + covered * (woven - picture), 0, 1).astype(np.float32)


def _pattern(size: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Values between -1 and 1 that repeat, along curves."""
    period = np.exp(rng.uniform(np.log(_SHORTEST), np.log(_LONGEST)))
    angle, kind = rng.uniform(0, np.pi), rng.integers(4)
    folds = [rng.uniform(0, 8) * _uneven(size, rng) for _ in range(2)]
    hardness = rng.uniform(0.1, 4.0) if period > _SINES else 0.1

    def stripes(angle: float, period: float, fold: np.ndarray) -> np.ndarray:
        rows, columns = np.mgrid[: size[0], : size[1]].astype(np.float32)
        phase = 2 * np.pi * ((rows * np.sin(angle) + columns * np.cos(angle)) / period) + fold
        return np.tanh(hardness * np.sin(phase + rng.uniform(0, 2 * np.pi))) / np.tanh(hardness)

    one = stripes(angle, period, folds[0])
    if kind < 2:
        return one
    other = stripes(angle + np.pi / 2 + rng.normal(0, 0.1), period * 2 ** rng.uniform(-0.5, 0.5), folds[1])
    return one * other if kind == 2 else (one + other) / 2


def _uneven(size: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Smooth random values around 0, mostly between -1 and 1, whose hills are a third of the picture or wider."""
    from scipy.ndimage import zoom

    coarse = rng.normal(0, 0.5, (4, 4))
    smooth = zoom(coarse, [side / 4 for side in size], order=3, mode="nearest", grid_mode=True)
    return smooth[: size[0], : size[1]].astype(np.float32)
