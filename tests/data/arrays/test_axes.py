"""Axes strings and the division into planes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bsn.data.arrays.axes import PlaneIndex, check_axes, guess_axes

GUESSES = {
    (64, 48): "YX",
    (4, 4): "YX",
    (64, 48, 3): "YXC",
    (64, 48, 1): "YXC",
    (64, 48, 4): "YXC",
    (3, 64, 48): "CYX",
    (2, 64, 48): "CYX",
    (5, 64, 48): "ZYX",
    (1, 64, 48): "ZYX",
    (40, 64, 16): "ZYX",
    (3, 64, 8): "CYX",
    (7, 3, 64, 48): "TCYX",
    (7, 9, 64, 48): "TZYX",
    (7, 64, 48, 3): "TYXC",
    (7, 9, 3, 64, 48): "TZCYX",
    (7, 9, 64, 48, 3): "TZYXC",
}


@pytest.mark.parametrize("shape", GUESSES, ids=str)
def test_guess(shape):
    assert guess_axes(shape) == GUESSES[shape]
    assert len(guess_axes(shape)) == len(shape)


@pytest.mark.parametrize(
    "shape", [(64, 48, 5), (128, 128, 13), (128, 128, 31), (2, 128, 128, 5), (20, 5, 64), (9, 6, 7), (64, 5, 64, 3)]
)
def test_a_guess_that_makes_strips_is_refused(shape, refused):
    assert "--axes" in refused(guess_axes, shape)


@pytest.mark.parametrize("shape", [(), (5,), (2, 3, 4, 5, 6, 7)])
def test_shapes_beyond_guessing(shape, refused):
    assert "state the axes" in refused(guess_axes, shape)


@pytest.mark.parametrize(
    ("axes", "words"),
    [
        ("YYX", "letter of its own"),
        ("Y-X", "letter of its own"),
        ("ÄYX", "letter of its own"),
        ("", "letter of its own"),
        ("ZCX", "rows (Y)"),
        ("TZYX", "4 letters do not describe the 3 axes"),
    ],
)
def test_wrong_axes(axes, words, refused):
    assert words in refused(check_axes, axes, (3, 4, 5))


def test_lower_case_is_fine():
    assert check_axes("zyx", (3, 4, 5)) == "ZYX"


def test_unknown_channel_handling(refused):
    assert "separate" in refused(PlaneIndex, "YX", (3, 4), "split")


def test_plane_count_depth_and_labels():
    index = PlaneIndex("TCZYX", (2, 3, 5, 8, 9))
    assert (index.count, index.depth, index.size, index.leading) == (10, 3, (8, 9), "TZ")
    assert [index.label(i) for i in (0, 4, 5, 9)] == ["t=0,z=0", "t=0,z=4", "t=1,z=0", "t=1,z=4"]
    assert PlaneIndex("TZYX", (1, 3, 4, 5)).label(2) == "z=2"
    assert PlaneIndex("YXC", (4, 5, 3)).label(0) == ""


def test_samples_are_the_channels_and_c_becomes_planes():
    index = PlaneIndex("CYXS", (2, 8, 9, 3))
    assert (index.count, index.depth, index.leading) == (2, 3, "C")


def test_separate_channels_are_planes():
    index = PlaneIndex("TCYX", (2, 3, 8, 9), "separate")
    assert (index.count, index.depth) == (6, 1)
    assert index.label(4) == "t=1,c=1"


@pytest.mark.parametrize("region", [(0, 0, 0, 5), (-1, 0, 2, 2), (3, 0, 2, 2), (0, 3, 1, 3)])
def test_regions_outside(region, refused):
    assert "the plane is 4 x 5" in refused(PlaneIndex("YX", (4, 5)).box, 0, *region)


@pytest.mark.parametrize("plane", [-1, 3])
def test_planes_outside(plane, refused):
    assert "count from 0 to 2" in refused(PlaneIndex("ZYX", (3, 4, 5)).box, plane, 0, 0, 1, 1)


@given(axes=st.permutations("TZCYX"), length=st.integers(2, 5), data=st.data())
def test_boxes_cut_what_indexing_cuts(axes, length, data):
    kept = [a for a in axes if a in "YX" or axes.index(a) < length]
    sizes = [data.draw(st.integers(1, 4), label=a) for a in kept]
    array = np.arange(np.prod(sizes)).reshape(sizes)
    index = PlaneIndex("".join(kept), tuple(sizes))
    plane = data.draw(st.integers(0, index.count - 1))
    rows, columns = index.size
    top, left = data.draw(st.integers(0, rows - 1)), data.draw(st.integers(0, columns - 1))
    height, width = data.draw(st.integers(1, rows - top)), data.draw(st.integers(1, columns - left))
    starts, lengths = index.box(plane, top, left, height, width)
    box = array[tuple(slice(s, s + n) for s, n in zip(starts, lengths, strict=True))]

    # The same region by moving each axis to its place, without PlaneIndex.
    canonical = "".join(a for a in kept if a not in "CYX") + "CYX"
    expanded = array if "C" in kept else array[None]
    letters = kept if "C" in kept else ["C", *kept]
    ordered = expanded.transpose([letters.index(a) for a in canonical])
    expected = ordered.reshape(-1, *ordered.shape[-3:])[plane, :, top : top + height, left : left + width]

    np.testing.assert_array_equal(index.from_box(box), expected)
    np.testing.assert_array_equal(index.to_box(index.from_box(box)), box)
