"""Networks that pool over the whole image: at once they are exact, in tiles they are not, and both are known."""

import dataclasses

import numpy as np
import pytest
import torch

from bsn.inference import Denoiser
from bsn.models import InferenceDefaults, Model
from tests.helpers.networks import randomise, small

POOLING = {
    "ddsa-tiny": {"width": 8, "blocks": (1, 1), "heads": (1, 2)},
    "elf-tiny": {"width": 8, "branch_blocks": 1},
    "manas-tiny": {},
    "nafnet-tiny": {"width": 4, "encoder": (1,), "middle": 1, "decoder": (1,)},
}


def trained(name, **options):
    """A model whose network does something: without the zeros that make an untrained one return its input."""
    network = small(name, **options).eval()
    randomise(network)
    return Model(network, inference=InferenceDefaults(training_crop=32))


@pytest.mark.parametrize("name", POOLING)
def test_the_whole_image_at_once_is_exact(name):
    model = trained(name, **POOLING[name])
    assert model.network.global_statistics
    image = np.random.default_rng(0).random((3, 64, 96), np.float32)
    image[:, :, 48:] *= 0.2
    expected = model.predict(torch.from_numpy(image)[None])[0].numpy()
    whole = np.asarray(Denoiser(model, device="cpu", tile=0)(image, "CYX"))
    assert np.abs(whole - expected).max() < 1e-5
    tiles = np.asarray(Denoiser(model, device="cpu", tile=32)(image, "CYX"))
    assert np.abs(tiles - expected).max() > 1e-4, "the statistics are those of the tiles"
    with pytest.raises(ValueError, match="0 for the whole image at once"):
        Denoiser(model, device="cpu", tile=16)(image, "CYX")


def test_tiles_of_a_network_without_pooling_equal_the_whole():
    model = trained("drt-tiny", width=8, layers=1)
    assert not model.network.global_statistics
    image = np.random.default_rng(0).random((3, 120, 200), np.float32)
    whole = np.asarray(Denoiser(model, device="cpu", tile=0)(image, "CYX"))
    side = 2 * model.network.halo + 4 * model.network.size_multiple
    tiles = np.asarray(Denoiser(dataclasses.replace(model), device="cpu", tile=side)(image, "CYX"))
    assert np.abs(tiles - whole).max() < 1e-5
