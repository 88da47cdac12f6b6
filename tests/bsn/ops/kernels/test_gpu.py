"""Kernels at full size on a GPU, in three precisions: their error is at most twice PyTorch's own in that precision."""

import pytest
import torch

from bsn.models import create
from bsn.ops import channel_attention, gated_depthwise_conv, layer_norm, use_backend, window_attention
from bsn.ops.channel_attention import channel_mixing_matrices
from bsn.ops.layer_norm import add_layer_norm
from tests.helpers.gpu import NEEDS_GPU
from tests.helpers.kernels import budget

pytestmark = NEEDS_GPU
DTYPES = pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16], ids=str)


@pytest.fixture(autouse=True)
def _float32_products_in_float32():
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    yield
    torch.set_float32_matmul_precision(before)


def image(channels, size, batch=4):
    x = torch.randn(batch, channels, size, size, generator=torch.Generator().manual_seed(channels))
    return x.cuda().to(memory_format=torch.channels_last)


def numbers(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1)).cuda()


@DTYPES
@pytest.mark.parametrize("function", [layer_norm, add_layer_norm])
def test_layer_norm(function, dtype):
    x = image(96, 128)
    images = [x] if function is layer_norm else [x, image(96, 128).flip(0)]
    budget(function, [*images, numbers(96)], dtype)
    budget(function, [*images, numbers(96), numbers(96)], dtype)


@DTYPES
def test_window_attention_of_tbsn(dtype):
    budget(
        lambda x, h, w: window_attention(*x.chunk(3, 1), h, w, window=4, key_window=6, heads=2),
        [image(96, 128), numbers(11, 16), numbers(11, 16)],
        dtype,
    )


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_window_attention_of_drt(dtype):
    budget(
        lambda x, t: window_attention(*x.chunk(3, 1), bias_table=t, window=7, heads=2),
        [image(288, 126, 1), numbers(169, 2)],
        dtype,
    )


@DTYPES
@pytest.mark.parametrize("backend", ["triton", "products"])
@pytest.mark.parametrize(("channels", "heads"), [(96, 1), (192, 4), (192, 1), (48, 4)])
def test_channel_attention_matrices(channels, heads, backend, dtype):
    budget(
        lambda x, t: channel_mixing_matrices(*x.chunk(3, 1)[:2], t, heads=heads),
        [image(3 * channels, 128), numbers(heads).abs()],
        dtype,
        backend,
    )


@DTYPES
@pytest.mark.parametrize(("channels", "heads"), [(96, 1), (192, 4), (192, 1), (48, 4)])
def test_channel_attention(channels, heads, dtype):
    budget(
        lambda x, t: channel_attention(*x.chunk(3, 1), t, heads=heads),
        [image(3 * channels, 128), numbers(heads).abs()],
        dtype,
    )


@DTYPES
def test_channel_attention_with_top_k(dtype):
    budget(
        lambda x, t, mix: channel_attention(*x.chunk(3, 1), t, heads=4, ratios=((1, 1), (7, 10)), mix=mix),
        [image(144, 128), numbers(4).abs(), numbers(2)],
        dtype,
    )


@DTYPES
@pytest.mark.parametrize("channels_last", [False, True], ids=["planes", "channels-last"])
def test_gated_depthwise_conv_of_elf(channels_last, dtype):
    x, weight, bias = image(254, 128), numbers(254, 1, 3, 3) / 3, numbers(254)
    x = x if channels_last else x.contiguous()
    budget(gated_depthwise_conv, [x, weight, bias], dtype)
    # In eighths every precision computes the activated values exactly: none changes sides of the PReLU's kink.
    x, weight, bias = ((8 * t).round() / 8 for t in (x, weight, bias))
    budget(gated_depthwise_conv, [x, weight, bias, numbers(1).abs()], dtype)


def test_full_size_tbsn_with_kernels_is_tbsn():
    network = create("tbsn").cuda().eval()
    x = torch.rand(1, 3, 128, 128, device="cuda") * 255
    with torch.no_grad():
        with use_backend("reference"):
            truth = network.double()(x.double())
            plain = network.float()(x)
        with use_backend("triton"):
            kernels = network(x)
    assert (kernels - truth).abs().max() <= 2 * (plain - truth).abs().max() + 1e-5 * truth.abs().max()


def test_graphs_of_the_denoiser_are_the_network():
    import numpy as np

    from bsn.inference import Denoiser

    network, noisy = create("phase-unet-tiny", channels=1), np.random.default_rng(0).random((700, 1300), np.float32)
    eager = Denoiser(network, device="cuda", tile=672)(noisy)
    graphs = Denoiser(network, device="cuda", tile=672, engine="graphs")(noisy)
    assert np.abs(eager - graphs).max() < 1e-5
