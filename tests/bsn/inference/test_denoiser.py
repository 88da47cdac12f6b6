import dataclasses

import numpy as np
import pytest
import tifffile
import torch

import bsn
from bsn.data import DataError, Image, read_image, write_image
from bsn.inference import Denoiser, DenoisingWarning, InferenceConfig
from bsn.models import TBSN, InferenceDefaults, Model, NoiseModel, TBSNConfig, ValueScale
from tests.helpers.networks import randomise, small

TINY = {"widths": (8, 16), "blocks": (1, 1)}
WINDOWS = TBSNConfig(
    **TINY,
    channels=1,
    refinement_blocks=0,
    mixers=("window", "none"),
    channel_heads=(1, 1),
    window_heads=(1, 1),
    overlaps=(0.5, 0.5),
    activation="relu",
    bias=True,
    norm="none",
    wide_decoder=False,
)


def tiny(channels=1, **inference):
    """A network without global statistics and with a short halo."""
    torch.manual_seed(0)
    network = randomise(small("phase-unet-tiny", channels=channels, **TINY))
    return Model(network, ValueScale(0.4, 0.3), InferenceDefaults(**inference))


class Unsure(torch.nn.Module):
    """A local network that predicts the mean of the rows above and below with variance 1, and no colour."""

    lattice, size_multiple, halo, channels, global_statistics = 0, 1, 1, 1, False

    def forward(self, x):
        x = torch.nn.functional.pad(x, (0, 0, 1, 1), mode="replicate")
        mean = (x[..., :-2, :] + x[..., 2:, :]) / 2
        return torch.cat([mean, torch.zeros_like(mean)], 1)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
@pytest.mark.parametrize(
    ("shape", "axes", "channels"), [((21, 34), "YX", 1), ((21, 34, 3), "YXC", 3), ((2, 21, 34), "ZYX", 1)]
)
def test_what_comes_out_is_what_went_in(rng, dtype, shape, axes, channels):
    high = np.iinfo(dtype).max if np.issubdtype(dtype, np.integer) else 1
    image = (rng.random(shape) * high).astype(dtype)
    kept = image.copy()
    out = bsn.denoise(image, tiny(channels), axes=axes)
    assert (out.dtype, out.shape) == (image.dtype, image.shape)
    assert (image == kept).all()
    tensor = bsn.denoise(torch.from_numpy(image), tiny(channels), axes=axes)
    assert torch.equal(tensor, torch.from_numpy(out))


def test_integers_are_scaled_and_rounded_like_the_float_result(rng):
    image = rng.integers(0, 256, (24, 24), dtype=np.uint8)
    exact = bsn.denoise(image.astype(np.float32) / 255, tiny())
    assert (bsn.denoise(image, tiny()) == np.clip(np.floor(255 * exact + 0.5), 0, 255)).all()


@pytest.mark.parametrize(
    "options",
    [{}, {"ensemble": True}, {"stride": 2}, {"r3_passes": 2}, {"stride": 3, "r3_passes": 1, "ensemble": True}],
    ids=str,
)
@pytest.mark.parametrize("name", ["tiny", "dbsnl", "window"])
def test_tiles_equal_the_whole_image(rng, name, options):
    if name == "tiny":
        model = tiny()
    elif name == "dbsnl":
        model = Model(randomise(small("dbsnl", channels=1)))
    else:
        torch.manual_seed(1)
        model = Model(randomise(TBSN(WINDOWS)))
    whole = Denoiser(model, tile=0, **options)
    # Both axes once; with the options that multiply the work the second axis stays short.
    width = 70 if options else 2 * whole.pipeline.tiling.halo + 150
    image = rng.random((2 * whole.pipeline.tiling.halo + 161, width)).astype(np.float32)
    tile = 2 * whole.pipeline.tiling.halo + max(6 * whole.pipeline.tiling.grid, 64)
    tiled = Denoiser(model, tile=tile, **options)
    assert len(tiled.pipeline.tiling.segments(image.shape[0])) > 1
    assert np.abs(tiled(image) - whole(image)).max() < 1e-5


