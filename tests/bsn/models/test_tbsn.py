"""TBSN against the published program's numbers, and against its literal form."""

import json

import pytest
import torch
from torch import nn

from bsn.lattice import merge_phases, split_phases
from bsn.models import TBSN, TBSNConfig, create
from bsn.models.phase_unet.blocks import Downsample, FeedForward, Upsample
from bsn.models.tbsn.blocks import AttentionBlock
from bsn.models.tbsn.official import our_config, our_key
from bsn.ops.channel_attention.module import ChannelAttention
from bsn.ops.window_attention.module import WindowAttention
from tests.helpers.golden import assert_close, golden_path, load_golden, procedural_tensor, relative_error
from tests.helpers.literal_tbsn import LiteralTBSN

DTYPES = [(torch.float64, 1e-12), (torch.float32, 5e-6)]
NETWORKS = [
    "tbsn_d16_1x3x32x32_inter",
    "tbsn_d16_1x3x64x64",
    "tbsn_d8_2x3x32x64",
    "tbsn_d8_gray_bias_1x1x32x32",
    "tbsn_d8_ws4_2x3x32x48",
]
STAGES = {
    "patch_embed": "head",
    "encoder_level1": "encoder.0",
    "encoder_level2": "encoder.1",
    "latent": "encoder.2",
    "decoder_level2": "decoder.1",
    "decoder_level1": "decoder.0",
    "refinement": "refinement",
    "down1_2": "down.0",
    "down2_3": "down.1",
    "up2_1": "up.0",
    "reduce_chan_level2": "reduce.1",
}


def fill(module: nn.Module, weights, prefix: str, dtype) -> nn.Module:
    """Load golden weights of one official module `prefix` (as inside a first block) into ours."""
    ours = {}
    for key, value in weights.items():
        name = our_key(f"encoder_level1.0.{prefix}{key}")
        if name is not None:
            ours[name] = value.to(dtype)
    start = our_key(f"encoder_level1.0.{prefix}x.y") if prefix else "encoder.0.0.layers"
    depth = len(start.split(".")) - (2 if prefix else 1)
    ours = {".".join(key.split(".")[depth:]): value for key, value in ours.items()}
    module.to(dtype).load_state_dict(ours)
    return module.eval()


def on_phases(module, x):
    return merge_phases(module(split_phases(x)))


@pytest.mark.parametrize(("dtype", "bound"), DTYPES)
@pytest.mark.parametrize("name", ["op_window_attn_a", "op_window_attn_b"])
def test_window_attention_module(name, dtype, bound):
    golden = load_golden(f"tbsn/{name}.safetensors")
    c = golden.config
    module = WindowAttention(
        c["dim"],
        heads=c["num_heads"],
        head_dim=c["dim_head"],
        window=c["window_size"],
        overlap=c["overlap_ratio"],
        bias=c["bias"],
    )
    fill(module, golden.weights, "spatial_attn.", dtype)
    assert_close(on_phases(module, golden["input"].to(dtype)), golden["output64"], bound)


@pytest.mark.parametrize(("dtype", "bound"), DTYPES)
@pytest.mark.parametrize("variant", ["a", "b"])
@pytest.mark.parametrize(("kind", "scope"), [("op", "global"), ("ext_phase", "phase")])
def test_channel_attention_module(kind, scope, variant, dtype, bound):
    golden = load_golden(f"tbsn/{kind}_channel_attn_{variant}.safetensors")
    c = golden.config
    module = ChannelAttention(c["dim"], heads=c["num_heads"], scope=scope, bias=c["bias"])
    fill(module, golden.weights, "channel_attn.", dtype)
    assert_close(on_phases(module, golden["input"].to(dtype)), golden["output64"], bound)


@pytest.mark.parametrize(("dtype", "bound"), DTYPES)
@pytest.mark.parametrize("name", ["op_ffn_a", "op_ffn_b"])
def test_feed_forward_of_each_phase(name, dtype, bound):
    """The sizes are odd, so the phases differ in size and run one by one."""
    golden = load_golden(f"tbsn/{name}.safetensors")
    c = golden.config
    module = FeedForward(c["dim"], expansion=c["ffn_expansion_factor"], bias=c["bias"]).to(dtype)
    module.load_state_dict({k: v.to(dtype) for k, v in golden.weights.items()})
    x = golden["input"].to(dtype)
    out = torch.empty_like(x)
    with torch.no_grad():
        for py in range(2):
            for px in range(2):
                out[..., py::2, px::2] = module(x[..., py::2, px::2])
    assert_close(out, golden["output64"], bound)


