"""The teacher's answers, computed once per image and kept in one HDF5 file.

Layout, version 1. Attributes: ``format`` = "blindspot-teacher-cache", ``format_version``, ``count``, ``channels``,
``targets``, ``spread`` (0 or 1), ``fingerprint``, ``scale``, ``blind`` and ``about`` (JSON), ``value_range`` and ``missing``
as in a packed file. Datasets
``noisy/000000`` ... of shape (C, H, W) in the dtype of the images, and ``answers/000000`` ... of shape
(layers * C, H, W), float32, both in chunks of 128 x 128; attribute ``name`` on the first.

While it is made, every finished image lies in a file of its own in ``<cache>.parts``: an interrupted run goes on there,
and several processes can work at it without sharing a file.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from typing_extensions import override

from bsn.data import MISSING, DataError, HDF5Planes, PairedSource, ReadOptions, options_of_packed
from bsn.models import ValueScale
from distill.fingerprint import Fingerprint

__all__ = ["FORMAT", "FORMAT_VERSION", "TeacherCache"]

FORMAT = "blindspot-teacher-cache"
FORMAT_VERSION = 1


class TeacherCache(HDF5Planes, PairedSource):
    """Noisy images as a source of crops; the teacher's answers are their targets.

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
        self.options = options_of_packed(self._file, ReadOptions(nan="keep" if about.get(MISSING) else "refuse"))
        self._channels, self.targets = int(about["channels"]), int(about["targets"])
        self._dtype = np.dtype(self._file["noisy/000000"].dtype)
        self.has_spread = bool(about["spread"])
        self.blind_teacher = bool(about["blind"])
        self.fingerprint = Fingerprint(**json.loads(about["fingerprint"]))
        self.scale = ValueScale(**json.loads(about["scale"]))
        self.about: dict[str, Any] = json.loads(about["about"])
        if len(self._file["answers"]) != len(self):
            raise DataError(str(self.path), f"has {len(self._file['answers'])} of {len(self)} answers", self.REMEDY)

    @property
    @override
    def channels(self) -> int:
        return self._channels

    @property
    @override
    def dtype(self) -> np.dtype[Any]:
        return self._dtype

    @override
    def native(self, index: int, top: int, left: int, height: int, width: int) -> np.ndarray:
        return self._region("noisy", index, top, left, height, width)

    @override
    def target(self, index: int, top: int, left: int, height: int, width: int) -> np.ndarray:
        self.check(index)
        return self._region("answers", index, top, left, height, width).reshape(-1, self._channels, height, width)

    def answer(self, index: int) -> np.ndarray:
        """Mean of the targets of an image, shape (C, H, W), float32, image values.

        Parameters
        ----------
        index : int
            Number of the image, from 0.

        Returns
        -------
        ndarray, shape (C, H, W), float32
        """
        answer: np.ndarray = self.target(index, 0, 0, *self.size(index))[: self.targets].mean(0)
        return answer
