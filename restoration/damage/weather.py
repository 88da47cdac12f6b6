"""Rain, snow and haze of random strengths, from hardly visible to heavy."""

from __future__ import annotations

import numpy as np

from bsn.data import DepthHaze, GroundDepth, RainTexture, SyntheticRain, SyntheticSnow, log_uniform
from restoration.damage.kinds import Place, register_damage

__all__ = ["haze", "heavy_rain", "light_rain", "rain", "snow"]


@register_damage("rain", "streaks of rain, light or heavy", order=Place.FALLING)
def rain(clean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Light rain or heavy rain, one as often as the other.

    Parameters
    ----------
    clean : ndarray, shape (C, H, W), float32, range [0, 1]
        Clean image.
    rng : numpy.random.Generator
        Generator of the strength and of all else that is random.

    Returns
    -------
    ndarray, shape (C, H, W), float32
    """
    return light_rain(clean, rng) if rng.random() < 0.5 else heavy_rain(clean, rng)


@register_damage("rain-light", "single streaks of rain", order=Place.FALLING)
def light_rain(clean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Single streaks, at most a faint veil.

    Parameters
    ----------
    clean : ndarray, shape (C, H, W), float32, range [0, 1]
        Clean image.
    rng : numpy.random.Generator
        Generator of the strength and of all else that is random.

    Returns
    -------
    ndarray, shape (C, H, W), float32
    """
    angle = _angle(rng)
    near = SyntheticRain(
        density=log_uniform(rng, 0.2, 2.0),
        length=log_uniform(rng, 8, 40),
        angle=angle,
        spread=rng.uniform(0, 4),
        width=log_uniform(rng, 0.45, 1.3),
        brightness=rng.uniform(0.2, 0.7),
        layers=int(rng.integers(1, 3)),
        veil=rng.uniform(0, 0.05) if rng.random() < 0.3 else 0.0,
    )
    if rng.random() < 0.5:
        clean = _distant(rng, angle, 2, 12)(clean, rng)
    return near(clean, rng)


@register_damage("rain-heavy", "dense streaks of rain over a texture and a veil", order=Place.FALLING)
def heavy_rain(clean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Dense streaks before textures of more distant ones, sometimes of two directions, sometimes with a veil.

    Parameters
    ----------
    clean : ndarray, shape (C, H, W), float32, range [0, 1]
        Clean image.
    rng : numpy.random.Generator
        Generator of the strength and of all else that is random.

    Returns
    -------
    ndarray, shape (C, H, W), float32
    """
    angle = _angle(rng)
    rainy = _distant(rng, angle, 8, 60)(clean, rng)
    other = _angle(rng) if rng.random() < 0.3 else angle
    for direction in (angle, other, angle)[: int(rng.integers(1, 4))]:
        length, width, covered = log_uniform(rng, 8, 45), log_uniform(rng, 0.45, 1.3), log_uniform(rng, 0.015, 0.2)
        dense = RainTexture(
            density=1000 * covered / (2.5 * length * width),
            length=length,
            angle=float(np.clip(direction + rng.normal(0, 3), -60, 60)),
            width=width,
            brightness=rng.uniform(0.15, 0.6),
        )
        rainy = dense(rainy, rng)
    near = SyntheticRain(
        density=log_uniform(rng, 0.1, 1.0),
        length=log_uniform(rng, 15, 60),
        angle=angle,
        spread=rng.uniform(0, 5),
        width=log_uniform(rng, 0.6, 2.0),
        brightness=rng.uniform(0.2, 0.8),
        layers=1,
        veil=rng.uniform(0, 0.2) if rng.random() < 0.4 else 0.0,
    )
    return near(rainy, rng)


@register_damage("snow", "falling flakes of several distances", order=Place.FALLING)
def snow(clean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Flakes of several sizes and distances, still or in motion, with a veil of those that are too far to be seen.

    Parameters
    ----------
    clean : ndarray, shape (C, H, W), float32, range [0, 1]
        Clean image.
    rng : numpy.random.Generator
        Generator of the strength and of all else that is random.

    Returns
    -------
    ndarray, shape (C, H, W), float32
    """
    size = log_uniform(rng, 1.0, 4.0)
    falling = SyntheticSnow(
        density=log_uniform(rng, 0.3, 2.5) * (1.5 / size),
        size=size,
        motion=12 * rng.uniform(0, 1) ** 2,
        angle=_angle(rng),
        spread=rng.uniform(3, 25),
        softness=size * rng.uniform(0.8, 2.0),
        opacity=rng.uniform(0.6, 1.0),
        layers=int(rng.integers(2, 5)),
        veil=rng.uniform(0, 0.2) if rng.random() < 0.5 else 0.0,
        brightness=rng.uniform(0.85, 1.0),
    )
    return falling(clean, rng)


@register_damage("haze", "haze or fog that grows with the distance", order=Place.MEDIUM)
def haze(clean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Scattering over a ground that runs to a horizon, with a relief of objects.

    Parameters
    ----------
    clean : ndarray, shape (C, H, W), float32, range [0, 1]
        Clean image.
    rng : numpy.random.Generator
        Generator of the strength and of all else that is random.

    Returns
    -------
    ndarray, shape (C, H, W), float32
    """
    scene = GroundDepth(
        horizon=rng.uniform(-1.0, 0.6),
        near=log_uniform(rng, 0.1, 1.5),
        relief=rng.uniform(0, 0.6),
        cells=int(rng.integers(2, 7)),
    )
    tint = rng.normal(0, 0.02, len(clean)) if len(clean) == 3 else np.zeros(len(clean))
    light = np.clip(rng.uniform(0.65, 0.98) + tint, 0, 1)
    air = DepthHaze(beta=log_uniform(rng, 0.2, 2.2), airlight=tuple(float(value) for value in light))
    return air(clean, scene(clean.shape[-2:], rng))


def _angle(rng: np.random.Generator) -> float:
    """Direction of the fall in degrees from the vertical: wind is weak more often than strong."""
    return float(np.clip(rng.normal(0, 20), -55, 55))


def _distant(rng: np.random.Generator, angle: float, low: float, high: float) -> RainTexture:
    return RainTexture(
        density=log_uniform(rng, low, high),
        length=log_uniform(rng, 4, 18),
        angle=angle,
        width=rng.uniform(0.4, 0.8),
        brightness=rng.uniform(0.04, 0.3),
    )
