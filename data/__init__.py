"""Images in and out, sources of training images, crops and synthetic noise.

Nothing here knows of networks. This is the way of one image: `read_image` reads a file (or `open_image` reads it region by
region), `to_planes` makes float32 planes of shape (N, C, H, W) in [0, 1] of it, and ``layout.restore`` and `write_image`
(or `open_writer`) bring the result back with the axes, the dtype and the size of the original. Training draws from an
`ImageSource`, which `open_source` makes from files, folders, arrays or one packed file (`pack`), through `RandomCrops`.

===============  ========================================================================================================
room             what is in it
===============  ========================================================================================================
``errors``       `DataError`: one line that says what was given, why it cannot work, and what would
``files``        image files: formats, reading and writing (whole and by regions), listing, files that appear whole
``arrays``       axes strings, planes of any supported dtype, flips and quarter turns
``sources``      arrays, folders and packed files as sources; random crops; packing; batches prepared by a thread
``pairs``        degraded and clean images that belong together, their published layouts, leaks between splits
``synthetic``    Gaussian, Poisson, Poisson-Gaussian and correlated noise; cameras; JPEG; rain, snow, haze, water, low light
``layouts``      SIDD and DND as published
``showing``      an image and its result as people look at them
``photographs``  photographs that installed packages carry, for demonstrations
===============  ========================================================================================================

All bad input raises `DataError`. Importing this package imports numpy and nothing heavier.
"""

from types import ModuleType

from bsn.data.arrays.axes import PlaneIndex, check_axes, guess_axes
from bsn.data.arrays.geometry import inverse, transform
from bsn.data.arrays.missing import fill_missing
from bsn.data.arrays.pixel_types import from_unit, to_unit
from bsn.data.arrays.planes import Missing, PlaneLayout, native_planes, to_planes
from bsn.data.errors import DataError, name_some, reading, writing
from bsn.data.files.atomic import atomic_output, check_target, put_in_place
from bsn.data.files.formats import SUFFIXES, Format, known_formats, register_format, suffix_of
from bsn.data.files.formats.decoded import Decoded, Stored
from bsn.data.files.formats.losses import Keeping
from bsn.data.files.formats.packed import MISSING, is_packed, options_of_packed, reading_attributes
from bsn.data.files.images import Image, read_image, write_image
from bsn.data.files.joining import join_frames
from bsn.data.files.listing import FoundImage, find_images, is_image_path, list_images, plan_results, result_name
from bsn.data.files.options import ReadOptions
from bsn.data.files.partners import partner_options, read_planes
from bsn.data.files.regions import ImageReader, open_image
from bsn.data.files.writers import ImageWriter, open_writer
from bsn.data.pairs.finding import Pair, check_no_leak, find_pairs, read_pair
from bsn.data.pairs.pair_source import PackedPairs, PairSource, pack_pairs
from bsn.data.pairs.rules import LAYOUTS, PairLayout, PairRule
from bsn.data.showing import Shown, encode_png, read_shown
from bsn.data.sources.array_source import ArraySource
from bsn.data.sources.context_crops import ContextCrops, with_neighbours
from bsn.data.sources.crops import CropBatch, RandomCrops, grid_crops, sample_generator
from bsn.data.sources.digest import source_digest
from bsn.data.sources.folder_source import FolderSource
from bsn.data.sources.grouped_crops import GroupedCrops, background_members
from bsn.data.sources.hdf5_planes import HDF5Planes
from bsn.data.sources.joined_source import JoinedSource
from bsn.data.sources.mirrored_source import MirroredSource
from bsn.data.sources.neighbours import StackedSource, neighbour_in, neighbour_of, neighbour_offsets, stack_axis
from bsn.data.sources.opening import open_source
from bsn.data.sources.packed_source import HDF5Source
from bsn.data.sources.packing import PackSummary, file_sha256, pack
from bsn.data.sources.plane_source import ImageSource, PairedSource, PlaneSource, read_target
from bsn.data.sources.prefetching import Prefetcher, prefetch
from bsn.data.sources.subset_source import SubsetSource, subset
from bsn.data.sources.wrapped_source import WrappedSource
from bsn.data.synthetic.camera.drawn import random_camera
from bsn.data.synthetic.camera.pipeline import Camera
from bsn.data.synthetic.camera_noise import SensorNoise
from bsn.data.synthetic.depth import GroundDepth
from bsn.data.synthetic.haze import DepthHaze
from bsn.data.synthetic.jpeg import jpeg_compressed, jpeg_quality
from bsn.data.synthetic.log_uniform import log_uniform
from bsn.data.synthetic.low_light import LowLight
from bsn.data.synthetic.noise import NOISES, CorrelatedGaussian, Gaussian, Poisson, PoissonGaussian
from bsn.data.synthetic.rain import SyntheticRain
from bsn.data.synthetic.rain_texture import RainTexture
from bsn.data.synthetic.snow import SyntheticSnow
from bsn.data.synthetic.underwater import JERLOV, Underwater

# The imports above are the list of public names; nothing repeats it.
__all__ = sorted(  # noqa: PLE0605
    name for name, value in globals().items() if not name.startswith("_") and not isinstance(value, ModuleType)
)
__all__.remove("ModuleType")
