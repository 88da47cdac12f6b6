"""Half-plane operators against their literal forms, and what they see."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bsn.ops.halfplane import (
    PLANES,
    DirectionalConv2d,
    directional_conv,
    directional_pool,
    directional_window_attention,
    moved,
    moved_away,
    rotated,
)
from bsn.ops.halfplane.attention import table_side
from tests.helpers.literal_halfplane import conv_reference, moved_reference, sees, window_attention_reference


def seen_by(operator, height, width, row, column):
    """Inputs (H, W) on which the output at one pixel depends, by exact gradients."""
    x = torch.rand(1, 2, height, width, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    x.requires_grad_()
    out = operator(x)
    out[..., row, column].sum().backward()
    return x.grad[0].abs().sum(0) != 0


def half_plane(plane, height, width, row, column):
    return sees(plane, torch.arange(height)[:, None] - row, torch.arange(width)[None, :] - column).expand(height, width)


@pytest.mark.parametrize("plane", PLANES)
def test_convolution_is_its_literal_form_with_all_gradients(plane):
    torch.manual_seed(0)
    x, weight, bias = (
        torch.randn(*s, dtype=torch.float64, requires_grad=True) for s in ((2, 3, 7, 5), (4, 3, 3, 3), (4,))
    )
    fast, literal = directional_conv(x, weight, bias, plane=plane), conv_reference(x, weight, bias, plane)
    torch.testing.assert_close(fast, literal, rtol=0, atol=1e-13)
    probe = torch.randn_like(fast)
    for ours, truth in zip(
        torch.autograd.grad(fast, (x, weight, bias), probe),
        torch.autograd.grad(literal, (x, weight, bias), probe),
        strict=True,
    ):
        torch.testing.assert_close(ours, truth, rtol=0, atol=1e-12)


@pytest.mark.parametrize("plane", PLANES)
def test_attention_is_its_literal_form_with_all_gradients(plane):
    torch.manual_seed(0)
    q, k, v = (torch.randn(2, 4, 9, 6, dtype=torch.float64, requires_grad=True) for _ in range(3))
    table = torch.randn(2, table_side(3), table_side(3), dtype=torch.float64, requires_grad=True)
    fast = directional_window_attention(q, k, v, table, window=3, heads=2, plane=plane)
    literal = window_attention_reference(q, k, v, table, 3, 2, plane)
    torch.testing.assert_close(fast, literal, rtol=0, atol=1e-13)
    probe = torch.randn_like(fast)
    for ours, truth in zip(
        torch.autograd.grad(fast, (q, k, v, table), probe),
        torch.autograd.grad(literal, (q, k, v, table), probe),
        strict=True,
    ):
        torch.testing.assert_close(ours, truth, rtol=0, atol=1e-12)


@given(rows=st.integers(-9, 9), columns=st.integers(-9, 9))
@settings(max_examples=25)
def test_moves_are_their_literal_form(rows, columns):
    x = torch.rand(1, 2, 6, 5, generator=torch.Generator().manual_seed(0))
    assert torch.equal(moved(x, rows, columns), moved_reference(x, rows, columns))


@pytest.mark.parametrize("plane", PLANES)
@pytest.mark.parametrize("pixel", [(4, 3), (5, 6), (0, 0), (9, 7)])
def test_every_operator_sees_its_half_plane_only(plane, pixel):
    torch.manual_seed(1)
    conv = DirectionalConv2d(2, 2, plane=plane).double()
    table = torch.randn(1, table_side(2), table_side(2), dtype=torch.float64)

    def pooled(x):
        return torch.nn.functional.interpolate(directional_pool(x, plane=plane), scale_factor=2)

    def attention(x):
        return directional_window_attention(x, x, x, table, window=2, heads=1, plane=plane)

    allowed = half_plane(plane, 10, 8, *pixel)
    for operator in (conv, pooled, attention, lambda x: conv(pooled(attention(conv(x))))):
        assert not (seen_by(operator, 10, 8, *pixel) & ~allowed).any()
    # Not because it sees nothing: a pixel in the middle of the image sees itself and a pixel on the far side.
    assert seen_by(conv, 10, 8, 5, 4)[5, 4]
    assert seen_by(attention, 10, 8, 5, 4)[5, 4]


@pytest.mark.parametrize("plane", PLANES)
@pytest.mark.parametrize("shift", [0, 1, 3])
def test_moved_features_start_at_the_shift(plane, shift):
    conv = DirectionalConv2d(2, 2, plane=plane).double()
    seen = seen_by(lambda x: moved_away(conv(conv(x)), shift, plane=plane), 12, 12, 6, 5)
    rows, columns = torch.arange(12)[:, None] - 6, torch.arange(12)[None, :] - 5
    allowed = (rows <= -shift) if plane == "straight" else (rows <= columns - shift)
    assert not (seen & ~allowed.expand(12, 12)).any()
    assert seen[6 - shift, 5]


def test_quarter_turns_are_the_published_ones():
    """90: transpose, then flip of the last axis; 270: transpose, then flip of the rows."""
    x = torch.arange(6.0).reshape(1, 1, 2, 3)
    assert torch.equal(rotated(x, 1), x.transpose(-2, -1).flip(-1))
    assert torch.equal(rotated(x, 2), x.flip((-2, -1)))
    assert torch.equal(rotated(x, 3), x.transpose(-2, -1).flip(-2))
    assert all(torch.equal(rotated(rotated(x, turn), -turn), x) for turn in range(4))


def test_bad_arguments_are_refused_in_a_sentence():
    x = torch.zeros(1, 2, 6, 6)
    with pytest.raises(ValueError, match="'upwards' does not exist; use 'straight' or 'diagonal'"):
        directional_conv(x, torch.zeros(1, 2, 3, 3), plane="upwards")
    with pytest.raises(ValueError, match="is not 3 x 3"):
        directional_conv(x, torch.zeros(1, 2, 5, 5))
    with pytest.raises(ValueError, match="shift -1 points into the hole"):
        moved_away(x, -1)
    with pytest.raises(ValueError, match="pad to 6 x 8"):
        directional_pool(torch.zeros(1, 1, 6, 7))
    with pytest.raises(ValueError, match="2 channels do not divide into 3 heads"):
        directional_window_attention(x, x, x, torch.zeros(3, 7, 7), window=2, heads=3)
    with pytest.raises(ValueError, match=r"need \(1, 7, 7\)"):
        directional_window_attention(x, x, x, torch.zeros(1, 5, 5), window=2, heads=1)
