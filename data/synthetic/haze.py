"""Haze and fog: light that is scattered on its way, by the distance of what is seen."""

from dataclasses import dataclass

import numpy as np

from bsn.data.errors import DataError
from bsn.data.synthetic.depth import check_distance
from bsn.data.synthetic.legal import check_parameters
from bsn.data.synthetic.noise_image import as_clean_channels

__all__ = ["DepthHaze"]


@dataclass(frozen=True)
class DepthHaze:
    """The atmospheric scattering model: I = J t + A (1 - t), with the transmission t = exp(-beta d).

    It acts on the values of the picture, as papers on dehazing state it (Narasimhan and Nayar, IJCV 2002; He et al.,
    CVPR 2009), not on linear light.

    Parameters
    ----------
    beta : float
        Scattering per unit of distance, 0 or more.
    airlight : float or tuple of float
        Light A of the sky in units of [0, 1], for all channels or for each.

    Raises
    ------
    DataError
        A parameter is out of range.

    Examples
    --------
    >>> hazy = DepthHaze(beta=np.log(2), airlight=1.0)(np.zeros((1, 2, 2)), 1.0)
    >>> hazy.round(3).tolist()
    [[[0.5, 0.5], [0.5, 0.5]]]
    """

    beta: float = 1.0
    airlight: float | tuple[float, ...] = 0.85

    def __post_init__(self) -> None:
        light = np.atleast_1d(self.airlight)
        rules = {
            "beta": (0 <= self.beta < float("inf"), "0 or more"),
            "airlight": (bool(((light >= 0) & (light <= 1)).all()), "0 to 1"),
        }
        check_parameters(self, rules, "no haze is like that")

    def __call__(self, image: np.ndarray, depth: np.ndarray | float) -> np.ndarray:
        """Haze over a clean image.

        Parameters
        ----------
        image : ndarray, shape (C, H, W), float
            Range [0, 1].
        depth : ndarray, shape (H, W), or float
            Distance of each pixel, not negative, in the units of `beta`.

        Returns
        -------
        ndarray, shape (C, H, W), float32
            In [0, 1].

        Raises
        ------
        DataError
            Integer or NaN pixels, other than three axes, airlight of another number of channels, or distances of another shape
            or below 0.
        """
        clean = as_clean_channels(image)
        check_distance(depth, clean.shape[-2:])
        through = np.exp(-self.beta * np.asarray(depth, np.float32))
        light = np.asarray(self.airlight, np.float32).reshape(-1, 1, 1)
        if len(light) not in (1, len(clean)):
            raise DataError(
                f"airlight of {len(light)} channels",
                f"the image has {len(clean)}",
                "give one value, or one for each channel",
            )
        return (clean * through + light * (1 - through)).astype(np.float32)
