"""Stacks for models that see their pixel: every frame is denoised together with its neighbours.

Three steps, each of which uses the result of the one before: every frame by itself, which tells the motion; averages of frames
with their aligned neighbours, denoised by the model; a Wiener filter over the aligned frames, which brings back texture that
the model took for noise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
from typing_extensions import override

from bsn.data import DataError
from bsn.data.arrays.missing import fill_missing
from bsn.inference.alignment import PilotFrame, aligned, aligned_average, without_spikes
from bsn.inference.collaborative import COLLABORATION, collaborative_filter
from bsn.inference.fitness import ImagePlanes
from bsn.inference.parts import Part
from bsn.inference.pattern_free import plane_order
from bsn.inference.results import FinishedRows
from bsn.inference.stacked_planes import StackedPlanes
from bsn.noise import NoiseStatistics, measure_noise

__all__ = ["JointFrames"]


class JointFrames(StackedPlanes):
    """An image whose planes are read as denoised together with their neighbours.

    Memory holds the frames of two windows, whole, each with a denoised version; each is read and denoised once.

    Parameters
    ----------
    image : ImagePlanes
        The noisy image.
    denoise : callable
        Denoises a plane (C, H, W), whose missing pixels stay missing.
    neighbours : int
        Frames on each side; at the ends of a stack, as many in all, as far as there are.
    axis : str
        "T" or "Z"; empty takes T where there is one, else Z.
    strength : float
        By how much the filter takes the noise to be stronger than measured.

    Raises
    ------
    DataError
        The image has several planes, and nobody says what follows what.
    """

    def __init__(
        self,
        image: ImagePlanes,
        denoise: Callable[[np.ndarray], np.ndarray],
        neighbours: int,
        axis: str = "",
        strength: float = 1.0,
    ) -> None:
        if image.planes > 1 and image.stacked is None:
            raise DataError(
                f"neighbours of {image.planes} planes", "their axes are not known", "state the axes, such as TYX or ZYX"
            )
        super().__init__(image, axis)
        self._denoise, self._count, self._strength = denoise, neighbours, strength
        self._place = {
            plane: (number, at) for number, stack in enumerate(self.stacks) for at, plane in enumerate(stack)
        }
        self._alone: dict[int, PilotFrame] = {}
        self._averaged: dict[int, np.ndarray] = {}
        self._result: tuple[int, np.ndarray] = (-1, np.empty(0))
        self._noise: tuple[int, NoiseStatistics | None] = (-1, None)

    @override
    def read_unit(self, plane_index: int, top: int, left: int, height: int, width: int) -> np.ndarray:
        """Region (C, height, width) of a denoised plane, float32, image values; missing pixels are not finite."""
        if self._result[0] != plane_index:
            self._result = plane_index, self._joint(plane_index)
        return self._result[1][:, top : top + height, left : left + width]

    def rows(self, part: Part | None = None) -> Iterator[tuple[int, int, FinishedRows]]:
        """Denoise plane after plane, in the order in which each frame is read once.

        Parameters
        ----------
        part : Part, optional
            Rows of some planes; everything where it is left out.

        Yields
        ------
        done, total : int
            Planes that are finished, these included, and planes in all.
        rows : FinishedRows
            Rows of a plane.
        """
        planes = list(plane_order(self)) if part is None else part.planes
        top, bottom = (0, self.size[0]) if part is None else part.rows
        for done, plane in enumerate(planes, 1):
            found = self.read_unit(plane, top, 0, bottom - top, self.size[1])
            yield done, len(planes), FinishedRows(plane, slice(top, bottom), found, None)

    def _joint(self, plane: int) -> np.ndarray:
        near = self._near(plane)
        seen = {other for n in near for other in self._near(n)}
        self._alone = {n: frame for n, frame in self._alone.items() if n in seen}
        self._averaged = {n: found for n, found in self._averaged.items() if n in near}
        if len(near) == 1:
            return self._denoise(self._noisy(plane))
        denoised = {n: self._denoised_average(n) for n in near}
        noise = self._noise_of(self._place[plane][0])
        if noise is None:
            return denoised[plane]
        frames = [PilotFrame(self._noisy(n), fill_missing(denoised[n])[0]) for n in near]
        filtered, plain = _filtered(frames, near.index(plane), noise, self._strength)
        share = np.float32(COLLABORATION.share)
        return np.where(plain, share * filtered + (1 - share) * denoised[plane], denoised[plane])

    def _near(self, plane: int) -> Sequence[int]:
        """The plane and its neighbours, in their order: at the ends of a stack, more of them on the one side."""
        number, at = self._place[plane]
        stack = self.stacks[number]
        first = max(min(at - self._count, len(stack) - 2 * self._count - 1), 0)
        return stack[first : first + 2 * self._count + 1]

    def _noisy(self, plane: int) -> np.ndarray:
        return self._pilot(plane).noisy if plane in self._alone else self._read(plane)

    def _read(self, plane: int) -> np.ndarray:
        return self._image.read_unit(plane, 0, 0, *self.size)

    def _pilot(self, plane: int) -> PilotFrame:
        """A frame and what the model makes of it alone."""
        if plane not in self._alone:
            noisy = self._read(plane)
            self._alone[plane] = PilotFrame(noisy, fill_missing(self._denoise(noisy))[0])
        return self._alone[plane]

    def _denoised_average(self, plane: int) -> np.ndarray:
        """The denoised average of a frame and its aligned neighbours."""
        if plane not in self._averaged:
            others = (self._pilot(n) for n in self._near(plane) if n != plane)
            self._averaged[plane] = self._denoise(aligned_average(self._pilot(plane), others))
        return self._averaged[plane]

    def _noise_of(self, number: int) -> NoiseStatistics | None:
        """Noise of a stack; None where it cannot be measured or is correlated, so that the filter does not know it."""
        if self._noise[0] != number:
            stack = self.stacks[number]
            chosen = stack[:: max(1, -(-len(stack) // COLLABORATION.measured))]
            self._noise = number, _independent_noise(self._read(plane) for plane in chosen)
        return self._noise[1]


def _independent_noise(frames: Iterable[np.ndarray]) -> NoiseStatistics | None:
    try:
        found = measure_noise(frames)
    except DataError:  # too small, or nothing flat
        return None
    return found if abs(found.strongest_lag) <= COLLABORATION.correlation and found.sigma > 0 else None


def _filtered(
    frames: Sequence[PilotFrame], number: int, noise: NoiseStatistics, strength: float
) -> tuple[np.ndarray, np.ndarray]:
    """A frame filtered together with others, (C, H, W), and where it may be used."""
    own = frames[number]
    moved = [own if frame is own else aligned(own, frame, noise.sigma**2) for frame in frames]
    denoised, around = np.stack([frame.denoised for frame in moved]), own.noise_variance()
    curve = noise.gain * denoised + noise.constant
    variance = np.maximum(curve, COLLABORATION.removed * around) * strength**2
    plain = np.stack([without_spikes(frame, around) for frame in moved])
    noisy = np.where(plain, [frame.noisy for frame in moved], denoised)
    channels = range(noisy.shape[1])
    found = [collaborative_filter(noisy[:, c], denoised[:, c], variance[:, c], number) for c in channels]
    return np.stack(found), plain[number]