@pytest.mark.parametrize(("dtype", "bound"), DTYPES)
@pytest.mark.parametrize(("name", "kind"), [("op_downsample", Downsample), ("op_upsample", Upsample)])
def test_change_of_resolution(name, kind, dtype, bound):
    golden = load_golden(f"tbsn/{name}.safetensors")
    n = golden.config["n_feat"]
    module = kind(n, 2 * n if kind is Downsample else n // 2).to(dtype)
    module.load_state_dict({"project.weight": golden["weight.body.0.weight"].to(dtype)})
    assert_close(on_phases(module, golden["input"].to(dtype)), golden["output64"], bound)


@pytest.mark.parametrize(("dtype", "bound"), DTYPES)
@pytest.mark.parametrize("name", ["op_block_a", "op_block_b"])
def test_block(name, dtype, bound):
    golden = load_golden(f"tbsn/{name}.safetensors")
    c = golden.config
    official = {
        "dim": c["dim"],
        "channel_heads": [c["num_channel_heads"]] * 3,
        "spatial_heads": [c["num_spatial_heads"]] * 3,
        "overlap_ratio": [c["overlap_ratio"]] * 3,
        **{k: c[k] for k in ("window_size", "spatial_dim_head", "ffn_expansion_factor", "bias", "LayerNorm_type")},
    }
    module = AttentionBlock(c["dim"], 0, TBSNConfig(**our_config(official), channel_attention="global"))
    ours = {our_key(f"encoder_level1.0.{k}"): v.to(dtype) for k, v in golden.weights.items()}
    module.to(dtype).load_state_dict({k.removeprefix("encoder.0.0."): v for k, v in ours.items() if k is not None})
    assert_close(on_phases(module, golden["input"].to(dtype)), golden["output64"], bound)


@pytest.mark.parametrize(("dtype", "bound"), [(torch.float64, 1e-12), (torch.float32, 1e-5)])
@pytest.mark.parametrize("name", [*NETWORKS, "ext_tbsn_d8_phasewise_1x3x32x64"])
def test_network(name, dtype, bound):
    golden = load_golden(f"tbsn/{name}.safetensors")
    scope = "phase" if name.startswith("ext") else "global"
    network = TBSN.from_official({k: v.to(dtype) for k, v in golden.weights.items()}, golden.config, scope)
    with torch.no_grad():
        assert_close(network(golden["input"].to(dtype)), golden["output64"], bound)


def test_stages_of_the_network():
    golden = load_golden("tbsn/tbsn_d16_1x3x32x32_inter.safetensors")
    network = TBSN.from_official(golden.weights, golden.config)
    seen = {}
    for official, ours in STAGES.items():
        network.get_submodule(ours).register_forward_hook(
            lambda module, args, out, official=official: seen.__setitem__(official, out)
        )
    with torch.no_grad():
        network(golden["input"])
    for official, value in seen.items():
        merged = value if official == "patch_embed" else merge_phases(value)
        assert_close(merged, golden[f"inter.{official}"], 1e-5, official)


def test_full_size_with_procedural_weights():
    golden = load_golden("tbsn/full_tbsn_procedural_64.safetensors")
    keys = json.loads(golden_path("tbsn/keys_full.json").read_text())
    shapes = keys["TBSN"]["keys"] if "TBSN" in keys else keys["tbsn"]["keys"]
    gains = float(golden.metadata["gain"]), float(golden.metadata["gain_qkv"])
    weights = {k: procedural_tensor(k, tuple(s), *gains).double() for k, s in shapes.items() if not k.endswith("mask")}
    for key, (total, absolute) in json.loads(golden.metadata["weight_checksums"]).items():
        assert float(weights[key].sum()) == pytest.approx(total, rel=1e-9, abs=1e-9)
        assert float(weights[key].abs().sum()) == pytest.approx(absolute, rel=1e-9)
    network = TBSN.from_official(weights, {})
    shape = tuple(json.loads(golden.metadata["input_shape"]))
    with torch.no_grad():
        out = network(procedural_tensor("__input__", shape, *gains).double())
    assert_close(out, golden["output64"], 1e-12)


@pytest.mark.parametrize(("dtype", "bound"), [(torch.float64, 1e-5), (torch.float32, 2e-5)])
def test_gradients(dtype, bound):
    golden = load_golden("tbsn/grad_tbsn_d8.safetensors")
    network = TBSN.from_official({k: v.to(dtype) for k, v in golden.weights.items()}, golden.config)
    x = golden["input"].to(dtype).requires_grad_()
    out = network(x)
    loss = (out - x.detach()).abs().mean()
    loss.backward()
    assert float(loss.detach()) == pytest.approx(float(golden["loss64"]), rel=1e-12 if dtype is torch.float64 else 1e-6)
    assert_close(x.grad, golden["input_grad64"], 1e-12 if dtype is torch.float64 else bound, "input")
    parameters = dict(network.named_parameters())
    compared = 0
    for official, truth in golden.group("grad.").items():
        key = our_key(official)
        if key is None:
            continue
        value, truth = parameters[key].grad.clone(), truth.clone()
        if key == "head.weight":
            value[..., 1, 1] = truth[..., 1, 1] = 0  # the published mask is not in the graph
        assert_close(value, truth, bound, official)
        compared += 1
    assert compared == len(parameters)


def test_equals_the_literal_form_where_windows_do_not_divide_the_padded_size_evenly():
    config = {"dim": 8, "num_blocks": [1, 1, 1], "num_refinement_blocks": 1, "spatial_dim_head": 4}
    torch.manual_seed(0)
    literal = LiteralTBSN(config).double()
    network = TBSN.from_official(literal.state_dict(), config)
    x = torch.rand(1, 3, 64, 32, dtype=torch.float64) * 255
    with torch.no_grad():
        assert_close(network(x), literal(x), 1e-12)


def test_sizes_off_the_grid_are_padded_by_reflection_and_cropped():
    config = {"dim": 8, "num_blocks": [1, 1, 1], "num_refinement_blocks": 0, "spatial_dim_head": 4}
    torch.manual_seed(0)
    literal = LiteralTBSN(config).double()
    network = TBSN.from_official(literal.state_dict(), config)
    x = torch.rand(2, 3, 37, 50, dtype=torch.float64)
    padded = nn.functional.pad(x, (0, 14, 0, 27), mode="reflect")
    with torch.no_grad():
        assert_close(network(x), literal(padded)[..., :37, :50], 1e-12)


def test_parameter_counts():
    assert sum(p.numel() for p in TBSN().parameters()) == 12_746_780
    keys = json.loads(golden_path("tbsn/keys_full.json").read_text())
    shapes = keys["TBSN"]["keys"] if "TBSN" in keys else keys["tbsn"]["keys"]
    ours = {k: tuple(v.shape) for k, v in TBSN().state_dict().items()}
    mapped = {our_key(k): tuple(s) for k, s in shapes.items() if our_key(k) is not None}
    assert mapped == ours


def test_masks_may_be_absent_and_centre_taps_do_not_matter():
    golden = load_golden("tbsn/grad_tbsn_d8.safetensors")
    bare = {k: v for k, v in golden.weights.items() if not k.endswith("mask")}
    full, without = (TBSN.from_official(w, {**golden.config, "seed": 3}) for w in (golden.weights, bare))
    assert (full.head.weight[..., 1, 1] == 0).all()
    with torch.no_grad():
        assert torch.equal(full(golden["input"]), without(golden["input"]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: w.pop("output.weight"), "missing output.0.weight"),
        (lambda w: w.update({"surplus.weight": torch.zeros(1)}), "unknown key surplus.weight"),
        (lambda w: w.update({"output.weight": torch.zeros(3, 8, 1, 1)}), r"output.0.weight has shape \(3, 8, 1, 1\)"),
    ],
)
def test_weights_that_do_not_fit_are_named(change, message):
    golden = load_golden("tbsn/grad_tbsn_d8.safetensors")
    weights = dict(golden.weights)
    change(weights)
    with pytest.raises(ValueError, match=message):
        TBSN.from_official(weights, golden.config)


