"""MANAS against the published program: candidates, modules, attention blocks and derived networks."""

import json
import zlib

import numpy as np
import pytest
import torch

from restoration.manas.genotype import genotype_of_indices, shipped_genotype
from restoration.manas.network.official import our_key
from restoration.manas.space import (
    AttentionBlock,
    ChosenEdge,
    FusionModule,
    MixedEdge,
    MixedModule,
    ParallelModule,
    Shape,
    Stem,
    Transition,
)
from restoration.manas.space.candidates import PUBLISHED_ORDER, make_candidate
from restoration.models import MANAS, MANASConfig
from tests.helpers.golden import golden_path, load_golden
from tests.helpers.official_manas import official_key


def assert_golden(value, golden, name="output64"):
    """The bounds of the golden README: 1e-9 (1 + t) in float64, 2e-5 (1 + t) in float32, t the largest reference value."""
    truth = golden[name].double()
    bound = (1e-9 if value.dtype == torch.float64 else 2e-5) * (1 + float(truth.abs().max()))
    assert value.shape == truth.shape
    error = float((value.double() - truth).abs().max())
    assert error <= bound, f"{name}: {error:.3g} is above {bound:.3g}"


def branches(golden, dtype=torch.float64):
    names = sorted(name for name in golden.tensors if name.startswith("input."))
    return [golden[name].to(dtype) for name in names] or [golden["input"].to(dtype)]


def fill(module, golden, place):
    """Load the weights of a piece, named as at `place` in a published network, into ours in float64."""
    named = {our_key(f"{place}{key}"): value for key, value in golden.weights.items()}
    wanted = module.state_dict()
    start = next(key[: -len(name)] for key in named for name in wanted if key.endswith(f".{name}"))
    module.load_state_dict({key.removeprefix(start): value for key, value in named.items()})
    return module.double().eval()


@pytest.mark.parametrize("name", PUBLISHED_ORDER)
def test_candidates(name):
    golden = load_golden(f"manas/op_{name}.safetensors")
    place = f"auto1.0.ops.0.ops.{PUBLISHED_ORDER.index(name)}."
    module = make_candidate(name, 16).double().eval()
    if golden.weights:
        module = fill(make_candidate(name, 16), golden, place)
    assert golden.config["index"] == PUBLISHED_ORDER.index(name)
    with torch.no_grad():
        assert_golden(module(golden["input"].double()), golden)
        assert_golden(module.float()(golden["input"]), golden, "output")


PARAMETERS = {
    "sep_conv_3x3": (800, 2624, 9344, 35072),
    "dil_conv_3x3": (400, 1312, 4672, 17536),
    "sep_conv_3x3_spatial": (42,) * 4,
    "dil_conv_3x3_spatial": (19,) * 4,
    "SE": (128, 512, 2048, 8192),
    "SE_A_M": (128, 512, 2048, 8192),
    "CBAM": (248, 652, 2228, 8452),
}


@pytest.mark.parametrize("name", PARAMETERS)
def test_parameters_of_candidates(name):
    counts = tuple(sum(p.numel() for p in make_candidate(name, c).parameters()) for c in (16, 32, 64, 128))
    assert counts == PARAMETERS[name]


PIECES = {
    "stem": ("stage1.", lambda: Stem(3, 8, 2)),
    "transition": ("transition2.", lambda: Transition((8, 12), (8, 12, 16))),
    "transition1": ("transition1.", lambda: Transition((32,), (8, 12))),
    "parallel": ("stage3.0.", lambda: ParallelModule((8, 12, 16))),
    "fusion": ("stage3.0.", lambda: FusionModule((8, 12, 16, 20))),
    "final_fuse": ("final_fuse.", lambda: FusionModule((8, 12, 16, 20), outputs=1)),
}


@pytest.mark.parametrize("name", PIECES)
def test_multi_scale_pieces(name):
    place, make = PIECES[name]
    golden = load_golden(f"manas/module_{name}.safetensors")
    module = fill(make(), golden, place)
    given = branches(golden)
    with torch.no_grad():
        outputs = [module(given[0])] if name == "stem" else module(given)
    names = sorted(key for key in golden.tensors if key.startswith("output64"))
    assert len(names) == len(outputs)
    for key, output in zip(names, outputs, strict=True):
        assert_golden(output, golden, key)


