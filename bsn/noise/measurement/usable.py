"""What of an image can be measured: outliers are repaired, and missing pixels are set aside."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bsn.data import fill_missing
from bsn.noise.outliers import find_outliers, repair_outliers

__all__ = ["UsableImage", "usable"]


@dataclass(frozen=True)
class UsableImage:
    """An image without outliers.

    Parameters
    ----------
    planes : ndarray, shape (C, H, W), float
        Finite everywhere.
    missing : ndarray of bool, same shape
        Pixels that were NaN or infinite, and are filled from their surroundings.
    outliers : ndarray of bool, same shape
        Pixels that were outliers, and are repaired.
    """

    planes: np.ndarray
    missing: np.ndarray
    outliers: np.ndarray

    @property
    def measured(self) -> np.ndarray:
        """Planes with NaN where a value is missing in any channel: filled pixels have no noise, and would seem flat."""
        if not self.missing.any():
            return self.planes
        return np.where(self.missing.any(0), np.nan, self.planes)


def usable(image: np.ndarray, grey_level: float = 0.0) -> UsableImage:
    """Repair the outliers of an image and fill its missing pixels.

    Parameters
    ----------
    image : ndarray, shape (C, H, W), float
        Image as it was read.
    grey_level : float
        Distance of two values of the original dtype; 0 for floats.

    Returns
    -------
    UsableImage
        Its planes are the image itself where nothing had to be done.
    """
    filled, missing = fill_missing(image)
    outliers = find_outliers(filled, grey_level=grey_level, missing=missing)
    return UsableImage(repair_outliers(filled, outliers), missing, outliers)
