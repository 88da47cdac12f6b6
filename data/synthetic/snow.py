"""Synthetic snow: soft flakes of several distances, smeared by their motion, that let some of the scene through."""

from dataclasses import dataclass

import numpy as np

from bsn.data.synthetic.legal import check_parameters
from bsn.data.synthetic.noise_image import Rng, as_clean, as_generator
from bsn.data.synthetic.segments import along_and_across

__all__ = ["SyntheticSnow"]

_FARTHER = 1.8  # distance of each layer relative to the one before it
_SHAPES = 12  # of the flakes of one layer
_SMALLEST = 0.5  # radius in pixels below which a flake becomes fainter instead of smaller


@dataclass(frozen=True)
class SyntheticSnow:
    """Falling flakes in layers of different distance, and a veil of those that are too far to be seen.

    A flake of opacity a before a scene J shows (1 - a) J + a F, where F is its light. Flakes farther away are smaller, move
    less, are sharper, and are more. A flake that moves is an opaque disc for a part of the exposure only, so its opacity
    falls to ``2 r / (2 r + path)`` of that of a still one.

    Parameters
    ----------
    density : float
        Flakes of the nearest layer per 1,000 pixels.
    size : float
        Mean radius of the flakes of the nearest layer in pixels.
    motion : float
        Path of the nearest flakes during the exposure in pixels.
    angle : float
        Direction of their fall in degrees from the vertical; positive leans to the right going down.
    spread : float
        Standard deviation of the direction in degrees: snow drifts.
    softness : float
        Width of the edge of the nearest flakes in pixels, which are out of focus.
    opacity : float
        Opacity of a still flake, 0 to 1.
    layers : int
        Number of distances.
    veil : float
        Share of light from snow that is too far to be seen, 0 to 1.
    brightness : float
        Light F of the flakes in units of [0, 1].

    Raises
    ------
    DataError
        A parameter is out of range.

    Examples
    --------
    >>> snowy = SyntheticSnow()(np.full((3, 64, 64), 0.3, np.float32), rng=0)
    >>> snowy.shape, bool(snowy.min() >= 0.3), bool(snowy.max() > 0.5)
    ((3, 64, 64), True, True)
    """

    density: float = 0.4
    size: float = 2.5
    motion: float = 5.0
    angle: float = 10.0
    spread: float = 15.0
    softness: float = 2.0
    opacity: float = 0.9
    layers: int = 3
    veil: float = 0.1
    brightness: float = 0.95

    def __post_init__(self) -> None:
        rules = {
            "density": (self.density >= 0, "0 or more"),
            "size": (self.size > 0, "more than 0"),
            "motion": (self.motion >= 0, "0 or more"),
            "angle": (abs(self.angle) <= 180, "between -180 and 180"),
            "spread": (self.spread >= 0, "0 or more"),
            "softness": (self.softness > 0, "more than 0"),
            "opacity": (0 <= self.opacity <= 1, "from 0 to 1"),
            "layers": (self.layers >= 0, "0 or more"),
            "veil": (0 <= self.veil <= 1, "from 0 to 1"),
            "brightness": (0 <= self.brightness <= 1, "from 0 to 1"),
        }
        check_parameters(self, rules, "no snow is like that")

    def __call__(self, image: np.ndarray, rng: Rng) -> np.ndarray:
        """Snow on a clean image.

        Parameters
        ----------
        image : ndarray, shape (..., H, W), float
            Range [0, 1].
        rng : numpy.random.Generator or int
            The generator, or a seed for one.

        Returns
        -------
        ndarray, same shape, float32
            All channels get the same flakes.

        Raises
        ------
        DataError
            Integer or NaN pixels.
        """
        clean = as_clean(image)
        through = (1 - self.veil) * self.transmission(clean.shape[-2:], rng)
        return (clean * through + self.brightness * (1 - through)).astype(np.float32)

    def transmission(self, size: tuple[int, int], rng: Rng) -> np.ndarray:
        """Share of the scene's light that the flakes let through.

        Parameters
        ----------
        size : tuple of int
            (H, W).
        rng : numpy.random.Generator or int
            Generator, or the seed of a new one.

        Returns
        -------
        ndarray, shape (H, W), float32, range [0, 1]
            Products over all flakes of 1 less their opacity.
        """
        generator, through = as_generator(rng), np.ones(size, np.float32)
        for layer in reversed(range(self.layers)):
            distance = _FARTHER**layer
            # A view of one angle holds more at a distance.
            count = int(generator.poisson(self.density * distance * size[0] * size[1] / 1000))
            shapes = [self._flake(generator, distance) for _ in range(min(count, _SHAPES))]
            centres = generator.uniform(-0.05, 1.05, (count, 2)) * size
            for number, centre in enumerate(centres.astype(int)):
                _cover(through, shapes[number % _SHAPES], centre)
        return through

    def _flake(self, generator: np.random.Generator, distance: float) -> np.ndarray:
        """Transmission around one flake, which is in the middle."""
        radius = self.size / distance * generator.lognormal(0, 0.35)
        half = 0.5 * self.motion / distance * generator.uniform(0.6, 1.4)
        direction = np.deg2rad(self.angle + self.spread * generator.standard_normal())
        lobes, turn = int(generator.integers(2, 6)), generator.uniform(0, 2 * np.pi)
        opacity = self.opacity * generator.uniform(0.5, 1.0) * min(1.0, (radius / _SMALLEST) ** 2)
        radius, soft = max(radius, _SMALLEST), max(self.softness / distance, 1.0)
        side = int(np.ceil(half + 1.3 * radius + soft))
        place = side + generator.uniform(-0.5, 0.5, 2)
        rows, columns = np.ogrid[: 2 * side + 1, : 2 * side + 1]
        along, across = along_and_across(rows, columns, (place[0], place[1]), direction)
        beyond = np.sign(along) * np.maximum(np.abs(along) - half, 0)
        outline = radius * (1 + 0.15 * np.cos(lobes * np.arctan2(across, beyond) + turn))
        edge = np.clip((outline - np.hypot(beyond, across)) / soft + 0.5, 0, 1)
        moving = radius / (radius + half)
        shown: np.ndarray = 1 - opacity * moving * edge * edge * (3 - 2 * edge)
        return shown.astype(np.float32)


def _cover(through: np.ndarray, flake: np.ndarray, centre: np.ndarray) -> None:
    """Multiply a transmission by that of a flake; what leaves the image is cut off."""
    half = len(flake) // 2
    top, left = int(centre[0]) - half, int(centre[1]) - half
    rows, columns = through.shape
    above, before = max(-top, 0), max(-left, 0)
    part = flake[above : max(rows - top, 0), before : max(columns - left, 0)]
    if part.size:
        through[top + above : top + above + part.shape[0], left + before : left + before + part.shape[1]] *= part