@pytest.mark.parametrize(("mix_input", "name"), [("chained", "output64"), ("input", "output64_fixed")])
def test_mixed_module(mix_input, name):
    golden = load_golden("manas/module_mix.safetensors")
    widths = [x.shape[1] for x in branches(golden)]
    module = fill(MixedModule(widths, mix_input=mix_input), golden, "stage3.0.")
    with torch.no_grad():
        outputs = module(branches(golden), golden["alpha"].double().softmax(-1).flatten())
    for number, output in enumerate(outputs):
        assert_golden(output, golden, f"{name}.{number}")


@pytest.mark.parametrize("suffix", ["", "_steps4"])
def test_attention_of_mixtures(suffix):
    golden = load_golden(f"manas/cell_attention_mixed{suffix}.safetensors")
    nodes = golden.config["steps"]
    module = AttentionBlock(32, nodes, lambda group, _: MixedEdge(group, PUBLISHED_ORDER))
    fill(module, golden, "auto1.0.")
    weights = golden["weights"].double()
    with torch.no_grad():
        assert_golden(module(golden["input"].double(), weights), golden)
        assert_golden(module(golden["input"].double(), weights.softmax(1)), golden, "output64_softmax")


@pytest.mark.parametrize("suffix", ["", "_steps4"])
def test_attention_of_choices(suffix):
    golden = load_golden(f"manas/cell_attention_fixed{suffix}.safetensors")
    choice = [PUBLISHED_ORDER[index] for index in golden["choice"].tolist()]
    make = lambda group, number: ChosenEdge(group, choice[number], keep_all=True)  # noqa: E731
    module = fill(AttentionBlock(32, golden.config["steps"], make), golden, "auto1.0.")
    with torch.no_grad():
        assert_golden(module(golden["input"].double()), golden)


def test_a_mixture_of_one_is_that_choice():
    golden = load_golden("manas/cell_attention_fixed.safetensors")
    choice = golden["choice"]
    mixed = AttentionBlock(32, 2, lambda group, _: MixedEdge(group, PUBLISHED_ORDER))
    fill(mixed, golden, "auto1.0.")
    with torch.no_grad():
        assert_golden(mixed(golden["input"].double(), torch.nn.functional.one_hot(choice, 9).double()), golden)


@pytest.mark.parametrize("name", ["derived_small", "derived_small_nostem", "derived_small_perbranch"])
def test_derived_networks(name):
    golden = load_golden(f"manas/{name}.safetensors")
    weights = load_golden("manas/derived_small.safetensors" if "perbranch" in name else f"manas/{name}.safetensors")
    network = MANAS.from_official(weights.weights, golden.config)
    if "n_params" in golden.config:
        assert sum(p.numel() for p in network.parameters()) == golden.config["n_params"]
    with torch.no_grad():
        assert_golden(network(golden["input"]), golden, "output")
        assert_golden(network.double()(golden["input"].double()), golden)
        assert_golden(network.pruned()(golden["input"].double()), golden)
    assert network.pruned().config.genotype == network.config.genotype


def test_batch_statistics():
    golden = load_golden("manas/derived_small.safetensors")
    network = MANAS.from_official(golden.weights, golden.config).double().train()
    with torch.no_grad():
        assert_golden(network(golden["input"].double()), golden, "output64_train")


def formula(key, shape):
    """Weights of the golden README: a hash of the key's CRC and the element's number."""
    u = (np.arange(int(np.prod(shape)), dtype=np.uint64) * 2654435761 + zlib.crc32(key.encode())) & 0xFFFFFFFF
    u ^= u >> np.uint64(15)
    u = (u * 2246822519) & 0xFFFFFFFF
    u ^= u >> np.uint64(13)
    u = (u * 3266489917) & 0xFFFFFFFF
    u ^= u >> np.uint64(16)
    r = u / 2.0**31 - 1
    if key.endswith(("running_mean", "bias")):
        value = 0.1 * r
    elif key.endswith("running_var") or len(shape) == 1:
        value = 1 + 0.3 * r
    else:
        factor = 0.01 if key.startswith("final_conv.") else 1.2
        value = factor * r * np.sqrt(3 / np.prod(shape[1:]))
    return torch.from_numpy(value.reshape(shape).astype(np.float32))


