"""Pairs as a source of crops: the images are the degraded ones, their targets the clean ones.

Everything that works on sources works on pairs with it: crops, held-back crops, packing.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from typing_extensions import override

from bsn.data.arrays.pixel_types import to_unit
from bsn.data.errors import DataError, refuse_several, writing
from bsn.data.files.formats.hdf5_output import HDF5Output
from bsn.data.files.formats.packed import FORMAT, FORMAT_VERSION, GROUP, reading_attributes
from bsn.data.files.options import ReadOptions
from bsn.data.pairs.finding import Pair, read_pair
from bsn.data.sources.packed_source import HDF5Source
from bsn.data.sources.plane_source import PairedSource, PlaneSource

__all__ = ["PackedPairs", "PairSource", "pack_pairs"]

Images = tuple[np.ndarray, np.ndarray]


class PairSource(PlaneSource, PairedSource):
    """Pairs of files.

    All pairs are read once when the source is made, so that bad ones are found before training starts. What fits into
    `cache_bytes` stays in memory in the type of the files; other pairs are read when they are needed.

    Parameters
    ----------
    pairs : sequence of Pair
        See `bsn.data.pairs.finding.find_pairs`.
    options : ReadOptions, optional
        How all files are read.
    cache_bytes : int
        Upper limit of the pixels kept in memory.

    Raises
    ------
    DataError
        Pairs that cannot be read, differ in size or type, or have NaN pixels: all of them in one message, ``details`` with
        a line each; pairs of different channel counts or types.
    """

    def __init__(
        self, pairs: Sequence[Pair], options: ReadOptions | None = None, *, cache_bytes: int = 2 * 2**30
    ) -> None:
        self.options = options or ReadOptions()
        if not pairs:
            raise DataError("an empty list of pairs", "there is nothing to draw from", "give at least one pair")
        self.pairs = list(pairs)
        self._sizes: list[tuple[int, int]] = []
        self._kept: dict[int, Images] = {}
        self._last: tuple[int, Images] | None = None
        kinds: dict[tuple[int, str], str] = {}
        failures: list[tuple[Pair, DataError]] = []
        room = cache_bytes
        for index, pair in enumerate(self.pairs):
            try:
                images = read_pair(pair, self.options)
            except DataError as error:
                failures.append((pair, error))
                continue
            degraded = images[0]
            self._sizes.append((degraded.shape[1], degraded.shape[2]))
            kinds.setdefault((degraded.shape[0], degraded.dtype.name), pair.name)
            if 2 * degraded.nbytes <= room:
                self._kept[index] = images
                room -= 2 * degraded.nbytes
        refuse_several([(pair.name, error) for pair, error in failures], len(self.pairs), "pairs", 20)
        if len(kinds) > 1:
            given = " and ".join(f"{name} ({channels} channels, {dtype})" for (channels, dtype), name in kinds.items())
            raise DataError(
                given, "a model has one number of channels and one range", "convert one kind or leave it out"
            )
        ((channels, dtype),) = kinds
        self._channels, self._dtype = channels, np.dtype(dtype)

    def __len__(self) -> int:
        return len(self.pairs)

    @property
    @override
    def channels(self) -> int:
        return self._channels

    @property
    @override
    def dtype(self) -> np.dtype[Any]:
        return self._dtype

    @property
    def groups(self) -> list[str]:
        """Background of each pair, in the order of the pairs."""
        return [pair.group for pair in self.pairs]

    @override
    def name(self, index: int) -> str:
        self.check(index)
        return self.pairs[index].name

    @override
    def size(self, index: int) -> tuple[int, int]:
        self.check(index)
        return self._sizes[index]

    @override
    def native(self, index: int, top: int, left: int, height: int, width: int) -> np.ndarray:
        return self.native_images(index)[0][:, top : top + height, left : left + width]

    @override
    def target(self, index: int, top: int, left: int, height: int, width: int) -> np.ndarray:
        self.check(index)
        clean = self.native_images(index)[1][:, top : top + height, left : left + width]
        return to_unit(clean, self.options.value_range)

    def native_images(self, index: int) -> Images:
        """Degraded and clean image in the type of the files.

        Parameters
        ----------
        index : int
            Number of the pair, from 0.

        Returns
        -------
        Images
            Two arrays of shape (C, H, W).
        """
        images = self._kept.get(index)
        if images is not None:
            return images
        # Image and target of a crop are asked for one after the other; one reading serves both.
        last = self._last
        if last is None or last[0] != index:
            last = (index, read_pair(self.pairs[index], self.options))
            self._last = last
        return last[1]


class PackedPairs(HDF5Source, PairedSource):
    """Pairs in a file of `pack_pairs`.

    Parameters
    ----------
    path : str or Path
        A file written by `pack_pairs`.
    options : ReadOptions, optional
        See `HDF5Source`.

    Raises
    ------
    DataError
        The file cannot be read, or holds images that are not pairs.
    """

    def _load(self) -> None:
        super()._load()
        # In the file both images of a pair are one dataset of 2 C channels, degraded first.
        self._channels //= 2
        if not self._file.attrs.get("pairs"):
            raise DataError(str(self.path), "holds single images, no pairs", "pack pairs with bsn restore pack")
        self.groups = [str(self._file[GROUP][key].attrs["group"]) for key in sorted(self._file[GROUP])]

    @override
    def native(self, index: int, top: int, left: int, height: int, width: int) -> np.ndarray:
        return self._region(GROUP, index, top, left, height, width, slice(None, self._channels))

    @override
    def target(self, index: int, top: int, left: int, height: int, width: int) -> np.ndarray:
        self.check(index)
        clean = self._region(GROUP, index, top, left, height, width, slice(self._channels, None))
        return to_unit(clean, self.options.value_range)


def pack_pairs(
    source: PairSource,
    output: str | Path,
    *,
    chunk: int = 128,
    overwrite: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Path:
    """Pack pairs into one HDF5 file for fast random crops.

    The layout is that of `bsn.data.sources.packing` with 2 C channels, degraded first; the file has the attribute
    ``pairs``, each dataset ``group``, ``file``, ``clean_file`` and ``clean_sha256`` (of the clean pixels).

    Parameters
    ----------
    source : PairSource
        Pairs to pack.
    output : str or Path
        Ends in ``.h5`` or ``.hdf5``.
    chunk : int
        Side of the chunks in pixels.
    overwrite : bool
        Replace an existing file.
    progress : callable
        Called as ``progress(done, total)`` after each pair.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    DataError
        The file exists or cannot be written.
    """
    from bsn.data.files.atomic import atomic_output

    output = Path(output)
    if output.suffix.lower() not in (".h5", ".hdf5") or chunk < 1:
        raise DataError(
            f"{output}, chunk {chunk}", "a packed file is HDF5 with chunks of a pixel or more", "name it .h5"
        )
    with atomic_output(output, overwrite=overwrite) as temporary:
        with writing(output):
            packed = HDF5Output(temporary)
        try:
            missing = False
            for index in range(len(source)):
                missing |= _pack_pair(packed, source, index, chunk, output)
                progress(index + 1, len(source))
            about = {"format": FORMAT, "format_version": FORMAT_VERSION, "count": len(source), "pairs": True}
            about |= {"channels": 2 * source.channels, "dtype": source.dtype.name}
            about |= reading_attributes(source.options, missing=missing)
            with writing(output):
                packed.file.attrs.update(about)
        finally:
            with writing(output):
                packed.close()
    return output


def _pack_pair(packed: HDF5Output, source: PairSource, index: int, chunk: int, output: Path) -> bool:
    """Write both images of a pair; tells whether pixels are missing."""
    import hashlib

    pair, images = source.pairs[index], source.native_images(index)
    pixels = np.concatenate(images)
    chunks = (pixels.shape[0], min(chunk, pixels.shape[1]), min(chunk, pixels.shape[2]))
    digest = hashlib.sha256(np.ascontiguousarray(images[1]).tobytes()).hexdigest()
    with writing(output):
        dataset = packed.file.create_dataset(f"{GROUP}/{index:06d}", data=pixels, chunks=chunks, compression="lzf")
        about = {"name": pair.name, "group": pair.group, "file": pair.degraded.name, "clean_file": pair.truth.name}
        dataset.attrs.update({**about, "clean_sha256": digest})
        packed.check()
    return not bool(np.isfinite(pixels).all())
