"""Tensors that are made once for each device."""

import torch

from bsn.constants import device_constant
from bsn.ops import MaskedConv2d


def test_a_constant_is_made_once_for_each_type():
    calls = []

    @device_constant(kept=2)
    def ramp(length):
        calls.append(length)
        return torch.arange(length)

    cpu = torch.device("cpu")
    assert ramp(3, device=cpu) is ramp(3, device=cpu)
    assert ramp(3, device=cpu, dtype=torch.float64).dtype == torch.float64
    assert ramp(3, device=torch.device("meta")).device.type == "meta"
    assert calls == [3, 3, 3]


def test_inference_mode_leaves_a_network_that_can_be_trained():
    network = MaskedConv2d(3, 5, lattice=11)  # a mask that no other test has made
    x = torch.rand(1, 3, 24, 24)
    with torch.inference_mode():
        network(x)
    network(x).sum().backward()
    assert network.weight.grad.abs().sum() > 0


def test_a_trace_does_not_leave_its_tensors_behind():
    network = MaskedConv2d(3, 5, lattice=9)
    x = torch.rand(1, 3, 24, 24)
    exported = torch.export.export(network, (x,))
    torch.testing.assert_close(exported.module()(x), network(x))
    network(x).sum().backward()
