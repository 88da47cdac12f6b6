"""Images to float32 planes and back."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from bsn.data.arrays.pixel_types import from_unit, to_unit
from bsn.data.arrays.planes import to_planes

DTYPES = ["uint8", "uint16", "float16", "float32", "float64"]
AXES = ["YX", "YXC", "CYX", "ZYX", "XY", "TCYX", "TYXC", "TZCYX", "XCYT", "CYXS"]


@given(axes=st.sampled_from(AXES), dtype=st.sampled_from(DTYPES), as_torch=st.booleans(), data=st.data())
def test_round_trip(axes, dtype, as_torch, data):
    shape = tuple(data.draw(st.integers(1, 4)) for _ in axes)
    # float64 values that float32 holds too: that is the precision inside
    elements = {} if dtype.startswith("u") else {"elements": st.floats(-2, 2, width=16)}
    array = data.draw(hnp.arrays(dtype, shape, **elements))
    given_array = torch.from_numpy(array.copy()) if as_torch else array.copy()
    planes, layout = to_planes(given_array, axes)
    assert planes.dtype == np.float32
    assert planes.ndim == 4
    assert planes.shape[2:] == (shape[axes.index("Y")], shape[axes.index("X")])
    restored = layout.restore(torch.from_numpy(planes) if data.draw(st.booleans()) else planes)
    assert type(restored) is type(given_array)
    assert restored.dtype == given_array.dtype
    np.testing.assert_array_equal(np.asarray(restored), array)
    np.testing.assert_array_equal(np.asarray(given_array), array)


def test_planes_have_the_stated_order(draw):
    array = draw((2, 8, 9, 3, 5), "uint8")
    planes, _ = to_planes(array, "TYXCZ")
    assert planes.shape == (10, 3, 8, 9)
    np.testing.assert_array_equal(planes[1 * 5 + 3, 2], array[1, :, :, 2, 3] / np.float32(255))


def test_separate_channels(draw):
    array = draw((4, 8, 9), "uint16")
    planes, layout = to_planes(array, "CYX", channels="separate")
    assert planes.shape == (4, 1, 8, 9)
    np.testing.assert_array_equal(layout.restore(planes), array)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_all_integers_scale_exactly_and_return(dtype):
    top = int(np.iinfo(dtype).max)
    values = np.arange(top + 1).astype(dtype)
    scaled = to_unit(values)
    assert (scaled[0], scaled[-1]) == (0.0, 1.0)
    expected = [np.float32(Fraction(v, top)) for v in (1, 2, top // 3, top - 1)]
    assert [scaled[v] for v in (1, 2, top // 3, top - 1)] == expected
    np.testing.assert_array_equal(from_unit(scaled, dtype), values)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_rounding_is_half_up(dtype):
    top = int(np.iinfo(dtype).max)
    rng = np.random.default_rng(0)
    values = rng.random(500).astype(np.float32)
    halves = (np.arange(0, top, top // 255) + 0.5) / top  # float64, to be exact
    for given_values in (values, halves, np.nextafter(halves, 0), np.nextafter(halves, 1)):
        expected = [min(top, int(Fraction(float(v)) * top + Fraction(1, 2))) for v in given_values]
        got = from_unit(given_values, dtype)
        # The product is rounded once to float64; only exact ties may feel it.
        tie = np.array(
            [abs((Fraction(float(v)) * top) % 1 - Fraction(1, 2)) < Fraction(1, 2**36) for v in given_values]
        )
        np.testing.assert_array_equal(got[~tie], np.array(expected, dtype)[~tie])
    assert from_unit(np.array([0.5], np.float32), dtype)[0] == (top + 1) // 2


def test_just_below_one_half_is_not_rounded_up():
    below = np.nextafter(np.float32(0.5), np.float32(0)) / np.float64(255)
    assert from_unit(np.array([below]), "uint8")[0] == 0


def test_values_outside_are_clipped():
    assert from_unit(np.array([-1, -0.001, 1.001, 7, np.inf, -np.inf]), "uint8").tolist() == [0, 0, 255, 255, 255, 0]
    assert from_unit(np.array([-1.0, 7.0]), "float32").tolist() == [-1, 7]


def test_nan_never_becomes_an_integer(refused):
    assert "NaN" in refused(from_unit, np.array([np.nan]), "uint8")


def test_big_endian_and_strided_arrays(draw):
    array = draw((16, 18), "uint16").astype(">u2")[::2, ::-3]
    planes, layout = to_planes(array, "YX")
    np.testing.assert_array_equal(planes[0, 0], array.astype(np.float32) / np.float32(65535))
    restored = layout.restore(planes)
    assert restored.dtype == array.dtype
    np.testing.assert_array_equal(restored, array)


def test_planes_are_a_copy(draw):
    array = draw((8, 9), "float32")
    before = array.copy()
    planes, _ = to_planes(array, "YX")
    planes += 1
    np.testing.assert_array_equal(array, before)


def test_tensor_with_gradient():
    tensor = torch.rand(3, 8, 9, requires_grad=True)
    planes, layout = to_planes(tensor, "CYX")
    assert torch.equal(layout.restore(planes), tensor.detach())


def test_planes_of_a_network_in_low_precision(draw):
    array = draw((8, 9)) // 64 * 64
    planes, layout = to_planes(array, "YX")
    for dtype in (torch.bfloat16, torch.float16, torch.float64):
        restored = layout.restore(torch.from_numpy(planes).to(dtype)).astype(int)
        assert np.abs(restored - array).max() <= 1


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((4, 5), np.complex64), "magnitude"),
        (np.zeros((4, 5), object), "float32"),
        (torch.zeros(4, 5, dtype=torch.complex64), "magnitude"),
        (torch.zeros(4, 5, dtype=torch.bfloat16), "float()"),
        ([[1.0, 2.0]], "numpy array or a torch tensor"),
        (np.zeros((0, 5), np.uint8), "no pixels"),
        (np.zeros(5, np.uint8), "state the axes"),
    ],
    ids=str,
)
def test_refused_arrays(array, words, refused):
    assert words in refused(to_planes, array)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_nan_is_counted_and_located(bad, dtype, refused):
    array = np.zeros((3, 8, 9), dtype)
    array[1, 4, 5] = array[2, 0, 0] = bad
    line = refused(to_planes, array, "ZYX")
    assert "2 of 216 pixels" in line
    assert "(1, 0, 4, 5)" in line


def test_restore_wants_the_shape_it_gave(draw, refused):
    planes, layout = to_planes(draw((8, 9)), "YX")
    assert "(1, 1, 8, 9)" in refused(layout.restore, planes[:, :, :7])
