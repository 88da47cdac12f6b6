"""The passes of a mosaic through a network, told as one work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np

from bsn.data.arrays.pixel_types import Range
from bsn.inference.counting import Counting
from bsn.inference.fitness import ImagePlanes
from bsn.inference.mosaic.denoising import PROBED
from bsn.inference.results import ArrayPlanes, FinishedRows, joined

__all__ = ["GreyPasses"]


class _Denoises(Protocol):
    """What is needed of a :class:`bsn.inference.Denoiser`."""

    progress: Callable[[float], None] | None

    def bands(
        self, image: ImagePlanes, what: str, value_range: Range | None, counting: Counting, *, deviation: bool
    ) -> Iterator[FinishedRows]: ...


class GreyPasses:
    """Denoises grey images one after the other, and tells the share of the whole work that is done.

    Parameters
    ----------
    denoiser : Denoiser
        It denoises each image as it is; its `progress` is set here.
    size : tuple of int
        Rows and columns of a half-size plane of the mosaic.
    tell : callable, optional
        Gets the share, from 0 to 1.
    """

    def __init__(self, denoiser: _Denoises, size: tuple[int, int], tell: Callable[[float], None] | None) -> None:
        self._denoiser, self._tell, self._done = denoiser, tell, 0
        # The planes, the mosaic, and both twice in the middle.
        self._all = 8 * size[0] * size[1] + 4 * min(2 * size[0], PROBED) * min(2 * size[1], PROBED)

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Denoise grey images.

        Parameters
        ----------
        images : ndarray, shape (N, H, W), float32
            About in [0, 1].

        Returns
        -------
        ndarray, same shape, float32
        """
        self._denoiser.progress = None if self._tell is None else lambda share: self._told(share * images.size)
        planes = ArrayPlanes(images[:, None], images.dtype)
        rows = self._denoiser.bands(planes, "a mosaic", None, Counting(), deviation=False)
        result = joined(rows, images[:, None])[:, 0]
        self._done += images.size
        return result

    def _told(self, pixels: float) -> None:
        assert self._tell is not None
        self._tell(min(1.0, (self._done + pixels) / self._all))
