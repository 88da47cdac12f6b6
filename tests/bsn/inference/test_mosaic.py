"""Mosaics through a model in the box: better than the noisy one and than each plane by itself, and without bias."""

import numpy as np
import pytest
from scipy import ndimage

from bsn.data import ReadOptions, open_image, read_image, read_shown, write_image
from bsn.data.files.formats.mosaic import MOSAIC, joined, planes_of
from bsn.data.files.results import Target
from bsn.data.files.shared import open_shared
from bsn.inference import Denoiser, DenoisingWarning
from bsn.inference.boxed import choose_for_files
from bsn.inference.mosaic.chroma import chroma_of, with_equal_greens
from bsn.inference.mosaic.mixture import mixed, removed_share
from bsn.noise.sensor import find_sensor
from tests.helpers.dng import write_dng

rawpy = pytest.importorskip("rawpy", reason="the extra [raw] is not installed")

BLACK, WHITE, GAIN, READ = 512, 16383, 0.01, 0.004


@pytest.fixture(scope="module")
def photograph():
    """A linear mosaic in [0, 1] of a photograph of scikit-image."""
    from skimage.data import chelsea

    picture = (chelsea()[20:212, 120:312] / 255.0) ** 2.2 / np.array([2.0, 1.0, 1.5])
    mosaic = picture[..., 1].copy()
    mosaic[::2, ::2], mosaic[1::2, 1::2] = picture[::2, ::2, 0], picture[1::2, 1::2, 2]
    return mosaic


@pytest.fixture
def file(photograph, tmp_path):
    generator = np.random.default_rng(0)
    noisy = generator.poisson(photograph / GAIN) * GAIN + generator.normal(0, READ, photograph.shape)
    stored = np.rint(noisy * (WHITE - BLACK) + BLACK).astype(np.uint16)
    return write_dng(tmp_path / "a.dng", stored, black=(BLACK,) * 4, white=WHITE)


def error(planes, clean):
    """In values after a square root, as they are seen."""
    return float(np.mean((np.sqrt(np.maximum(planes, 0)) - np.sqrt(clean)) ** 2))


def test_a_mosaic_is_denoised_before_demosaicing(file, photograph, tmp_path):
    denoiser, clean = Denoiser("photo-tiny"), planes_of(photograph, "RGGB")
    noisy = read_image(file).pixels
    denoiser.denoise_file(file, tmp_path / "b.dng")
    result = read_image(tmp_path / "b.dng").pixels
    with pytest.warns(DenoisingWarning, match="one by one"):
        plane_by_plane = denoiser(noisy, "CYX")
    assert error(result, clean) < 0.75 * error(plane_by_plane, clean)
    assert error(result, clean) < 0.5 * error(noisy, clean)
    assert result.mean((1, 2)) == pytest.approx(clean.mean((1, 2)), rel=0.02)


@pytest.mark.parametrize(("factor", "believed"), [(1.0, True), (0.5, True), (20.0, False)])
def test_a_noise_profile_is_believed_unless_the_mosaic_has_less(file, tmp_path, factor, believed):
    stored = (read_image(file).pixels * (WHITE - BLACK) + BLACK).round().astype(np.uint16)
    line = (GAIN * factor, READ**2 * factor)
    told = read_image(
        write_dng(tmp_path / "t.dng", joined(stored, "RGGB"), black=(BLACK,) * 4, white=WHITE, noise=line)
    )
    found = find_sensor(told.pixels, told.metadata[MOSAIC])
    assert found.told.gain == (GAIN * factor,) * 4
    assert found.ratio == pytest.approx(1 / factor, rel=0.25)
    assert found.believed is (found.told if believed else found.measured)


@pytest.mark.parametrize("suffix", [".dng", ".tif"])
def test_before_and_after_are_shown_as_pictures(file, tmp_path, suffix):
    Denoiser("photo-tiny").denoise_file(file, tmp_path / f"b{suffix}")
    shown = read_shown(file, tmp_path / f"b{suffix}", most=4096)
    assert shown.noisy.shape == shown.denoised.shape == (3, 192, 192)
    with rawpy.imread(str(file)) as raw:
        wanted = raw.postprocess(use_camera_wb=True, no_auto_bright=True, output_bps=16)
    np.testing.assert_allclose(np.moveaxis(shown.noisy, 0, -1), wanted / 65535, atol=1e-6)
    assert 0.005 < (shown.noisy - shown.denoised).std() < 0.1


