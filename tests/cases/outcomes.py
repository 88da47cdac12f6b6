"""What a result must be, seen with the libraries themselves and not with the readers under test."""

from pathlib import Path

import h5py
import numpy as np
import scipy.io
import tifffile
from PIL import Image as Pillow

INPUTS = Path(__file__).parent / "inputs"


def pixels_of(path):
    """All pixels of a picture, TIFF or npy file."""
    if path.suffix == ".npy":
        return np.load(path)
    return tifffile.imread(path) if path.suffix == ".tif" else np.asarray(Pillow.open(path))


def roughness(pixels):
    """Typical difference of neighbours: what denoising lowers."""
    values = pixels.astype(np.float64)
    return np.nanstd(np.diff(values, axis=0)) + np.nanstd(np.diff(values, axis=1))


def check_denoised(before, after, lower=0.98):
    """Same type and size, about the same brightness, smoother than before."""
    assert after.dtype == before.dtype
    assert after.shape == before.shape
    spread = np.nanstd(before.astype(np.float64))
    assert abs(np.nanmean(after.astype(np.float64)) - np.nanmean(before.astype(np.float64))) < 0.1 * spread
    assert 0 < roughness(after) < lower * roughness(before)


def denoised(name, result=None, **options):
    """Whether one file became one denoised file of its own kind."""

    def check(out):
        check_denoised(pixels_of(INPUTS / name), pixels_of(out / (result or Path(name).name)), **options)

    return check


def hdf5(name, key, others, attributes=()):
    """Whether one dataset was denoised, and all else in the file is as it was."""

    def check(out):
        with h5py.File(INPUTS / name) as before, h5py.File(out / name) as after:
            found = []
            after.visit(found.append)
            expected = []
            before.visit(expected.append)
            assert found == expected
            check_denoised(before[key][()], after[key][()])
            for other in others:
                np.testing.assert_array_equal(before[other][()], after[other][()])
            for attribute in attributes:
                np.testing.assert_array_equal(before[key].attrs[attribute], after[key].attrs[attribute])

    return check


def cell(number):
    """Whether one element of the cell array was denoised and the other is as it was."""

    def check(out):
        name = "M_cell_array.mat"
        before, after = scipy.io.loadmat(INPUTS / name)["frames"], scipy.io.loadmat(out / name)["frames"]
        check_denoised(before[0, number - 1], after[0, number - 1])
        np.testing.assert_array_equal(before[0, 2 - number], after[0, 2 - number])

    return check


def tags(name, *codes):
    """Whether the tags of a TIFF file are those of the input."""

    def check(out):
        with tifffile.TiffFile(INPUTS / name) as before, tifffile.TiffFile(out / name) as after:
            for code in codes:
                assert after.pages[0].tags[code].value == before.pages[0].tags[code].value, code
            assert after.byteorder == before.byteorder

    return check


def ome(name):
    """Whether the physical size of a pixel is still told."""

    def check(out):
        with tifffile.TiffFile(out / name) as tif:
            assert tif.is_ome
            assert 'PhysicalSizeX="0.108"' in tif.ome_metadata
            assert 'PhysicalSizeY="0.108"' in tif.ome_metadata
            assert "µm" in tif.ome_metadata

    return check


def series(name, number):
    """Whether the wanted series of a file was denoised."""

    def check(out):
        with tifffile.TiffFile(INPUTS / name) as before, tifffile.TiffFile(out / name) as after:
            check_denoised(before.series[number].asarray(), after.series[0].asarray())

    return check


def png_chunks(name, *wanted):
    """Whether chunks of a PNG file come back byte for byte."""

    def chunks(path):
        data, found, place = path.read_bytes(), {}, 8
        while place < len(data):
            length = int.from_bytes(data[place : place + 4])
            found[data[place + 4 : place + 8].decode()] = data[place + 8 : place + 8 + length]
            place += 12 + length
        return found

    def check(out):
        before, after = chunks(INPUTS / name), chunks(out / name)
        for kind in wanted:
            assert after[kind] == before[kind]

    return check


def alpha(name):
    """Whether the opacity is untouched and the colours are denoised."""

    def check(out):
        before, after = pixels_of(INPUTS / name), pixels_of(out / name)
        np.testing.assert_array_equal(after[..., 3], before[..., 3])
        check_denoised(before[..., :3], after[..., :3])

    return check


def missing(name):
    """Whether exactly the missing pixels are missing, and the others are denoised."""

    def check(out):
        before, after = pixels_of(INPUTS / name), pixels_of(out / name)
        np.testing.assert_array_equal(np.isnan(after), np.isnan(before))
        check_denoised(before, after)

    return check


def two_channels(name):
    """Whether both channels that lie last were denoised, however the file stores them now."""

    def check(out):
        before, after = pixels_of(INPUTS / name), pixels_of(out / name)
        after = after if after.shape == before.shape else np.moveaxis(after, 0, -1)
        for channel in range(2):
            check_denoised(before[..., channel], after[..., channel])

    return check


def counts(name, dtype, lower):
    """Whether counts come back with their mean, in integers as in floats, not rounded away."""

    def check(out):
        before, after = pixels_of(INPUTS / name), pixels_of(out / name)
        assert after.dtype == dtype
        assert abs(after.mean() - before.mean()) < 0.02 * before.mean()
        assert roughness(after) < lower * roughness(before)

    return check


def as_rgb(name):
    """Whether YCbCr pixels came back as the RGB colours that they mean."""

    def check(out):
        luma, blue, red = np.moveaxis(pixels_of(INPUTS / name).astype(np.float64), -1, 0)
        red, blue = red - 128, blue - 128
        # ITU-R BT.601, full range, as TIFF's default coefficients say.
        expected = np.stack([luma + 1.402 * red, luma - 0.344136 * blue - 0.714136 * red, luma + 1.772 * blue], -1)
        with tifffile.TiffFile(out / name) as tif:
            assert tif.pages[0].photometric.name == "RGB"
            result = tif.asarray()
        check_denoised(np.clip(np.round(expected), 0, 255).astype(np.uint8), result)
        assert np.abs(result.mean((0, 1)) - expected.mean((0, 1))).max() < 1

    return check


def icc(name):
    """Whether the colour profile is that of the input."""
    return tags(name, 34675)


def exists(*names):
    """Whether these results, and no others, are there, each a denoised copy of its input."""

    def check(out):
        assert sorted(path.relative_to(out).as_posix() for path in out.rglob("*.*")) == sorted(names)

    return check
