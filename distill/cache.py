"""The teacher's answers, computed once per image and kept in one HDF5 file.

Layout, version 1. Attributes: ``format`` = "blindspot-teacher-cache", ``format_version``, ``count``, ``channels``,
``targets``, ``spread`` (0 or 1), ``fingerprint``, ``scale``, ``blind`` and ``about`` (JSON). Datasets
``noisy/000000`` ... of shape (C, H, W) in the dtype of the images, and ``answers/000000`` ... of shape
(layers * C, H, W), float32, both in chunks of 128 x 128; attribute ``name`` on the first.

While it is made, every finished image lies in a file of its own in ``<cache>.parts``: an interrupted run goes on there,
and several processes can work at it without sharing a file.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from bsn.data import DataError, RandomCrops
from bsn.data.arrays.planes import to_unit
from bsn.data.sources.crops import CropBatch
from bsn.data.sources.hdf5_planes import HDF5Planes
from bsn.models import ValueScale
from distill.fingerprint import Fingerprint
from distill.pairs import PairBatch, StackedPairs, split_stack

__all__ = ["FORMAT", "FORMAT_VERSION", "TeacherCache"]

FORMAT = "blindspot-teacher-cache"
FORMAT_VERSION = 1


class TeacherCache(HDF5Planes):
    """Noisy images with the teacher's answers stacked on the channel axis, ready for crops.

    Parameters
    ----------
    path : str or Path
        A file of :func:`distill.make_cache`.

    Raises
    ------
    DataError
        If it is missing, cut off, or something else.
    """

    FORMAT, FORMAT_VERSION, GROUP = FORMAT, FORMAT_VERSION, "noisy"
    KIND = "cache of a teacher"
    MAKER = "give a file that `bsn distill` made"
    REMEDY = "delete it and make it again (`bsn distill` does)"

    def _load(self) -> None:
        about = self._file.attrs
        self.image_channels, self.targets = int(about["channels"]), int(about["targets"])
        self.has_spread = bool(about["spread"])
        self.blind_teacher = bool(about["blind"])
        self.fingerprint = Fingerprint(**json.loads(about["fingerprint"]))
        self.scale = ValueScale(**json.loads(about["scale"]))
        self.about: dict[str, Any] = json.loads(about["about"])
        if len(self._file["answers"]) != len(self):
            raise DataError(str(self.path), f"has {len(self._file['answers'])} of {len(self)} answers", self.REMEDY)

    @property
    def channels(self) -> int:
        """Channels of the stack: noisy, targets, and the spread if there is one."""
        return self.image_channels * (1 + self.targets + self.has_spread)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the stack."""
        return np.dtype(np.float32)

    def native(self, index: int, top: int, left: int, height: int, width: int) -> np.ndarray:
        """Read a region of the stack, see `PlaneSource.native`."""
        window = (top, left, height, width)
        noisy = to_unit(self._region("noisy", index, *window))
        return np.concatenate([noisy, self._region("answers", index, *window)])

    def answer(self, index: int) -> np.ndarray:
        """Mean of the targets of an image, shape (C, H, W), float32, image values."""
        return self.split(CropBatch(self.image(index)[None], [self.name(index)], np.zeros((1, 4)))).targets[0].mean(0)

    def split(self, batch: CropBatch) -> PairBatch:
        """Pairs of stacked crops."""
        return split_stack(batch, self.image_channels, self.targets)

    def pairs(self, crops: RandomCrops) -> StackedPairs:
        """Pairs of random crops of this cache."""
        return StackedPairs(crops, self.image_channels, self.targets)
