"""Images sheared row by row, so that slanted streaks stand upright in columns, and the way back."""

from __future__ import annotations

import numpy as np

from restoration.streaks.direction import FLATTEST

__all__ = ["Upright", "check_angle"]


def check_angle(angle: float) -> None:
    """Refuse an angle at which no shear makes streaks stand.

    Parameters
    ----------
    angle : float
        Degrees from the vertical.

    Raises
    ------
    ValueError
        For more than 60 degrees to either side, and for NaN.
    """
    if not abs(angle) <= FLATTEST:
        raise ValueError(
            f"an angle of {angle:g} degrees from the vertical is too flat for rain; use one from -{FLATTEST:g} to {FLATTEST:g}"
        )


class Upright:
    """The shear for one angle and one size of images.

    Rows are moved and stay rows; between two pixels values are interpolated linearly, and the edge is repeated outside.

    Parameters
    ----------
    angle : float
        Direction that becomes vertical, in degrees from the vertical, see :class:`restoration.streaks.StreakDirection`; from
        -60 to 60.
    size : tuple of int
        (H, W) of the images.

    Attributes
    ----------
    inside : ndarray of bool, shape (H, W + 2 margin)
        Pixels of the sheared image that come from the image itself.

    Raises
    ------
    ValueError
        For flatter directions.

    Examples
    --------
    >>> turned = Upright(0.0, (4, 5))
    >>> image = np.arange(20.0).reshape(1, 4, 5)
    >>> bool((turned.lie(turned.stand(image)) == image).all())
    True
    """

    def __init__(self, angle: float, size: tuple[int, int]) -> None:
        check_angle(angle)
        height, width = size
        moved = np.tan(np.deg2rad(angle)) * (np.arange(height) - (height - 1) / 2)
        margin = int(np.ceil(np.abs(moved).max()))
        standing = np.arange(-margin, width + margin) + moved[:, None]
        self._standing, self._lying = standing, np.arange(width) + margin - moved[:, None]
        self.inside: np.ndarray = (standing >= 0) & (standing <= width - 1)

    def stand(self, planes: np.ndarray) -> np.ndarray:
        """Shear an image so that the direction is vertical.

        Parameters
        ----------
        planes : ndarray, shape (C, H, W), float
            The image.

        Returns
        -------
        ndarray, shape (C, H, W + 2 margin)
        """
        return _along_rows(planes, self._standing)

    def lie(self, planes: np.ndarray) -> np.ndarray:
        """Bring a sheared image back.

        Parameters
        ----------
        planes : ndarray, shape (C, H, W + 2 margin), float
            Such as :meth:`stand` makes.

        Returns
        -------
        ndarray, shape (C, H, W)
        """
        return _along_rows(planes, self._lying)


def _along_rows(planes: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Values at places of each row, shape (C, H, K)."""
    left = np.floor(columns).astype(np.intp)
    share = (columns - left).astype(planes.dtype)
    last = planes.shape[-1] - 1
    rows = np.arange(planes.shape[-2])[:, None]
    first, second = planes[:, rows, np.clip(left, 0, last)], planes[:, rows, np.clip(left + 1, 0, last)]
    mixed: np.ndarray = first * (1 - share) + second * share
    return mixed
