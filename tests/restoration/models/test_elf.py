"""ELF against the published program, piece by piece and whole."""

import pytest
import torch

from restoration.models import ELF, ELFConfig
from restoration.models.elf.attention import Branch, CrossBlock, GatedFeedForward, MultiInputAttention, TransformerBlock
from restoration.models.elf.network import DecoderStage, EncoderDecoder, EncoderStage, RainNetwork
from restoration.models.elf.official import our_key, our_tensors
from restoration.models.elf.pieces import (
    ChannelGate,
    ConvBlock,
    Fuse,
    FuseFour,
    Resize,
    Separable,
    SeparableBlock,
    shuffle_up,
)
from tests.helpers.golden import assert_close, load_golden

ENCODER, DECODER = "dsnet.dsnnet_encoder.encoder_level1.", "dsnet.dsnnet_decoder.decoder_level1."
ORB = "dsnet.orsnet.orb.modules_body.0."


def fill(module, golden, prefix):
    """Load official weights of a piece, named as inside a network at `prefix`; gives the shared slope if there is one."""
    named = our_tensors({f"{prefix}{key}": value.double() for key, value in golden.weights.items()})
    slope = named.pop(f"{prefix.split('.')[0]}.slope", None)
    ours = {our_key(key): value for key, value in named.items()}
    wanted = module.double().state_dict()
    inner = next(key for key in ours)
    start = next(inner[: -len(name)] for name in wanted if inner.endswith(name))
    module.load_state_dict({key.removeprefix(start): value for key, value in ours.items()})
    activation = torch.nn.PReLU().double()
    if slope is not None:
        with torch.no_grad():
            activation.weight.copy_(slope)
    return module.eval(), activation


def inputs(golden):
    return [golden[key].double() for key in sorted(k for k in golden.tensors if k.startswith("input"))]


def attention_config(**options):
    return ELFConfig(**{"stem_heads": 1, **options})


SIMPLE = [
    ("depthwise_separable_conv", f"{ENCODER}S2FB2.DSC.", None),
    ("calayer", f"{ENCODER}CAB1.CA.", None),
    ("s2fb_2", f"{ENCODER}S2FB2.", lambda: Fuse(12)),
    ("s2fb_p", f"{DECODER}S2FB0.", lambda: FuseFour(12)),
    ("gdfn_prelu", f"{ORB}ffn.", lambda: GatedFeedForward(12, expansion=2.66, activation="prelu")),
    ("gdfn_gelu", f"{ORB}ffn.", lambda: GatedFeedForward(12, expansion=2.66, activation="gelu")),
    ("restormer_block_prelu", ORB, lambda: TransformerBlock(ELFConfig(width=12), 2)),
    ("restormer_block_gelu", ORB, lambda: TransformerBlock(ELFConfig(width=12, activation="gelu"), 1)),
    ("orb_head", "dsnet.orsnet.orb.", lambda: Branch(ELFConfig(width=12, branch_blocks=5))),
    ("stem_mam_head", "ssnet.stem.", lambda: MultiInputAttention(attention_config(width=12))),
    ("stem_mam_lw", "ssnet.stem.", lambda: MultiInputAttention(ELFConfig(width=16, stem_heads=4, activation="gelu"))),
    ("downsample2", "dsnet.dsnnet_encoder.down_stage1.", lambda: Resize(6, 0.5)),
    ("downsample4", "dsnet.dsnnet_decoder.down_13.", lambda: Resize(6, 0.25)),
    ("upsample2", "dsnet.dsnnet_decoder.up_32.", lambda: Resize(6, 2)),
    ("upsample4", "dsnet.dsnnet_decoder.up_31.", lambda: Resize(6, 4)),
]


@pytest.mark.parametrize(("name", "prefix", "make"), SIMPLE, ids=[piece[0] for piece in SIMPLE])
def test_pieces(name, prefix, make):
    golden = load_golden(f"elf/{name}.safetensors")
    if make is None:
        shape = golden["input"].shape[1], golden["output"].shape[1]
        make = (lambda: ChannelGate(shape[0])) if name == "calayer" else (lambda: Separable(*shape))
    module, _ = fill(make(), golden, prefix)
    with torch.no_grad():
        assert_close(module(*inputs(golden)), golden["output64"], 1e-12)


def test_the_block_of_three_sources():
    """Published arguments: what is called key feeds the query projection, and the other way round."""
    golden = load_golden("elf/mam_transformer_block.safetensors")
    ours = ELFConfig(width=golden["input"].shape[1], stem_heads=golden.config["num_heads"])
    module, _ = fill(CrossBlock(ours), golden, "ssnet.stem.former.")
    with torch.no_grad():
        assert_close(module(*inputs(golden)), golden["output64"], 1e-12)


