"""Channel attention by batched products: value and all gradients are those of the reference, however the work is cut."""

import pytest
import torch

from bsn.ops import use_backend
from bsn.ops.backend import BackendError, choose
from bsn.ops.channel_attention import BACKENDS, channel_mixing_matrices, products
from bsn.ops.channel_attention.module import ChannelAttention
from tests.helpers.golden import assert_close
from tests.helpers.kernels import run

CASES = {
    "one group": {"n": 2, "heads": 1, "group": 6, "h": 7, "w": 5},
    "several groups": {"n": 2, "heads": 3, "group": 4, "h": 6, "w": 9},
    "one channel": {"n": 1, "heads": 1, "group": 1, "h": 3, "w": 5},
    "phases of one image": {"n": 4, "heads": 2, "group": 5, "h": 4, "w": 3, "scope": "global"},
    "dense and top-k": {"n": 1, "heads": 2, "group": 10, "h": 6, "w": 6, "ratios": ((1, 1), (7, 10))},
    "fewer positions than shares": {"n": 1, "heads": 2, "group": 2, "h": 1, "w": 2},
    "empty batch": {"n": 0, "heads": 2, "group": 4, "h": 4, "w": 4},
}
PLANS = {"processor": (1, False), "one product": (1, True), "shares": (3, True), "shares of both": (4, False)}

pytestmark = pytest.mark.filterwarnings("ignore::bsn.ops.channel_attention.RankDeficientGramWarning")


def numbers(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("plan", PLANS)
@pytest.mark.parametrize("channels_last", [False, True], ids=["planes", "channels-last"])
@pytest.mark.parametrize("case", CASES)
def test_value_and_gradients(case, channels_last, plan, monkeypatch):
    monkeypatch.setattr(products, "_plan", lambda x: PLANS[plan])
    options = dict(CASES[case])
    n, heads, group, h, w = (options.pop(key) for key in ("n", "heads", "group", "h", "w"))
    qkv = numbers(n, 3 * heads * group, h, w)
    if channels_last:
        qkv = qkv.contiguous(memory_format=torch.channels_last)
    mix = [torch.tensor([0.3, 0.4], dtype=torch.float64)] if "ratios" in options else []

    def weights(x, temperature, *factors):
        q, k, _ = x.chunk(3, 1)
        return channel_mixing_matrices(q, k, temperature, heads=heads, mix=factors[0] if factors else None, **options)

    inputs = [qkv, numbers(heads, seed=1).abs() + 0.5, *mix]
    for ours, truth in zip(run(weights, inputs, "products"), run(weights, inputs, "reference"), strict=True):
        assert ours.shape == truth.shape
        if truth.numel() and truth.abs().max() > 1e-9:
            assert_close(ours, truth, 1e-10)
        else:
            assert ours.abs().sum() < 1e-9


def test_neighbours_in_memory_are_found_and_others_are_not():
    qkv = numbers(2, 12, 3, 5).contiguous(memory_format=torch.channels_last)
    q, k, v = qkv.chunk(3, 1)
    both = products._side_by_side(q, k)
    assert torch.equal(both, qkv[:, :8])
    assert both.data_ptr() == q.data_ptr()
    planes = numbers(2, 12, 3, 5).chunk(3, 1)[:2]
    others = {"order": (k, q), "distance": (q, v), "same": (q, q), "tensors": (q, k.clone()), "planes": planes}
    assert all(products._side_by_side(*pair) is None for pair in others.values())


def test_channels_that_are_zero_have_no_gradient_of_their_norm(monkeypatch):
    x = numbers(1, 6, 3, 4)
    x[:, 1] = 0
    x = x.contiguous(memory_format=torch.channels_last).requires_grad_()
    for plan in PLANS.values():
        monkeypatch.setattr(products, "_plan", lambda x, plan=plan: plan)
        out = channel_mixing_matrices(
            x[:, :3], x[:, 3:], torch.ones(1, dtype=torch.float64), heads=1, backend="products"
        )
        (gradient,) = torch.autograd.grad(out.square().sum(), x)
        assert gradient.isfinite().all()


def test_it_is_taken_by_name_and_by_no_other_way_on_a_processor():
    q, k = torch.rand(2, 1, 4, 3, 3).unbind()
    arguments = (q, k, torch.ones(2), 2, 1, None, None)
    assert choose("channel_attention", BACKENDS, None, *arguments) is BACKENDS["reference"].run
    assert choose("channel_attention", BACKENDS, "products", *arguments) is BACKENDS["products"].run
    with pytest.raises(BackendError, match="rounded to it on a processor"):
        choose("channel_attention", BACKENDS, "products", q.bfloat16(), k.bfloat16(), *arguments[2:])


def test_a_module_runs_on_it():
    module, x = ChannelAttention(6, heads=2, phases=4).double(), numbers(4, 6, 5, 7)
    results = []
    for backend in ("reference", "products"):
        with use_backend(backend):
            results.append(module(x))
    assert_close(results[1].detach(), results[0].detach(), 1e-12)
