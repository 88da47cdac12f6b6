"""The checks one by one, against truths that can be written down."""

import subprocess
import sys

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from bsn.blindness import (
    MEASURED_LEAKS,
    Condition,
    LearnabilityConfig,
    NetworkRefusal,
    Subject,
    blind_lattices,
    channel_leak,
    estimate_diagonal,
    jacobian_check,
    jacobian_maps,
    judge_structure,
    learnability,
    measure_halo,
    perturbation_check,
    receptive_field,
    sample_positions,
)
from bsn.blindness.pixel_places import places
from bsn.coupling import Coupling
from bsn.ops import MaskedConv2d, phase_unshuffle, split_phases
from tests.helpers.blindness_cases import ChannelAttention, Dilated


def subject(network, size=(9, 9), channels=1, **options):
    return Subject(network, channels, Condition("test", size, **options))


class Mixing(nn.Module):
    """Linear map with a known Jacobian: channels mixed at the pixel, the right neighbour added."""

    matrix = torch.tensor([[0.5, -2.0], [0.0, 3.0]], dtype=torch.float64)

    def forward(self, x):
        return torch.einsum("oc,nchw->nohw", self.matrix.to(x), x) + torch.roll(x, -1, -1)


class Elsewhere(nn.Module):
    def forward(self, x):
        return torch.roll(x, 1, -1) + 1e-12 * x


def test_jacobian_of_a_known_map():
    check = jacobian_check(Mixing(), (2, 7, 8), lattice=3)
    assert check.channels == ((0.5, 2.0), (0.0, 3.0))
    assert check.centre == check.largest == check.lattice == 3.0
    assert not check.blind
    maps = jacobian_maps(subject(Mixing(), (7, 8), 2), [(2, 3)])
    assert maps.shape == (1, 2, 2, 7, 8)
    assert torch.equal(maps[0, :, :, 2, 3], Mixing.matrix)
    assert torch.equal(maps[0, :, :, 2, 4], torch.eye(2, dtype=torch.float64))
    assert float(maps.abs().sum()) == pytest.approx(5.5 + 2)


def test_jacobian_finds_a_faint_leak_and_constant_networks():
    check = jacobian_check(Elsewhere(), (1, 9, 9))
    assert check.centre == 1e-12
    assert not check.blind
    assert not jacobian_check(nn.Conv2d(1, 1, 1), (1, 9, 9)).blind
    constant = nn.Conv2d(1, 1, 1)
    nn.init.zeros_(constant.weight)
    assert jacobian_check(constant, (1, 9, 9)).centre == 0
    assert not jacobian_check(constant, (1, 9, 9)).blind
    assert not perturbation_check(subject(constant), [2]).blind


def test_sampled_positions_start_at_the_corners_and_do_not_repeat():
    assert set(sample_positions(5, 7, 4)) == {(0, 0), (0, 6), (4, 0), (4, 6)}
    assert sorted(sample_positions(3, 4, 100)) == [(r, c) for r in range(3) for c in range(4)]


@pytest.mark.parametrize("d", [2, 3, 5])
def test_lattices_are_found_from_zeros(d):
    rows, columns = torch.meshgrid(torch.arange(17), torch.arange(16), indexing="ij")
    position = (8, 7)
    zero = ((rows - position[0]) % d == 0) & ((columns - position[1]) % d == 0)
    found = blind_lattices((~zero).double()[None, None], [position])
    assert found[0] == d
    assert all(n % d == 0 or n > 8 for n in found)
    assert blind_lattices(torch.ones(1, 1, 9, 9), [(4, 4)]) == []


def test_perturbation_needs_only_the_square_of_the_lattice():
    check = perturbation_check(subject(Dilated(), (20, 23)), [2])
    assert (check.pixels, check.total, check.lattice, check.leaking) == (460, 460, 2, 0)
    assert check.passes <= 10
    assert check.complete


def test_a_wrong_lattice_gives_way_to_single_pixels():
    check = perturbation_check(subject(MaskedConv2d(1, 1), (8, 8)), [1])
    assert check.blind
    assert check.lattice is None
    assert check.pixels == 64


