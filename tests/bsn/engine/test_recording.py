"""Recorded steps, as far as they can be seen without a GPU; tests/bsn/test_gpu.py has the rest."""

import pytest
import torch
from torch import nn

from bsn.engine import Part, recording
from bsn.engine.recording import KEPT, Recorder


class Graph:
    """Does the work again where a CUDA graph would."""

    def __init__(self, work, result):
        self.work, self.result = work, result

    def replay(self):
        loss, _ = self.work()
        self.result[0].copy_(loss)

    def pool(self):
        return None


@pytest.fixture
def recorded(monkeypatch):
    """Counts recordings; each works three times before, as on a GPU."""
    count = []

    def record(work, *, before, pool):
        for _ in range(4):
            before()
            result = work()
        before()
        count.append(1)
        return Graph(work, result), result

    monkeypatch.setattr(recording, "record", record)
    return count


def test_a_part_is_recorded_once_for_each_shape_and_leaves_no_trace_in_buffers(recorded):
    network = nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 1))
    recorder = Recorder(torch.Tensor.backward, [network])

    def loss(x):
        return network(x).square().mean(), {"size": x.abs().mean()}

    before = [buffer.clone() for buffer in network.buffers()]
    recorder._record(Part(loss, [torch.rand(8, 3)]), list(network.parameters()))
    assert all(torch.equal(a, b) for a, b in zip(before, network.buffers(), strict=True))
    recorded.clear()
    for size in (4, 5, 4, 5, 4):
        x = torch.rand(size, 3)
        value, logged = recorder.run(Part(loss, [x]), list(network.parameters()))
        expected = loss(x)[0].detach()
        assert float(value) == pytest.approx(float(expected), rel=1e-6)
        assert logged.keys() == {"size"}
    assert len(recorded) == 2


def test_what_cannot_be_recorded_is_computed_as_usual(monkeypatch, caplog):
    attempts = []

    def record(work, **_):
        attempts.append(1)
        work()
        raise RuntimeError("it waits for the device")

    monkeypatch.setattr(recording, "record", record)
    network = nn.BatchNorm1d(3)
    recorder = Recorder(torch.Tensor.backward, [network])
    part = Part(lambda x: (network(x).square().sum(), {}), [torch.rand(8, 3)])
    assert recorder.run(lambda: (torch.ones(()), {}), []) is None
    assert not attempts
    assert recorder.run(part, list(network.parameters())) is None
    assert recorder.run(part, list(network.parameters())) is None
    assert len(attempts) == 1
    assert not network.running_mean.any()  # the attempt left no trace
    assert caplog.text.count("it waits for the device") == 1


def test_ever_new_shapes_do_not_fill_the_memory(recorded):
    weight = torch.ones(1, requires_grad=True)
    recorder = Recorder(torch.Tensor.backward, [])

    def loss(x):
        return (weight * x).sum(), {}

    found = [recorder.run(Part(loss, [torch.ones(size + 1)]), [weight]) for size in range(KEPT + 2)]
    assert [value is None for value in found] == [False] * KEPT + [True] * 2
