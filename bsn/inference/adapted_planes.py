"""An image whose planes are denoised by a model that is adapted to it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from bsn.inference.adapting import Adaptation, Denoise, fit_curves
from bsn.inference.fitness import ImagePlanes, channel_groups
from bsn.inference.local_mean import keep_local_mean
from bsn.inference.parts import Part
from bsn.inference.results import FinishedRows
from bsn.models import Model

__all__ = ["AdaptedPlanes"]


class AdaptedPlanes:
    """Denoise plane after plane behind the curves that were found on the middle one.

    Parameters
    ----------
    image : ImagePlanes
        The noisy image or stack.
    model : Model
        What denoises: all channels at once, or each like a grey image.
    denoise : callable
        It, on bent values (C, H, W); missing pixels stay missing.
    plain : callable
        It, as it is without adaptation.
    grey_level : float
        Distance of two values of the image's type, in image values; 0 for floats.
    keep_mean : bool
        Results keep the local mean of the image, which counts few photons.

    Attributes
    ----------
    adaptations : list of Adaptation
        One for each group of channels.
    """

    def __init__(
        self,
        image: ImagePlanes,
        model: Model,
        denoise: Denoise,
        plain: Denoise,
        grey_level: float,
        *,
        keep_mean: bool = False,
    ) -> None:
        self._image, self._groups = image, channel_groups(image, model)
        self._denoise, self._plain, self._keep_mean = denoise, plain, keep_mean
        sample = self._read(image.planes // 2)
        self.adaptations: list[Adaptation] = [
            fit_curves(sample[group], denoise, plain, grey_level) for group in self._groups
        ]

    def _read(self, plane: int) -> np.ndarray:
        return self._image.read_unit(plane, 0, 0, *self._image.size)

    def rows(self, part: Part | None = None) -> Iterator[tuple[int, int, FinishedRows]]:
        """Denoise the planes.

        Parameters
        ----------
        part : Part, optional
            Rows of some planes; everything where it is left out.

        Yields
        ------
        done, total : int
            Planes that are finished, this one included, and planes in all.
        rows : FinishedRows
            Rows of a plane.
        """
        planes = list(range(self._image.planes)) if part is None else list(part.planes)
        rows = slice(0, self._image.size[0]) if part is None else slice(*part.rows)
        for done, plane in enumerate(planes, 1):
            noisy = self._read(plane)
            pairs = zip(self._groups, self.adaptations, strict=True)
            whole = np.concatenate([self._one(noisy[group], found) for group, found in pairs])
            yield done, len(planes), FinishedRows(plane, rows, whole[:, rows], None)

    def _one(self, noisy: np.ndarray, adaptation: Adaptation) -> np.ndarray:
        result = adaptation(noisy, self._denoise, self._plain)
        if not (adaptation.curves and self._keep_mean):
            return result
        there = np.isfinite(noisy)
        kept = keep_local_mean(
            *(torch.from_numpy(np.where(there, values, result)[None]).nan_to_num() for values in (noisy, result))
        )
        return np.where(there, kept[0].numpy(), result)
