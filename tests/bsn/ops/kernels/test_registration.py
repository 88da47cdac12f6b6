"""Kernels as operators of PyTorch: opcheck, whole graphs, exports without them, whole networks with them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from bsn.models import TBSN, TBSNConfig
from bsn.models.tbsn.official import our_key
from bsn.ops import split_phases, use_backend
from bsn.ops.channel_attention.module import ChannelAttention
from bsn.ops.layer_norm import ChannelNorm
from bsn.ops.window_attention.module import WindowAttention
from tests.bsn.models.test_tbsn import fill
from tests.helpers.golden import assert_close, load_golden
from tests.helpers.kernels import assert_kernel_equals_reference
from tests.helpers.networks import randomise

ROOT = Path(__file__).resolve().parents[4]


KERNELS = {
    "layer_norm_fwd_kernel",
    "layer_norm_bwd_kernel",
    "window_attention_fwd_kernel",
    "window_attention_bwd_dq_kernel",
    "window_attention_bwd_dkv_kernel",
    "gram_kernel",
    "softmax_kernel",
    "mix_kernel",
    "gated_depthwise_fwd_kernel",
    "gated_depthwise_bwd_gate_kernel",
    "gated_depthwise_bwd_input_kernel",
}


def leaf(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(len(shape))).requires_grad_()


def tiny(**options):
    """The smallest TBSN that has all operators."""
    config = TBSNConfig(
        channels=1, widths=(4,), blocks=(1,), refinement_blocks=0, mixers=("channel+window",), channel_heads=(2,),
        window_heads=(1,), overlaps=(1.0,), window=4, head_dim=2, **options,
    )  # fmt: skip
    return randomise(TBSN(config))


CALLS = {
    "layer_norm": lambda: (leaf(1, 3, 2, 2), leaf(1, 3, 2, 2), leaf(3), None, 1e-5),
    "window_attention": lambda: (
        *(leaf(1, 2, 2, 2) for _ in range(3)), leaf(3, 2), leaf(3, 2), None, [2, 2, 2, 2], 1, 1
    ),
    "channel_gram": lambda: (leaf(1, 2, 2, 3), leaf(1, 2, 2, 3), 1, 1),
    "channel_softmax": lambda: (torch.rand(1, 1, 3, 5).requires_grad_(), leaf(1), [3, 2], leaf(2)),
    "gated_depthwise_conv": lambda: (leaf(1, 4, 3, 2), leaf(4, 1, 3, 3), None, leaf(1)),
    "gated_depthwise_conv_backward": lambda: (
        leaf(1, 2, 3, 2).detach(), leaf(1, 4, 3, 2).detach(), leaf(4, 1, 3, 3).detach(), leaf(4).detach(), None
    ),
    "channel_mix": lambda: (leaf(1, 1, 2, 2), leaf(1, 2, 2, 3), None, None, 1, False),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_opcheck(name, device):
    def move(t):
        return t.detach().to(device).requires_grad_() if isinstance(t, torch.Tensor) else t

    arguments = tuple(move(t) for t in CALLS[name]())
    torch.library.opcheck(
        getattr(torch.ops.bsn, name),
        arguments,
        test_utils=("test_schema", "test_faketensor", "test_autograd_registration"),
    )


@pytest.mark.slow
def test_a_compiled_network_is_one_graph_and_gives_the_same_gradients(device):
    network = tiny().to(device)
    x = torch.rand(1, 1, 4, 4, device=device)
    compiled = torch.compile(network, fullgraph=True, backend="aot_eager")
    results = []
    with use_backend("triton"):
        for run in (network, compiled):
            network.zero_grad()
            out = run(x)
            out.sum().backward()
            results.append([out.detach(), *(p.grad for p in network.parameters())])
    for eager, graph in zip(*results, strict=True):
        assert torch.allclose(eager, graph, rtol=1e-4, atol=1e-5)


def test_an_export_holds_no_kernel():
    norm = ChannelNorm(4)
    with use_backend("triton"):
        program = torch.export.export(norm, (torch.rand(1, 4, 3, 3),))
    assert not any("bsn" in str(node.target) for node in program.graph.nodes)


def test_a_network_with_kernels_is_the_network(device):
    torch.manual_seed(0)  # the bound is that of rounding; a norm of a channel that hardly varies would magnify it
    network = tiny().to(device)
    names, weights = zip(*network.named_parameters(), strict=True)

    def run(x, *values):
        return torch.func.functional_call(network, dict(zip(names, values, strict=True)), (x,))

    assert_kernel_equals_reference(run, [torch.rand(1, 1, 4, 4), *weights], device, 2e-5)


def test_a_network_with_kernels_is_blind(device):
    network = tiny().to(device)
    x = torch.rand(1, 1, 4, 3, device=device, requires_grad=True)  # padded to whole windows
    with use_backend("triton"):
        out = network(x)
        for row, column in ((0, 0), (3, 2)):
            (gradient,) = torch.autograd.grad(out[0, 0, row, column], x, retain_graph=True)
            assert (gradient[0, 0, row % 2 :: 2, column % 2 :: 2] == 0).all()
            assert gradient.abs().max() > 0


def test_golden_channel_attention_with_kernels(device):
    golden = load_golden("tbsn/ext_phase_channel_attn_b.safetensors")
    module = ChannelAttention(24, heads=4, bias=True)
    module = fill(module, golden.weights, "channel_attn.", torch.float32).to(device)
    with use_backend("triton"):
        out = module(split_phases(golden["input"].to(device)))
    assert_close(out.cpu(), split_phases(golden["output64"]), 5e-6)


@pytest.mark.slow
def test_golden_window_attention_with_kernels(device):
    golden = load_golden("tbsn/op_window_attn_b.safetensors")
    c = golden.config
    module = WindowAttention(
        c["dim"],
        heads=c["num_heads"],
        head_dim=c["dim_head"],
        window=c["window_size"],
        overlap=c["overlap_ratio"],
        bias=True,
    )
    module = fill(module, golden.weights, "spatial_attn.", torch.float32).to(device)
    with use_backend("triton"):
        out = module(split_phases(golden["input"].to(device)))
    assert_close(out.cpu(), split_phases(golden["output64"]), 5e-6)


def golden_tbsn(name, scope, device):
    golden = load_golden(f"tbsn/{name}.safetensors")
    return golden, TBSN.from_official(golden.weights, golden.config, scope).to(device)


@pytest.mark.slow
def test_golden_tbsn_with_kernels(device):
    golden, network = golden_tbsn("ext_tbsn_d8_phasewise_1x3x32x64", "phase", device)
    with torch.no_grad(), use_backend("triton"):
        out = network(golden["input"].to(device))
    assert_close(out.cpu(), golden["output64"], 1e-5)


@pytest.mark.slow
def test_golden_gradients_of_tbsn_with_kernels(device):
    golden, network = golden_tbsn("grad_tbsn_d8", "global", device)
    x = golden["input"].to(device).requires_grad_()
    with use_backend("triton"):
        (network(x) - x.detach()).abs().mean().backward()
    assert_close(x.grad.cpu(), golden["input_grad64"], 2e-5, "input")
    parameters = dict(network.named_parameters())
    gradients = {our_key(key): truth for key, truth in golden.group("grad.").items()}
    del gradients["head.weight"]  # the published mask is not in the graph
    for key, truth in gradients.items():
        if key is not None:
            assert_close(parameters[key].grad.cpu(), truth, 2e-5, key)
    assert parameters.keys() - gradients.keys() == {"head.weight"}


@pytest.mark.parametrize("capability", [pytest.param(80, marks=pytest.mark.slow), 90])
def test_every_kernel_compiles_for_a_gpu(capability):
    environment = {k: v for k, v in os.environ.items() if k != "TRITON_INTERPRET"} | {"OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-W", "ignore", "-m", "tests.helpers.compile_kernels", "bfloat16", "--quick"]
    command += ["--capability", str(capability)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert {line.split()[0] for line in done.stdout.splitlines() if "_kernel " in line} == KERNELS
