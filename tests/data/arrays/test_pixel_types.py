"""Every type of pixels inside and back, against arithmetic done by hand or with exact fractions."""

from fractions import Fraction

import numpy as np
import pytest
import torch

from bsn.data.arrays.pixel_types import SUPPORTED, check_dtype, from_unit, grey_level, to_unit, unit_span
from bsn.data.arrays.planes import to_planes

SPANS = {"uint8": 255, "uint16": 65535, "int8": 127, "int16": 32767}


@pytest.mark.parametrize("dtype", SUPPORTED)
def test_span_and_grey_level(dtype):
    assert unit_span(dtype) == SPANS.get(dtype, 1)
    assert grey_level(dtype) == (0 if dtype.startswith("float") else 1 / SPANS.get(dtype, 1))


@pytest.mark.parametrize(("dtype", "span"), SPANS.items())
def test_all_values_of_small_integers_scale_exactly_and_return(dtype, span):
    info = np.iinfo(dtype)
    values = np.arange(info.min, info.max + 1).astype(dtype)
    inside = to_unit(values)
    some = [0, 1, len(values) // 3, len(values) - 1]
    assert [inside[i] for i in some] == [np.float32(Fraction(int(values[i]), span)) for i in some]
    np.testing.assert_array_equal(from_unit(inside, dtype), values)


@pytest.mark.parametrize("dtype", ["uint32", "int32", "uint64", "int64", "float64"])
def test_large_integers_keep_their_values(dtype):
    values = np.array([0, 1, 4095, 65536, 2**24 - 1, 2**24], dtype)
    np.testing.assert_array_equal(to_unit(values), [0, 1, 4095, 65536, 16777215, 16777216])
    np.testing.assert_array_equal(from_unit(to_unit(values), dtype), values)
    if not dtype.startswith("u"):
        np.testing.assert_array_equal(from_unit(to_unit(-values), dtype), -values)


@pytest.mark.parametrize("dtype", ["uint32", "int32", "uint64", "int64"])
def test_the_whole_range_returns_to_24_bits(dtype):
    info = np.iinfo(dtype)
    values = np.array([info.min, info.min // 3, 0, info.max // 3, info.max - 1, info.max], dtype)
    back = from_unit(to_unit(values), dtype)
    assert back.dtype == values.dtype
    for got, true in zip(back.tolist(), values.tolist(), strict=True):
        assert abs(got - true) <= abs(true) * 2.0**-24


def test_bool_is_zero_and_one():
    assert to_unit(np.array([False, True])).tolist() == [0.0, 1.0]
    assert from_unit(np.array([-1, 0, 0.49, 0.5, 1, 2]), "bool").tolist() == [False, False, False, True, True, True]


@pytest.mark.parametrize(
    ("dtype", "values", "expected"),
    [
        ("int8", [-9, -1.4 / 127, -0.4 / 127, 0.6 / 127, 9], [-128, -1, 0, 1, 127]),
        ("int16", [-2, -1024 / 32767, 3071 / 32767, 2], [-32768, -1024, 3071, 32767]),
        ("uint32", [-1, 2.4999, 1e12], [0, 2, 4294967295]),
        ("int64", [-1e30, 1e30], [-(2**63), 2**63 - 1]),
        ("uint64", [-1e30, 1e30], [0, 2**64 - 1]),
        ("float16", [-1e6, 1e6, np.inf], [-65504, 65504, np.inf]),
    ],
)
def test_results_are_clipped_to_the_type(dtype, values, expected):
    assert from_unit(np.array(values, np.float32), dtype).tolist() == expected


def test_counts_as_float_keep_their_fractions():
    counts = np.array([0.0, 0.7, 3.25])
    result = from_unit(counts / 65535, "float32", of="uint16")
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, counts, rtol=1e-6)
    assert from_unit(counts / 65535, "uint16").tolist() == [0, 1, 3]
    assert from_unit(np.array([300 / 65535]), "uint8", of="uint16").tolist() == [255]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.array([3_000_000_000, 3_000_000_100], np.uint32), "does not tell apart"),
        (np.array([1e12, 1e12 + 5]), "does not tell apart"),
        (np.array([1e39, 0.0]), "beyond float32"),
    ],
)
def test_what_float32_cannot_hold_is_refused(values, words, refused):
    assert words in refused(to_unit, values)


@pytest.mark.parametrize("dtype", ["complex64", "U3", "V4", "longdouble"])
def test_other_types_are_refused(dtype, refused):
    if np.dtype(dtype).name in SUPPORTED:
        pytest.skip("this machine's long double is a double")
    assert "pixels must be one of bool, uint8" in refused(check_dtype, dtype, "an array")


@pytest.mark.parametrize("dtype", [*SUPPORTED, ">u2", ">i2", ">f8", ">i4"])
def test_arrays_come_back_in_their_type(dtype):
    array = np.array([[0, 1, 1], [1, 0, 0]]).astype(dtype)
    planes, layout = to_planes(array, "YX")
    restored = layout.restore(planes)
    assert restored.dtype == array.dtype
    assert restored.dtype.str == array.dtype.str
    np.testing.assert_array_equal(restored, array)


@pytest.mark.parametrize("dtype", [torch.bool, torch.int8, torch.int16, torch.int32, torch.int64, torch.uint16])
def test_tensors_come_back_in_their_type(dtype):
    tensor = torch.tensor([[0, 1, 1], [1, 0, 0]], dtype=dtype)
    planes, layout = to_planes(tensor, "YX")
    restored = layout.restore(planes)
    assert restored.dtype == dtype
    assert restored.tolist() == tensor.tolist()


def test_another_type_keeps_the_values():
    counts = np.array([[0, 1], [2, 3]], np.uint16)
    planes, layout = to_planes(counts, "YX")
    result = layout.restore(planes + np.float32(0.25 / 65535), dtype="float32")
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, counts + 0.25, rtol=1e-6)
