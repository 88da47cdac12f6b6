"""The eight flips and quarter turns."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from bsn.data.arrays.geometry import COUNT, inverse, transform

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "tbsn" / "geometry.safetensors"


@pytest.mark.parametrize("index", range(COUNT))
@pytest.mark.parametrize("kind", [np.asarray, torch.from_numpy], ids=["numpy", "torch"])
def test_equals_the_published_transforms(index, kind):
    golden = load_file(GOLDEN)
    result = transform(kind(golden["input"]), index)
    assert isinstance(result, type(kind(golden["input"])))
    np.testing.assert_array_equal(np.asarray(result), golden[f"tbsn.ensemble.{index}"])


@pytest.mark.parametrize("index", range(COUNT))
@pytest.mark.parametrize("kind", [np.asarray, torch.from_numpy], ids=["numpy", "torch"])
def test_inverse_undoes(index, kind):
    x = np.arange(2 * 3 * 5).reshape(2, 3, 5)
    np.testing.assert_array_equal(np.asarray(inverse(transform(kind(x), index), index)), x)


def test_the_eight_are_different_and_zero_is_none():
    x = np.arange(9).reshape(3, 3)
    assert len({transform(x, i).tobytes() for i in range(COUNT)}) == COUNT
    np.testing.assert_array_equal(transform(x, 0), x)


def test_even_ones_keep_the_shape():
    x = np.zeros((2, 3, 5))
    assert [transform(x, i).shape for i in range(COUNT)] == [(2, 3, 5), (2, 5, 3)] * 4


@pytest.mark.parametrize("index", [-1, 8])
def test_there_are_only_eight(index, refused):
    assert "0 to 7" in refused(transform, np.zeros((2, 2)), index)
    assert "0 to 7" in refused(inverse, np.zeros((2, 2)), index)


def test_needs_rows_and_columns(refused):
    assert "two axes" in refused(transform, np.zeros(3), 1)
