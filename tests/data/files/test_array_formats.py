"""npy, HDF5 and MATLAB files, against numpy, h5py and scipy."""

import h5py
import numpy as np
import pytest
import scipy.io

from bsn.data import open_image, open_writer
from bsn.data.files.images import Image, read_image, write_image
from tests.helpers.mat73 import write_mat73

DTYPES = ["uint8", "uint16", "float32", "float64"]


@pytest.mark.parametrize("dtype", [*DTYPES, "float16"])
def test_npy(dtype, tmp_path, draw):
    pixels = draw((5, 16, 18), dtype)
    write_image(tmp_path / "a.npy", Image(pixels, "ZYX"))
    loaded = np.load(tmp_path / "a.npy")
    assert loaded.dtype == pixels.dtype
    np.testing.assert_array_equal(loaded, pixels)
    image = read_image(tmp_path / "a.npy", axes="TYX")
    assert image.axes == "TYX"
    np.testing.assert_array_equal(image.pixels, pixels)


def test_npy_of_other_orders(tmp_path, draw):
    for number, array in enumerate([np.asfortranarray(draw((5, 6))), draw((5, 6), "uint16").astype(">u2")]):
        np.save(tmp_path / f"{number}.npy", array)
        image = read_image(tmp_path / f"{number}.npy")
        assert image.pixels.dtype.isnative
        np.testing.assert_array_equal(image.pixels, array)


