import warnings

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bsn.ops import channel_attention, merge_phases, split_phases
from bsn.ops.channel_attention import RankDeficientGramWarning
from tests.helpers import literal_ops
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
