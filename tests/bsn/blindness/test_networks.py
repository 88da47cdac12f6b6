"""Every network that claims to be blind is: exactly zero in float64, at corners, borders and inside, for every option."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bsn.blindness import jacobian_check, sample_positions
from bsn.models import TBSN, TBSNConfig, presets
from bsn.ops import layer_norm, phase_shuffle, phase_unshuffle
from bsn.ops.channel_attention import channel_attention
from bsn.ops.dilated_window_attention import dilated_window_attention
from bsn.ops.phases import merge_phases, split_phases
from tests.helpers.networks import randomise, small

BLIND = [name for name, preset in presets().items() if preset.blind]


@pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])
@pytest.mark.parametrize("size", [(64, 64), (37, 50)], ids=str)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", BLIND)
def test_presets(name, channels, size, training):
    network = randomise(small(name, channels=channels)).train(training)
    positions = sample_positions(*size, 10)
    check = jacobian_check(network, (channels, *size), positions=positions, lattice=network.lattice)
    assert check.centre == 0.0
    assert check.lattice == 0.0
    assert check.blind


@settings(max_examples=12)
@given(
    dilation=st.integers(2, 4),
    mixers=st.tuples(*[st.sampled_from(["channel", "window", "channel+window", "none"])] * 2),
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
    check = jacobian_check(network, (1, *size), positions=sample_positions(*size, 5), lattice=dilation)
    assert check.centre == 0.0
    assert check.lattice == 0.0
    assert check.largest > 0


def test_the_published_global_variant_leaks(record_property):
    network = small("tbsn", channels=1, channel_attention="global")
    check = jacobian_check(network, (1, 32, 32))
    record_property("leak", check.ratio)
    assert 1e-9 < check.ratio < 1e-1
    network.set_channel_attention("phase")
    assert jacobian_check(network, (1, 32, 32)).centre == 0.0


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


def test_the_check_finds_leaks():
    class Leaky(torch.nn.Module):
        def forward(self, x):
            return torch.roll(x, 1, -1) + 1e-12 * x

    check = jacobian_check(Leaky(), (1, 9, 9))
    assert check.centre == 1e-12
    assert not check.blind
    assert not jacobian_check(torch.nn.Conv2d(1, 1, 1), (1, 9, 9)).blind
