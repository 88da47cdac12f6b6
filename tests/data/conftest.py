"""Fixtures for the tests of `data`."""

from pathlib import Path

import numpy as np
import pytest

from bsn.data.errors import DataError

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"


@pytest.fixture
def draw():
    """Random pixels of a shape and dtype: the whole range of integers, [0, 1) for floats."""

    def draw(shape, dtype="uint8", seed=0):
        rng = np.random.default_rng(seed)
        dtype = np.dtype(dtype)
        if dtype.kind == "f":
            return rng.random(shape).astype(dtype)
        return rng.integers(0, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True)

    return draw


@pytest.fixture
def refused():
    """Call something that must raise a DataError of one line; give the line."""

    def refused(call, *args, **kwargs):
        with pytest.raises(DataError) as caught:
            call(*args, **kwargs)
        line = str(caught.value)
        assert "\n" not in line
        assert all(part and part in line for part in (caught.value.given, caught.value.why, caught.value.remedy))
        return line

    return refused


@pytest.fixture
def shared():
    """The folder of real images beside the checkout."""
    if not SHARED.is_dir():
        pytest.skip("real images are not beside this checkout (../shared/data)")
    return SHARED
