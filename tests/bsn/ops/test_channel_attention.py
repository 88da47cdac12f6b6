import warnings

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bsn.ops import channel_attention, merge_phases, split_phases
from bsn.ops.channel_attention import RankDeficientGramWarning, channel_mixing_matrices
from bsn.ops.channel_attention.module import ChannelAttention, CrossChannelAttention
from tests.helpers import literal_ops
from tests.helpers.golden import assert_close, load_golden
from tests.helpers.gradients import assert_same_gradients


@given(
    n=st.integers(1, 2),
    heads=st.integers(1, 3),
    width=st.integers(1, 4),
    size=st.tuples(st.integers(2, 4), st.integers(2, 4)),
    dilation=st.integers(1, 3),
    scope=st.sampled_from(["phase", "global"]),
)
def test_value_and_gradients_equal_the_literal_form(n, heads, width, size, dilation, scope):
    def ours(q, k, v, temperature):
        q, k, v = (split_phases(t, dilation) for t in (q, k, v))
        out = channel_attention(q, k, v, temperature, heads=heads, scope=scope, phases=dilation**2)
        return merge_phases(out, dilation)

    shape = (n, heads * width, size[0] * dilation, size[1] * dilation)
    inputs = [*torch.randn(3, *shape), torch.rand(heads, 1, 1) + 0.5]
    assert_same_gradients(
        ours, lambda *t: literal_ops.channel_attention(*t, heads, scope, dilation), inputs, bound=1e-9
    )


def test_scopes_differ():
    q, k, v = torch.randn(3, 4, 6, 8, 8).unbind()
    phase, whole = (channel_attention(q, k, v, torch.ones(1), heads=1, scope=s) for s in ("phase", "global"))
    assert (phase - whole).abs().max() > 1e-3


def test_a_group_wider_than_its_positions_warns():
    q = torch.randn(4, 16, 3, 3)
    with pytest.warns(RankDeficientGramWarning, match="groups of 16 channels has only 9 positions"):
        channel_attention(q, q, q, torch.ones(1), heads=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        channel_attention(q, q, q, torch.ones(2), heads=2)
        channel_attention(q, q, q, torch.ones(1), heads=1, scope="global")


def test_zero_channels_do_not_divide_by_zero():
    q = torch.zeros(1, 4, 4, 4)
    assert torch.isfinite(channel_attention(q, q, q + 1, torch.ones(1), heads=1)).all()


def test_zero_channels_have_finite_gradients():
    """One channel of zeros among others, as a network has them whose output layer starts at zero."""
    q, k, v = torch.randn(3, 1, 4, 4, 4, dtype=torch.float64).unbind()
    q[:, 1] = 0
    k[:, 2] = 0
    assert_same_gradients(
        lambda *t: channel_attention(*t, torch.ones(1), heads=1),
        lambda *t: literal_ops.channel_attention(*t, torch.ones(1), 1, "global"),
        [q, k, v],
        bound=1e-9,
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"heads": 3}, "8 channels cannot be split into 3 groups"),
        ({"heads": 2}, "1 temperatures for 2 groups"),
        ({"heads": 1, "scope": "image"}, "scope 'image' is unknown"),
        ({"heads": 1, "scope": "global", "phases": 3}, "4 phase images are not whole images of 3 phases"),
    ],
)
def test_wrong_options_are_named(options, message):
    q = torch.randn(4, 8, 4, 4)
    with pytest.raises(ValueError, match=message):
        channel_attention(q, q, q, torch.ones(1), **options)


RATIOS = [((1, 1), (7, 10)), ((1, 2), (2, 3), (3, 4), (4, 5)), ((7, 10),)]


@given(
    heads=st.integers(1, 3),
    width=st.integers(2, 7),
    size=st.tuples(st.integers(2, 5), st.integers(2, 5)),
    ratios=st.sampled_from(RATIOS),
)
def test_branches_of_several_ratios_equal_the_literal_sum_of_products(heads, width, size, ratios):
    inputs = [*torch.randn(3, 2, heads * width, *size), torch.rand(heads) + 0.5, torch.rand(len(ratios)) + 0.1]
    assert_same_gradients(
        lambda q, k, v, t, mix: channel_attention(q, k, v, t, heads=heads, ratios=ratios, mix=mix),
        lambda q, k, v, t, mix: literal_ops.dual_channel_attention(q, k, v, t, heads, ratios, mix),
        inputs,
        bound=1e-9,
    )


