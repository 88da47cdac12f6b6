"""Networks with context are blind to their own frame, and broken ways to give them neighbours are caught."""

import pytest
import torch
from torch import nn

from bsn.blindness import NetworkRefusal, assert_blind, frames_worth_checking, network_on_stacks, stack_check
from bsn.frames import windows
from bsn.hole import Hole
from bsn.models import PhaseUNet, PhaseUNetConfig, presets
from tests.helpers.networks import randomise, small

TINY = {"widths": (4, 8), "blocks": (1, 1)}
CASES = {
    "phase-unet-tiny": TINY,
    "dbsnl": {"modules": 1},
    "tbsn": {"widths": (4, 8), "blocks": (1, 1), "mixers": ("channel+window",) * 2, "channel_heads": (1, 1)}
    | {"window_heads": (1, 1), "overlaps": (1.0, 1.0), "head_dim": 2, "dilation": 2, "window": 4},
    "halfplane": {},
    "halfplane-cells-diamond": {},
}
REST = [name for name, preset in presets().items() if preset.blind and name not in CASES]


@pytest.mark.parametrize(
    ("name", "hole"),
    [
        *(("phase-unet-tiny", hole) for hole in (False, True)),
        ("dbsnl", False),
        ("tbsn", True),
        ("halfplane", False),
        ("halfplane-cells-diamond", True),
        *(pytest.param(name, hole, marks=pytest.mark.slow) for name in REST for hole in (False, True)),
        *(pytest.param(name, hole, marks=pytest.mark.slow) for name, hole in (("dbsnl", True), ("tbsn", False))),
        *(
            pytest.param(n, h, marks=pytest.mark.slow)
            for n, h in (("halfplane", True), ("halfplane-cells-diamond", False))
        ),
    ],
)
def test_networks_with_context_are_blind_to_their_own_frame(name, hole):
    network = randomise(small(name, channels=1, context=1, context_hole=hole, **CASES.get(name, {})))
    verdict = assert_blind(network, size=(18, 14), lattice=network.lattice or None, value_range=(-2.0, 2.0))
    assert verdict.checks[-1].check == "stack"
    assert ("same places" in verdict.checks[-1].detail) == hole
    assert network.lattice or verdict.hole == str(network.hole)


def test_colour_and_a_longer_context():
    network = randomise(small("phase-unet-tiny", channels=3, context=2, dilation=2, **TINY))
    assert_blind(network, size=(14, 15), lattice=2, checks=("structure", "jacobian", "perturbation", "conditions"))


def test_sighted_neighbours_do_not_pass_for_hidden_ones():
    network = randomise(small("phase-unet-tiny", channels=1, context=1, **TINY))
    network.config = PhaseUNetConfig(**{**vars(network.config), "context_hole": True})  # claims what it is not
    with pytest.raises(AssertionError, match="LEAKS"):
        assert_blind(network, size=12, checks=("jacobian",))


class Careless(PhaseUNet):
    """A network that sees its own frame by the way of the neighbours."""

    def _features(self, x, available):
        own, others = x[:, :1], torch.cat([x[:, 1:2], x[:, :1]], 1)
        return self.head(own) + self.neighbours(others, available)


def test_a_network_that_takes_itself_for_a_neighbour_is_caught():
    with pytest.raises(AssertionError, match="LEAKS"):
        assert_blind(Careless(PhaseUNetConfig(channels=1, context=1, **TINY)), size=12)


NETWORK = randomise(small("phase-unet-tiny", channels=1, context=2, dilation=2, **TINY)).double().eval()


def _run(window, available):
    with torch.no_grad():
        return NETWORK(window, available=available)


def _repeated_ends(stack):
    window, available = windows(stack, 2)
    for slot, offset in enumerate((-2, -1, 1, 2)):
        for frame in range(len(stack)):
            window[frame, 1 + slot] = stack[min(max(frame + offset, 0), len(stack) - 1), 0]
    return _run(window, torch.ones_like(available))


def _mirrored_windows(stack):
    """Blind: the missing frame s - j is the frame s + j, another one than s."""
    window, available = windows(stack, 2)
    for slot, offset in enumerate((-2, -1, 1, 2)):
        for frame in range(len(stack)):
            inside = 0 <= frame + offset < len(stack)
            window[frame, 1 + slot] = stack[frame + offset if inside else frame - offset, 0]
    return _run(window, torch.ones_like(available))


