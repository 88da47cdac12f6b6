"""Networks that take neighbouring frames."""

import pytest
import torch

from bsn.frames import windows
from bsn.models import TBSN, Model, count_parameters, create, macs_per_pixel
from bsn.models.model import stored_config
from tests.helpers.golden import assert_close, load_golden
from tests.helpers.networks import randomise, small

NAMES = ("phase-unet-tiny", "tbsn-small", "dbsnl", "halfplane", "halfplane-cells-diamond")
TINY = {"channels": 1, "widths": (4, 8), "blocks": (1, 1)}


@pytest.mark.parametrize("hole", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_neighbours_count_where_they_are_there(name, hole):
    network = randomise(small(name, channels=1, context=1, context_hole=hole)).eval()
    stack = torch.rand(3, 1, 16, 16)
    window, available = windows(stack, 1)
    with torch.no_grad():
        found = network(window, available=available)
        assert found.shape == stack.shape
        other = window.clone()
        other[:, 1:] += 1  # every neighbour, those that are missing included
        changed = network(other, available=available)
        assert not torch.equal(found, changed)
        alone = network(stack)
        none = network(other, available=torch.zeros(3, 2))
    torch.testing.assert_close(none, alone, rtol=1e-4, atol=1e-5)
    other = window.clone()
    other[0, 1] += 1
    other[2, 2] += 1  # only the slots of missing neighbours differ
    with torch.no_grad():
        assert torch.equal(network(other, available=available), found)


@pytest.mark.parametrize("name", ["phase-unet-tiny", "dbsnl"])
def test_without_context_a_network_is_what_it_was(name):
    torch.manual_seed(0)
    plain = create(name, channels=1)
    torch.manual_seed(0)
    with_context = create(name, channels=1, context=2)
    own = plain.state_dict()
    assert plain.neighbours is None
    added = set(with_context.state_dict()) - set(own)
    assert added
    assert all(key.startswith("neighbours.") for key in added)
    assert all(torch.equal(value, with_context.state_dict()[key]) for key, value in own.items())
    assert not any(key.startswith("context") for key in stored_config(plain))


def test_the_head_of_the_neighbours_is_a_sum_of_convolutions():
    network = create("phase-unet-tiny", context=2, **TINY)
    head = network.neighbours
    torch.nn.init.normal_(head.missing)
    frames = torch.rand(2, 4, 9, 9)
    available = torch.tensor([[1.0, 0.0, 1.0, 1.0], [0.0, 1.0, 1.0, 0.0]])
    expected = torch.zeros(2, 4, 9, 9)
    for sample in range(2):
        for slot in range(4):
            if available[sample, slot]:
                kernel = head.project.weight[:, slot : slot + 1]
                expected[sample] += torch.nn.functional.conv2d(frames[sample, slot][None], kernel, padding=3)
            else:
                expected[sample] += head.missing[slot, :, None, None]
    torch.testing.assert_close(head(frames, available), expected)


def test_every_parameter_learns_from_windows_with_gaps():
    for name in ("phase-unet-tiny", "dbsnl", "halfplane"):
        network = small(name, channels=1, context=1)
        window, available = windows(torch.rand(2, 1, 16, 16), 1)
        network(window, available=available).square().mean().backward()
        dead = [key for key, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum()]
        assert not dead, (name, dead)


def test_context_costs_a_few_per_cent():
    plain, wide = (macs_per_pixel(create("phase-unet-tiny", channels=1, context=k)) for k in (0, 2))
    assert plain < wide
    network = create("phase-unet-tiny", channels=1, context=2)
    assert count_parameters(network) - count_parameters(create("phase-unet-tiny", channels=1)) == 4 * (7 * 7 + 1) * 16


def test_another_number_of_frames_is_refused_in_one_line():
    network = create("phase-unet-tiny", context=1, **TINY)
    with pytest.raises(
        ValueError, match="neither a frame of 1 channels nor a window of 3 frames; give 1 or 3 channels"
    ):
        network(torch.rand(1, 2, 8, 8))


def test_a_model_file_keeps_the_context(tmp_path):
    model = Model(create("phase-unet-tiny", context=1, context_hole=True, **TINY))
    model.save(tmp_path / "m.safetensors")
    read = Model.load(tmp_path / "m.safetensors").network
    assert (read.context, read.context_hole) == (1, True)
    window, available = windows(torch.rand(3, 1, 16, 16), 1)
    with torch.no_grad():
        assert torch.equal(read(window, available=available), model.network.eval()(window, available=available))


@pytest.mark.parametrize("extra", [1, 2])
def test_published_tbsn_with_extra_input_channels(extra):
    """The golden network with further inputs that its head does not weigh has the golden output."""
    golden = load_golden("tbsn/tbsn_d8_gray_bias_1x1x32x32.safetensors")
    config = {**golden.config, "in_ch": 1 + extra, "out_ch": 1}
    head = golden.weights["patch_embed.proj.weight"]
    wide = torch.cat([head, torch.zeros_like(head).repeat(1, extra, 1, 1)], 1)
    network = TBSN.from_official({**golden.weights, "patch_embed.proj.weight": wide}, config).double()
    x = golden["input"].double()
    with torch.no_grad():
        found = network(torch.cat([x, torch.rand(1, extra, 32, 32, dtype=torch.float64)], 1))
    assert_close(found, golden["output64"], 1e-12)
