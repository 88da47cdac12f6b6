"""Which planes are neighbours in a stack."""

import itertools

import numpy as np
import pytest

from bsn.data.arrays.axes import PlaneIndex
from bsn.data.sources.neighbours import neighbour_in, neighbour_offsets, stack_axis


@pytest.mark.parametrize(
    ("axes", "shape", "axis", "expected"),
    [
        ("TZCYX", (4, 3, 2, 8, 8), "", "T"),
        ("TZCYX", (4, 3, 2, 8, 8), "z", "Z"),
        ("TZCYX", (1, 3, 2, 8, 8), "", "Z"),
        ("ZYX", (3, 8, 8), "T", ""),
        ("CZYX", (2, 3, 8, 8), "", "Z"),
        ("QYX", (5, 8, 8), "", ""),
        ("IYX", (5, 8, 8), "", ""),
        ("YX", (8, 8), "", ""),
        ("TYX", (1, 8, 8), "", ""),
    ],
)
def test_stack_axis(axes, shape, axis, expected):
    assert stack_axis(PlaneIndex(axes, shape), axis) == expected


@pytest.mark.parametrize("channels", ["joint", "separate"])
@pytest.mark.parametrize(
    ("axes", "shape"), [("TZCYX", (4, 3, 2, 8, 8)), ("ZTYX", (3, 4, 8, 8)), ("QCTYX", (2, 2, 3, 8, 8))]
)
def test_neighbours_differ_along_the_stack_and_nowhere_else(axes, shape, channels):
    index = PlaneIndex(axes, shape, channels)
    numbers = np.arange(index.count)
    for letter in [a for a in "TZ" if a in axes]:
        for plane, offset in itertools.product(numbers, (-2, -1, 1, 2)):
            here = index.position(int(plane))
            wanted = {**here, letter: here[letter] + offset}
            expected = [int(p) for p in numbers if index.position(int(p)) == wanted]
            assert neighbour_in(index, int(plane), offset, letter) == (expected[0] if expected else None)


def test_order_of_the_slots():
    assert [neighbour_offsets(k) for k in range(3)] == [(), (-1, 1), (-2, -1, 1, 2)]
