"""Photographs under water: colours that are lost with the distance, and light that the water scatters before the scene."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bsn.data.errors import DataError
from bsn.data.synthetic.camera.tone import to_linear, to_srgb
from bsn.data.synthetic.depth import check_distance
from bsn.data.synthetic.legal import check_parameters
from bsn.data.synthetic.noise_image import as_clean_channels

__all__ = ["JERLOV", "Underwater"]

Colour = tuple[float, float, float]

JERLOV: Mapping[str, Colour] = {
    "I": (0.85, 0.961, 0.982),
    "IA": (0.84, 0.955, 0.975),
    "IB": (0.83, 0.95, 0.968),
    "II": (0.80, 0.925, 0.94),
    "III": (0.75, 0.885, 0.89),
    "1C": (0.75, 0.885, 0.875),
    "3C": (0.71, 0.82, 0.80),
    "5C": (0.67, 0.73, 0.67),
    "7C": (0.62, 0.61, 0.50),
    "9C": (0.55, 0.46, 0.29),
}
"""Share of red, green and blue light that a metre of Jerlov's types of water lets through, from clear ocean to turbid coast
(Li, Anwar and Porikli, Pattern Recognition 98, 2020, table of residual energy)."""


@dataclass(frozen=True)
class Underwater:
    """Attenuation and backscatter by colour, in linear light.

    With the share k of a colour that a metre of water lets through, a scene J at the distance z and the depth D below the
    surface shows, as a simplified form of the model of Jaffe (1990) and McGlamery (1980) has it,

        I = exposure k^D (J k^z + scattering (1 - k^z) / -ln k).

    The second term sums what each metre scatters to the camera, dimmed on its way. A colour that is little absorbed comes from
    farther away, which makes open water blue or green.

    Parameters
    ----------
    kept : tuple of float
        Share k of red, green and blue, more than 0, at most 1; see :data:`JERLOV`.
    depth : float
        Depth D below the surface in metres: the way of the daylight.
    scattering : float
        Daylight that a metre of water scatters to the camera, in units of linear light [0, 1] at the surface.
    exposure : float
        What the camera makes up for, more than 0.

    Raises
    ------
    DataError
        A parameter is out of range.

    Examples
    --------
    >>> water = Underwater(kept=(0.5, 1.0, 1.0), scattering=0.0)
    >>> (255 * water(np.ones((3, 1, 1)), 1.0)).round().ravel().tolist()
    [188.0, 255.0, 255.0]
    """

    kept: Colour = JERLOV["II"]
    depth: float = 0.0
    scattering: float = 0.02
    exposure: float = 1.0

    def __post_init__(self) -> None:
        rules = {
            "kept": (len(self.kept) == 3 and all(0 < k <= 1 for k in self.kept), "shares of three colours"),
            "depth": (0 <= self.depth < float("inf"), "0 or more metres"),
            "scattering": (0 <= self.scattering < float("inf"), "0 or more"),
            "exposure": (0 < self.exposure < float("inf"), "more than 0"),
        }
        check_parameters(self, rules, "no water is like that")

    def __call__(self, image: np.ndarray, distance: np.ndarray | float) -> np.ndarray:
        """Sink a scene.

        Parameters
        ----------
        image : ndarray, shape (3, H, W), float
            In air, in sRGB, range [0, 1].
        distance : ndarray, shape (H, W), or float
            Metres from the camera, not negative.

        Returns
        -------
        ndarray, shape (3, H, W), float32
            In [0, 1].

        Raises
        ------
        DataError
            Integer or NaN pixels, another number of channels, or distances of another shape or below 0.
        """
        clean = as_clean_channels(image)
        if len(clean) != 3:
            raise DataError(f"an image of shape {clean.shape}", "water changes three colours", "give (3, H, W)")
        check_distance(distance, clean.shape[-2:])
        kept, metres = np.array(self.kept)[:, None, None], np.asarray(distance, np.float64)
        through = kept**metres
        lost = -np.log(kept)
        # Without absorption, every metre adds the same.
        path = np.where(lost > 0, (1 - through) / np.where(lost > 0, lost, 1), metres)
        light = to_linear(clean.astype(np.float64)) * through + self.scattering * path
        seen: np.ndarray = to_srgb(np.clip(self.exposure * kept**self.depth * light, 0, 1))
        return seen.astype(np.float32)
