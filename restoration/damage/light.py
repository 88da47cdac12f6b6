"""Too little light, and water between camera and scene."""

from __future__ import annotations

import numpy as np

from bsn.data import JERLOV, GroundDepth, LowLight, Underwater, log_uniform
from restoration.damage.kinds import Place, register_damage

__all__ = ["low_light", "underwater"]


@register_damage("lowlight", "too little light: dark, noisy, with a colour cast", order=Place.LIGHT)
def low_light(clean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """An exposure of a fifth to a sixtieth, with the noise of few photons; the shorter, the darker and the noisier.

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
    cast = np.exp(rng.normal(0, 0.1, len(clean))) if len(clean) == 3 else np.ones(len(clean))
    night = LowLight(
        exposure=log_uniform(rng, 0.016, 0.2),
        gain=log_uniform(rng, 1e-4, 2e-3),
        read_noise=log_uniform(rng, 2e-4, 2e-3),
        cast=tuple(float(factor) for factor in cast / cast.max()),
        gamma=rng.uniform(0.9, 1.2),
    )
    return night(clean, rng)


@register_damage("underwater", "colours and contrast lost under water", order=Place.MEDIUM, channels=(3,))
def underwater(clean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Water of any of Jerlov's types, at depths and distances that let a tenth of the green light or more through.

    Parameters
    ----------
    clean : ndarray, shape (3, H, W), float32, range [0, 1]
        Clean image.
    rng : numpy.random.Generator
        Generator of the strength and of all else that is random.

    Returns
    -------
    ndarray, shape (3, H, W), float32
    """
    kept = list(JERLOV.values())[int(rng.integers(len(JERLOV)))]
    dark = np.log(0.1) / np.log(kept[1])  # metres
    depth = float(rng.uniform(0, min(6.0, 0.4 * dark)))
    scene = GroundDepth(
        horizon=rng.uniform(-1.0, 0.4),
        near=log_uniform(rng, 0.2, 1.5),
        relief=rng.uniform(0, 0.5),
        cells=int(rng.integers(2, 6)),
    )
    farthest = min(log_uniform(rng, 1.0, 15.0), 0.6 * dark)
    water = Underwater(
        kept=kept,
        depth=depth,
        scattering=-float(np.log(kept[1])) * rng.uniform(0.03, 0.4),  # green light of water without end
        exposure=kept[1] ** (-depth * rng.uniform(0.5, 1.1)),
    )
    return water(clean, farthest * scene(clean.shape[-2:], rng))