def test_inspect_tells_pattern_noise_and_profile(file, tmp_path, capsys):
    from bsn.cli import main

    stored = (read_image(file).pixels * (WHITE - BLACK) + BLACK).round().astype(np.uint16)
    write_dng(tmp_path / "t.dng", joined(stored, "RGGB"), black=(BLACK,) * 4, white=WHITE, noise=(GAIN, READ**2))
    assert main(["inspect", str(tmp_path / "t.dng")]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "t.dng: raw mosaic RGGB, read as four half-size planes" in said
    assert f"the noise profile of the file says {GAIN:g} and {READ:g}, which agrees" in said


def test_strength_0_gives_the_mosaic_back(file, tmp_path):
    Denoiser("photo-tiny", strength=0).denoise_file(file, tmp_path / "b.dng")
    assert np.array_equal(read_image(tmp_path / "b.dng").pixels, read_image(file).pixels)


def test_half_the_strength_is_half_way(file, tmp_path):
    noisy = read_image(file).pixels
    results = []
    for strength in (1.0, 0.5):
        Denoiser("photo-tiny", strength=strength).denoise_file(file, tmp_path / f"{strength}.dng")
        results.append(read_image(tmp_path / f"{strength}.dng").pixels)
    np.testing.assert_allclose(results[1], (results[0] + noisy) / 2, atol=2 / (WHITE - BLACK))


def test_a_mosaic_without_noise_stays(tmp_path):
    path = write_dng(tmp_path / "a.dng", np.full((64, 96), 3000, np.uint16))
    Denoiser("photo-tiny").denoise_file(path, tmp_path / "b.dng")
    assert np.array_equal(read_image(tmp_path / "b.dng").pixels, read_image(path).pixels)


def test_the_box_has_a_model_for_mosaics(file):
    (choice,) = choose_for_files([file], ReadOptions())
    assert choice.model.kind == "photo"
    assert "raw mosaic" in choice.why


def test_numbers_that_were_asked_for_stay_planes(file, tmp_path):
    Denoiser("photo-tiny").denoise_file(file, tmp_path / "b.tif", output_dtype="float32")
    assert read_image(tmp_path / "b.tif").pixels.shape == read_image(file).pixels.shape


@pytest.mark.parametrize(("dtype", "shape"), [("float32", (4, 96, 96)), (None, (192, 192, 3))])
def test_processes_that_share_a_mosaic_write_what_one_writes(file, tmp_path, dtype, shape):
    target = Target(tmp_path / "b.tif", dtype)
    with (
        open_image(file) as reader,
        open_shared(reader, [target], overwrite=False) as (output,),
        output.part() as writer,
    ):
        writer.write(0, 0, 0, reader.read_plane(0))
    assert read_image(tmp_path / "b.tif").pixels.shape == shape


@pytest.mark.parametrize("pattern", ["RGGB", "BGGR", "GRBG", "GBRG"])
def test_the_colour_of_a_smooth_picture_is_all_but_its_grey(pattern):
    rows, columns = np.indices((64, 64)) / 64.0
    colours = {"R": 0.2 + 0.3 * rows, "G": 0.5 - 0.2 * columns, "B": 0.1 + 0.2 * rows * columns}
    mosaic = np.zeros((64, 64))
    for place, colour in enumerate(pattern):
        one = (slice(place // 2, None, 2), slice(place % 2, None, 2))
        mosaic[one] = colours[colour][one]
    grey = mosaic - chroma_of(planes_of(mosaic, pattern), pattern)
    wanted = (colours["R"] + 2 * colours["G"] + colours["B"]) / 4
    np.testing.assert_allclose(grey[8:-8, 8:-8], wanted[8:-8, 8:-8], atol=0.004)


def test_greens_lose_what_only_one_of_them_sees():
    seen = np.full((4, 128, 128), 5.0)
    seen[1] += 0.2
    seen[1:3] += ndimage.gaussian_filter(np.random.default_rng(0).normal(0, 2, (2, 128, 128)), (0, 4, 4))
    result = with_equal_greens(seen)
    assert np.array_equal(result[[0, 3]], seen[[0, 3]])
    assert result[1] + result[2] == pytest.approx(seen[1] + seen[2])
    assert (result[1] - result[2]).std() < 0.5 * (seen[1] - seen[2]).std()
    assert (result[1] - result[2]).mean() == pytest.approx((seen[1] - seen[2]).mean(), abs=0.02), "of a whole region"


def test_greens_keep_an_edge_that_one_of_them_sees_later():
    picture = np.tile(np.repeat([0.0, 30.0], 48), (96, 1))
    later = np.hstack([picture[:, :1], picture[:, :-1]])
    planes = np.stack([picture, picture, later, picture])
    assert np.abs(with_equal_greens(planes) - planes).max() < 0.25  # where the filter would take away 3


def test_the_share_of_a_linear_filter_is_what_it_takes_away():
    noisy = np.random.default_rng(0).normal(size=(256, 256))
    assert removed_share(lambda x: 0.25 * x, noisy) == pytest.approx(0.75, abs=0.02)


def test_a_mixture_leaves_out_who_takes_picture_away():
    generator = np.random.default_rng(0)
    clean = np.tile([0.0, 8.0], (256, 128))
    noisy = clean + generator.normal(size=clean.shape)
    good, bad = clean + 0.3 * generator.normal(size=clean.shape), np.full_like(clean, 4.0)
    result = mixed(noisy, (good, bad), (1.0, 1.0))
    assert np.mean((result - clean) ** 2) < 0.2
    both_bad = mixed(noisy, (bad, bad), (1.0, 1.0))
    assert np.mean((both_bad - clean) ** 2) < 1.1, "the noisy image is left where both are worse"


def test_strips_of_a_mixture_are_those_of_the_whole(monkeypatch):
    from bsn.inference.mosaic import mixture

    noisy, one, other = np.random.default_rng(0).normal(size=(3, 700, 40)).astype(np.float32)
    found = mixed(noisy, (one, other), (0.9, 0.7))
    monkeypatch.setattr(mixture, "_STRIP", 1000)
    np.testing.assert_allclose(found, mixed(noisy, (one, other), (0.9, 0.7)), atol=1e-6)


def test_results_for_a_folder_are_dng_files(file, tmp_path):
    from bsn.inference import result_paths

    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "b.CR2").touch()
    assert [p.name for p in result_paths([tmp_path / "in"], tmp_path / "out").values()] == ["b.dng"]


def test_a_result_takes_the_place_of_its_source(file):
    before = read_image(file).pixels
    write_image(file, read_image(file), overwrite=True)
    assert np.array_equal(read_image(file).pixels, before)


def test_evaluate_scores_what_denoise_writes(file, tmp_path):
    from bsn.inference.contenders import GivenImage, by_model
    from bsn.inference.scoring import pair_files

    denoiser = Denoiser("photo-tiny")
    denoiser.denoise_file(file, tmp_path / "b.dng")
    (pair,), image = pair_files(file), read_image(file)
    answer = by_model(denoiser)(GivenImage(pair, image, image.pixels[None], ReadOptions()))
    np.testing.assert_allclose(answer[0], read_image(tmp_path / "b.dng").pixels, atol=1e-6)


def test_progress_is_that_of_all_passes(file, tmp_path):
    denoiser, told = Denoiser("photo-tiny"), []
    denoiser.progress, denoiser.frame_done = told.append, lambda *counts: told.append(counts)
    denoiser.denoise_file(file, tmp_path / "b.dng")
    assert told[-1] == (1, 1)
    assert told[:-1] == sorted(told[:-1])
    assert told[-2] == 1.0
    assert len(told) > 6


@pytest.mark.parametrize(("outliers", "stays"), [("keep", True), ("repair", False)])
def test_hot_pixels_stay_or_are_repaired_and_their_surroundings_are_denoised(photograph, tmp_path, outliers, stays):
    generator = np.random.default_rng(0)
    noisy = generator.poisson(photograph / 0.002) * 0.002 + generator.normal(0, READ, photograph.shape)
    noisy[20, 20] = 1.0
    stored = np.rint(noisy * (WHITE - BLACK) + BLACK).astype(np.uint16)
    path = write_dng(tmp_path / "a.dng", stored, black=(BLACK,) * 4, white=WHITE)
    Denoiser("photo-tiny", outliers=outliers).denoise_file(path, tmp_path / "b.dng")
    result = joined(read_image(tmp_path / "b.dng").pixels, "RGGB")
    assert (result[20, 20] > 0.7) == stays
    around = np.abs(result - photograph)[10:31, 10:31]
    around[10, 10] = 0
    assert around.mean() < 0.8 * np.abs(noisy - photograph)[10:31, 10:31].mean()
