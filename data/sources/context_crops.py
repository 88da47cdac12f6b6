"""Random crops with the same places of the frames before and after.

Like the crops themselves they are a function of seed, step and number of the sample. So that one set of weights serves the
ends of stacks, single slots and whole sides are left out at random; and so that it serves both directions, half of the samples
are reversed.
"""

import dataclasses

import numpy as np

from bsn.data.arrays.geometry import transform
from bsn.data.errors import DataError
from bsn.data.sources.crops import CropBatch, RandomCrops, sample_generator
from bsn.data.sources.neighbours import neighbour_of, neighbour_offsets
from bsn.data.sources.plane_source import ImageSource

__all__ = ["ContextCrops", "with_neighbours"]

# Keeps these random numbers apart from those of other users of the same seed.
_STREAM = 0x636F6E74


class ContextCrops:
    """Crops of a `RandomCrops`, each with its neighbours.

    Parameters
    ----------
    crops : RandomCrops
        Draws the places; its source knows the stacks (`StackedSource`).
    context : int
        Neighbours k on each side.
    axis : str
        "T" or "Z"; empty takes T where there is one, else Z.
    reversal : bool
        Reverse half of the samples along the stack.
    dropped : float
        Share of the neighbours that are left out one by one.
    sides : float
        Share of the samples of which all neighbours on one side are left out.

    Raises
    ------
    DataError
        No neighbours, or shares that are none.
    """

    def __init__(
        self,
        crops: RandomCrops,
        context: int,
        *,
        axis: str = "",
        reversal: bool = True,
        dropped: float = 0.15,
        sides: float = 0.1,
    ) -> None:
        if context < 1:
            raise DataError(f"context {context}", "crops with neighbours need some", "use 1 or more, or RandomCrops")
        if not (0 <= dropped < 1 and 0 <= sides <= 1):
            raise DataError(f"dropped={dropped}, sides={sides}", "are no shares", "use numbers from 0 to 1")
        self.crops, self.context, self.axis = crops, context, axis
        self.reversal, self.dropped, self.sides = reversal, dropped, sides

    def batch(self, step: int, batch_size: int, rank: int = 0, world_size: int = 1) -> CropBatch:
        """Cut the crops of one step for one process, see `RandomCrops.batch`.

        Parameters
        ----------
        step, batch_size, rank, world_size : int
            See there.

        Returns
        -------
        CropBatch
            With `neighbours` and `available`.
        """
        batch = self.crops.batch(step, batch_size, rank, world_size)
        whole = with_neighbours(self.crops.source, batch, self.context, axis=self.axis)
        assert whole.neighbours is not None
        assert whole.available is not None
        for row in range(batch_size):
            rng = sample_generator(self.crops.seed, step, rank * batch_size + row, _STREAM)
            if self._reversed(rng):
                whole.neighbours[row] = whole.neighbours[row, ::-1].copy()
                whole.available[row] = whole.available[row, ::-1].copy()
            left_out = self._left_out(rng)
            whole.neighbours[row, left_out] = 0
            whole.available[row, left_out] = 0
        return whole

    def _reversed(self, rng: np.random.Generator) -> bool:
        return bool(rng.random() < 0.5) and self.reversal

    def _left_out(self, rng: np.random.Generator) -> np.ndarray:
        left_out: np.ndarray = rng.random(2 * self.context) < self.dropped
        if rng.random() < self.sides:
            first = self.context * int(rng.integers(2))
            left_out[first : first + self.context] = True
        return left_out


def with_neighbours(source: ImageSource, batch: CropBatch, context: int, *, axis: str = "") -> CropBatch:
    """Read the neighbours of crops.

    Parameters
    ----------
    source : ImageSource
        What the crops were cut from.
    batch : CropBatch
        Crops and their places.
    context : int
        Neighbours k on each side.
    axis : str
        "T" or "Z"; empty takes T where there is one, else Z.

    Returns
    -------
    CropBatch
        The same crops, with `neighbours` and `available`.
    """
    height, width = batch.pixels.shape[-2:]
    offsets = neighbour_offsets(context)
    shape = (len(batch.positions), len(offsets), *batch.pixels.shape[1:])
    neighbours, available = np.zeros(shape, np.float32), np.zeros(shape[:2], np.float32)
    for row, (index, top, left, turn) in enumerate(batch.positions.tolist()):
        for slot, offset in enumerate(offsets):
            found = neighbour_of(source, index, offset, axis)
            if found is None:
                continue
            neighbours[row, slot] = transform(source.crop(found, top, left, height, width), turn)
            available[row, slot] = 1
    return dataclasses.replace(batch, neighbours=neighbours, available=available)
