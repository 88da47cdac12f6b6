"""Ways to run a network: same numbers, other speed."""

import os
import platform
import subprocess
import sys

import numpy as np
import pytest
import torch

from bsn.engine.allocator import keep_freed_memory
from bsn.inference import Denoiser, InferenceConfig
from bsn.inference.runner import Runner
from tests.helpers.networks import randomise, small

CPU = torch.device("cpu")


def run(network, x, **options):
    with torch.no_grad():
        return Runner(network, CPU, InferenceConfig(**options))(x)


@pytest.fixture
def network():
    return randomise(small("tbsn", channels=1)).eval()


def test_the_layout_of_the_weights_changes_no_number(network):
    x = torch.rand(1, 1, 40, 36)
    with torch.no_grad():
        expected = network(x)
    assert torch.allclose(run(network, x), expected, atol=1e-5)


def test_bf16_is_close_and_auto_follows_the_hardware(network, monkeypatch):
    x = torch.rand(1, 1, 32, 32)
    full, half = run(network, x), run(network, x, precision="bf16")
    assert 0 < (full - half).abs().max() < 0.05 * full.abs().max()
    for name, expected in (("bf16-mixed", half), ("32-true", full)):
        monkeypatch.setattr("bsn.inference.runner.best_precision", lambda _, name=name: name)
        assert torch.equal(run(network, x, precision="auto"), expected)


def test_threads_hold_for_a_call(network):
    before, seen = torch.get_num_threads(), []
    network.register_forward_hook(lambda *_: seen.append(torch.get_num_threads()))
    Denoiser(network, threads=before + 1)(np.zeros((32, 32), np.float32), "YX")
    assert set(seen) == {before + 1}
    assert torch.get_num_threads() == before


def test_graphs_need_cuda(network):
    with pytest.raises(ValueError, match="engine 'graphs' needs a CUDA device, not cpu; use 'eager' or 'compile'"):
        Runner(network, CPU, InferenceConfig(engine="graphs"))


class Graphs:
    """Stands in for captured graphs, which need a GPU; knows the shapes that it was given."""

    def __init__(self, network, bf16):
        self.network, self.captured, self.calls = network, {}, []
        Graphs.last = self

    def __call__(self, x):
        self.captured[tuple(x.shape)] = None
        self.calls.append(tuple(x.shape[-2:]))
        return self.network(x)


class Failing(Graphs):
    def __call__(self, x):
        raise RuntimeError("operation not permitted when stream is capturing")


def chosen(network, sizes, graphs=Graphs, device="cuda", **options):
    """Results for images of these sizes, by a runner made for a device that need not be there, and their eager values."""
    with pytest.MonkeyPatch.context() as patch, torch.no_grad():
        patch.setattr("bsn.inference.runner._Graphs", graphs)
        runner = Runner(network, torch.device(device), InferenceConfig(**options))
        images = [torch.rand(1, 1, *size) for size in sizes]
        return [runner(x) for x in images], [network(x) for x in images]


@pytest.fixture
def pixelwise():
    return torch.nn.Conv2d(1, 1, 1).eval()


def test_auto_takes_graphs_for_small_shapes_that_come_again(pixelwise):
    sizes = [(8, 8), (8, 8), (9, 8), (8, 8), (512, 512), (512, 512), (512, 513), (512, 513), (512, 513)]
    results, expected = chosen(pixelwise, sizes)
    assert all(torch.equal(a, b) for a, b in zip(results, expected, strict=True))
    assert Graphs.last.calls == [(8, 8), (8, 8), (512, 512)]


def test_auto_captures_no_more_graphs_than_are_kept(pixelwise):
    sizes = [(side, 8) for side in range(1, 7)] * 3
    chosen(pixelwise, sizes)
    assert Graphs.last.calls == [(side, 8) for side in range(1, 5)] * 2


def test_auto_goes_on_without_graphs_where_a_capture_fails(pixelwise, caplog):
    results, expected = chosen(pixelwise, [(8, 8)] * 4, Failing)
    assert all(torch.equal(a, b) for a, b in zip(results, expected, strict=True))
    (record,) = caplog.records
    assert "operation not permitted when stream is capturing" in record.getMessage()


@pytest.mark.parametrize("options", [{"device": "cpu"}, {"engine": "eager"}])
def test_graphs_are_left_alone_on_a_cpu_and_where_eager_is_asked_for(pixelwise, options):
    Graphs.last = None
    results, expected = chosen(pixelwise, [(8, 8)] * 3, **options)
    assert all(torch.equal(a, b) for a, b in zip(results, expected, strict=True))
    assert Graphs.last is None


def test_threads_out_of_range_are_named():
    with pytest.raises(ValueError, match="threads 0 is out of range; use 1 or more"):
        InferenceConfig(threads=0)


@pytest.mark.slow
def test_a_compiled_network_gives_the_same_numbers(network):
    x = torch.rand(1, 1, 32, 32)
    assert torch.allclose(run(network, x, engine="compile"), run(network, x), atol=1e-4)


FAULTS = """
import resource
import torch
from bsn.engine.allocator import keep_freed_memory
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for way in ("plain", "keep"):
    if way == "keep":
        assert keep_freed_memory()
    for count in range(8):  # the heap takes some rounds to settle
        if count == 5:
            before = faults()
        for megabytes in (4, 16, 64):
            torch.empty(megabytes << 18).fill_(0.0)
    print(faults() - before)
"""


def page_faults():
    """Of a process whose memory is managed as usual, then kept."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("MALLOC_", "GLIBC_"))}
    found = subprocess.run([sys.executable, "-c", FAULTS], env=clean, capture_output=True, text=True, check=True)
    return [int(count) for count in found.stdout.split()]


@pytest.mark.skipif("glibc" not in platform.libc_ver()[0], reason="concerns glibc's malloc")
def test_freed_memory_is_used_again():
    """By the kernel's count: three rounds of 84 MiB are 64,512 pages of 4 KiB (or 126 of 2 MiB), unless they are kept."""
    plain, kept = page_faults()
    assert kept < 32 < 96 <= plain


def test_a_choice_of_the_user_stands(monkeypatch):
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "131072")
    assert not keep_freed_memory()