def test_a_ratio_keeps_the_floor_of_its_share_of_a_row():
    for width, kept in ((48, 33), (96, 67), (8, 5), (12, 8), (2, 1)):
        q, k = torch.randn(2, 1, width, 12, 12).unbind()
        weights = channel_mixing_matrices(q, k, torch.ones(1), heads=1, ratios=[(7, 10)])
        assert ((weights > 0).sum(-1) == kept).all()


def test_scope_and_ratios_combine():
    """One Gram matrix for all phases, top-k applied to it: the literal form on the interleaved image."""
    x = torch.randn(3, 1, 6, 8, 8, dtype=torch.float64)
    temperature, mix = torch.tensor([0.7, 1.3]).double(), torch.tensor([0.4, 0.9]).double()
    q, k, v = (split_phases(t, 2) for t in x)
    out = channel_attention(q, k, v, temperature, heads=2, scope="global", phases=4, ratios=((1, 1), (7, 10)), mix=mix)
    truth = literal_ops.dual_channel_attention(*x, temperature, 2, ((1, 1), (7, 10)), mix)
    assert_close(merge_phases(out, 2), truth, 1e-12)


@pytest.mark.parametrize(("name", "channels"), [("dim24_heads2", 24), ("dim32_heads4_bias", 32), ("dim20_heads1", 20)])
def test_dual_attention_of_ddsa(name, channels):
    golden = load_golden(f"ddsa/attention_{name}.safetensors")
    weights = golden.weights
    module = ChannelAttention(
        channels,
        heads=golden["weight.temperature"].shape[0],
        bias="project_out.bias" in weights,
        ratios=((1, 1), (7, 10)),
    ).double()
    weights["mix"] = torch.cat([weights.pop("attn"), weights.pop("attn1")])
    module.load_state_dict(weights)
    assert_close(module(golden["input"].double()), golden["output64"], 1e-12)
    assert_close(module.float()(golden["input"]), golden["output64"], 1e-5)


@pytest.mark.parametrize("name", ["dim12_heads1", "dim16_heads4"])
def test_three_sources_of_elf(name):
    golden = load_golden(f"elf/cross_attention_{name}.safetensors")
    channels = golden["input"].shape[1]
    module = CrossChannelAttention(channels, heads=golden["weight.temperature"].shape[0]).double()
    module.load_state_dict(golden.weights)
    sources = [golden[key] for key in ("input", "input.1", "input.2")]
    assert_close(module(*(t.double() for t in sources)), golden["output64"], 1e-12)
    assert_close(module.float()(*sources), golden["output64"], 1e-5)


def test_self_attention_of_elf():
    golden = load_golden("elf/mdta_dim16_heads2.safetensors")
    module = ChannelAttention(16, heads=2).double()
    module.load_state_dict(golden.weights)
    assert_close(module(golden["input"].double()), golden["output64"], 1e-12)


def test_softmax_fusion_mixes_with_factors_that_sum_to_one():
    torch.manual_seed(0)
    softmax = ChannelAttention(6, heads=1, ratios=((1, 1), (1, 2)), fusion="softmax")
    scalar = ChannelAttention(6, heads=1, ratios=((1, 1), (1, 2)))
    scalar.load_state_dict(softmax.state_dict())
    with torch.no_grad():
        softmax.mix.copy_(torch.tensor([0.3, -1.1]))
        scalar.mix.copy_(torch.softmax(softmax.mix, 0))
    x = torch.randn(1, 6, 5, 5)
    assert_close(softmax(x), scalar(x), 1e-6)


@pytest.mark.parametrize(
    ("ratios", "mix", "message"),
    [
        ([(1, 1), (1, 2)], None, "2 branches need `mix`"),
        ([(1, 1)], torch.ones(2), "2 factors for 1 branches"),
        ([(3, 2)], None, "ratio 3/2 is not in"),
        ([(1, 10)], None, "ratio 1/10 keeps none of the 8 channels of a group; use groups of at least 10"),
    ],
)
def test_wrong_ratios_are_named(ratios, mix, message):
    q = torch.randn(1, 8, 4, 4)
    with pytest.raises(ValueError, match=message):
        channel_attention(q, q, q, torch.ones(1), heads=1, ratios=ratios, mix=mix)
