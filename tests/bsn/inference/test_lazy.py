"""Dask arrays: nothing is read before it is asked for, and the result has the bits of the whole array."""

import numpy as np
import pytest

import bsn
from bsn.data import DataError
from bsn.inference import DenoisingWarning
from bsn.models import InferenceDefaults, Model
from tests.helpers.networks import randomise, small

da = pytest.importorskip("dask.array")


def model(channels=1, context=0, axis=""):
    network = small("phase-unet-tiny", channels=channels, context=context, widths=(4, 8), blocks=(1, 1))
    return Model(randomise(network), inference=InferenceDefaults(context_axis=axis))


def noisy(shape, dtype="uint16"):
    return np.random.default_rng(0).poisson(900, shape).astype(dtype) / (1 if dtype == "uint16" else 2000)


@pytest.mark.parametrize(
    ("axes", "shape", "chunks", "options"),
    [
        ("YX", (40, 50), (16, 20), {}),
        ("TYX", (7, 40, 50), (3, 40, 50), {"context": 2}),
        ("TZYX", (4, 3, 30, 40), (1, 2, 30, 20), {"context": 1}),
        ("TZYX", (4, 3, 30, 40), (2, 1, 30, 40), {"context": 1, "axis": "z"}),
        ("CTYX", (3, 4, 30, 40), (1, 2, 30, 40), {"channels": 3}),
        ("TYXC", (3, 30, 40, 3), (2, 30, 40, 1), {"channels": 3, "context": 1}),
    ],
)
def test_a_lazy_result_has_the_bits_of_the_whole_array(axes, shape, chunks, options):
    pixels, of = noisy(shape), model(**options)
    lazy = bsn.denoise_lazy(da.from_array(pixels, chunks=chunks), of, axes=axes, device="cpu")
    assert (lazy.shape, lazy.dtype) == (pixels.shape, pixels.dtype)
    np.testing.assert_array_equal(lazy.compute(scheduler="sync"), bsn.denoise(pixels, of, axes=axes, device="cpu"))


def test_options_of_the_inference_count(recwarn):
    pixels, of = noisy((3, 40, 50), "float32"), model()
    options = {"axes": "ZYX", "device": "cpu", "value_range": (0.0, 2.0), "strength": 0.7}
    lazy = bsn.denoise_lazy(da.from_array(pixels, chunks=(2, 20, 50)), of, **options)
    np.testing.assert_array_equal(lazy.compute(scheduler="sync"), bsn.denoise(pixels, of, **options))


def test_nothing_is_read_before_and_only_what_is_needed_then():
    seen = []

    def frame(block_info=None):
        seen.append(block_info[None]["chunk-location"][0])
        return np.full((1, 40, 50), 1000, np.uint16)

    frames = da.map_blocks(frame, chunks=((1,) * 9, (40,), (50,)), dtype="uint16", meta=np.empty((0, 0, 0), "uint16"))
    lazy = bsn.denoise_lazy(frames, model(context=1), axes="TYX", device="cpu")
    assert seen == []
    lazy[4].compute(scheduler="sync")
    assert {3, 4, 5} <= set(seen) <= {3, 4, 5, 0, 2, 6, 8}  # and the four by which the stack is judged


def test_what_is_wrong_with_an_array_is_told_when_it_is_computed():
    pixels = noisy((2, 40, 50), "float32")
    pixels[1, 3, 4] = np.nan
    lazy = bsn.denoise_lazy(da.from_array(pixels, chunks=(1, 40, 50)), model(), axes="TYX", device="cpu")
    with pytest.raises(DataError, match="NaN or infinite"):
        lazy.compute(scheduler="sync")
    kept = bsn.denoise_lazy(da.from_array(pixels, chunks=(1, 40, 50)), model(), axes="TYX", device="cpu", nan="keep")
    assert np.isnan(kept.compute(scheduler="sync")).sum() == 1
    unknown = bsn.denoise_lazy(da.from_array(noisy((9, 40, 50))), model(context=1), device="cpu")
    with pytest.warns(DenoisingWarning, match="state the axes"):
        unknown.compute(scheduler="sync")
    with pytest.raises(DataError, match="is no Dask array"):
        bsn.denoise_lazy(noisy((20, 20)), model())