def _mirrored_ends(stack):
    """Mirrored at the end frame, frame -1 is frame 1, which so becomes its own neighbour."""
    window, available = windows(stack, 2)
    last = len(stack) - 1
    for slot, offset in enumerate((-2, -1, 1, 2)):
        for frame in range(len(stack)):
            at = abs(frame + offset)
            window[frame, 1 + slot] = stack[2 * last - at if at > last else at, 0]
    return _run(window, torch.ones_like(available))


def _off_by_one(stack):
    window, available = windows(stack, 2)
    shifted = torch.cat([window[:1, 1:], window[:-1, 1:]])
    return _run(torch.cat([window[:, :1], shifted], 1), available)


def _dropped_frame(stack):
    """Frame 3 was dropped, and the frame itself slipped into its slot."""
    window, available = windows(stack, 2)
    window[4, 2] = stack[4, 0]
    return _run(window, available)


def _normalised_by_the_window(stack):
    window, available = windows(stack, 2)
    mean = window.mean((1, 2, 3), keepdim=True)
    return _run(window - mean, available) + mean


def _denoised_neighbours(stack):
    """Neighbours that have seen this frame."""
    first = _run(*windows(stack, 2))
    window, available = windows(first, 2)
    return _run(torch.cat([stack, window[:, 1:]], 1), available)


def _temporal_median(stack):
    window, available = windows(stack.median(0, keepdim=True).values.expand_as(stack).contiguous(), 2)
    return _run(torch.cat([stack, window[:, 1:]], 1), available)


def _batch_statistics(stack):
    result = _run(*windows(stack, 2))
    return result + nn.functional.batch_norm(stack, None, None, training=True) * 0 + stack.mean((0, 2, 3))[0] * 0.1


BROKEN = {
    "repeated end frames": _repeated_ends,
    "frames mirrored at the ends": _mirrored_ends,
    "a window that is off by one": _off_by_one,
    "the frame itself after a dropped frame": _dropped_frame,
    "normalisation by the window": _normalised_by_the_window,
    "neighbours that were denoised first": _denoised_neighbours,
    "a temporal median": _temporal_median,
    "statistics over the stack": _batch_statistics,
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_ways_to_give_neighbours_are_caught(name):
    check = stack_check(BROKEN[name], (6, 1, 8, 8), lattice=2, frames=(0, 1, 4, 5))
    assert not check.blind
    assert check.leaks
    assert check.moved


@pytest.mark.parametrize("function", [network_on_stacks(NETWORK), _mirrored_windows])
def test_right_ways_pass(function):
    check = stack_check(function, (6, 1, 8, 8), lattice=2, frames=frames_worth_checking(6, 2))
    assert check.blind
    assert check.frames == (0, 1, 2, 3, 5)
    assert check.passes == 2 + 4 * 5


def test_a_hole_in_the_neighbours_is_certified_for_all_frames_and_missed_where_it_is_not():
    hidden = randomise(small("phase-unet-tiny", channels=1, context=1, context_hole=True, dilation=2, **TINY))
    for network, blind in ((hidden, True), (NETWORK, False)):
        check = stack_check(network_on_stacks(network), (4, 1, 8, 8), lattice=2, frames=(0, 2), neighbours=True)
        assert check.blind == blind


def test_a_region_is_certified_pixel_by_pixel():
    network = randomise(small("halfplane", channels=1, context=1))
    run = network_on_stacks(network)
    assert stack_check(run, (3, 1, 14, 14), hole=Hole.parse("square:5"), frames=(1,)).blind
    assert not stack_check(run, (3, 1, 14, 14), hole=Hole.parse("square:9"), frames=(1,)).blind


def test_functions_that_lose_frames_or_repeat_differently_are_refused():
    with pytest.raises(NetworkRefusal, match="every frame has to come back"):
        stack_check(lambda stack: stack[1:-1], (5, 1, 4, 4))
    with pytest.raises(NetworkRefusal, match="two runs on the same stack differ"):
        stack_check(lambda stack: stack + torch.rand_like(stack), (2, 1, 4, 4))
    assert not stack_check(torch.zeros_like, (2, 1, 4, 4)).blind  # a constant denoises nothing
