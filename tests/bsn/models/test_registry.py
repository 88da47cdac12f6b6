"""Families of tests that every preset goes through, and the registry itself."""

import dataclasses
import json

import pytest
import torch

from bsn.models import BlindSpotNetwork, UnknownModelError, build, create, presets
from bsn.models.interface import main_output
from bsn.models.measure import count_parameters, macs_per_pixel
from bsn.ops import use_backend
from tests.helpers.literal_tbsn import LiteralTBSN
from tests.helpers.networks import randomise, small

LARGE = ("manas", "nafnet-wide")  # take as long as all others together
ALL = [pytest.param(name, marks=pytest.mark.slow if name in LARGE else ()) for name in presets()]


@pytest.mark.parametrize("channels", [1, 2])  # grey, and a number that no photograph has
@pytest.mark.parametrize("name", ALL)
def test_any_size_and_number_of_channels(name, channels):
    torch.manual_seed(0)
    network = small(name, channels=channels).eval()
    assert isinstance(network, BlindSpotNetwork)
    assert network.channels == channels
    for height, width in ((8, 8), (33, 50), (64, 19)):
        with torch.no_grad():
            out = main_output(network(torch.rand(2, channels, height, width)))
        assert out.shape == (2, channels, height, width)
        assert torch.isfinite(out).all()


@pytest.mark.parametrize("name", ALL)
def test_every_parameter_gets_a_gradient(name):
    torch.manual_seed(0)
    network = randomise(small(name, channels=1))  # as created, last layers may be zero and hide all before them
    outputs = network(torch.rand(1, 1, 64, 64))
    sum(out.square().mean() for out in (outputs if isinstance(outputs, tuple) else (outputs,))).backward()
    trained = [(n, p) for n, p in network.named_parameters() if p.requires_grad]
    idle = [n for n, p in trained if p.grad is None or not p.grad.any()]
    assert [n for n, p in trained if p.grad is None] == []
    # Gates of the restoration networks squeeze to a few rectified channels, which may all start at zero.
    gated = presets()[name].network in ("ddsa", "drt", "elf", "manas")
    assert len(idle) <= (0.1 * len(trained) if gated else 0), idle


@pytest.mark.parametrize("name", ALL)
def test_bfloat16_is_close_to_float32(name):
    torch.manual_seed(0)
    network = randomise(small(name, channels=1)).eval()
    x = torch.randn(1, 1, 64, 64)
    with torch.no_grad():
        exact = main_output(network(x))
        with torch.autocast("cpu", torch.bfloat16):
            fast = main_output(network(x))
    assert torch.isfinite(fast).all()
    assert (fast.float() - exact).abs().max() <= 0.05 * exact.abs().max()


@pytest.mark.parametrize("name", presets())
def test_configuration_survives_json(name):
    network = small(name, channels=2)
    stored = json.loads(json.dumps(dataclasses.asdict(network.config)))
    again = build(presets()[name].network, stored)
    assert again.config == network.config


def test_unknown_names_list_near_ones():
    with pytest.raises(UnknownModelError, match=r"no model 'tbsn-tyni'; did you mean phase-unet-tiny"):
        create("tbsn-tyni")
    with pytest.raises(
        ValueError,
        match="model 'dbsnl' has no option 'depth'; its options are channels, context, context_hole, modules, outputs, width",
    ):
        create("dbsnl", depth=3)
    with pytest.raises(ValueError, match="has 'spam', which 'dbsnl' does not know"):
        build("dbsnl", {"spam": 1})


def test_work_is_counted_as_in_the_specification():
    """4,973,032 MAC per pixel of the literal published network; ours does less attention work for the same numbers."""
    literal = LiteralTBSN().eval()
    literal.channels, literal.size_multiple = 3, 16
    # The specification counts all 23 rows of the position tables, the literal form the 12 of each query.
    assert macs_per_pixel(literal, 64) == pytest.approx(4_973_032, rel=3e-3)
    assert count_parameters(create("tbsn")) == 12_746_780
    assert macs_per_pixel(create("dbsnl"), 32) == pytest.approx(3_650_112, rel=1e-3)
    assert macs_per_pixel(create("tbsn"), 64) < 4_973_032


def test_work_of_drt_is_a_literal_count():
    """Per pixel: embedding, 6 layers of 3 recursions of two blocks with windows of 49 tokens and one 3x3 convolution."""
    width, tokens = 96, 49
    projections = width * 3 * width + width * width + 2 * width * width  # queries, keys and values; output; MLP
    attention = 2 * tokens * width  # logits and weighted values
    layer = 3 * 2 * (projections + attention) + 9 * width * width
    assert macs_per_pixel(create("drt")) == 3 * width + 6 * layer + 9 * width * 3 == 2_829_888


@pytest.mark.parametrize("name", {preset.network: name for name, preset in presets().items()}.values())
def test_the_work_of_every_network_can_be_counted(name):
    network = small(name, channels=1)
    weights = sum(p.numel() for p in network.parameters() if p.ndim == 4)
    assert 0 < macs_per_pixel(network, 32) < 100 * weights  # a convolution counts its weights once per pixel it makes


@pytest.mark.parametrize("name", ["drt", "tbsn-small", "elf"])
def test_work_does_not_depend_on_the_kernels(name):
    network = small(name)
    with use_backend("cpu"):
        fast = macs_per_pixel(network, 30)
    assert fast == macs_per_pixel(network, 30) > 0
