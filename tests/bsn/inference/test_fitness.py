"""Images that a model does not know: by channel, on another scale, too large."""

import dataclasses
import warnings

import numpy as np
import pytest
import torch

import bsn
from bsn.data import DataError
from bsn.inference import Denoiser, DenoisingWarning
from bsn.inference.tiling import Tiling
from bsn.models import InferenceDefaults, Model, NoiseModel, TrainingValues, ValueScale
from tests.bsn.inference.test_denoiser import Unsure, tiny


def photograph(shape=(48, 52)):
    return (0.45 + 0.15 * np.random.default_rng(0).normal(size=shape)).clip(0, 1).astype(np.float32)


def trained(channels=1):
    return dataclasses.replace(tiny(channels), training_values=TrainingValues.of([photograph()], np.uint8))


def test_floats_to_255_are_refused_by_a_model_of_bytes_and_a_stated_range_helps():
    image = (255 * photograph()).astype(np.uint8)
    denoiser = Denoiser(trained(), device="cpu")
    with pytest.raises(DataError, match=r"another scale .*--range 0 255"):
        denoiser(image.astype(np.float32))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = denoiser(image.astype(np.float32), value_range=(0, 255))
        exact = denoiser(image / np.float32(255))
    np.testing.assert_allclose(result / 255, exact, atol=1e-5)


def test_twelve_bits_in_sixteen_are_warned_of_and_a_stated_range_helps():
    image = (4095 * photograph()).astype(np.uint16)
    denoiser = Denoiser(trained(), device="cpu")
    with pytest.warns(DenoisingWarning, match="--range 0 4095"):
        denoiser(image)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = denoiser(image, value_range=(0, 4095))
    assert np.abs(result / 4095 - denoiser(photograph())).max() < 2e-3
    assert result.dtype == np.uint16


@pytest.mark.parametrize("factor", [0.25, 1, 2])
def test_darker_and_brighter_images_get_no_word(factor):
    image = (255 * (factor * photograph()).clip(0, 1)).astype(np.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Denoiser(trained(), device="cpu")(image)


def test_files_are_warned_of_once(tmp_path):
    for name in "abc":
        np.save(tmp_path / f"{name}.npy", (4095 * photograph()).astype(np.uint16))
    files = sorted(tmp_path.iterdir())
    with pytest.warns(DenoisingWarning, match=r"a.npy, b.npy, c.npy: .*another scale.*\(the first of 3\)") as said:
        Denoiser(trained(), device="cpu").denoise_files(files, lambda path: tmp_path / f"out_{path.name}")
    assert len(said) == 1


def test_colour_by_a_grey_model_is_each_channel_by_itself():
    image = np.stack([photograph(), 1 - photograph(), photograph() ** 2], -1)
    denoiser = Denoiser(tiny(), device="cpu")
    with pytest.warns(DenoisingWarning, match="3 channels are denoised one by one"):
        result = denoiser(image, "YXC")
    for channel in range(3):
        np.testing.assert_allclose(result[..., channel], denoiser(image[..., channel]), atol=1e-6)


def test_grey_by_a_colour_model_is_the_mean_of_three_equal_channels():
    denoiser = Denoiser(tiny(3), device="cpu")
    with pytest.warns(DenoisingWarning, match="its grey is given to this model 3 times"):
        result = denoiser(photograph())
    expected = denoiser(np.stack([photograph()] * 3, -1), "YXC").mean(-1)
    np.testing.assert_allclose(result, expected, atol=1e-6)


def test_grey_by_a_colour_model_has_a_deviation_too():
    class Colours(Unsure):
        channels = 3

        def forward(self, x):
            mean = super().forward(x)[:, :3]
            return torch.cat([mean, torch.zeros_like(mean), torch.zeros_like(mean)], 1)

    model = Model(Colours(), ValueScale(), InferenceDefaults(grey_as_colour=True), noise=NoiseModel(0, 1.0))
    found = bsn.denoise_with_deviation(photograph(), model, device="cpu")
    assert found.deviation.shape == found.image.shape == photograph().shape
    assert found.deviation.min() > 0


@pytest.mark.parametrize("channels", [2, 4, 5])
def test_other_numbers_of_channels_are_denoised_like_grey_images_one_by_one(channels):
    image = np.stack([photograph() ** (1 + 0.3 * k) for k in range(channels)], -1)
    denoiser = Denoiser(tiny(3), device="cpu")
    with pytest.warns(DenoisingWarning, match=f"its {channels} channels are denoised one by one, each as a grey image"):
        result = denoiser(image, "YXC")
    for channel in range(channels):
        with pytest.warns(DenoisingWarning):
            np.testing.assert_allclose(result[..., channel], denoiser(image[..., channel]), atol=1e-6)


class Greedy(torch.nn.Module):
    """A network that fails on large tiles as PyTorch does where memory is short."""

    lattice, size_multiple, halo, channels, global_statistics, config = 0, 1, 4, 1, False, None

    def forward(self, x):
        if x.shape[-1] * x.shape[-2] > 64**2:
            raise RuntimeError(
                "[enforce fail at alloc_cpu.cpp:114] DefaultCPUAllocator: can't allocate memory: you tried"
            )
        return x


def test_out_of_memory_names_tiles_that_fit():
    image = np.zeros((100, 120), np.uint8)
    with pytest.raises(
        DataError, match="not enough memory for tiles of 120 pixels; use smaller tiles, such as --tile 60"
    ):
        Denoiser(Model(Greedy()), device="cpu")(image)
    assert (Denoiser(Model(Greedy()), device="cpu", tile=60)(image) == image).all()
    assert Tiling(grid=1, halo=4).smaller(9) is None


def test_other_errors_of_a_network_stay_what_they_are():
    class Broken(Greedy):
        def forward(self, x):
            raise RuntimeError("shapes do not fit")

    with pytest.raises(RuntimeError, match="shapes do not fit"):
        Denoiser(Model(Broken()), device="cpu")(np.zeros((20, 20), np.uint8))


def test_counts_of_few_photons_keep_their_fractions(tmp_path):
    counts = np.random.default_rng(0).poisson(0.7, (64, 64)).astype(np.uint16)
    np.save(tmp_path / "a.npy", counts)
    denoiser = Denoiser(Model(Unsure(), noise=NoiseModel(1 / 65535, 1e-12)), device="cpu")
    denoiser.denoise_file(tmp_path / "a.npy", tmp_path / "b.npy", output_dtype="float32")
    result = np.load(tmp_path / "b.npy")
    assert result.dtype == np.float32
    assert result.mean() == pytest.approx(counts.mean(), rel=0.05)
