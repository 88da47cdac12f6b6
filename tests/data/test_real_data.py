"""Real files beside the checkout, read in place and never copied; skipped where they are not."""

import imagecodecs
import numpy as np
import pytest
import scipy.io
import skimage.io
import tifffile
from PIL import Image as Pillow

from bsn.data.arrays.planes import to_planes
from bsn.data.files.images import read_image, write_image
from bsn.data.files.regions import open_image
from bsn.data.sources.crops import RandomCrops
from bsn.data.sources.folder_source import FolderSource

FILES = {
    "microscopy/noisy_only/convallaria_confocal_u16.tif": ("YX", (1024, 1024), "uint16"),
    "microscopy/noisy_only/xct_sandstone_versa0100.tif": ("YX", (1024, 996), "uint8"),
    "microscopy/w2s/noisy/w2s_060_0.tif": ("YX", (512, 512), "uint8"),
    "microscopy/bacteria/noisy/myxo_high_power_16bit.png": ("YX", (512, 512), "uint16"),
    "microscopy/bacteria/noisy/myxo_low_power_8bit.png": ("YX", (512, 512), "uint8"),
    "microscopy/gigadb/noisy/nucleus_rgb.png": ("YXC", (512, 512, 3), "uint8"),
    "microscopy/fmd/noisy/widefield_bpae_rgb.png": ("YXC", (512, 512, 3), "uint8"),
    "polyu/noisy/Sony_4_200_3200_door_11.jpg": ("YXC", (512, 512, 3), "uint8"),
    "sidd/pair/noisy.mat": ("YXC", (256, 256, 3), "uint8"),
}


def outside(path):
    """The pixels as another library reads them."""
    if path.suffix == ".tif":
        return tifffile.imread(path)
    if path.suffix == ".mat":
        return scipy.io.loadmat(path)["im_noisy"]
    if "gigadb" in path.parts:
        return np.asarray(Pillow.open(path).convert("RGB"))
    return skimage.io.imread(path)


@pytest.mark.parametrize("name", FILES)
def test_reading(name, shared):
    axes, shape, dtype = FILES[name]
    image = read_image(shared / name)
    assert (image.axes, image.pixels.shape, image.pixels.dtype) == (axes, shape, np.dtype(dtype))
    np.testing.assert_array_equal(image.pixels, outside(shared / name))
    with open_image(shared / name) as opened:
        region = opened.read(0, 100, 50, 33, 77)
    planes, _ = to_planes(image.pixels, image.axes)
    top = np.float32(np.iinfo(dtype).max)
    np.testing.assert_array_equal(region / top, planes[0, :, 100:133, 50:127])


@pytest.mark.parametrize("name", [n for n in FILES if not n.endswith(".jpg")])
def test_through_planes_and_back_to_the_same_format(name, shared, tmp_path):
    image = read_image(shared / name)
    planes, layout = to_planes(image.pixels, image.axes)
    copy = tmp_path / name.rpartition("/")[2]
    write_image(copy, type(image)(layout.restore(planes), image.axes, image.metadata))
    again = read_image(copy)
    assert again.pixels.dtype == image.pixels.dtype
    np.testing.assert_array_equal(again.pixels, image.pixels)


def test_calibration_of_a_microscope_survives(shared, tmp_path):
    path = shared / "microscopy/noisy_only/convallaria_confocal_u16.tif"
    write_image(tmp_path / "a.tif", read_image(path))
    with tifffile.TiffFile(path) as before, tifffile.TiffFile(tmp_path / "a.tif") as after:
        assert after.is_imagej
        for key, value in before.imagej_metadata.items():
            assert after.imagej_metadata[key] == value or key == "ImageJ"
        assert after.pages[0].resolution == pytest.approx(before.pages[0].resolution, rel=1e-6)


def test_sixteen_bit_colour_of_real_pixels(shared, tmp_path):
    """Three real 16-bit planes as one RGB PNG."""
    grey = read_image(shared / "microscopy/bacteria/noisy/myxo_high_power_16bit.png").pixels
    pixels = np.stack([grey, grey[::-1], grey[:, ::-1]], axis=-1)
    (tmp_path / "a.png").write_bytes(imagecodecs.png_encode(pixels))
    np.testing.assert_array_equal(read_image(tmp_path / "a.png").pixels, pixels)


def test_training_source_of_a_folder(shared):
    source = FolderSource(shared / "microscopy/w2s/noisy", cache_bytes=2**21)
    assert len(source) == 24
    assert {source.size(i) for i in range(24)} == {(512, 512)}
    batch = RandomCrops(source, 64, seed=0).batch(0, 8)
    assert batch.pixels.shape == (8, 1, 64, 64)
    assert batch.pixels.min() >= 0
    assert batch.pixels.max() <= 1


def test_mixed_folder_is_refused(shared, refused):
    line = refused(FolderSource, [shared / "rni6", shared / "sidd/noisy_only"])
    assert "(grey)" in line
    assert "(RGB)" in line
