"""Distances in a scene, drawn as they are outdoors: a ground that runs to a horizon, and objects that stand on it."""

from dataclasses import dataclass

import numpy as np

from bsn.data.errors import DataError
from bsn.data.synthetic.legal import check_parameters
from bsn.data.synthetic.noise_image import Rng, as_generator

__all__ = ["GroundDepth", "check_distance", "smooth_field"]


@dataclass(frozen=True)
class GroundDepth:
    """Distance of each pixel relative to the farthest: a plane seen from above it, and a smooth relief.

    A camera above level ground sees, at the height v below the horizon (in heights of the image), ground at a distance
    proportional to 1 / v. Beyond `near`, everything is as far as the horizon.

    Parameters
    ----------
    horizon : float
        Row of the horizon in heights of the image: 0 is the top, 1 the bottom, and it may lie outside.
    near : float
        Height below the horizon at which the ground is as far as anything that is seen, more than 0. The larger, the flatter.
    relief : float
        How much smooth objects change the logarithm of the distance, 0 or more.
    cells : int
        Objects along each side of the image.

    Raises
    ------
    DataError
        A parameter is out of range.

    Examples
    --------
    >>> depth = GroundDepth(horizon=0.0, near=0.25, relief=0.0)((8, 2), rng=0)
    >>> depth[:, 0].astype(float).round(3).tolist()
    [1.0, 1.0, 0.8, 0.571, 0.444, 0.364, 0.308, 0.267]
    """

    horizon: float = 0.3
    near: float = 0.2
    relief: float = 0.3
    cells: int = 4

    def __post_init__(self) -> None:
        rules = {
            "horizon": (np.isfinite(self.horizon), "a number"),
            "near": (self.near > 0, "more than 0"),
            "relief": (self.relief >= 0, "0 or more"),
            "cells": (self.cells >= 1, "1 or more"),
        }
        check_parameters(self, rules, "no scene is like that")

    def __call__(self, size: tuple[int, int], rng: Rng) -> np.ndarray:
        """Draw the distances.

        Parameters
        ----------
        size : tuple of int
            (H, W).
        rng : numpy.random.Generator or int
            Generator of the relief, or the seed of one.

        Returns
        -------
        ndarray, shape (H, W), float32, more than 0, at most 1
        """
        below = (np.arange(size[0]) + 0.5) / size[0] - self.horizon
        ground = self.near / np.maximum(below, self.near)
        field = smooth_field(size, self.cells, as_generator(rng))
        depth: np.ndarray = np.minimum(ground[:, None] * np.exp(self.relief * field), 1)
        return depth.astype(np.float32)


def check_distance(distance: np.ndarray | float, size: tuple[int, ...]) -> None:
    """Refuse distances that do not fit an image.

    Parameters
    ----------
    distance : ndarray, shape (H, W), or float
        One for each pixel, or one for all.
    size : tuple of int
        (H, W).

    Raises
    ------
    DataError
        Of another shape, negative, or NaN.
    """
    found = np.asarray(distance)
    if found.ndim and found.shape != size:
        raise DataError(
            f"distances of shape {found.shape}",
            f"the image has {size} pixels",
            "give one for each pixel, or one for all",
        )
    if not (found >= 0).all():
        raise DataError(f"distances from {found.min():g}", "no pixel is nearer than the camera", "use 0 or more")


def smooth_field(size: tuple[int, int], cells: int, rng: np.random.Generator) -> np.ndarray:
    """Random numbers on a coarse grid, and smooth curves between them.

    Parameters
    ----------
    size : tuple of int
        (H, W).
    cells : int
        Cells of the grid along each side.
    rng : numpy.random.Generator
        Generator of the (cells + 1)^2 numbers, uniform in [-1, 1].

    Returns
    -------
    ndarray, shape (H, W), float64, range [-1, 1]
    """
    knots = rng.uniform(-1, 1, (cells + 1, cells + 1))
    for axis, side in enumerate(size):
        place = (np.arange(side) + 0.5) / side * cells
        cell = np.minimum(place.astype(int), cells - 1)
        share = place - cell
        share = (share * share * (3 - 2 * share)).reshape([-1 if axis == 0 else 1, 1 if axis == 0 else -1])
        knots = np.take(knots, cell, axis) * (1 - share) + np.take(knots, cell + 1, axis) * share
    return knots
