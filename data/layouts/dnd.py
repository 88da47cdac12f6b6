"""The Darmstadt Noise Dataset, sRGB, as published, and the files to be submitted.

    info.mat                          struct info: boundingboxes (50 arrays of 20 x 4), camera, ...
    images_srgb/0001.mat ... 0050.mat variable InoisySRGB, H x W x 3, single, range [0, 1]

All are of MATLAB version 7.3. A bounding box is (first row, first column, last row, last column), counted from 1, last
included. Submitted are the 20 boxes of each of the 50 pictures, 512 x 512 each, bundled by picture.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from bsn.data.arrays.planes import check_finite
from bsn.data.errors import DataError, name_some, reading, writing
from bsn.data.files.atomic import atomic_output
from bsn.data.files.formats import mat

PICTURES = 50
BOXES = 20
_VARIABLE = "InoisySRGB"
_EVALUATION_VERSION = "1.0"


class DndPictures:
    """The noisy pictures of DND; iterating gives (picture, box, crop), counted from 0.

    Parameters
    ----------
    root : str or Path
        Holds ``info.mat`` and ``images_srgb``.
    pictures, boxes : int
        Only for stand-ins of other counts.

    Raises
    ------
    DataError
        Missing files (the line counts them and names three, ``details`` all), or an ``info.mat`` of another form.
    """

    def __init__(self, root: str | Path, *, pictures: int = PICTURES, boxes: int = BOXES) -> None:
        self.root = Path(root)
        self.paths = [self.root / "images_srgb" / f"{i + 1:04d}.mat" for i in range(pictures)]
        missing = [str(p.relative_to(self.root)) for p in [self.root / "info.mat", *self.paths] if not p.is_file()]
        if missing:
            why = f"{len(missing)} of {pictures + 1} files are missing: {name_some(missing)}"
            raise DataError(str(self.root), why, "download DND again", details=missing)
        self.boxes, self.cameras = _read_info(self.root / "info.mat", pictures, boxes)

    def __len__(self) -> int:
        return len(self.paths)

    def picture(self, picture: int) -> np.ndarray:
        """Read a whole picture.

        Parameters
        ----------
        picture : int
            Counted from 0.

        Returns
        -------
        ndarray, shape (H, W, 3), float32
            Range [0, 1].

        Raises
        ------
        DataError
            There is no such picture, or its file is damaged.
        """
        return self._read(picture, None)

    def crop(self, picture: int, box: int) -> np.ndarray:
        """Read one of the boxes to be denoised.

        Parameters
        ----------
        picture, box : int
            Counted from 0.

        Returns
        -------
        ndarray, shape (512, 512, 3), float32
            Range [0, 1].

        Raises
        ------
        DataError
            There is no such picture or box, or the file is damaged.
        """
        return self._read(picture, box)

    def __iter__(self) -> Iterator[tuple[int, int, np.ndarray]]:
        for picture, boxes in enumerate(self.boxes):
            for box in range(len(boxes)):
                yield picture, box, self.crop(picture, box)

    def _read(self, picture: int, box: int | None) -> np.ndarray:
        if not 0 <= picture < len(self) or not 0 <= (box or 0) < len(self.boxes[picture]):
            limits = f"there are {len(self)} pictures of {len(self.boxes[0])} boxes"
            raise DataError(f"picture {picture}, box {box}", limits, "count from 0")
        path = self.paths[picture]
        with reading(path):
            stored = mat.open_boxes(path, _VARIABLE)
            try:
                rows, columns, channels = stored.shape
                top, left, bottom, right = (0, 0, rows, columns) if box is None else self.boxes[picture][box].tolist()
                if bottom > rows or right > columns:
                    why = f"the picture is {rows} x {columns}, its box {box} ends at row {bottom}, column {right}"
                    raise DataError(str(path), why, "use info.mat and pictures of one download")
                pixels = stored.boxes.read((top, left, 0), (bottom - top, right - left, channels))
            finally:
                stored.boxes.close()
        return np.ascontiguousarray(pixels, dtype=np.float32)


def write_dnd_crop(folder: str | Path, picture: int, box: int, pixels: np.ndarray, *, overwrite: bool = False) -> Path:
    """Write one denoised box.

    Parameters
    ----------
    folder : str or Path
        Exists.
    picture, box : int
        Counted from 0; the file ``0001_01.mat`` is picture 0, box 0.
    pixels : ndarray, shape (h, w, 3), float
        The denoised box; clipped to [0, 1].
    overwrite : bool
        Replace an existing file.

    Returns
    -------
    Path
        The file; its variable is ``Idenoised_crop``.

    Raises
    ------
    DataError
        Pixels of another form, or the file cannot be written.
    """
    path = Path(folder) / _crop_name(picture, box)
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype.kind != "f":
        raise DataError(f"{pixels.dtype} of shape {pixels.shape}", "a box is RGB in [0, 1]", "give floats (h, w, 3)")
    check_finite(pixels, f"denoised box {box} of picture {picture}")
    _save(path, {"Idenoised_crop": np.clip(pixels, 0, 1).astype(np.float32)}, overwrite=overwrite)
    return path


def bundle_dnd_submission(
    folder: str | Path, output: str | Path, *, pictures: int = PICTURES, boxes: int = BOXES, overwrite: bool = False
) -> list[Path]:
    """Bundle the denoised boxes by picture, the form in which they are submitted.

    Each file has ``Idenoised`` (a cell of the boxes), ``israw`` (false) and ``eval_version``.

    Parameters
    ----------
    folder : str or Path
        Holds what `write_dnd_crop` wrote.
    output : str or Path
        An existing folder for ``0001.mat`` ... ``0050.mat``.
    pictures, boxes : int
        Only for stand-ins of other counts.
    overwrite : bool
        Replace existing files.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    DataError
        Missing boxes (the line counts them and names three, ``details`` all), or a file cannot be written.
    """
    folder, output = Path(folder), Path(output)
    names = [[_crop_name(p, b) for b in range(boxes)] for p in range(pictures)]
    missing = [name for row in names for name in row if not (folder / name).is_file()]
    if missing:
        why = f"{len(missing)} of {pictures * boxes} boxes are missing: {name_some(missing)}"
        raise DataError(str(folder), why, "denoise them first", details=missing)
    written = []
    for picture, row in enumerate(names):
        cell = np.empty((1, boxes), dtype=object)
        for box, name in enumerate(row):
            with reading(folder / name):
                cell[0, box] = mat.read_variables(folder / name)["Idenoised_crop"]
        path = output / f"{picture + 1:04d}.mat"
        _save(path, {"Idenoised": cell, "israw": False, "eval_version": _EVALUATION_VERSION}, overwrite=overwrite)
        written.append(path)
    return written


def _crop_name(picture: int, box: int) -> str:
    return f"{picture + 1:04d}_{box + 1:02d}.mat"


def _save(path: Path, variables: dict[str, Any], *, overwrite: bool) -> None:
    from scipy.io import savemat

    with atomic_output(path, overwrite=overwrite) as temporary, writing(path), temporary.open("wb") as file:
        savemat(file, variables)


def _read_info(path: Path, pictures: int, boxes: int) -> tuple[list[np.ndarray], list[str]]:
    """Read the boxes of each picture, from 0 and last excluded, and the cameras as far as they are named."""
    with reading(path):
        if not mat.is_hdf5_mat(path):
            raise DataError(str(path), "is not of MATLAB version 7.3", "use the info.mat of DND as it was published")
        import h5py

        with h5py.File(path, "r") as file:
            info = file["info"]
            # MATLAB stores a cell as references to its contents, and arrays with their axes in the opposite order.
            found = [np.asarray(file[r][()]).T for r in np.asarray(info["boundingboxes"][()]).reshape(-1)]
            names: Any = np.asarray(info["camera"][()]).reshape(-1) if "camera" in info else []
            cameras = ["".join(chr(int(c)) for c in np.asarray(file[r][()]).reshape(-1)) for r in names]
    shapes = {box.shape for box in found}
    if len(found) != pictures or shapes != {(boxes, 4)}:
        why = f"has the boxes of {len(found)} pictures in arrays of shape {', '.join(map(str, sorted(shapes)))}"
        raise DataError(str(path), why, f"expected {pictures} arrays of {boxes} x 4")
    return [np.asarray(box, dtype=np.int64) - np.array([1, 1, 0, 0]) for box in found], cameras