def test_scope_can_be_changed_afterwards():
    golden = load_golden("tbsn/ext_tbsn_d8_phasewise_1x3x32x64.safetensors")
    network = TBSN.from_official({k: v.double() for k, v in golden.weights.items()}, golden.config)
    with torch.no_grad():
        assert relative_error(network(golden["input"].double()), golden["output64"]) > 1e-6
        network.set_channel_attention("phase")
        assert_close(network(golden["input"].double()), golden["output64"], 1e-12)
    assert network.config.channel_attention == "phase"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"overlaps": (0.25, 0.5, 0.5)}, "halo of 1, .* use an overlap of 0 or 0.5"),
        ({"widths": (48, 96)}, "blocks .* has 3 entries for 2 levels"),
        ({"widths": (48, 98, 192)}, "width 98 of level 1 is not a multiple of 4"),
        ({"channel_heads": (5, 2, 4)}, "width 48 cannot be split into 5"),
        ({"dilation": 1}, "dilation 1 leaves no pixel"),
        ({"channels": 0}, "0 channels"),
        ({"mixers": ("none",) * 3}, "TBSN without attention; give one level attention, or make a PhaseUNet"),
    ],
)
def test_illegal_configurations_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        TBSNConfig(**options)


def test_without_norms_every_block_begins_close_to_the_identity_and_is_not_cut_off():
    """Nothing else bounds the sum of many branches; with the usual start each block would change its input by a quarter."""
    torch.manual_seed(0)
    network, changes = create("tbsn-small", channels=1, norm="none"), []

    def note(module, inputs, output):
        changes.append(float(((output - inputs[0]).std() / inputs[0].std()).detach()))

    blocks = [module for module in network.modules() if isinstance(module, AttentionBlock)]
    for block in blocks:
        block.register_forward_hook(note)
    network(torch.randn(1, 1, 64, 64))
    assert len(changes) == len(blocks) > 5
    assert 0.01 < min(changes) <= max(changes) < 0.05