def test_tiles_with_channel_attention_are_blended_and_close(rng):
    network = randomise(small("tbsn", channels=1), spread=0.1)
    model = Model(network, ValueScale(0.5, 0.3), InferenceDefaults(training_crop=64))
    image = rng.random((160, 192)).astype(np.float32)
    whole, tiled = Denoiser(model, tile=0)(image), Denoiser(model, tile=96)(image)
    difference = tiled - whole
    assert np.abs(difference).max() > 1e-6
    assert np.sqrt((difference**2).mean()) < 0.1 * whole.std()
    with pytest.raises(ValueError, match="tile 48 is smaller than the 64 pixels this model was trained on"):
        Denoiser(model, tile=48)(image)


def test_a_file_equals_its_array(rng, tmp_path):
    stack = rng.integers(0, 60_000, (2, 70, 90), dtype=np.uint16)
    tifffile.imwrite(tmp_path / "in.tif", stack, imagej=True, metadata={"axes": "ZYX", "spacing": 0.5})
    denoiser = Denoiser(tiny())
    denoiser.denoise_file(tmp_path / "in.tif", tmp_path / "out.tif")
    assert (tifffile.imread(tmp_path / "out.tif") == denoiser(stack, "ZYX")).all()
    image = read_image(tmp_path / "out.tif")
    assert image.axes == "ZYX"
    assert image.metadata["imagej"]["spacing"] == 0.5


def test_a_large_file_is_denoised_in_bands(rng, tmp_path):
    image = rng.integers(0, 60_000, (700, 300), dtype=np.uint16)
    write_image(tmp_path / "in.tif", Image(image, "YX"))
    model = tiny()
    halo, grid = Denoiser(model).pipeline.tiling.halo, Denoiser(model).pipeline.tiling.grid
    Denoiser(model, tile=2 * halo + 4 * grid).denoise_file(tmp_path / "in.tif", tmp_path / "out.tif")
    whole = Denoiser(model, tile=0)(image)
    assert np.abs(tifffile.imread(tmp_path / "out.tif").astype(int) - whole.astype(int)).max() <= 1


def test_bad_files_are_reported_and_the_good_ones_finished(rng, tmp_path):
    good = rng.integers(0, 256, (24, 24), dtype=np.uint8)
    write_image(tmp_path / "a.png", Image(good, "YX"))
    write_image(tmp_path / "z.png", Image(good, "YX"))
    (tmp_path / "b.png").write_bytes((tmp_path / "a.png").read_bytes()[:60])
    (tmp_path / "c.png").write_text("no picture")
    write_image(tmp_path / "d.png", Image(np.stack([good] * 3, -1), "YXC"))
    spoiled = np.full((24, 24), np.nan, np.float32)
    tifffile.imwrite(tmp_path / "e.tif", spoiled)
    out = tmp_path / "out"
    out.mkdir()
    sources = sorted(p for p in tmp_path.iterdir() if p.is_file())
    with pytest.warns(DenoisingWarning, match="d.png: its 3 channels are denoised one by one"):
        report = Denoiser(tiny()).denoise_files(sources, lambda p: out / p.name)
    assert sorted(p.name for p in report.done) == ["a.png", "d.png", "z.png"]
    assert sorted(p.name for p in out.iterdir()) == ["a.png", "d.png", "z.png"]
    messages = {path.name: message for path, message in report.failed.items()}
    assert set(messages) == {"b.png", "c.png", "e.tif"}
    assert "NaN" in messages["e.tif"]
    assert all("\n" not in message for message in messages.values())


def test_existing_results_are_not_overwritten(rng, tmp_path):
    write_image(tmp_path / "a.png", Image(rng.integers(0, 256, (24, 24), dtype=np.uint8), "YX"))
    (tmp_path / "b.png").write_text("precious")
    denoiser = Denoiser(tiny())
    with pytest.raises(DataError, match="not overwritten"):
        denoiser.denoise_file(tmp_path / "a.png", tmp_path / "b.png")
    assert (tmp_path / "b.png").read_text() == "precious"
    denoiser.denoise_file(tmp_path / "a.png", tmp_path / "b.png", overwrite=True)
    assert read_image(tmp_path / "b.png").pixels.shape == (24, 24)


@pytest.mark.parametrize(
    ("image", "axes", "message"),
    [
        (np.full((24, 24), np.nan, np.float32), None, "576 of 576 pixels are NaN"),
        (np.zeros((1, 1), np.uint8), None, "image of 1 x 1 pixels is smaller than 4 pixels"),
        (np.zeros((0, 4), np.uint8), None, "no pixels"),
        (np.zeros((8, 8), np.complex64), None, "complex64"),
        ("picture.png", None, "is not an image array"),
    ],
)
def test_bad_arrays_get_one_line(image, axes, message):
    with pytest.raises(ValueError, match=message) as error:
        Denoiser(tiny())(image, axes)
    assert "\n" not in str(error.value)


