"""Every network that claims to be blind is: exactly, at every pixel, in every condition, for every option."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bsn.blindness import assert_blind, jacobian_check, judge_structure, measure_halo
from bsn.lattice import merge_phases, split_phases
from bsn.models import TBSN, TBSNConfig, presets
from bsn.ops import layer_norm, phase_shuffle, phase_unshuffle
from bsn.ops.channel_attention import channel_attention
from bsn.ops.dilated_window_attention import dilated_window_attention
from tests.helpers.networks import randomise, small

BLIND = {name: preset.network for name, preset in presets().items() if preset.blind}
# Colour mixes channels in the first and the last layer, which all presets of a network share: one preset of each.
COLOUR = {network: name for name, network in BLIND.items()}.values()


@pytest.mark.parametrize(
    ("name", "channels"),
    [*((name, 1) for name in BLIND), *(pytest.param(name, 3, marks=pytest.mark.slow) for name in COLOUR)],
)
def test_presets(name, channels):
    network = randomise(small(name, channels=channels))
    verdict = assert_blind(network, size=(26, 22), lattice=network.lattice or None, value_range=(-2.0, 2.0))
    assert all(check.passed for check in verdict.checks)
    judged = judge_structure(network)
    assert judged.blind
    assert (judged.lattice or 0) == (verdict.lattice or 0) == network.lattice
    assert network.lattice or verdict.hole == str(network.hole)


@settings(max_examples=10)
@given(
    dilation=st.integers(2, 4),
    mixers=st.tuples(*[st.sampled_from(["channel", "window", "channel+window", "none"])] * 2).filter(
        lambda mixers: set(mixers) != {"none"}
    ),
    window=st.sampled_from([1, 2, 3]),
    overlap=st.integers(0, 1),
    norm=st.sampled_from(["bias-free", "with-bias", "none"]),
    options=st.fixed_dictionaries(
        {"bias": st.booleans(), "wide_decoder": st.booleans(), "tail_layers": st.integers(0, 1)}
    ),
    size=st.tuples(st.integers(12, 30), st.integers(12, 30)),
)
def test_every_option_of_tbsn(dilation, mixers, window, overlap, norm, options, size):
    config = TBSNConfig(
        channels=1,
        widths=(4, 8),
        blocks=(1, 1),
        refinement_blocks=1,
        mixers=mixers,
        channel_heads=(1, 2),
        window_heads=(1, 1),
        head_dim=2,
        window=2 * window * dilation,
        overlaps=(float(overlap),) * 2,
        norm=norm,
        dilation=dilation,
        **options,
    )
    network = randomise(TBSN(config))
    assert_blind(network, size=size, lattice=dilation, checks=("structure", "jacobian", "perturbation"))


def test_the_published_global_variant_leaks_as_it_declares():
    network = small("tbsn", channels=1, channel_attention="global")
    assert 1e-9 < jacobian_check(network, (1, 32, 32)).ratio < 1e-1
    assert judge_structure(network).problem.kind == "ChannelAttention"
    with pytest.raises(AssertionError, match=r"LEAKS at encoder\.0\.0\.layers\.0 \(ChannelAttention\), ratio 0\.\d+"):
        assert_blind(network, checks=("jacobian",))
    network.set_channel_attention("phase")
    assert_blind(network, lattice=2, checks=("structure", "jacobian"))


def test_the_measured_halo_is_the_declared_one():
    network = randomise(small("dbsnl", channels=1))
    assert measure_halo(network, 1) == network.halo
    local = randomise(small("phase-unet-tiny", channels=1, widths=(8, 16, 32), blocks=(1, 1, 1), dilation=2))
    multiple = local.size_multiple
    measured = measure_halo(local, 1, multiple=multiple)
    assert local.halo / 2 < measured <= local.halo


def leak_across_phases(operator, channels, size=16):
    """Largest gradient from a pixel to pixels of another phase, and to its own."""
    torch.manual_seed(0)
    x = torch.randn(1, channels, size, size, dtype=torch.float64, requires_grad=True)
    out = operator(x)
    row, column = out.shape[-2] // 2, out.shape[-1] // 2
    mixture = torch.arange(1.0, out.shape[1] + 1, dtype=torch.float64)
    (gradient,) = torch.autograd.grad((out[0, :, row, column] * mixture).sum(), x)
    gradient = gradient[0].abs().amax(0)
    own = gradient[row % 2 :: 2, column % 2 :: 2].clone()
    gradient[row % 2 :: 2, column % 2 :: 2] = 0
    return float(gradient.max()), float(own.max())


def on_phases(function):
    return lambda x: merge_phases(function(split_phases(x)))


WEIGHT = torch.ones(8, dtype=torch.float64)
TABLES = [torch.randn(11, 4, dtype=torch.float64) for _ in range(2)]
BEHIND_THE_HEAD = {
    "layer_norm": lambda x: layer_norm(x, WEIGHT),
    "layer_norm with bias": lambda x: layer_norm(x, WEIGHT, WEIGHT),
    "dilated_window_attention": lambda x: dilated_window_attention(
        x, x, x, *[torch.nn.functional.pad(t, (0, 0, 6, 6)) for t in TABLES], window=8, key_window=12, heads=2
    ),
    "channel_attention per phase": on_phases(
        lambda x: channel_attention(x, x, x, torch.ones(2, dtype=torch.float64), heads=2)
    ),
    "phase_unshuffle and back": lambda x: phase_shuffle(phase_unshuffle(x).sin()),
    "convolution of phases": on_phases(
        lambda x: torch.nn.functional.conv2d(x, torch.ones(8, 8, 3, 3, dtype=torch.float64), padding=1)
    ),
}


@pytest.mark.parametrize("name", BEHIND_THE_HEAD)
def test_operators_behind_the_head_stay_in_their_phase(name):
    across, within = leak_across_phases(BEHIND_THE_HEAD[name], 8)
    assert across == 0.0
    assert within > 0


def test_global_channel_attention_does_not_stay_in_its_phase():
    operator = on_phases(
        lambda x: channel_attention(x, x, x, torch.ones(2, dtype=torch.float64), heads=2, scope="global")
    )
    assert leak_across_phases(operator, 8)[0] > 1e-6
