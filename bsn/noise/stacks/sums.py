"""What has to be known of a stack to find a pattern that all of its frames share, gathered frame by frame."""

from __future__ import annotations

import numpy as np

from bsn.data import fill_missing
from bsn.noise.stacks.blocks import SIDE, as_blocks, second_differences

__all__ = ["CELL", "StackSums"]

CELL = 4
"""Side in pixels of the cells whose means tell picture from single pixels."""


class StackSums:
    """Sums over the frames of a stack: their number does not matter for the memory.

    Attributes
    ----------
    frames : int
        Frames so far.
    """

    def __init__(self) -> None:
        self.frames = 0
        self._pairs, self._follows = 0, False
        self._halves: list[np.ndarray] = []
        self._previous = np.zeros(0)
        self._changes = np.zeros(0)
        self._contrast = np.zeros(0)

    def add(self, frame: np.ndarray) -> None:
        """Take the next frame in.

        Parameters
        ----------
        frame : ndarray, shape (C, H, W), float
            Image values; missing ones are not finite.
        """
        frame = fill_missing(frame)[0].astype(np.float64)
        contrast = _block_contrast(frame)
        if not self.frames:
            self._halves = [np.zeros_like(frame), np.zeros_like(frame)]
            self._changes, self._contrast = np.zeros_like(second_differences(frame)), np.zeros_like(contrast)
        elif self._follows:
            self._changes += second_differences(frame - self._previous) ** 2
            self._pairs += 1
        self._halves[self.frames % 2] += frame
        self._contrast += contrast
        self._previous, self._follows = frame, True
        self.frames += 1

    def new_run(self) -> None:
        """Say that the next frame does not follow the last one at once."""
        self._follows = False

    def halves(self) -> tuple[np.ndarray, np.ndarray]:
        """Means of every other frame, from the first and from the second on; each (C, H, W)."""
        return self._halves[0] / ((self.frames + 1) // 2), self._halves[1] / (self.frames // 2)

    def mean(self) -> np.ndarray:
        """Mean of all frames, (C, H, W)."""
        mean: np.ndarray = (self._halves[0] + self._halves[1]) / self.frames
        return mean

    def noise_variance(self) -> np.ndarray:
        """Variance of the noise that differs from frame to frame, in each block: (C, B), of :func:`as_blocks` of the inside."""
        variance: np.ndarray = as_blocks(self._changes).mean(-1) / (2 * max(self._pairs, 1))
        return variance

    def standing(self, noise: float) -> tuple[np.ndarray, np.ndarray]:
        """How much picture single frames have in each block, and how much of that their mean has.

        Parameters
        ----------
        noise : float
            Variance of the noise that differs from frame to frame.

        Returns
        -------
        frames, mean : ndarray, shape (rows, columns)
            Variance of the means of 4 x 4 pixels within a block of 16 x 16, without that of the noise.
        """
        cells = noise / CELL**2
        frames = self._contrast.mean(0) / self.frames - cells
        mean = _block_contrast(self.mean()).mean(0) - cells / self.frames
        return np.maximum(frames, 0), np.maximum(mean, 0)


def _block_contrast(frame: np.ndarray) -> np.ndarray:
    """Variance of the cells in each block, (C, rows, columns)."""
    rows, columns = (side // SIDE for side in frame.shape[-2:])
    cut = frame[:, : rows * SIDE, : columns * SIDE]
    per = SIDE // CELL
    cells = cut.reshape(len(frame), rows, per, CELL, columns, per, CELL).mean((3, 6))
    contrast: np.ndarray = cells.var((2, 4), ddof=1)
    return contrast
