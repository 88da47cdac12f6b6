"""Windows of stacks against a literal loop."""

import pytest
import torch

from bsn.frames import check_context, windows


@pytest.mark.parametrize(("count", "context"), [(1, 2), (2, 3), (5, 0), (7, 2)])
def test_windows_hold_the_frame_and_its_neighbours_in_order(count, context):
    stack = torch.rand(count, 3, 4, 5)
    found, available = windows(stack, context)
    assert found.shape == (count, 3 * (2 * context + 1), 4, 5)
    assert available.shape == (count, 2 * context)
    for frame in range(count):
        expected, there = [stack[frame]], []
        for offset in [o for o in range(-context, context + 1) if o]:
            inside = 0 <= frame + offset < count
            expected.append(stack[frame + offset] if inside else torch.zeros_like(stack[0]))
            there.append(float(inside))
        assert torch.equal(found[frame], torch.cat(expected))
        assert available[frame].tolist() == there


@pytest.mark.parametrize(
    ("context", "hole", "said"),
    [(-1, False, "use 0 to 16"), (99, False, "use 0 to 16"), (0, True, "context 0 has none")],
)
def test_impossible_contexts_are_refused(context, hole, said):
    with pytest.raises(ValueError, match=said):
        check_context(context, hole=hole)
