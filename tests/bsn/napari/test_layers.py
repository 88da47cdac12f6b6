from types import SimpleNamespace

import numpy as np
import pytest

from bsn.data import DataError
from bsn.napari.gathering import gather, middle_part
from bsn.napari.layers import (
    LayerImage,
    guess_layer_axes,
    plane_at,
    plane_label,
    result_state,
    shift_of,
    with_alpha,
    without_alpha,
)
from bsn.napari.levels import as_lazy, coarser, is_lazy, levels_like


def layer(shape, *, rgb=False, labels=(), units=None, multiscale=False):
    data = np.zeros(shape, np.uint16)
    data = [data, data[..., ::2, ::2]] if multiscale else data
    return SimpleNamespace(name="a", data=data, rgb=rgb, multiscale=multiscale, axis_labels=labels, units=units)


def unit(dimension):
    return SimpleNamespace(dimensionality={dimension: 1})


PIXELS = SimpleNamespace(dimensionality={})


@pytest.mark.parametrize(
    ("given", "axes"),
    [
        (layer((8, 9)), "YX"),
        (layer((8, 9, 3), rgb=True), "YXC"),
        (layer((5, 8, 9)), "ZYX"),
        (layer((2, 5, 8, 9, 4), rgb=True), "TZYXC"),
        (layer((2, 3, 5, 8, 9)), "TCZYX"),
        (layer((5, 8, 9), labels=("-3", "-2", "-1")), "ZYX"),
        (layer((5, 8, 9), labels=("time", "Row", "col")), "TYX"),
        (layer((8, 9, 5), labels=("y", "x", "z")), "YXZ"),
        (layer((5, 8, 9), labels=("t", "y", "y")), "ZYX"),
        (layer((5, 8, 9), units=(unit("[time]"), unit("[length]"), unit("[length]"))), "TYX"),
        (layer((4, 5, 8, 9), units=(PIXELS, unit("[time]"), PIXELS, PIXELS)), "ZTYX"),
        (layer((5, 64, 64), multiscale=True), "ZYX"),
        (layer((2, 2, 3, 5, 8, 9)), "PTCZYX"),
    ],
)
def test_axes_come_from_labels_units_or_custom(given, axes):
    assert guess_layer_axes(given) == axes
    LayerImage.of(given)


def test_colours_and_a_channel_axis_have_letters_of_their_own():
    axes = guess_layer_axes(layer((2, 3, 5, 8, 9, 3), rgb=True))
    assert axes.endswith("YXC")
    assert len(set(axes)) == 6


def test_axes_that_do_not_fit_are_refused():
    with pytest.raises(DataError, match="has rows and columns"):
        guess_layer_axes(layer((9,)))
    with pytest.raises(DataError, match="3 letters do not describe the 2 axes"):
        LayerImage.of(layer((8, 9)), "TYX")
    with pytest.raises(DataError, match="its last axis holds the colours; end them with C"):
        LayerImage.of(layer((8, 9, 3), rgb=True), "CYX")


def test_the_plane_in_which_the_viewer_stands():
    image = LayerImage("a", np.zeros((4, 8, 9, 5)), "TYXZ")
    place = plane_at(image, (2.4, 3.0, 3.0, 99.0))
    assert place == (slice(2, 3), slice(None), slice(None), slice(4, 5))
    assert plane_label(image, place) == "t=2,z=4"
    channels = LayerImage("a", np.zeros((3, 8, 9)), "CYX")
    assert plane_at(channels, (1, 0, 0)) == (slice(None),) * 3
    assert plane_label(channels, plane_at(channels, (1, 0, 0))) == ""
    colours = LayerImage("a", np.zeros((2, 8, 9, 3)), "ZYXC", rgb=True)
    assert plane_at(colours, (-1, 0, 0)) == (slice(0, 1), *[slice(None)] * 3)


def test_opacity_is_put_aside_and_given_back():
    pixels = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)
    image = LayerImage("a", pixels, "YXC", rgb=True)
    assert without_alpha(image).shape == (2, 3, 3)
    back = with_alpha(without_alpha(image) + np.uint8(1), image)
    assert (back[..., 3] == pixels[..., 3]).all()
    assert (back[..., :3] == pixels[..., :3] + 1).all()
    four_channels = LayerImage("a", pixels, "YXC")
    assert without_alpha(four_channels) is pixels


def test_a_block_of_a_lazy_array_is_a_plane():
    dask = pytest.importorskip("dask.array", reason="dask is not installed")
    lazy = as_lazy(dask.zeros((4, 32, 40, 3), chunks=(4, 16, 16, 1)), "TYXC")
    assert lazy.chunks == ((1,) * 4, (32,), (40,), (3,))
    assert as_lazy(np.zeros((3, 8, 9)), "ZYX").numblocks == (3, 1, 1)
    assert is_lazy(lazy)
    assert not is_lazy(np.zeros(3))


