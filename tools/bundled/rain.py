"""The rain that the weights in the box are trained for: from a few thin streaks to a downpour, and none at all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bsn.data import RainTexture, SyntheticRain, jpeg_compressed, log_uniform

__all__ = ["RandomRain"]

_LARGEST_ANGLE = 60.0
_PEAK = 99.5  # per cent of the pixels of a dense layer are darker than its brightness
_HAZE_LIGHT = 0.75


@dataclass(frozen=True)
class RandomRain:
    """Rain drawn anew for each crop.

    The target keeps the haze: rain is taken off a photograph, and its colours and its contrast stay as they are.

    Parameters
    ----------
    clear : float
        Share of crops without rain, which are to come back as they are.
    sparse : float
        Share of the others with single streaks (:class:`bsn.data.SyntheticRain`) instead of dense layers
        (:class:`bsn.data.RainTexture`).
    crossed : float
        Share of the dense ones whose layers fall in directions of their own.
    screened : float
        Share whose streaks add less light where the picture is bright; elsewhere light adds up and is clipped.
    shaded : float
        Share that has dark streaks among the bright ones, as drops before a bright ground.
    hazy : float
        Share with haze, in the target too.
    grey : float
        Share turned grey.
    compressed : float
        Share that is compressed as JPEG after the rain; the target is not.
    """

    clear: float = 0.2
    sparse: float = 0.45
    crossed: float = 0.15
    screened: float = 0.4
    shaded: float = 0.1
    hazy: float = 0.3
    grey: float = 0.1
    compressed: float = 0.3

    def __call__(self, clean: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Make a rainy crop and what it would be without the rain.

        Parameters
        ----------
        clean : ndarray, shape (3, h, w), float32, range [0, 1]
        rng : numpy.random.Generator

        Returns
        -------
        rainy, target : ndarray, shape (3, h, w), float32, range [0, 1]
        """
        target = self._weather(clean, rng)
        if rng.random() < self.clear:
            rainy = target
        else:
            light = self.light(clean.shape[-2:], rng)
            room = 1 - target if rng.random() < self.screened else np.float32(1)
            rainy = target + light * room
            if rng.random() < self.shaded:
                rainy = rainy - rainy * np.minimum(self.light(clean.shape[-2:], rng), 0.6)
            rainy = np.clip(rainy, 0, 1)
        if rng.random() < self.compressed:
            offset = (int(rng.integers(8)), int(rng.integers(8)))
            rainy = jpeg_compressed(rainy, int(rng.integers(60, 98)), offset)
        return rainy, target

    def _weather(self, clean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """The picture on a darker day, perhaps grey, perhaps in haze."""
        target = clean
        if rng.random() < self.grey:
            target = np.broadcast_to(target.mean(0, keepdims=True), target.shape)
        if rng.random() < 0.4:
            target = target * np.float32(rng.uniform(0.4, 1.0))
        if rng.random() < self.hazy:
            haze = np.float32(rng.uniform(0, 0.35))
            target = target * (1 - haze) + _HAZE_LIGHT * haze
        return np.ascontiguousarray(target, np.float32)

    def light(self, size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
        """Light that the rain adds.

        Parameters
        ----------
        size : tuple of int
            (h, w).
        rng : numpy.random.Generator

        Returns
        -------
        ndarray, shape (h, w), float32, not negative
        """
        angle = float(np.clip(rng.normal(0, 20), -_LARGEST_ANGLE, _LARGEST_ANGLE))
        if rng.random() < self.sparse:
            rain = SyntheticRain(
                density=rng.uniform(0.2, 4),
                length=log_uniform(rng, 8, 50),
                angle=angle,
                width=log_uniform(rng, 0.4, 2.6),
                brightness=rng.uniform(0.15, 1.0),
                layers=int(rng.integers(1, 4)),
            )
            return rain.streaks(size, rng)
        crossed = rng.random() < self.crossed
        layers = []
        for _ in range(int(rng.integers(1, 4))):
            turned = rng.uniform(-_LARGEST_ANGLE, _LARGEST_ANGLE) if crossed else angle + rng.normal(0, 5)
            layers.append(_layer(size, turned, rng))
        return np.stack(layers).sum(0, dtype=np.float32)


def _layer(size: tuple[int, int], angle: float, rng: np.random.Generator) -> np.ndarray:
    """Streaks of one direction, length and width at random places, so many that they may touch each other."""
    length = log_uniform(rng, 8, 80)
    rain = RainTexture(length=length, angle=angle, width=log_uniform(rng, 0.45, min(2.0, length / 12)))
    height, width = (side + 2 * rain.reach for side in size)
    # Places are drawn otherwise than by `RainTexture.streaks`: the weights in the box were trained on these.
    drops = np.zeros((height, width), np.float32)
    count = rng.poisson(log_uniform(rng, 2e-4, 3e-2) * height * width)
    drops[rng.integers(height, size=count), rng.integers(width, size=count)] = rng.uniform(0.3, 1, count)
    light = rain.light_from(drops)
    light /= max(1.0, float(np.percentile(light, _PEAK)))
    return (rng.uniform(0.08, 0.8) * light).astype(np.float32)
