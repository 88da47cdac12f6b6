"""The validation and benchmark blocks of SIDD, sRGB, as published, and the file to be submitted.

    ValidationNoisyBlocksSrgb.mat, ValidationGtBlocksSrgb.mat, BenchmarkNoisyBlocksSrgb.mat

Each holds one variable of the same name: 40 pictures x 32 blocks x 256 x 256 x 3, uint8. The published files are of
MATLAB version 5; version 7.3 is read too.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np

from bsn.data.errors import DataError, reading, writing
from bsn.data.files.atomic import atomic_output
from bsn.data.files.formats import mat

BLOCKS_SHAPE = (40, 32, 256, 256, 3)
VALIDATION_NOISY = "ValidationNoisyBlocksSrgb"
VALIDATION_CLEAN = "ValidationGtBlocksSrgb"
BENCHMARK_NOISY = "BenchmarkNoisyBlocksSrgb"
SUBMISSION = "DenoisedBlocksSrgb"

Shape = tuple[int, int, int, int, int]


class SiddBlocks:
    """The blocks of one file; iterating gives (picture, block, pixels), pictures first.

    A version 5 file is read into memory as a whole (252 MB as published), a version 7.3 file block by block.

    Parameters
    ----------
    path : str or Path
        The file; its name without suffix is the name of the variable.
    shape : tuple of int
        Pictures, blocks, rows, columns, channels.

    Raises
    ------
    DataError
        The file is missing or damaged, or its variable is missing or has another shape or type.
    """

    def __init__(self, path: str | Path, shape: Shape = BLOCKS_SHAPE) -> None:
        self.path = Path(path)
        self.shape = shape
        with reading(self.path):
            self._stored = mat.open_boxes(self.path, self.path.stem)
        if self._stored.shape != shape or self._stored.dtype != np.uint8:
            found = f"holds {self._stored.dtype} of shape {self._stored.shape}"
            self._stored.boxes.close()
            raise DataError(str(self.path), found, f"the published file holds uint8 of shape {shape}")

    def __len__(self) -> int:
        return self.shape[0] * self.shape[1]

    def block(self, picture: int, block: int) -> np.ndarray:
        """Read one block.

        Parameters
        ----------
        picture, block : int
            Counted from 0.

        Returns
        -------
        ndarray, shape (256, 256, 3), uint8
            RGB.

        Raises
        ------
        DataError
            There is no such block.
        """
        if not (0 <= picture < self.shape[0] and 0 <= block < self.shape[1]):
            limits = f"pictures to {self.shape[0] - 1} and blocks to {self.shape[1] - 1}"
            raise DataError(f"block {block} of picture {picture}", f"{self.path.name} has {limits}", "count from 0")
        with reading(self.path):
            return self._stored.boxes.read((picture, block, 0, 0, 0), (1, 1, *self.shape[2:]))[0, 0]

    def __iter__(self) -> Iterator[tuple[int, int, np.ndarray]]:
        for picture, block in np.ndindex(*self.shape[:2]):
            yield picture, block, self.block(picture, block)

    def close(self) -> None:
        """Close the file."""
        self._stored.boxes.close()


def open_sidd_validation(folder: str | Path, *, shape: Shape = BLOCKS_SHAPE) -> tuple[SiddBlocks, SiddBlocks]:
    """Open the validation blocks.

    Parameters
    ----------
    folder : str or Path
        Holds both files.
    shape : tuple of int
        Only for stand-ins of other sizes.

    Returns
    -------
    noisy, clean : SiddBlocks
        Noisy and clean blocks in the same order.

    Raises
    ------
    DataError
        A file is missing or not as published.
    """
    noisy, clean = (_find(Path(folder), name) for name in (VALIDATION_NOISY, VALIDATION_CLEAN))
    return SiddBlocks(noisy, shape), SiddBlocks(clean, shape)


def open_sidd_benchmark(folder: str | Path, *, shape: Shape = BLOCKS_SHAPE) -> SiddBlocks:
    """Open the benchmark blocks, whose truth is not published.

    Parameters
    ----------
    folder : str or Path
        Holds the file.
    shape : tuple of int
        Only for stand-ins of other sizes.

    Returns
    -------
    SiddBlocks
        The noisy blocks.

    Raises
    ------
    DataError
        The file is missing or not as published.
    """
    return SiddBlocks(_find(Path(folder), BENCHMARK_NOISY), shape)


def write_sidd_submission(
    path: str | Path,
    blocks: Iterable[np.ndarray],
    *,
    seconds_per_megapixel: float | None = None,
    about: Mapping[str, str] | None = None,
    shape: Shape = BLOCKS_SHAPE,
    overwrite: bool = False,
) -> None:
    """Write the file to be submitted to the SIDD benchmark.

    It holds ``DenoisedBlocksSrgb`` and, where given, ``TimeMPSrgb`` and ``OptionalData``, in MATLAB version 5.

    Parameters
    ----------
    path : str or Path
        Ends in ``.mat``; the benchmark's own code calls it ``SubmitSrgb.mat``.
    blocks : iterable of ndarray, shape (256, 256, 3), uint8
        The denoised blocks in the order of `SiddBlocks`.
    seconds_per_megapixel : float, optional
        Run time.
    about : mapping of str to str, optional
        Method, authors and the like.
    shape : tuple of int
        Only for stand-ins of other sizes.
    overwrite : bool
        Replace an existing file.

    Raises
    ------
    DataError
        Too few or too many blocks, one of another shape or type, or the file cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() != ".mat":
        raise DataError(str(path), "a submission is a MATLAB file", "end its name in .mat")
    total = math.prod(shape[:2])
    denoised = np.empty((total, *shape[2:]), np.uint8)
    count = 0
    for count, block in enumerate(blocks, start=1):
        if count > total or block.shape != shape[2:] or block.dtype != np.uint8:
            given = f"block {count} of shape {block.shape}, {block.dtype}"
            raise DataError(given, f"a submission has {total} blocks", f"give uint8 of shape {shape[2:]}")
        denoised[count - 1] = block
    if count < total:
        raise DataError(f"{count} blocks", f"a submission has {total}", "denoise them all")
    variables: dict[str, object] = {SUBMISSION: denoised.reshape(shape)}
    if seconds_per_megapixel is not None:
        variables["TimeMPSrgb"] = float(seconds_per_megapixel)
    if about:
        variables["OptionalData"] = dict(about)
    from scipy.io import savemat

    with atomic_output(path, overwrite=overwrite) as temporary, writing(path), temporary.open("wb") as file:
        savemat(file, variables)


def _find(folder: Path, name: str) -> Path:
    path = folder / f"{name}.mat"
    if not path.is_file():
        raise DataError(str(path), "there is no such file", f"download {name}.mat of SIDD into {folder}")
    return path
