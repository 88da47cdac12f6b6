import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from bsn.inference.position_noise import position_uniform
from bsn.inference.tiling import blended_segments, exact_segments


def total_weight(segments, length):
    total = torch.zeros(length)
    for segment in segments:
        total[segment.start : segment.stop] += segment.weights
    return total


@given(length=st.integers(1, 500), core=st.integers(1, 6), halo=st.integers(0, 40), grid=st.integers(1, 16))
def test_exact_segments_partition_the_axis_far_from_cuts(length, core, halo, grid):
    tile = 2 * -(-halo // grid) * grid + core * grid
    segments = exact_segments(length, tile, halo, grid)
    assert torch.equal(total_weight(segments, length), torch.ones(length))
    for segment in segments:
        assert segment.start % grid == 0
        assert segment.stop == length or segment.stop % grid == 0
        assert segment.stop - segment.start <= tile
        used = segment.weights.nonzero().flatten()
        assert segment.start == 0 or used[0] >= halo
        assert segment.stop == length or len(segment.weights) - 1 - used[-1] >= halo


@given(length=st.integers(1, 500), size=st.integers(2, 12), overlap=st.integers(0, 40), grid=st.integers(1, 16))
def test_blended_segments_sum_to_one_and_keep_their_size(length, size, overlap, grid):
    tile = size * grid
    assume((tile - overlap) // grid * grid >= tile / 2)
    segments = blended_segments(length, tile, overlap, grid)
    assert torch.allclose(total_weight(segments, length), torch.ones(length), atol=1e-5)
    for before, after in zip(segments, segments[1:], strict=False):
        assert after.start % grid == 0
        assert before.stop - after.start >= min(overlap, 1)
        assert before.start < after.start
    assert all(s.stop - s.start >= min(tile, length) for s in segments)


def test_blending_is_linear():
    first, second = blended_segments(24, 16, 8, 8)
    assert second.start == 8
    assert first.weights[8:].tolist() == pytest.approx([1 - (k + 0.5) / 8 for k in range(8)])
    assert (first.weights[8:] + second.weights[:8]).tolist() == pytest.approx([1.0] * 8)


def test_tiles_that_are_too_small_name_one_that_is_not():
    with pytest.raises(ValueError, match="tile 40 leaves nothing between the halos of 20 pixels .* use 56 or more"):
        exact_segments(100, 40, 20, 8)
    with pytest.raises(ValueError, match="tile 20 with overlap 16 does not fit"):
        blended_segments(100, 20, 16, 8)


def test_position_noise_is_uniform_and_independent():
    field = position_uniform((3, 1), 2, 0, 0, 256, 256)[0]
    assert field.min() >= 0
    assert field.max() < 1
    assert field.mean().item() == pytest.approx(0.5, abs=0.005)
    assert field.var().item() == pytest.approx(1 / 12, rel=0.02)
    counts = torch.histc(field, 16, 0, 1) / field.numel()
    assert (counts - 1 / 16).abs().max() < 0.003
    centred = field - 0.5
    for other in (
        centred.roll(1, -1),
        centred.roll(1, -2),
        centred.flip(0),
        position_uniform((3, 2), 2, 0, 0, 256, 256)[0] - 0.5,
    ):
        assert abs((centred * other).mean().item()) * 12 < 0.02
