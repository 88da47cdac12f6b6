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
from pathlib import Path
from typing import Any

import numpy as np

from bsn.models import ValueScale
from data import DataError, RandomCrops
from data.crops import CropBatch
from data.errors import reading
from data.plane_source import PlaneSource
from data.planes import to_unit
from distill.fingerprint import Fingerprint
from distill.pairs import PairBatch, StackedPairs, split_stack

__all__ = ["FORMAT", "FORMAT_VERSION", "TeacherCache"]

FORMAT = "blindspot-teacher-cache"
FORMAT_VERSION = 1


class TeacherCache(PlaneSource):
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

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._opened: Any = None
        with reading(self.path, "delete it and make it again (`bsn distill` does)"):
            self._load()

    def _load(self) -> None:
        about = self._file.attrs
        if about.get("format") != FORMAT:
            raise DataError(str(self.path), "is no cache of a teacher", "give a file that `bsn distill` made")
        if int(about["format_version"]) > FORMAT_VERSION:
            raise DataError(
                str(self.path), f"has layout {about['format_version']}, newer than ours", "update this package"
            )
        self.image_channels, self.targets = int(about["channels"]), int(about["targets"])
        self.has_spread = bool(about["spread"])
        self.blind_teacher = bool(about["blind"])
        self.fingerprint = Fingerprint(**json.loads(about["fingerprint"]))
        self.scale = ValueScale(**json.loads(about["scale"]))
        self.about: dict[str, Any] = json.loads(about["about"])
        noisy = [self._file["noisy"][key] for key in sorted(self._file["noisy"])]
        if len(noisy) != int(about["count"]) or len(self._file["answers"]) != len(noisy):
            raise DataError(
                str(self.path), f"holds {len(noisy)} of {about['count']} images", "delete it and make it again"
            )
        self._names = [str(dataset.attrs["name"]) for dataset in noisy]
        self._sizes = [(int(dataset.shape[1]), int(dataset.shape[2])) for dataset in noisy]

    @property
    def _file(self) -> Any:
        if self._opened is None:
            import h5py

            self._opened = h5py.File(self.path, "r")
        return self._opened

    def __len__(self) -> int:
        return len(self._names)

    @property
    def channels(self) -> int:
        """Channels of the stack: noisy, targets, and the spread if there is one."""
        return self.image_channels * (1 + self.targets + self.has_spread)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the stack."""
        return np.dtype(np.float32)

    def name(self, index: int) -> str:
        """Name an image, see `PlaneSource.name`."""
        self.check(index)
        return self._names[index]

    def size(self, index: int) -> tuple[int, int]:
        """Return the size of an image, see `PlaneSource.size`."""
        self.check(index)
        return self._sizes[index]

    def native(self, index: int, top: int, left: int, height: int, width: int) -> np.ndarray:
        """Read a region of the stack, see `PlaneSource.native`."""
        window = (slice(None), slice(top, top + height), slice(left, left + width))
        with reading(self.path, "delete it and make it again"):
            noisy = to_unit(self._file[f"noisy/{index:06d}"][window])
            return np.concatenate([noisy, self._file[f"answers/{index:06d}"][window]])

    def answer(self, index: int) -> np.ndarray:
        """Mean of the targets of an image, shape (C, H, W), float32, image values."""
        return self.split(CropBatch(self.image(index)[None], [self.name(index)], np.zeros((1, 4)))).targets[0].mean(0)

    def split(self, batch: CropBatch) -> PairBatch:
        """Pairs of stacked crops."""
        return split_stack(batch, self.image_channels, self.targets)

    def pairs(self, crops: RandomCrops) -> StackedPairs:
        """Pairs of random crops of this cache."""
        return StackedPairs(crops, self.image_channels, self.targets)

    def close(self) -> None:
        """Close the file; it is opened again when it is needed."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def __getstate__(self) -> dict[str, Any]:
        # An opened HDF5 file does not travel to other processes; those open it anew.
        return {**self.__dict__, "_opened": None}