WITH_SLOPE = [
    ("cab", f"{DECODER}CAB1.", lambda n: ConvBlock(n)),
    ("cab_dsc", f"{ENCODER}CAB1.", lambda n: SeparableBlock(n)),
    ("stage_encoder", ENCODER, lambda n: EncoderStage(n)),
]


@pytest.mark.parametrize(("name", "prefix", "make"), WITH_SLOPE, ids=[piece[0] for piece in WITH_SLOPE])
def test_pieces_with_the_shared_slope(name, prefix, make):
    golden = load_golden(f"elf/{name}.safetensors")
    module, activation = fill(make(golden["input"].shape[1]), golden, prefix)
    with torch.no_grad():
        assert_close(module(golden["input"].double(), activation), golden["output64"], 1e-12)


def test_decoder_stage():
    golden = load_golden("elf/stage_decoder.safetensors")
    module, activation = fill(DecoderStage(12), golden, DECODER)
    with torch.no_grad():
        assert_close(module(tuple(inputs(golden)), activation), golden["output64"], 1e-12)


def test_shuffle_up():
    golden = load_golden("elf/shuffle_up.safetensors")
    assert_close(shuffle_up(golden["input"].double()), golden["output64"], 1e-15)


def test_encoder_decoder():
    golden = load_golden("elf/encoder_decoder.safetensors")
    renamed = {
        key.replace("encoder.", "dsnnet_encoder.", 1) if key.startswith("encoder.") else f"dsnnet_{key}": value
        for key, value in golden.weights.items()
    }
    golden.tensors.update({f"weight.{key}": value for key, value in renamed.items()})
    for key in [k for k in golden.tensors if k.startswith(("weight.encoder", "weight.decoder"))]:
        del golden.tensors[key]
    module, activation = fill(EncoderDecoder(golden["input"].shape[1]), golden, "dsnet.")
    with torch.no_grad():
        assert_close(module(golden["input"].double(), activation), golden["output64"], 1e-12)


def test_rain_network():
    golden = load_golden("elf/dsnet_head.safetensors")
    named = our_tensors({f"dsnet.{key}": value.double() for key, value in golden.weights.items()})
    width = golden["weight.shallow_feat1.0.weight"].shape[0]
    module = RainNetwork(ELFConfig(width=width, branch_blocks=5, stem_heads=1)).double()
    module.load_state_dict({our_key(key).removeprefix("rain."): value for key, value in named.items()})
    with torch.no_grad():
        rain, background = module(golden["input"].double())
    assert_close(rain, golden["output64"], 1e-12)
    assert_close(background, golden["output64.1"], 1e-12)


NETWORKS = ["model_head_nf8_32x48", "model_head_nf16_b2_16x16", "model_paper_nf8_32x32", "model_lw_nf8_48x32"]


@pytest.mark.parametrize("name", NETWORKS)
def test_networks(name):
    golden = load_golden(f"elf/{name}.safetensors")
    network = ELF.from_official(golden.weights, golden.config)
    for dtype, bound in ((torch.float32, 2e-5), (torch.float64, 1e-12)):
        with torch.no_grad():
            full, half = network.to(dtype)(golden["input"].to(dtype))
        assert_close(full, golden["output64"], bound)
        assert_close(half, golden["output64.1"], bound)


def test_what_weights_say_need_not_be_given():
    golden = load_golden("elf/model_lw_nf8_48x32.safetensors")
    network = ELF.from_official(golden.weights, {})
    assert network.config == ELF.from_official(golden.weights, golden.config).config


def test_slopes_are_one_parameter():
    golden = load_golden("elf/model_paper_nf8_32x32.safetensors")
    network = ELF.from_official(golden.weights, golden.config)
    assert (
        sum(name.endswith("activation.weight") and ".ffn." not in name for name, _ in network.named_parameters()) == 2
    )
    key = next(k for k in golden.weights if k.endswith("encoder_level2.CAB1.body.1.weight"))
    with pytest.raises(ValueError, match="differs from the other slopes"):
        ELF.from_official({**golden.weights, key: golden.weights[key] + 1}, golden.config)


def test_gelu_leaves_stored_slopes_aside():
    """A published variant carries the slopes of its feed-forward networks and never uses them."""
    golden = load_golden("elf/model_lw_nf8_48x32.safetensors")
    extra = {
        k.replace("project_in", "act1"): torch.ones(1) for k in golden.weights if k.endswith("ffn.project_in.weight")
    }
    network = ELF.from_official({**golden.weights, **extra}, golden.config)
    with torch.no_grad():
        assert_close(network(golden["input"])[0], golden["output64"], 2e-5)


@pytest.mark.parametrize(
    ("preset", "count"), [("elf", 1_536_785), ("elf-head", 1_223_972), ("elf-lw", 568_308), ("elf-wide", 2_454_521)]
)
def test_published_sizes(preset, count):
    from bsn.models import create

    assert sum(p.numel() for p in create(preset).parameters()) == count
