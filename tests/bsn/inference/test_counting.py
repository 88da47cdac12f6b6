import numpy as np
import pytest
import tifffile
import torch
from scipy.ndimage import gaussian_filter, uniform_filter
from skimage import data

import bsn
from bsn.inference import Denoiser, DenoisingWarning
from bsn.inference.counting import Counting, round_counts
from bsn.inference.local_mean import keep_local_mean
from bsn.noise import PhotonCounts


def scene(mean, side=192):
    clean = data.camera()[100 : 100 + side, 100 : 100 + side].astype(float)
    return clean / clean.mean() * mean


def counts(mean, dtype=np.uint16):
    return np.random.default_rng(0).poisson(scene(mean)).astype(dtype)


@pytest.fixture(scope="module")
def box():
    return Denoiser("photo-tiny", device="cpu")


def psnr(image, truth):
    return 10 * np.log10(truth.max() ** 2 / np.mean((image - truth) ** 2))


def test_the_low_pass_is_that_of_scipy_in_the_middle_and_a_mean_at_the_edges():
    rng = np.random.default_rng(0)
    noisy, denoised = rng.random((2, 2, 90, 120), np.float32)
    kept = keep_local_mean(torch.from_numpy(noisy)[None], torch.from_numpy(denoised)[None])[0].numpy()
    expected = denoised + gaussian_filter(noisy - denoised, (0, 8, 8), truncate=3)
    inside = (slice(None), slice(24, -24), slice(24, -24))
    assert np.abs(kept - expected)[inside].max() < 1e-5
    flat = torch.full((1, 1, 30, 40), 0.25)
    assert torch.allclose(keep_local_mean(flat + 0.5, flat), flat + 0.5)


@pytest.mark.parametrize(("mean", "gain"), [(0.3, -1), (0.7, 0.5), (2, 1)])
def test_the_mean_of_few_photons_is_kept_in_every_region(box, mean, gain):
    """In PSNR compared with the Gaussian filter whose width is chosen by the truth."""
    noisy, truth = counts(mean), scene(mean)
    result = box(noisy.astype(np.float32), value_range=(0, 65535))
    assert result.mean() == pytest.approx(truth.mean(), rel=0.02)
    regions, expected = (image.reshape(4, 48, 4, 48).mean((1, 3)) for image in (result, truth))
    assert np.abs(regions - expected).max() < 0.12 * max(mean, 0.5)
    smooth = max(psnr(gaussian_filter(noisy.astype(float), sigma), truth) for sigma in (1, 1.5, 2, 3, 4))
    assert psnr(result, truth) > smooth + gain


def test_without_the_stage_the_mean_is_lost(box):
    result = Denoiser("photo-tiny", device="cpu", keep_mean=False)(
        counts(0.7).astype(np.float32), value_range=(0, 65535)
    )
    assert result.mean() < 0.7 * scene(0.7).mean()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16])
def test_integers_keep_the_mean_and_the_user_is_told(box, dtype):
    noisy = counts(0.7, dtype)
    with pytest.warns(DenoisingWarning, match=r"counts about 0\.7.* photons per pixel.*float32 with value_range=\(0, "):
        result = box(noisy)
    assert result.dtype == dtype
    assert result.mean() == pytest.approx(scene(0.7).mean(), rel=0.02)
    assert 0 <= result.min() < result.max() <= noisy.max()


def test_files_keep_the_mean_in_floats_and_the_note_names_the_option(box, tmp_path):
    tifffile.imwrite(tmp_path / "counts.tif", counts(0.7))
    with pytest.warns(DenoisingWarning, match="--output_dtype float32"):
        box.denoise_file(tmp_path / "counts.tif", tmp_path / "whole.tif")
    box.denoise_file(tmp_path / "counts.tif", tmp_path / "float.tif", output_dtype="float32")
    whole, exact = tifffile.imread(tmp_path / "whole.tif"), tifffile.imread(tmp_path / "float.tif")
    assert (whole.dtype, exact.dtype) == (np.uint16, np.float32)
    assert np.abs(whole - exact).max() < 1
    chance = 0.5 / 16  # of means over 16 x 16 pixels that are rounded up or down at random, each for itself
    assert np.abs(uniform_filter(whole - exact, 16)[8:-8, 8:-8]).max() < 2 * chance


def test_tiles_are_the_whole_image(box):
    noisy = np.random.default_rng(0).poisson(np.tile(scene(0.7), (3, 3))).astype(np.float32)
    whole = Denoiser("photo-tiny", device="cpu", tile=0)(noisy, value_range=(0, 65535))
    tiled = Denoiser("photo-tiny", device="cpu", tile=416)(noisy, value_range=(0, 65535))
    assert np.abs(whole - tiled).max() < 2e-3 * whole.max()


def test_images_of_many_photons_stay_as_they_were(box):
    noisy = counts(40)
    assert np.array_equal(box(noisy), Denoiser("photo-tiny", device="cpu", keep_mean=False)(noisy))


def test_the_mean_is_kept_of_any_image_where_it_is_asked_for():
    noisy = counts(40).astype(np.float32)
    kept = Denoiser("photo-tiny", device="cpu", keep_mean=True)(noisy, value_range=(0, 65535))
    plain = Denoiser("photo-tiny", device="cpu")(noisy, value_range=(0, 65535))
    difference = gaussian_filter(noisy - plain, 8, truncate=3)[24:-24, 24:-24]
    assert np.abs(kept - plain)[24:-24, 24:-24] == pytest.approx(np.abs(difference), abs=2e-3)


def test_models_that_restore_may_change_the_mean(box):
    from dataclasses import replace

    restoring = replace(box.model, provenance={**box.model.provenance, "training_pairs": 3})
    noisy = counts(0.7).astype(np.float32)
    result = bsn.denoise(noisy, restoring, value_range=(0, 65535), device="cpu")
    assert np.array_equal(
        result, bsn.denoise(noisy, "photo-tiny", value_range=(0, 65535), device="cpu", keep_mean=False)
    )


def test_whole_counts_and_missing_pixels_stay_when_counts_are_rounded():
    levels = PhotonCounts(zero=100 / 65535, step=1 / 65535, mean=2.0)
    whole = np.arange(60, dtype=np.float32).reshape(1, 6, 10)
    image = (whole + 100) / np.float32(65535)
    image[0, 0, 0] = np.nan
    result = np.rint(round_counts(image, 17, levels) * 65535 - 100)
    assert np.isnan(result[0, 0, 0])
    assert np.array_equal(result.ravel()[1:], whole.ravel()[1:])


def test_rows_are_rounded_alike_wherever_a_band_begins():
    levels = PhotonCounts(0.0, 1.0, 0.5)
    image = np.random.default_rng(0).random((2, 40, 30), np.float32)
    parts = [round_counts(image[:, start : start + 13], start, levels) for start in (0, 13, 26)]
    assert np.array_equal(np.concatenate(parts, 1)[:, :39], round_counts(image, 0, levels)[:, :39])
    assert not np.array_equal(*round_counts(np.full((2, 40, 30), 0.5, np.float32), 0, levels))


def test_nothing_is_said_where_floats_are_written():
    assert Counting(True, None).remarks("x") == []