def test_zarr_arrays_are_lazy():
    zarr = pytest.importorskip("zarr", reason="zarr is not installed")
    pytest.importorskip("dask.array", reason="dask is not installed")
    stored = zarr.create_array({}, shape=(3, 20, 24), dtype="uint16", chunks=(2, 8, 8))
    stored[:] = np.arange(stored.size, dtype=np.uint16).reshape(stored.shape)
    assert is_lazy(stored)
    assert (np.asarray(as_lazy(stored, "TYX")) == stored[:]).all()


@pytest.mark.parametrize("shape", [(4, 16, 20), (4, 17, 21), (2, 8, 10)])
def test_coarser_levels_are_means_lazy_or_not(shape):
    dask = pytest.importorskip("dask.array", reason="dask is not installed")
    rng = np.random.default_rng(0)
    whole = rng.integers(0, 60000, (shape[0], 2 * shape[1], 2 * shape[2]), dtype=np.uint16)
    blocks = whole.reshape(shape[0], shape[1], 2, shape[2], 2).astype(float)
    expected = np.floor(blocks.mean((2, 4)) + 0.5).astype(np.uint16)
    assert (coarser(whole, shape) == expected).all()
    lazy = coarser(dask.from_array(whole, chunks=(1, 7, -1)), shape)
    assert lazy.shape == shape
    assert lazy.dtype == whole.dtype
    assert (np.asarray(lazy) == expected).all()
    levels = levels_like(whole, [whole.shape, shape, (shape[0], shape[1] // 2, shape[2] // 2)])
    assert [level.shape for level in levels] == [whole.shape, shape, (shape[0], shape[1] // 2, shape[2] // 2)]


def test_layers_of_several_axes_are_brought_to_common_ones():
    film, plane = np.arange(2 * 3 * 4).reshape(3, 4, 2), np.arange(12).reshape(3, 4)
    gathered = gather([LayerImage("film", film, "YXT"), LayerImage("plane", plane, "YX")], 1 << 20)
    assert gathered.axes == "TYX"
    assert (gathered.arrays[0] == film.transpose(2, 0, 1)).all()
    assert (gathered.arrays[1] == plane[None]).all()
    assert gathered.notes == []
    with pytest.raises(DataError, match="choose one image layer or more"):
        gather([], 1)


def test_of_a_large_lazy_layer_the_middle_is_read():
    dask = pytest.importorskip("dask.array", reason="dask is not installed")
    lazy = dask.zeros((64, 100, 100), dtype="uint8", chunks=(1, 100, 100))
    image = LayerImage("large", lazy, "TYX")
    assert middle_part(image, 160_000) == (slice(24, 40), slice(0, 100), slice(0, 100))
    gathered = gather([image], 160_000)
    assert gathered.arrays[0].shape == (16, 100, 100)
    assert gathered.notes == ["Of large, the middle 16 x 100 x 100 (TYX) is read."]
    huge = LayerImage("huge", SimpleNamespace(shape=(1, 100_000, 90_000), dtype=np.dtype("uint16")), "ZYX")
    sizes = [part.stop - part.start for part in middle_part(huge, 1 << 21)]
    assert sizes[0] == 1
    assert 2 * sizes[1] * sizes[2] <= 1 << 21


def test_the_state_of_a_result_is_that_of_its_layer_and_lies_where_it_lay():
    napari = pytest.importorskip("napari", reason='needs napari: pip install "blindspot-denoising[napari]"')
    noisy = napari.layers.Image(
        np.random.default_rng(0).random((4, 8, 9)),
        name="cells",
        scale=(2, 0.5, 0.25),
        translate=(1, 2, 3),
        rotate=(20, 30, 10),
        shear=(0.1, 0.2, 0.3),
        affine=np.array([[1, 0, 0, 5], [0, 2, 0.5, 0], [0, 0, 3, 1], [0, 0, 0, 1.0]]),
        units=("second", "um", "um"),
        axis_labels=("t", "y", "x"),
        colormap="magma",
        gamma=0.7,
        contrast_limits=(0.1, 0.9),
        opacity=0.4,
        blending="additive",
        metadata={"of": "the user"},
    )
    place = (slice(2, 3), slice(None), slice(None))
    state = result_state(noisy, "result", {"model": "m"}, place, multiscale=False)
    part = napari.layers.Layer.create(np.asarray(noisy.data)[place], state, "image")
    for corner in [(0, 0, 0), (0, 7, 8), (0, 3, 1)]:
        inside = np.add(corner, (2, 0, 0))
        assert np.allclose(part.data_to_world(corner), noisy.data_to_world(inside))
    assert np.allclose(shift_of(noisy, (slice(None),) * 3), noisy.translate)
    assert part.name == "result"
    assert part.metadata == {"of": "the user", "blindspot": {"model": "m"}}
    for what in ("units", "axis_labels", "gamma", "contrast_limits", "opacity", "blending"):
        assert getattr(part, what) == getattr(noisy, what), what
    assert np.array_equal(part.scale, noisy.scale)
    assert part.colormap.name == "magma"
