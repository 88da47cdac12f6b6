"""What the presets for small machines promise."""

import dataclasses

import pytest
import torch

from bsn.inference import Denoiser
from bsn.models import Model, create, presets
from bsn.models.interface import main_output
from tests.helpers.golden import assert_close
from tests.helpers.networks import randomise

TINY = ["ddsa-tiny", "drt-tiny", "elf-tiny", "manas-tiny", "nafnet-tiny"]


@pytest.mark.parametrize("name", TINY)
def test_untrained_networks_return_their_input(name):
    x = torch.rand(1, 3, 37, 45)
    with torch.no_grad():
        assert_close(main_output(create(name)(x)), x, 0.05 if name == "elf-tiny" else 1e-6)


def test_nothing_here_claims_to_be_blind():
    ours = [preset for preset in presets().values() if preset.network in ("ddsa", "drt", "elf", "manas", "nafnet")]
    assert len(ours) == 14
    assert not any(preset.blind for preset in ours)


@pytest.mark.parametrize("name", TINY)
def test_model_files(name, tmp_path):
    network = randomise(create(name)).eval()
    Model(network).save(tmp_path / "m.safetensors")
    again = Model.load(tmp_path / "m.safetensors")
    x = torch.rand(1, 3, 20, 30)
    with torch.no_grad():
        assert torch.equal(again.predict(x), main_output(network(x)))


def test_tiles_of_drt_equal_the_whole_image():
    network = randomise(create("drt-tiny", layers=1, recursions=1)).eval()
    image = torch.rand(3, 150, 170).numpy()
    whole = Denoiser(network, device="cpu", tile=0)(image, "CYX")
    tiled = Denoiser(network, device="cpu", tile=84)(image, "CYX")
    assert abs(whole - tiled).max() < 1e-5


def test_elf_in_tiles_is_close_and_returns_the_full_size():
    network = randomise(create("elf-tiny", width=8, stem_heads=1), spread=0.05).eval()
    model = Model(network)
    model.inference = dataclasses.replace(model.inference, training_crop=64)
    image = torch.rand(3, 150, 170).numpy()
    assert Denoiser(model, device="cpu", tile=96)(image, "CYX").shape == image.shape