def test_random_and_foreign_networks_are_refused():
    class Random(nn.Module):
        def forward(self, x):
            return x + torch.from_numpy(__import__("numpy").random.default_rng().random(tuple(x.shape)))

    with pytest.raises(NetworkRefusal, match="two runs of the network on the same input differ"):
        perturbation_check(subject(Random()))
    with pytest.raises(NetworkRefusal, match="keep the size"):
        jacobian_check(nn.MaxPool2d(2), (1, 8, 8))
    with pytest.raises(NetworkRefusal, match=r"fails on an input of shape \(1, 3, 8, 8\)"):
        jacobian_check(nn.Conv2d(1, 1, 1), (3, 8, 8))
    perturbation_check(subject(nn.Dropout(0.5), training=True))  # torch's own generator is under control


def test_networks_are_left_as_they_were():
    network = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.Conv2d(4, 1, 1))
    before = {key: value.clone() for key, value in network.state_dict().items()}
    perturbation_check(subject(network, training=True, spread=0.2), [2])
    assert all(torch.equal(before[key], value) for key, value in network.state_dict().items())
    assert network.training
    assert next(network.parameters()).dtype == torch.float32


@pytest.mark.parametrize("mode", ["vjp", "jvp"])
def test_stochastic_estimate_of_a_known_diagonal(mode):
    estimate = estimate_diagonal(subject(Mixing(), (16, 16), 2), probes=60, mode=mode)
    distance = (estimate.mean - Mixing.matrix[:, :, None, None]).abs() / estimate.error.clamp_min(1e-9)
    assert float((distance < 4).double().mean()) > 0.99
    truth = float(Mixing.matrix.square().mean())
    assert abs(estimate.mean_square - truth) < 4 * estimate.mean_square_error
    assert estimate.mean_square_error < 0.5 * truth
    assert estimate.leaks


def test_stochastic_estimate_of_a_blind_network_bounds_the_leak():
    estimate = estimate_diagonal(subject(nn.Sequential(MaskedConv2d(1, 1, bias=False)), (24, 24)), probes=16)
    assert not estimate.leaks
    assert 0 < estimate.rms_bound < 0.2
    with pytest.raises(ValueError, match="use 2 or more"):
        estimate_diagonal(subject(Mixing(), channels=2), probes=1)


def test_receptive_field_of_stacked_convolutions():
    network = nn.Sequential(MaskedConv2d(1, 2, bias=False), nn.Conv2d(2, 1, 3, padding=2, dilation=2, bias=False))
    field = receptive_field(network, (1, 21, 23))
    assert field.support == (7, 13, 8, 14)
    assert field.halo == 3
    assert not field.touches_border
    assert field.blind_lattice == 2
    assert 1 <= field.effective_radius(0.5) <= field.effective_radius(0.99) <= 3 * 2**0.5
    picture = field.picture()
    assert picture.shape == (3, 21, 23)
    assert picture[:, 10, 11].tolist() == [0.1, 0.8, 0.2]
    assert picture[:, 0, 0].tolist() == picture[:, 8, 9].tolist() == [0.05, 0.1, 0.4]
    assert receptive_field(nn.Conv2d(1, 1, 1), (1, 5, 5)).picture()[:, 2, 2].tolist() == [0.9, 0.1, 0.1]
    assert measure_halo(network, 1) == 3


def test_what_sees_everything_has_no_halo():
    with pytest.raises(NetworkRefusal, match="pools over the whole image"):
        measure_halo(nn.InstanceNorm2d(1), 1, limit=24)


@pytest.mark.parametrize("position", [(0, 0), (5, 6), (11, 3), (15, 15)])
def test_places_follow_a_pixel_through_layouts(position):
    x = torch.zeros(1, 1, 16, 16)
    x[..., position[0], position[1]] = 1
    for features in (x, split_phases(x), split_phases(x, 4), F.pixel_unshuffle(split_phases(x), 2)):
        (place,) = places(tuple(features.shape), position, (16, 16))
        assert float(place.take(features).sum()) == 1
    for features in (F.pixel_unshuffle(x, 2), phase_unshuffle(x)):
        assert any(
            float(place.take(features).sum()) == 1 for place in places(tuple(features.shape), position, (16, 16))
        )
    tokens = x.flatten(2).transpose(1, 2)
    assert float(places(tuple(tokens.shape), position, (16, 16))[0].take(tokens)) == 1
    assert places((1, 8, 5, 5), position, (16, 16)) == []
    assert places((3, 8, 16, 16), position, (16, 16)) == []


