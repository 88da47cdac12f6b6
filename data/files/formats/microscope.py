"""Files of microscopes (Zeiss CZI, Nikon ND2, Leica LIF), read through the package bioio and its readers, which users install.

They are read only: results are TIFF or whatever their name says.
"""

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bsn.data.errors import DataError
from bsn.data.files.formats.container import Listed, choose_key
from bsn.data.files.formats.decoded import Decoded, Stored
from bsn.data.files.formats.losses import Keeping

#: Suffix to the package that reads it, beside bioio itself.
READERS = {".czi": "bioio_czi", ".nd2": "bioio_nd2", ".lif": "bioio_lif"}
SUFFIXES = tuple(READERS)
KEEPING = Keeping("a file of a microscope")


class SceneBoxes:
    """Boxes of a scene that bioio opened.

    Parameters
    ----------
    lazy : dask.array.Array
        Its pixels, read when they are asked for.
    """

    def __init__(self, lazy: Any) -> None:
        self._lazy = lazy

    def read(self, starts: Sequence[int], sizes: Sequence[int]) -> np.ndarray:
        """Read one box.

        Parameters
        ----------
        starts, sizes : sequence of int
            First index and length along each axis.

        Returns
        -------
        ndarray, shape `sizes`
            The pixels.
        """
        box = self._lazy[tuple(slice(s, s + n) for s, n in zip(starts, sizes, strict=True))]
        return np.asarray(box.compute(scheduler="synchronous"))

    def close(self) -> None:
        """Let go of the file."""
        self._lazy = None


def read(path: Path, key: str | None = None) -> Decoded:
    """Read one scene whole.

    Parameters
    ----------
    path : Path
        The file.
    key : str, optional
        Name of the scene, where there are several.

    Returns
    -------
    Decoded

    Raises
    ------
    DataError
        See `open_boxes`.
    """
    stored = open_boxes(path, key)
    return Decoded(stored.boxes.read((0,) * len(stored.shape), stored.shape), stored.axes, stored.metadata)


def open_boxes(path: Path, key: str | None = None) -> Stored:
    """Open one scene for reading by boxes.

    Parameters
    ----------
    path : Path
        The file.
    key : str, optional
        Name of the scene, where there are several.

    Returns
    -------
    Stored
        Axes of length 1 are left out, but rows and columns.

    Raises
    ------
    DataError
        bioio or its reader is not installed, or there is no such scene, or several and no key.
    """
    if not path.is_file():
        raise FileNotFoundError(path)
    image = _open(path)
    scene = choose_key(_Scenes(image), key, str(path))
    image.set_scene(scene)
    order = str(image.dims.order)
    kept = [at for at, letter in enumerate(order) if letter in "YX" or image.dask_data.shape[at] > 1]
    lazy = image.dask_data[tuple(slice(None) if at in kept else 0 for at in range(len(order)))]
    axes = "".join(order[at] for at in kept)
    return Stored(SceneBoxes(lazy), tuple(lazy.shape), np.dtype(lazy.dtype), axes, _metadata(image, axes))


def write(path: Path, image: Decoded, key: str | None, target: Path) -> None:
    """Refuse: such files are not written.

    Parameters
    ----------
    path, image, key
        Unused.
    target : Path
        What the user asked for.

    Raises
    ------
    DataError
        Always.
    """
    raise DataError(str(target), f"files of type {target.suffix} are not written", "end its name in .tif or .ome.zarr")


class _Scenes(dict[str, Listed]):
    """The scenes of a file by name."""

    def __init__(self, image: Any) -> None:
        super().__init__()
        for scene in image.scenes:
            image.set_scene(scene)
            self[str(scene)] = Listed(tuple(image.dask_data.shape), np.dtype(image.dask_data.dtype))


def _open(path: Path) -> Any:
    reader = READERS[path.suffix.lower()]
    try:
        bioio, module = importlib.import_module("bioio"), importlib.import_module(reader)
    except ImportError as error:
        packages = f"bioio and {reader.replace('_', '-')}"
        remedy = 'install them with pip install "blindspot-denoising[microscopes]"'
        raise DataError(str(path), f"it needs the packages {packages}", remedy) from error
    return bioio.BioImage(path, reader=module.Reader)


def _metadata(image: Any, axes: str) -> dict[str, Any]:
    """Sizes of pixels, as a TIFF of ImageJ and OME-Zarr can tell them."""
    sizes = image.physical_pixel_sizes
    found: dict[str, Any] = {}
    if sizes.Y and sizes.X:
        found |= {"resolution": (1 / float(sizes.X), 1 / float(sizes.Y)), "resolution_unit": "none"}
        found["imagej"] = {"unit": "um", **({"spacing": float(sizes.Z)} if sizes.Z and "Z" in axes else {})}
    return found