def test_options_out_of_range():
    with pytest.raises(ValueError, match="stride 0 is out of range; use 1 or more"):
        InferenceConfig(stride=0)
    with pytest.raises(ValueError, match="device 'tpu9' is not available"):
        Denoiser(tiny(), device="tpu9")


def test_noise_of_an_image_is_fitted_once_for_all_its_tiles(rng):
    """Noise of the right half is twice that of the left: a tile of its own would say something else."""
    sigma = np.where(np.arange(160) < 80, 0.5, 1.0)
    image = (5 + sigma * rng.normal(size=(160, 160))).astype(np.float32)
    model = Model(Unsure(), noise=NoiseModel(0, 9.0, per_image=True))
    np.testing.assert_allclose(Denoiser(model, tile=64)(image), Denoiser(model, tile=0)(image), atol=1e-5)
    _, deviation = bsn.denoise_with_deviation(image, model, calibrate=False)
    level = (0.5**2 + 1.0**2) / 2
    spread = 1 + level / 2  # a mean of two pixels carries half of their noise on
    assert float(np.square(deviation).mean()) == pytest.approx(spread * level / (spread + level), rel=0.1)


def test_several_strides_give_the_mean_of_their_results(rng):
    image = rng.random((48, 96)).astype(np.float32)  # sides that no stride has to pad
    one, two, three = (Denoiser(tiny(), stride=stride)(image) for stride in (1, 2, 3))
    np.testing.assert_allclose(Denoiser(tiny(), stride=[1, 2, 3])(image), (one + two + three) / 3, atol=1e-5)
    six = Denoiser(tiny(stride=6))
    np.testing.assert_allclose(six(image), Denoiser(tiny(), stride=6)(image))
    large = np.tile(image, (8, 5))
    whole, tiles = (Denoiser(tiny(), stride=[2, 3], tile=tile)(large) for tile in (0, 336))
    np.testing.assert_allclose(tiles, whole, atol=1e-5)
    for wrong in (0, [], [2, 0]):
        with pytest.raises(ValueError, match="1 or more, or several such as"):
            InferenceConfig(stride=wrong)


@pytest.mark.parametrize("per_image", [False, True])
def test_the_wiener_filter_knows_the_noise_of_a_noise_model(rng, per_image):
    """Fine waves that the network, a mean of two rows, weakens; values far from 1, as of a detector."""
    clean = 3e-4 * (2 + np.sin(1.1 * np.arange(160))[:, None] + np.zeros((160, 160)))
    sigma = 2e-4
    image = (clean + sigma * rng.normal(size=clean.shape)).astype(np.float32)
    model = Model(Unsure(), ValueScale(6e-4, 3e-4), noise=NoiseModel(0, sigma**2, per_image=per_image))
    plain, filtered = (Denoiser(model, wiener=wiener)(image) for wiener in (False, True))
    errors = [float(np.square(result - clean).mean()) for result in (image, plain, filtered)]
    assert errors[2] < 0.6 * min(errors[:2])
    np.testing.assert_allclose(Denoiser(model, wiener=True, tile=140)(image), filtered, atol=1e-5 * 3e-4)
    with pytest.raises(ValueError, match="posterior=False leaves the noisy pixel out, wiener=True brings it back"):
        Denoiser(model, posterior=False, wiener=True)
    always = Denoiser(dataclasses.replace(model, inference=InferenceDefaults(wiener=True)), posterior=False)
    np.testing.assert_allclose(always(image), Denoiser(model, posterior=False)(image))


def test_the_wiener_filter_bears_predictions_below_zero(rng):
    """Black: the prediction of a pixel follows its noise, and where it is too dark the model says that there is no noise."""
    image = (0.02 * rng.normal(size=(128, 128))).astype(np.float32)
    model = Model(Unsure(), ValueScale(0.5, 0.3), noise=NoiseModel(0.02, 0.02**2))
    plain, filtered = (Denoiser(model, wiener=wiener)(image) for wiener in (False, True))
    assert np.square(filtered).mean() < 0.8 * np.square(plain).mean()