@pytest.mark.parametrize("name", ["derived_full", "derived_full_nostem"])
def test_published_size(name):
    golden = load_golden(f"manas/{name}.safetensors")
    keys = json.loads(golden_path("manas/keys_full.json").read_text())
    shapes = {**keys["derived_default"]["keys"]}
    if "nostem" in name:
        shapes |= keys["derived_default_nostem"]["keys_different"]
    state = {
        key: torch.zeros((), dtype=torch.int64) if key.endswith("tracked") else formula(key, tuple(shape))
        for key, (shape, _) in shapes.items()
    }
    for key, probe in golden.group("probe.").items():
        assert torch.allclose(state[key].flatten()[: len(probe)], probe, rtol=3e-7, atol=0)
    network = MANAS.from_official(state, golden.config)
    assert sum(p.numel() for p in network.parameters()) == golden.config["n_params"]
    with torch.no_grad():
        assert_golden(network(golden["input"]), golden, "output")


TOTALS = {
    "all_parallel": ([0] * 12, True),
    "all_fusion": ([1] * 12, True),
    "alternating_parallel_fusion": ([0, 1] * 6, True),
    "all_parallel_nostem": ([0] * 12, False),
    "all_fusion_nostem": ([1] * 12, False),
}


@pytest.mark.parametrize("name", TOTALS)
def test_totals_of_other_genotypes(name):
    totals = json.loads(golden_path("manas/keys_full.json").read_text())["param_totals_other_genotypes"][name]
    modules, stem = TOTALS[name]
    edges = [[[0, 0, 0]] * branches for branches in (2, 3, 4)]
    with torch.device("meta"):
        network = MANAS(genotype_of_indices(modules, edges, Shape(stem=stem)), prune=False)
    assert sum(p.numel() for p in network.parameters()) == totals["params"]
    assert len(network.state_dict()) == totals["keys"]


def test_keys_translate_both_ways():
    keys = json.loads(golden_path("manas/keys_full.json").read_text())
    official = list(keys["derived_default"]["keys"]) + list(keys["supernet_default"]["keys_live"])
    assert [official_key(our_key(key)) for key in official] == official
    with torch.device("meta"):
        network = MANAS(MANASConfig(prune=False))
    assert {key.removeprefix("body.") for key in network.state_dict()} == {
        our_key(key) for key in keys["derived_default"]["keys"]
    }
    with pytest.raises(KeyError):
        our_key("auto1.0.unknown.weight")


def test_what_weights_say_need_not_be_given():
    golden = load_golden("manas/derived_small_nostem.safetensors")
    edges = {"auto_official_by_stage": golden.config["auto_official_by_stage"]}
    network = MANAS.from_official(golden.weights, edges)
    assert network.config == MANAS.from_official(golden.weights, golden.config).config
    assert not network.config.genotype.stem
    with pytest.raises(ValueError, match="weights do not say which attention candidate"):
        MANAS.from_official(golden.weights, {})
    with pytest.raises(ValueError, match="not weights of a MANAS network"):
        MANAS.from_official({"conv.weight": torch.zeros(3)}, edges)


@pytest.mark.parametrize("size", [(1, 1), (7, 19), (37, 50), (64, 40)])
def test_any_size(size):
    """Odd sizes are mirrored to multiples of 8: the same as giving the mirrored image and cropping."""
    torch.manual_seed(0)
    network = MANAS(shipped_genotype("tiny")).eval()
    x = torch.rand(1, 3, *size)
    padded = torch.from_numpy(np.pad(x.numpy(), [(0, 0), (0, 0), *((0, -side % 8) for side in size)], mode="reflect"))
    with torch.no_grad():
        y = network(x)
        expected = network(padded)[..., : size[0], : size[1]]
    assert y.shape == x.shape
    assert torch.allclose(y, expected, atol=1e-6)


def test_a_residual_network_of_zeros_is_the_identity():
    network = MANAS(shipped_genotype("tiny"), residual=True).eval()
    torch.nn.init.zeros_(network.body.last.weight)
    x = torch.rand(1, 3, 9, 8)
    assert torch.equal(network(x), x)


def test_all_edges_none():
    """Nodes without any connection still give an image: the gated sum of the groups and the shortcut remain."""
    shape = Shape((16, 16), (1, 1))
    network = MANAS(genotype_of_indices([0], [[[0, 0, 0]] * 2], shape)).eval()
    assert torch.isfinite(network(torch.rand(1, 3, 8, 8))).all()
