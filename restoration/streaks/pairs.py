"""Pairs to train on, from rainy images alone: the dry version of each image, and the same with the rain of another one.

Rain adds light. What was taken from one image can be added to the dry version of another, and the sum is an image with real
rain whose picture without it is known. A network that is trained on such pairs sees streaks of the user's own rain on many
backgrounds, and is not bound to the rules by which they were found.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from restoration.streaks.removal import WithoutStreaks

__all__ = ["rain_light", "with_rain_of"]


def rain_light(rainy: np.ndarray, dry: WithoutStreaks) -> np.ndarray:
    """Light that the rain of an image added.

    Parameters
    ----------
    rainy : ndarray, shape (C, H, W), float
        The image.
    dry : WithoutStreaks
        What :func:`restoration.streaks.remove_streaks` made of it.

    Returns
    -------
    ndarray, shape (H, W)
        The same in all channels, 0 or more: the least of what each of them lost.
    """
    light: np.ndarray = (rainy - dry.planes).min(0)
    return np.maximum(light, 0)


def with_rain_of(
    planes: np.ndarray, lights: Sequence[np.ndarray], rng: np.random.Generator, highest: float | None = 1.0
) -> np.ndarray:
    """Add the rain of another image.

    Parameters
    ----------
    planes : ndarray, shape (C, H, W), float
        An image without rain.
    lights : sequence of ndarray, each of shape (H', W')
        Rain of other images, see :func:`rain_light`. One is drawn, mirrored in half of the cases, moved, and repeated where it
        is smaller than the image.
    rng : numpy.random.Generator
        Draws them.
    highest : float, optional
        Where cameras clip; None for values without an end.

    Returns
    -------
    ndarray, shape (C, H, W)

    Raises
    ------
    ValueError
        For no rain at all.
    """
    if not lights:
        raise ValueError("with_rain_of: no rain to add; give the light of one rainy image or more")
    light = lights[int(rng.integers(len(lights)))]
    if rng.random() < 0.5:
        light = light[:, ::-1]
    light = np.roll(light, tuple(int(rng.integers(side)) for side in light.shape), (0, 1))
    height, width = planes.shape[-2:]
    tiled = np.tile(light, (-(-height // light.shape[0]), -(-width // light.shape[1])))[:height, :width]
    rainy = planes + tiled.astype(planes.dtype)
    return rainy if highest is None else np.minimum(rainy, max(highest, float(planes.max())))