def test_npy_never_unpickles(tmp_path, refused):
    np.save(tmp_path / "a.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    assert "cannot be read" in refused(read_image, tmp_path / "a.npy")


def test_archives_are_no_npy(tmp_path, refused):
    with (tmp_path / "a.npy").open("wb") as file:
        np.savez(file, a=np.zeros((4, 4)))
    refused(read_image, tmp_path / "a.npy")


@pytest.mark.parametrize("dtype", [*DTYPES, "float16"])
def test_hdf5(dtype, tmp_path, draw):
    pixels = draw((3, 4, 16, 18), dtype)
    write_image(tmp_path / "a.h5", Image(pixels, "CZYX"), key="stack/raw")
    with h5py.File(tmp_path / "a.h5") as file:
        assert file["stack/raw"].attrs["axes"] == "CZYX"
        assert file["stack/raw"].dtype == pixels.dtype
        np.testing.assert_array_equal(file["stack/raw"][()], pixels)
    image = read_image(tmp_path / "a.h5")
    assert image.axes == "CZYX"
    np.testing.assert_array_equal(image.pixels, pixels)


def test_hdf5_of_others(tmp_path, draw):
    first, second = draw((16, 18)), draw((4, 16, 18), "uint16")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["about"] = "a string"
        file["curve"] = np.arange(5)
        file["group/b"] = second
        file["group/a"] = first
    np.testing.assert_array_equal(read_image(tmp_path / "a.h5", key="group/a").pixels, first)
    for attribute in ("x:y:z", "abc", "YX", 5):  # the attribute of others is not an axes string of ours
        with h5py.File(tmp_path / "a.h5", "r+") as file:
            file["group/b"].attrs["axes"] = attribute
        image = read_image(tmp_path / "a.h5", key="/group/b")
        assert image.axes == "CYX"
        np.testing.assert_array_equal(image.pixels, second)


@pytest.mark.parametrize("version", [5, 73])
@pytest.mark.parametrize("dtype", DTYPES)
def test_mat_of_both_versions_are_equal(version, dtype, tmp_path, draw):
    pixels = draw((16, 18, 5), dtype)
    path = tmp_path / "a.mat"
    variables = {"about": "a string", "scale": np.array([[2.5]]), "stack": pixels, "zz_other": pixels[..., 0]}
    if version == 5:
        scipy.io.savemat(path, variables)
    else:
        write_mat73(path, **variables)
    image = read_image(path, key="stack", axes="YXC")
    assert image.pixels.dtype == pixels.dtype
    np.testing.assert_array_equal(image.pixels, pixels)
    np.testing.assert_array_equal(read_image(path, key="zz_other").pixels, pixels[..., 0])


@pytest.mark.parametrize("version", [5, 73])
def test_mat_axes(version, tmp_path, draw):
    pixels = draw((5, 16, 18))
    if version == 5:
        write_image(tmp_path / "a.mat", Image(pixels, "TYX"))
    else:
        write_mat73(tmp_path / "a.mat", image=pixels, axes="TYX")
    image = read_image(tmp_path / "a.mat")
    assert image.axes == "TYX"
    np.testing.assert_array_equal(image.pixels, pixels)


def test_written_mat_is_read_by_scipy(tmp_path, draw):
    pixels = draw((16, 18, 3), "uint16")
    write_image(tmp_path / "a.mat", Image(pixels, "YXC"), key="denoised")
    loaded = scipy.io.loadmat(tmp_path / "a.mat")
    assert loaded["denoised"].dtype == np.uint16
    np.testing.assert_array_equal(loaded["denoised"], pixels)
    assert loaded["axes"] == ["YXC"]


@pytest.mark.parametrize("key", ["with space", "axes", "_hidden", "1st"])
def test_keys_that_matlab_cannot_name(key, tmp_path, draw, refused):
    assert "MATLAB" in refused(write_image, tmp_path / "a.mat", Image(draw((4, 5)), "YX"), key=key)
    assert list(tmp_path.iterdir()) == []


def test_mat_has_no_float16(tmp_path, draw, refused):
    assert ".npy, .h5 or .tif" in refused(write_image, tmp_path / "a.mat", Image(draw((4, 5), "float16"), "YX"))


@pytest.mark.parametrize("suffix", ["h5", "mat", "73.mat"])
def test_a_wrong_key_lists_the_right_ones(suffix, tmp_path, draw, refused):
    path = tmp_path / f"a.{suffix}"
    variables = {"noisy": draw((16, 18)), "clean": draw((16, 18))}
    if suffix == "h5":
        with h5py.File(path, "w") as file:
            for name, value in variables.items():
                file[name] = value
    elif suffix == "mat":
        scipy.io.savemat(path, variables)
    else:
        write_mat73(path, **variables)
    line = refused(read_image, path, key="nosiy")
    assert "'nosiy'" in line
    assert "noisy" in line
    assert "clean" in line


@pytest.mark.parametrize("suffix", ["h5", "mat"])
def test_files_without_an_image(suffix, tmp_path, refused):
    path = tmp_path / f"a.{suffix}"
    if suffix == "h5":
        with h5py.File(path, "w") as file:
            file["curve"] = np.arange(5)
    else:
        scipy.io.savemat(path, {"scale": 2.5})
    assert "holds no image" in refused(read_image, path)


@pytest.mark.parametrize("suffix", ["png", "jpg", "npy"])
def test_formats_without_names_take_no_key(suffix, tmp_path, draw, refused):
    image = Image(draw((4, 5)), "YX")
    assert "leave the key out" in refused(write_image, tmp_path / f"a.{suffix}", image, key="a")
    write_image(tmp_path / f"a.{suffix}", image)
    assert "leave the key out" in refused(read_image, tmp_path / f"a.{suffix}", key="a")


@pytest.mark.parametrize("dtype", [">u2", "<u2", ">f4", "|u1"])
def test_npy_keeps_the_order_of_bytes(dtype, tmp_path, draw):
    pixels = draw((6, 5)).astype(dtype)
    np.save(tmp_path / "a.npy", pixels)
    image = read_image(tmp_path / "a.npy")
    assert image.pixels.dtype.isnative
    write_image(tmp_path / "b.npy", image)
    about = image.pixels.shape, image.axes, image.pixels.dtype, image.metadata
    with open_image(tmp_path / "a.npy") as reader, open_writer(tmp_path / "c.npy", *about) as out:
        assert reader.metadata == image.metadata
        out.write(0, 0, 0, reader.read_plane(0))
    for name in ("b", "c"):
        result = np.load(tmp_path / f"{name}.npy")
        assert result.dtype.str == pixels.dtype.str
        np.testing.assert_array_equal(result, pixels)


def test_labels_of_dimensions_tell_the_axes_of_hdf5(tmp_path):
    pixels = np.arange(2 * 3 * 8 * 9, dtype=np.uint16).reshape(2, 3, 8, 9)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        dataset = file.create_dataset("stack", data=pixels, chunks=(2, 3, 4, 4), compression="gzip")
        for dimension, label in zip(dataset.dims, ("time", "z", "y", "x"), strict=True):
            dimension.label = label
    image = read_image(tmp_path / "a.h5")
    assert image.axes == "TZYX"
    write_image(tmp_path / "b.h5", image)
    assert read_image(tmp_path / "b.h5").axes == "TZYX"
    np.testing.assert_array_equal(read_image(tmp_path / "b.h5").pixels, pixels)
