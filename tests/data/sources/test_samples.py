"""Parts of many or large images."""

import numpy as np
import pytest

from bsn.data.sources.samples import evenly, middle


@pytest.mark.parametrize(("count", "most"), [(0, 16), (1, 16), (16, 16), (17, 16), (100, 16), (100, 1), (5, 2)])
def test_indices_are_numpys_even_spacing(count, most):
    expected = np.unique(np.linspace(0, count - 1, min(most, count)).round().astype(int)) if count else []
    assert evenly(count, most) == list(expected)


@pytest.mark.parametrize("size", [(10, 10), (33, 8), (100, 7)])
def test_the_middle_leaves_as_much_on_both_sides(size):
    top, left, height, width = middle(size, 9)
    assert (height, width) == tuple(min(side, 9) for side in size)
    for start, length, side in ((top, height, size[0]), (left, width, size[1])):
        assert abs(start - (side - start - length)) <= 1
