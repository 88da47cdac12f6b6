"""Images in and out, sources of training images, crops and noise.

Nothing here knows of networks. One image's way: a file is read by `read_image` (or region by region through
`open_image`), `to_planes` makes float32 planes of shape (N, C, H, W) in [0, 1] of it, and ``layout.restore`` and
`write_image` (or `open_writer`) bring the result back with the axes, the dtype and the size of the original. Training
draws from an `ImageSource`, made by `open_source` from files, folders, arrays or one packed file (`pack`), through
`RandomCrops`.

==================  =====================================================================================
module              idea
==================  =====================================================================================
``errors``          `DataError`: one line of what was given, why it cannot work, what would
``atomic``          `atomic_output`: a file appears whole or not at all
``axes``            axes strings, and how an array divides into planes
``planes``          any supported dtype to float32 planes and back
``images``          `Image`, `read_image`, `write_image`; ``formats`` has one module per format
``listing``         files, folders and patterns to a list of image files
``regions``         `open_image`: regions of images larger than memory
``writers``         `open_writer`: the same for writing
``sources``         what training draws from: arrays, folders, packed files, subsets
``packing``         a folder to one HDF5 file for fast random crops
``crops``           random crops as a function of seed, step and sample number
``grouped_crops``   crops of several degraded images of one background
``prefetching``     batches prepared by a thread
``geometry``        the eight flips and quarter turns
``samples``         which parts of many or large images are looked at to know them
``pairs``           degraded and clean images that belong together; ``pair_layouts``: as published; leaks between splits
``pair_source``     pairs as a source of crops; packing of pairs
``rain``            synthetic rain
``noise``           Gaussian, Poisson, Poisson-Gaussian and correlated noise
``layouts``         SIDD and DND as published
==================  =====================================================================================

All bad input raises `DataError`. The names below are imported when they are first used.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bsn.data.atomic import atomic_output
    from bsn.data.axes import PlaneIndex, check_axes, guess_axes
    from bsn.data.crops import CropBatch, RandomCrops, grid_crops
    from bsn.data.errors import DataError
    from bsn.data.formats import SUFFIXES
    from bsn.data.geometry import inverse, transform
    from bsn.data.grouped_crops import GroupedCrops, background_members
    from bsn.data.images import Image, read_image, write_image
    from bsn.data.listing import is_image_path, list_images
    from bsn.data.noise import NOISES, CorrelatedGaussian, Gaussian, Poisson, PoissonGaussian
    from bsn.data.packing import PackSummary, file_sha256, pack
    from bsn.data.pair_layouts import LAYOUTS, PairLayout, PairRule
    from bsn.data.pair_source import MirroredSource, PackedPairs, PairSource, pack_pairs, split_pairs
    from bsn.data.pairs import Pair, check_no_leak, find_pairs, read_pair
    from bsn.data.planes import PlaneLayout, from_unit, to_planes, to_unit
    from bsn.data.prefetching import Prefetcher, prefetch
    from bsn.data.rain import SyntheticRain
    from bsn.data.regions import ImageReader, open_image
    from bsn.data.sources import ArraySource, FolderSource, HDF5Source, ImageSource, SubsetSource, open_source, subset
    from bsn.data.writers import ImageWriter, open_writer

_HOME = {
    "atomic": ("atomic_output",),
    "axes": ("PlaneIndex", "check_axes", "guess_axes"),
    "crops": ("CropBatch", "RandomCrops", "grid_crops"),
    "errors": ("DataError",),
    "formats": ("SUFFIXES",),
    "grouped_crops": ("GroupedCrops", "background_members"),
    "geometry": ("inverse", "transform"),
    "images": ("Image", "read_image", "write_image"),
    "listing": ("is_image_path", "list_images"),
    "noise": ("NOISES", "CorrelatedGaussian", "Gaussian", "Poisson", "PoissonGaussian"),
    "packing": ("PackSummary", "file_sha256", "pack"),
    "pair_layouts": ("LAYOUTS", "PairLayout", "PairRule"),
    "pair_source": ("MirroredSource", "PackedPairs", "PairSource", "pack_pairs", "split_pairs"),
    "pairs": ("Pair", "check_no_leak", "find_pairs", "read_pair"),
    "planes": ("PlaneLayout", "from_unit", "to_planes", "to_unit"),
    "prefetching": ("Prefetcher", "prefetch"),
    "rain": ("SyntheticRain",),
    "regions": ("ImageReader", "open_image"),
    "sources": ("ArraySource", "FolderSource", "HDF5Source", "ImageSource", "SubsetSource", "open_source", "subset"),
    "writers": ("ImageWriter", "open_writer"),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}

__all__ = [
    "LAYOUTS",
    "NOISES",
    "SUFFIXES",
    "ArraySource",
    "CorrelatedGaussian",
    "CropBatch",
    "DataError",
    "FolderSource",
    "Gaussian",
    "GroupedCrops",
    "HDF5Source",
    "Image",
    "ImageReader",
    "ImageSource",
    "ImageWriter",
    "MirroredSource",
    "PackSummary",
    "PackedPairs",
    "Pair",
    "PairLayout",
    "PairRule",
    "PairSource",
    "PlaneIndex",
    "PlaneLayout",
    "Poisson",
    "PoissonGaussian",
    "Prefetcher",
    "RandomCrops",
    "SubsetSource",
    "SyntheticRain",
    "atomic_output",
    "background_members",
    "check_axes",
    "check_no_leak",
    "file_sha256",
    "find_pairs",
    "from_unit",
    "grid_crops",
    "guess_axes",
    "inverse",
    "is_image_path",
    "list_images",
    "open_image",
    "open_source",
    "open_writer",
    "pack",
    "pack_pairs",
    "prefetch",
    "read_image",
    "read_pair",
    "split_pairs",
    "subset",
    "to_planes",
    "to_unit",
    "transform",
    "write_image",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
