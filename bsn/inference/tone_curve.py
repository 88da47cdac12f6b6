"""Curves of tones: values among which the noise of an image is more alike, and the way back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["ToneCurve"]


@dataclass(frozen=True)
class ToneCurve:
    """A power of the values above the darkest ones: ``((x - low) / span + offset) ** power``.

    The power 1/2 is the Anscombe transformation of photon noise, lower ones go towards the logarithm, for noise that grows
    as the brightness does; a larger offset bends the curve less in the dark, where noise of the read-out is all there is.

    Parameters
    ----------
    low, span : float
        Range of the image, see :func:`bsn.noise.used_range`; span more than 0.
    offset : float
        What is added to values that were put into [0, 1].
    power : float
        More than 0, at most 1.
    """

    low: float
    span: float
    offset: float
    power: float

    def forward(self, image: np.ndarray) -> np.ndarray:
        """Bend the tones.

        Parameters
        ----------
        image : ndarray, float
            Image values.

        Returns
        -------
        ndarray, float32
            About in [0, 1]; what lies below the curve's end becomes 0.
        """
        lifted = (image.astype(np.float64) - self.low) / self.span + self.offset
        bent: np.ndarray = (np.maximum(lifted, 0) / (1 + self.offset)) ** self.power
        return bent.astype(np.float32)

    def inverse(self, bent: np.ndarray) -> np.ndarray:
        """Undo :meth:`forward`.

        Parameters
        ----------
        bent : ndarray, float
            Bent values.

        Returns
        -------
        ndarray, float32
            Image values. Those of a mean of bent values are not the mean of the values; for photon noise the difference is
            the same everywhere.
        """
        lifted = np.maximum(bent.astype(np.float64), 0) ** (1 / self.power) * (1 + self.offset)
        values: np.ndarray = (lifted - self.offset) * self.span + self.low
        return values.astype(np.float32)

    def words(self) -> str:
        """The curve as a reader may know it."""
        return f"(x + {self.offset:g})^{self.power:g}"
