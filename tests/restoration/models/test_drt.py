"""DRT against the published program, piece by piece and whole."""

import pytest
import torch
from einops import rearrange

from restoration.models import DRT, DRTConfig
from restoration.models.drt import blocks
from restoration.models.drt.blocks import Block, ResidualLayer, merge_windows, split_windows
from restoration.models.drt.network import square_padding
from restoration.models.drt.official import our_key, our_tensors
from tests.helpers.golden import assert_close, load_golden


def fill(module, golden, prefix, inner, window=7):
    """Load official weights of a piece: named as inside a network at `prefix`, ours below `inner`."""
    official = {f"{prefix}{key}": value for key, value in golden.weights.items() if key != "attn_mask"}
    named = our_tensors(official, window)
    named = {our_key(key).removeprefix(inner): value.double() for key, value in named.items()}
    module.double().load_state_dict(named)
    return module


def test_windows():
    golden = load_golden("drt/window_partition.safetensors")
    image = golden["input"].permute(0, 3, 1, 2)
    window = golden["output"].shape[1]
    windows = split_windows(image, window)
    assert torch.equal(windows.permute(0, 2, 3, 1), golden["output"])
    grid = (image.shape[2] // window, image.shape[3] // window)
    assert torch.equal(merge_windows(windows, grid), image)


@pytest.mark.parametrize(("name", "shifted"), [("transformer_block", False), ("transformer_block_shifted", True)])
def test_blocks(name, shifted):
    golden = load_golden(f"drt/{name}.safetensors")
    config = golden.config
    height, width = config["input_resolution"]
    ours = DRTConfig(
        width=config["dim"], heads=config["num_heads"], window=config["window_size"], mlp_ratio=config["mlp_ratio"]
    )
    prefix = "recursive_layers.0.block1.transformer."
    block = fill(Block(ours, config["shift_size"] if shifted else 0), golden, prefix, "layers.0.block1.", ours.window)
    image = rearrange(golden["input"].double(), "n (h w) c -> n c h w", h=height)
    grid = (height // ours.window, width // ours.window)
    out = merge_windows(block(split_windows(image, ours.window), grid), grid)
    assert_close(rearrange(out, "n c h w -> n (h w) c"), golden["output64"], 1e-12)


@pytest.mark.parametrize("gradients", [True, False], ids=["whole", "window by window"])
def test_residual_layer(gradients, monkeypatch):
    monkeypatch.setattr(blocks, "CACHED_ELEMENTS", 1)
    golden = load_golden("drt/residual_layer_depth3.safetensors")
    config = golden.config
    heads = golden["weight.block1.transformer.attn.relative_position_bias_table"].shape[1]
    ours = DRTConfig(width=config["dim"], heads=heads, recursions=config["residual_depth"])
    layer = fill(ResidualLayer(ours), golden, "recursive_layers.0.", "layers.0.")
    with torch.set_grad_enabled(gradients):
        out = layer(rearrange(golden["input"].double(), "n (h w) c -> n c h w", h=config["input_resolution"][0]))
    assert_close(rearrange(out, "n c h w -> n (h w) c"), golden["output64"], 1e-12)


@pytest.mark.parametrize("patch", [1, 2])
def test_patch_embedding(patch):
    golden = load_golden(f"drt/patch_embed_p{patch}.safetensors")
    x, weights = golden["input"].double(), {k: v.double() for k, v in golden.weights.items()}
    network = DRT(DRTConfig(width=weights["proj.weight"].shape[0], patch=patch, layers=1)).double()
    network.embed.load_state_dict({"weight": weights["proj.weight"], "bias": weights["proj.bias"]})
    out = network.embed(x)
    assert_close(rearrange(out, "n c h w -> n (h w) c"), golden["output64"], 1e-12)


def test_scalings():
    """An identity body: the input's scaling, and the published way back, which is not an inverse."""
    normalised = load_golden("drt/normalise.safetensors")
    network = DRT(DRTConfig(layers=1)).double()
    x = normalised["input"].double()
    assert_close((x - network.mean) / network.spread, normalised["output64"], 1e-12)
    official = load_golden("drt/denormalise_official.safetensors")
    assert_close((official["input"].double() + network.mean) * network.spread, official["output64"], 1e-12)


@pytest.mark.parametrize("name", ["a_20x33", "b_21x21", "c_16x45"])
def test_square_padding(name):
    golden = load_golden(f"drt/eval_padding_{name}.safetensors")
    assert torch.equal(square_padding(golden["input"], 7), golden["output"])


NETWORKS = [
    "model_dim16_28x28",
    "model_dim24_21x21_depth2_rec3",
    "model_dim16_patch2_28x28",
    "model_dim16_padded_eval_20x33",
]


@pytest.mark.parametrize("name", NETWORKS)
def test_networks(name):
    golden = load_golden(f"drt/{name}.safetensors")
    network = DRT.from_official(golden.weights, golden.config)
    with torch.no_grad():
        assert_close(network(golden["input"]), golden["output64"], 2e-5)
    network = DRT.from_official({k: v.double() for k, v in golden.weights.items()}, golden.config)
    with torch.no_grad():
        assert_close(network(golden["input"].double()), golden["output64"], 1e-12)


def test_the_true_inverse_by_the_last_bias():
    golden = load_golden("drt/model_dim16_28x28.safetensors")
    network = DRT.from_official({k: v.double() for k, v in golden.weights.items()}, golden.config)
    network = network.to_inverse_scaling()
    assert network.config.output_scaling == "inverse"
    with torch.no_grad():
        assert_close(network(golden["input"].double()), golden["output64"], 1e-12)


def test_unused_convolutions_may_be_missing_and_indices_must_be_right():
    golden = load_golden("drt/model_dim16_28x28.safetensors")
    weights = {k: v for k, v in golden.weights.items() if not k.startswith(("input_conv1", "output_conv1"))}
    network = DRT.from_official(weights, golden.config)
    assert not network.config.unused_convolutions
    with torch.no_grad():
        assert_close(network(golden["input"]), golden["output64"], 2e-5)
    key = "recursive_layers.0.block1.transformer.attn.relative_position_index"
    with pytest.raises(ValueError, match="is not the index of 7 x 7 windows"):
        DRT.from_official({**weights, key: weights[key].flip(0)}, golden.config)


def test_rectangular_padding_differs_from_the_square_at_the_border_only():
    golden = load_golden("drt/model_dim16_padded_eval_20x33.safetensors")
    square = DRT.from_official(golden.weights, golden.config)
    rectangular = DRT.from_official(golden.weights, golden.config, padding="rectangular")
    x = torch.rand(1, 3, 60, 90)
    with torch.no_grad():
        difference = (square(x) - rectangular(x)).abs().amax((0, 1))
    halo = square.halo
    assert difference[: 60 - halo].max() < 1e-5
    assert difference.max() > 1e-4


def test_published_size():
    network = DRT()
    assert sum(p.numel() for p in network.parameters()) == 1_185_630
    assert sum(p.numel() for p in network.parameters() if p.requires_grad) == 1_180_347


@pytest.mark.parametrize(("shift", "slack"), [(False, 2), (True, 10)])
def test_the_halo_covers_the_reach(shift, slack):
    """Gradients of middle pixels end where the halo says, with fixed and with shifted windows, and not far before."""
    torch.manual_seed(0)
    network = DRT(DRTConfig(width=4, layers=1, recursions=2, heads=1, window=3, shift=shift)).double()
    x = torch.rand(1, 3, 63, 63, dtype=torch.float64, requires_grad=True)
    reached = 0
    for place in range(30, 33):
        (gradient,) = torch.autograd.grad(network(x)[0, :, place, place].sum(), x)
        rows, columns = (gradient[0].abs().sum(0) > 0).nonzero().T
        reached = max(reached, int((rows - place).abs().max()), int((columns - place).abs().max()))
    assert network.halo - slack <= reached <= network.halo


def test_checkpointing_changes_memory_only():
    torch.manual_seed(0)
    config = {"width": 8, "layers": 1, "recursions": 2}
    plain, saving = (DRT(DRTConfig(**config, checkpointing=flag)).double() for flag in (False, True))
    saving.load_state_dict(plain.state_dict())
    x = torch.rand(1, 3, 14, 14, dtype=torch.float64)
    gradients = []
    for network in (plain, saving):
        network(x).square().sum().backward()
        gradients.append([p.grad for p in network.parameters() if p.requires_grad])
    assert all(torch.allclose(a, b, atol=1e-12) for a, b in zip(*gradients, strict=True))


def test_the_small_start_returns_its_input_and_lets_it_through_the_layers():
    """Layers of DRT add their input in every recursion: signals would grow, or fade in the convolution behind."""
    torch.manual_seed(0)
    x, z = torch.rand(1, 3, 28, 28), torch.randn(1, 16, 28, 28)
    network = DRT(DRTConfig(width=16, layers=6, recursions=2, unused_convolutions=False, start_at_identity=True))
    with torch.no_grad():
        assert torch.allclose(network(x), x, atol=1e-5)
        out = z
        for layer in network.layers:
            out = layer(out)
    assert 1 / 3 < out.std() < 3
    assert torch.corrcoef(torch.stack([z, out]).flatten(1))[0, 1] > 0.3
