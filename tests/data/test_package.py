"""The package as a whole: its names and its imports."""

import pickle
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

from bsn import data
from bsn.data.errors import DataError, name_some

ROOT = Path(data.__file__).parent
MODULES = sorted(m.name for m in pkgutil.walk_packages(data.__path__, "bsn.data."))
HEAVY = ("torch", "h5py", "tifffile", "scipy", "skimage", "PIL", "imagecodecs", "matplotlib")


def run(code):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT.parent, check=True
    ).stdout


# Published: a name goes from here only in the change that also tells users.
PUBLIC = [
    "DepthHaze",
    "JERLOV",
    "LowLight",
    "Underwater",
    "GroundDepth",
    "RainTexture",
    "SyntheticSnow",
    "WrappedSource",
    "log_uniform",
    "sample_generator",
    "suffix_of",
    "ContextCrops",
    "StackedSource",
    "neighbour_in",
    "neighbour_of",
    "neighbour_offsets",
    "stack_axis",
    "with_neighbours",
    "JoinedSource",
    "MISSING",
    "Missing",
    "PlaneSource",
    "jpeg_compressed",
    "jpeg_quality",
    "options_of_packed",
    "partner_options",
    "put_in_place",
    "read_planes",
    "reading_attributes",
    "source_digest",
    "LAYOUTS",
    "NOISES",
    "SUFFIXES",
    "Decoded",
    "Format",
    "Keeping",
    "Stored",
    "known_formats",
    "register_format",
    "ArraySource",
    "Camera",
    "CorrelatedGaussian",
    "CropBatch",
    "DataError",
    "FolderSource",
    "FoundImage",
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
    "PairedSource",
    "Prefetcher",
    "RandomCrops",
    "ReadOptions",
    "SensorNoise",
    "Shown",
    "SubsetSource",
    "SyntheticRain",
    "atomic_output",
    "background_members",
    "check_axes",
    "check_no_leak",
    "file_sha256",
    "encode_png",
    "fill_missing",
    "find_images",
    "find_pairs",
    "from_unit",
    "grid_crops",
    "guess_axes",
    "inverse",
    "is_image_path",
    "join_frames",
    "list_images",
    "open_image",
    "open_source",
    "open_writer",
    "pack",
    "pack_pairs",
    "plan_results",
    "prefetch",
    "random_camera",
    "read_image",
    "read_pair",
    "read_shown",
    "read_target",
    "result_name",
    "subset",
    "to_planes",
    "to_unit",
    "transform",
    "write_image",
    "HDF5Planes",
    "check_target",
    "is_packed",
    "name_some",
    "native_planes",
    "reading",
    "writing",
]


def test_every_public_name_is_there():
    assert sorted(data.__all__) == sorted(PUBLIC)
    assert set(PUBLIC) <= set(dir(data))


@pytest.mark.parametrize("order", ["data", "modules"])
def test_names_are_never_hidden_by_modules(order):
    """`from bsn.data import x` gives the object, whichever of its modules was imported before."""
    first = "; ".join(f"import {m}" for m in MODULES) if order == "modules" else "from bsn import data"
    names = "[n for n in data.__all__ if isinstance(getattr(data, n), types.ModuleType)]"
    assert run(f"{first}; from bsn import data; import types; print({names})").strip() == "[]"


def test_nothing_heavy_comes_with_any_module():
    modules = "; ".join(f"import {m}" for m in MODULES)
    assert run(f"import sys; {modules}; print([m for m in {HEAVY!r} if m in sys.modules])").strip() == "[]"


def test_errors_are_one_line_even_where_the_cause_is_not():
    error = DataError("a\nb", "c", "d")
    assert str(error) == "a b: c; d"
    assert isinstance(error, ValueError)


def test_names_in_messages():
    assert name_some([]) == "none"
    assert name_some(["a", "b", "c"]) == "a, b, c"
    assert name_some(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more"


def test_errors_travel_to_other_processes():
    error = DataError("a", "b", "c", details=["d", "e"])
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.details) == ("a: b; c", ("d", "e"))
