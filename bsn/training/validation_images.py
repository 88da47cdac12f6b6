"""Validation images with a known truth, read from files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bsn.data import DataError, ImageSource, Pair, ReadOptions, find_pairs, read_planes, read_target
from bsn.evaluation import ImagePair, Validation, get_protocol

__all__ = ["CleanValidation", "image_pairs"]


@dataclass(frozen=True)
class CleanValidation:
    """Optional pairs with a known truth, to watch PSNR while training (they are never trained on).

    Parameters
    ----------
    noisy : str, optional
        Folder of noisy images.
    clean : str, optional
        Folder of the true images, with the same file names; it is given together with `noisy`.
    protocol : str
        How results and true images are compared, see ``bsn evaluate --help``.

    Raises
    ------
    ValueError
        If one folder is missing, or there is no such protocol.
    """

    noisy: str | None = None
    clean: str | None = None
    protocol: str = "rgb8"

    def __post_init__(self) -> None:
        if (self.noisy is None) != (self.clean is None):
            raise ValueError("validation with clean images needs both a noisy and a clean folder")
        get_protocol(self.protocol)

    def open(self, options: ReadOptions | None = None) -> Validation:
        """Read the images; of stacks the first plane.

        Parameters
        ----------
        options : ReadOptions, optional
            How all of them are read.

        Returns
        -------
        Validation
            Without images where no folder was named.

        Raises
        ------
        DataError
            If a partner is missing or the sizes differ.
        """
        if self.noisy is None or self.clean is None:
            return Validation()
        return Validation(
            [_read(pair, options) for pair in find_pairs(self.noisy, self.clean)], get_protocol(self.protocol)
        )


def _read(pair: Pair, options: ReadOptions | None) -> ImagePair:
    noisy, clean = (read_planes(path, options)[0] for path in (pair.degraded, pair.truth))
    if noisy.shape != clean.shape:
        raise DataError(str(pair.clean), f"is {clean.shape}, its noisy partner {noisy.shape}", "give equal sizes")
    return ImagePair(pair.name, noisy, clean)


def image_pairs(source: ImageSource, indices: Sequence[int], crop: int = 0) -> list[ImagePair]:
    """Images of a source and, where it knows them, their targets.

    Parameters
    ----------
    source : ImageSource
        Noisy images.
    indices : sequence of int
        Numbers of the images, from 0.
    crop : int
        Side of the middle part that is taken; 0 takes all.
    """
    pairs = []
    for index in indices:
        rows, columns = source.size(index)
        height, width = (min(crop, side) if crop else side for side in (rows, columns))
        box = ((rows - height) // 2, (columns - width) // 2, height, width)
        pairs.append(ImagePair(source.name(index), source.crop(index, *box), read_target(source, index, *box)))
    return pairs
