"""FITS results: the standard deviation beside the image, and pixels under a mask as they were."""

import numpy as np
import pytest
import torch

import bsn
from bsn.data import DataError, ReadOptions, open_image, open_source, read_image, write_image
from bsn.data.files.results import Target
from bsn.data.files.shared import open_shared
from bsn.inference import Denoiser, uncertainty_path
from bsn.models import Model, NoiseModel, create
from bsn.noise import outputs_for_posterior
from bsn.training.mended_source import MendedSource

fits = pytest.importorskip("astropy.io.fits", reason="the extra [science] is not installed")
nddata = pytest.importorskip("astropy.nddata", reason="the extra [science] is not installed")


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    network = create("phase-unet-tiny", channels=1, outputs=outputs_for_posterior(1))
    return Model(network, noise=NoiseModel(0.0, 0.01))


def sky(shape=(40, 48), dtype=np.float32):
    return np.random.default_rng(0).normal(0.5, 0.1, shape).astype(dtype)


def denoised(model, source, target, *, deviation=False, **options):
    report = Denoiser(model, device="cpu").denoise_files(
        [source], lambda _: target, options=ReadOptions(**options), deviation=deviation
    )
    assert report.failed == {}
    return report


def test_astropy_finds_the_deviation_where_it_looks_for_it(model, tmp_path):
    pixels = sky()
    nddata.CCDData(pixels, unit="adu").write(tmp_path / "a.fits")
    assert uncertainty_path(tmp_path / "b.fits.gz") == tmp_path / "b.fits.gz"
    denoised(model, tmp_path / "a.fits", tmp_path / "b.fits", deviation=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.fits", "b.fits"]
    expected = bsn.denoise_with_deviation(pixels, model, axes="YX", device="cpu")
    found = nddata.CCDData.read(tmp_path / "b.fits")
    assert np.array_equal(found.data, expected.image)
    assert isinstance(found.uncertainty, nddata.StdDevUncertainty)
    assert np.array_equal(found.uncertainty.array, expected.deviation)
    assert found.unit == "adu"
    assert np.array_equal(read_image(tmp_path / "b.fits").pixels, expected.image)
    with fits.open(tmp_path / "b.fits") as units:
        assert [unit.name for unit in units] == ["PRIMARY", "UNCERT"]
        assert units["UNCERT"].header["BUNIT"] == "adu"
    assert read_image(tmp_path / "b.fits", key="UNCERT").pixels.dtype == np.float32


def test_the_deviation_of_the_noisy_image_is_replaced_and_that_of_others_is_not(model, tmp_path):
    images = [fits.ImageHDU(sky(), name="SCI", ver=version) for version in (1, 2)]
    errors = [fits.ImageHDU(np.full((40, 48), 7, np.float32), name="UNCERT", ver=version) for version in (1, 2)]
    fits.HDUList([fits.PrimaryHDU(), images[0], errors[0], images[1], errors[1]]).writeto(tmp_path / "a.fits")
    denoised(model, tmp_path / "a.fits", tmp_path / "b.fits", deviation=True, key="3")
    with fits.open(tmp_path / "b.fits") as units:
        assert [(unit.name, unit.ver) for unit in units][1:] == [("SCI", 1), ("UNCERT", 1), ("SCI", 2), ("UNCERT", 2)]
        assert (units["UNCERT", 1].data == 7).all()
        assert not (units["UNCERT", 2].data == 7).any()
        assert np.array_equal(units["SCI", 1].data, sky())


@pytest.mark.parametrize("axes", ["YX", "TYX"])
def test_a_result_of_another_format_gets_a_unit_of_its_own_for_the_deviation(model, tmp_path, axes):
    pixels = sky((2, 40, 48)[-len(axes) :])
    np.save(tmp_path / "a.npy", pixels)
    denoised(model, tmp_path / "a.npy", tmp_path / "b.fits", deviation=True, axes=axes)
    expected = bsn.denoise_with_deviation(pixels, model, axes=axes, device="cpu")
    with fits.open(tmp_path / "b.fits") as units:
        assert np.array_equal(units[0].data, expected.image)
        assert np.array_equal(units["UNCERT"].data, expected.deviation)


def test_processes_that_share_a_file_write_both_into_it(tmp_path):
    fits.PrimaryHDU(sky((2, 40, 48))).writeto(tmp_path / "a.fits")
    target = tmp_path / "b.fits"
    targets = [Target(target), Target(target, np.float32)]
    with (
        open_image(tmp_path / "a.fits", axes="TYX") as reader,
        open_shared(reader, targets, overwrite=False) as outputs,
    ):
        for output, value in zip(outputs, (1, 2), strict=True):
            with output.part() as writer:
                for plane in range(2):
                    writer.write(plane, 0, 0, np.full((1, 40, 48), value + plane, np.float32))
    with fits.open(target) as units:
        assert units[0].data[:, 0, 0].tolist() == [1, 2]
        assert units["UNCERT"].data[:, 0, 0].tolist() == [2, 3]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.fits", "b.fits"]


@pytest.mark.parametrize("dtype", ["float32", "float64", "int16", "uint16"])
def test_pixels_under_a_mask_are_not_replaced_and_not_seen(model, tmp_path, dtype):
    masked = np.zeros((40, 48), np.uint8)
    masked[5:9, 6:11] = 4
    masked[30, :] = 1
    real = dtype.startswith("float")
    low, high = (0, 1) if real else (0, 30000)
    pixels = (sky() * (high - low)).astype(dtype)
    wild = pixels.copy()
    wild[masked > 0] = 1e6 + 1 / 3 if real else 32767  # more digits than float32 has
    fits.HDUList([fits.PrimaryHDU(wild), fits.ImageHDU(masked, name="MASK")]).writeto(tmp_path / "a.fits")
    limits = (low, high)
    denoised(model, tmp_path / "a.fits", tmp_path / "b.fits", value_range=limits)
    missing = np.where(masked > 0, np.nan, pixels).astype(np.float32)
    expected = bsn.denoise(missing, model, axes="YX", nan="keep", value_range=limits, device="cpu")
    with fits.open(tmp_path / "b.fits") as units:
        found = units[0].data
        assert np.array_equal(units["MASK"].data, masked)
    assert found.dtype == np.dtype(dtype).newbyteorder(found.dtype.byteorder)
    assert np.array_equal(found[masked > 0], wild[masked > 0])
    seen = masked == 0
    assert np.abs(found[seen].astype(float) - expected[seen]).max() <= (1e-6 if real else 0.51)
    assert not np.array_equal(found[seen], pixels[seen])
    denoised(model, tmp_path / "a.fits", tmp_path / "b.tif", value_range=limits)
    assert np.array_equal(read_image(tmp_path / "b.tif").pixels, found)


def test_a_colour_camera_has_its_mask_and_its_deviation_as_a_mosaic(model, tmp_path):
    pixels, masked = (30000 * sky((64, 64))).astype(np.uint16), np.zeros((64, 64), np.uint8)
    masked[10:14, 21] = 1
    pixels[masked > 0] = 65535
    header = fits.Header({"BAYERPAT": "GRBG"})
    fits.HDUList([fits.PrimaryHDU(pixels, header), fits.ImageHDU(masked, name="MASK")]).writeto(tmp_path / "a.fits")
    denoised(model, tmp_path / "a.fits", tmp_path / "b.fits", deviation=True)
    with fits.open(tmp_path / "b.fits") as units:
        found, spread = units[0].data, units["UNCERT"].data
    assert np.array_equal(found[masked > 0], pixels[masked > 0])
    assert not np.array_equal(found, pixels)
    assert spread.shape == (64, 64)
    seen = spread[masked == 0]
    assert np.isfinite(seen).all()
    assert (seen > 0).all()


def test_training_leaves_masked_pixels_out(tmp_path):
    masked = np.zeros((40, 48), np.uint8)
    masked[5:9, 6:11] = 1
    pixels = sky()
    pixels[masked > 0] = 1e6
    fits.HDUList([fits.PrimaryHDU(pixels), fits.ImageHDU(masked, name="MASK")]).writeto(tmp_path / "a.fits")
    source = open_source(tmp_path / "a.fits")
    assert np.array_equal(np.isnan(source.image(0)[0]), masked > 0)
    counted = MendedSource(source, "keep").counted(0, 0, 0, 40, 48)
    assert not counted[masked > 0].any()
    assert counted.mean() > 0.9
    pixels[0, 0] = np.nan
    fits.HDUList([fits.PrimaryHDU(pixels), fits.ImageHDU(masked, name="MASK")]).writeto(tmp_path / "b.fits")
    with pytest.raises(DataError, match="1 of .* pixels are NaN"):
        open_source(tmp_path / "b.fits")


@pytest.mark.parametrize(("scale", "zero"), [(1, 0), (0.01, 3), (1, 32768)])
def test_blank_integers_stay_blank_integers(model, tmp_path, scale, zero):
    numbers = np.random.default_rng(0).integers(-20000, 20000, (40, 48)).astype(np.int16)
    numbers[3:6, 7] = -32768
    unit = fits.PrimaryHDU(numbers)
    for name, value in (("BLANK", -32768), ("BSCALE", scale), ("BZERO", zero)):
        unit.header[name] = value
    unit.writeto(tmp_path / "a.fits")
    image = read_image(tmp_path / "a.fits")
    if zero == 32768:  # astropy gives unsigned integers, which have no NaN
        assert image.metadata["masked"].sum() == 3
    else:
        assert np.isnan(image.pixels).sum() == 3
    write_image(tmp_path / "same.fits", image)
    with fits.open(tmp_path / "same.fits", do_not_scale_image_data=True) as units:
        assert np.array_equal(units[0].data, numbers)
        assert units[0].header["BLANK"] == -32768
    ends = (-20000 * scale + zero, 20000 * scale + zero)
    denoised(model, tmp_path / "a.fits", tmp_path / "b.fits", nan="keep", value_range=ends)
    with fits.open(tmp_path / "b.fits", do_not_scale_image_data=True) as units:
        assert units[0].data.dtype.kind == "i"
        assert np.array_equal(units[0].data == -32768, numbers == -32768)
        assert not np.array_equal(units[0].data, numbers)
        assert (units[0].header.get("BSCALE", 1), units[0].header.get("BZERO", 0)) == (scale, zero)