@pytest.mark.parametrize(
    ("module", "coupling"),
    [
        (nn.Conv2d(4, 4, 1), Coupling.POINTWISE),
        (nn.Conv2d(4, 4, 3, padding=2, dilation=2), Coupling.WITHIN_PHASE),
        (nn.Conv2d(4, 4, 3, padding=1), Coupling.ACROSS_PHASES),
        (nn.Conv2d(4, 4, 2, padding=1, dilation=2), Coupling.ACROSS_PHASES),
        (nn.Conv2d(4, 4, 3, padding=2, dilation=2, padding_mode="replicate"), Coupling.ACROSS_PHASES),
        (nn.MaxPool2d(2), Coupling.ACROSS_PHASES),
        (nn.BatchNorm2d(4), Coupling.ACROSS_PHASES),
        (nn.BatchNorm2d(4).eval(), Coupling.POINTWISE),
        (nn.GELU(), Coupling.POINTWISE),
        (ChannelAttention(4, 1, False), Coupling.ACROSS_PHASES),
    ],
    ids=str,
)
def test_declaration_and_measurement_agree(module, coupling):
    """A masked head before the module, a pixel-wise layer behind it: blind if and only if it stays in its phase."""
    network = nn.Sequential(MaskedConv2d(1, 4), module, nn.Conv2d(4, 1, 1))
    judged = judge_structure(network)
    assert judged.blind == (coupling is not Coupling.ACROSS_PHASES)
    blind = judged.blind
    try:
        measured = jacobian_check(network, (1, 12, 12))
    except NetworkRefusal:  # the module changes the size
        assert not blind
        return
    # One layer that mixes phases ends the blindness of the lattice, though perhaps not of every pixel at once.
    maps = jacobian_maps(Subject(network, 1, Condition("test", (12, 12))), [(6, 6)])
    assert (measured.blind and 2 in blind_lattices(maps, [(6, 6)])) == blind


def test_the_rule_reproduces_its_measurements():
    for (channels, heads), row in MEASURED_LEAKS.items():
        for positions, copied in row.items():
            assert channel_leak(channels, heads, positions).copied == pytest.approx(copied, rel=1e-6)


def test_the_rule_between_and_beyond_its_measurements():
    copied = [channel_leak(192, 4, positions).copied for positions in (16, 40, 64, 100, 256, 1024, 4096)]
    assert copied == sorted(copied, reverse=True)
    assert copied[-1] < copied[-2] / 3.5
    assert channel_leak(64, 1, 64).copied < channel_leak(128, 2, 64).copied < channel_leak(192, 4, 64).copied
    assert not channel_leak(192, 4, channel_leak(192, 4, 16).safe_positions).risky
    with pytest.raises(ValueError, match="all must be 1 or more"):
        channel_leak(0, 1, 1)


def test_a_leak_can_be_learned_and_blindness_cannot():
    torch.manual_seed(0)
    quick = LearnabilityConfig(steps=120, pixels=1024, learning_rate=1e-2, evaluation_batches=8)
    leaking = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.GELU(), nn.Conv2d(8, 1, 1))
    (copied,) = learnability(leaking, 1, [16], quick)
    assert copied.low > 0.8
    results = learnability(Dilated(), 1, [8, 16], quick)
    assert [result.size for result in results] == [8, 16]
    for blind in results:
        assert not blind.leaks
        assert abs(blind.explained) < 0.02
    with pytest.raises(ValueError, match="2 or more evaluation batches"):
        LearnabilityConfig(evaluation_batches=1)


def test_the_pytest_plugin_is_cheap():
    code = "import sys, bsn.pytest_plugin; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "False"
