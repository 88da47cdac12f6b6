"""Weights in fewer bits, and two networks in one file."""

import pytest
import torch

from bsn.models import Light, LightConfig, LightPair, Model, count_parameters, first_network, merged
from bsn.models.storage import restored, shortened

SHAPE = LightConfig(widths=(40, 48), blocks=(1, 1), bias=False)


def test_eight_bits_are_steps_of_each_output_and_place():
    weight = torch.randn(64, 24, 3, 3, generator=torch.Generator().manual_seed(0))
    weight[:, :, 1, 1] *= 50  # the middle of a kernel is often far larger
    small = torch.randn(7)
    kept = shortened({"large": weight, "small": small, "count": torch.tensor(3)}, 8)
    assert {name: value.dtype for name, value in kept.items()} == {
        "large": torch.int8,
        "large.int8_step": torch.float16,
        "small": torch.float16,
        "count": torch.int64,
    }
    found = restored(kept)
    assert set(found) == {"large", "small", "count"}
    largest = weight.abs().amax(1, keepdim=True)
    assert ((found["large"] - weight).abs() / largest).max() < 0.6 / 127
    assert torch.equal(found["small"], small.half())


@pytest.mark.parametrize(("bits", "dtype"), [(16, torch.float16), (32, torch.float32)])
def test_other_weights_keep_their_shape(bits, dtype):
    kept = shortened({"weight": torch.ones(200, 50)}, bits)
    assert kept["weight"].dtype == dtype
    assert torch.equal(restored(kept)["weight"].float(), torch.ones(200, 50))


def test_a_pair_is_its_first_network_and_goes_through_a_file(tmp_path):
    torch.manual_seed(0)
    every, colour = Light(SHAPE), Light(LightConfig(widths=(40, 48, 56), blocks=(1, 1, 1), bias=False))
    pair = LightPair.of(every, colour).eval()
    x = torch.rand(1, 3, 20, 28)
    with torch.no_grad():
        torch.testing.assert_close(pair(x), every(x), atol=1e-5, rtol=0)
        torch.testing.assert_close(pair.colour(x), colour(x), atol=1e-5, rtol=0)
        assert not torch.allclose(pair(x), pair.colour(x), atol=1e-3)
    assert (pair.channels, pair.halo, pair.size_multiple) == (3, colour.halo, 8)
    assert count_parameters(pair) == count_parameters(every.merged()) + count_parameters(colour.merged())
    assert first_network(pair) is pair.every
    assert first_network(every) is every
    Model(merged(pair)).save(tmp_path / "pair.safetensors", bits=8)
    Model(merged(pair)).save(tmp_path / "whole.safetensors")
    assert 2.5 * (tmp_path / "pair.safetensors").stat().st_size < (tmp_path / "whole.safetensors").stat().st_size
    read = Model.load(tmp_path / "pair.safetensors").network
    with torch.no_grad():
        torch.testing.assert_close(read(x), pair(x), atol=0.02, rtol=0)
    with pytest.raises(ValueError, match="make no pair"):
        LightPair.of(every, Light(LightConfig(channels=1, widths=(40, 48), blocks=(1, 1))))
