"""DDSA against the published program, piece by piece and whole."""

import pytest
import torch

from restoration.models import DDSA, DDSAConfig
from restoration.models.ddsa.blocks import Block, CascadedFeedForward, Downsample, SpatialGate, Upsample
from restoration.models.ddsa.official import our_key, our_tensors
from tests.helpers.golden import assert_close, load_golden

BLOCK = "encoder_level1.0."


def fill(module, golden, prefix, inner):
    """Load official weights of a piece: named as inside a network at `prefix`, ours below `inner`."""
    named = our_tensors({f"{prefix}{key}": value.double() for key, value in golden.weights.items()})
    module.double().load_state_dict({our_key(key).removeprefix(inner): value for key, value in named.items()})
    return module


PIECES = [
    ("salayer", lambda g: SpatialGate(), f"{BLOCK}ffn.SAlayer.", "encoder.0.0.ffn.gate."),
    ("sefn", lambda g: CascadedFeedForward(12, expansion=2.66), f"{BLOCK}ffn.", "encoder.0.0.ffn."),
    ("sefn_bias", lambda g: CascadedFeedForward(10, expansion=2.0, bias=True), f"{BLOCK}ffn.", "encoder.0.0.ffn."),
    ("transformer_block", lambda g: Block(16, 2, DDSAConfig()), BLOCK, "encoder.0.0."),
    ("downsample", lambda g: Downsample(8), "down1_2.", "down.0."),
    ("upsample", lambda g: Upsample(8), "up2_1.", "up.0."),
]


@pytest.mark.parametrize(("name", "make", "prefix", "inner"), PIECES, ids=[piece[0] for piece in PIECES])
def test_pieces(name, make, prefix, inner):
    golden = load_golden(f"ddsa/{name}.safetensors")
    module = fill(make(golden), golden, prefix, inner).eval()
    with torch.no_grad():
        assert_close(module(golden["input"].double()), golden["output64"], 1e-12)
        assert_close(module.float()(golden["input"]), golden["output64"], 1e-5)


def test_the_gate_learns_statistics_in_training():
    golden = load_golden("ddsa/sefn_train_mode.safetensors")
    module = fill(CascadedFeedForward(12, expansion=2.66), golden, f"{BLOCK}ffn.", "encoder.0.0.ffn.").train()
    assert_close(module(golden["input"].double()), golden["output64"], 1e-12)
    for name in ("running_mean", "running_var"):
        assert_close(getattr(module.gate.norm, name), golden[f"after.SAlayer.conv_sa.1.{name}"].double(), 1e-6)


@pytest.mark.parametrize("name", ["model_dim8_32x40", "model_dim12_b2_16x24"])
def test_networks(name):
    golden = load_golden(f"ddsa/{name}.safetensors")
    network = DDSA.from_official(golden.weights, golden.config)
    with torch.no_grad():
        assert_close(network(golden["input"]), golden["output64"], 2e-5)
        assert_close(network.double()(golden["input"].double()), golden["output64"], 1e-12)


def test_published_size():
    with torch.device("meta"):
        network = DDSA()
        smaller = DDSA(DDSAConfig(refinement_blocks=2))
    assert sum(p.numel() for p in network.parameters()) == 40_618_940
    assert sum(p.numel() for p in smaller.parameters()) == 40_143_972


def test_checkpointing_changes_memory_only():
    config = {"width": 8, "blocks": (1, 1), "refinement_blocks": 1, "heads": (1, 2), "gate_norm": "none"}
    torch.manual_seed(0)
    plain = DDSA(DDSAConfig(**config)).double()
    saving = DDSA(DDSAConfig(**config, checkpointing=True)).double()
    saving.load_state_dict(plain.state_dict())
    x = torch.rand(1, 3, 16, 16, dtype=torch.float64)
    gradients = []
    for network in (plain, saving):
        network(x).square().sum().backward()
        gradients.append([p.grad for p in network.parameters()])
    assert all(torch.allclose(a, b, atol=1e-12) for a, b in zip(*gradients, strict=True))


def test_foreign_weights_are_named():
    golden = load_golden("ddsa/model_dim8_32x40.safetensors")
    weights = dict(golden.weights)
    weights["encoder_level9.0.attn.qkv.weight"] = weights.pop("output.weight")
    with pytest.raises(ValueError, match=r"unknown key encoder_level9.*missing output.weight"):
        DDSA.from_official(weights, golden.config)
    with pytest.raises(ValueError, match="inp_channels 1 and out_channels 3 differ"):
        DDSA.from_official(golden.weights, {**golden.config, "inp_channels": 1})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"heads": (1, 2)}, "2 heads for 4 levels"),
        ({"width": 6, "blocks": (1,), "heads": (6,)}, "keeps none of 1 channels per head"),
        ({"heads": (5, 2, 4, 8)}, "48 channels at level 1 cannot be split into 5 heads"),
        ({"topk_ratio": (3, 2)}, "topk_ratio 3/2 is not in"),
    ],
)
def test_shapes_that_cannot_be_built(options, message):
    with pytest.raises(ValueError, match=message):
        DDSAConfig(**options)
