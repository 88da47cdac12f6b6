"""Files that hold several images: none is taken unasked, and a result keeps the others."""

import h5py
import numpy as np
import pytest
import scipy.io

from bsn.data import Image, open_image, open_writer, read_image, write_image
from bsn.data.errors import DataWarning
from tests.helpers.mat73 import write_mat73


@pytest.fixture
def images(draw):
    return {"dark": draw((16, 18), "uint16", 1), "raw": draw((16, 18), "uint16", 2)}


def write_hdf5(path, images, prefix=""):
    with h5py.File(path, "w") as file:
        for name, pixels in images.items():
            file.create_dataset(prefix + name, data=pixels, compression="gzip", shuffle=True)
        file[f"{prefix}raw"].attrs["element_size_um"] = [0.1, 0.1]
        file.attrs["instrument"] = "microscope"
        file["log"] = "started at noon"
        file["curve"] = np.arange(5.0)


def denoised(path, target, key, change=1, dtype=None):
    """Do to a file what denoising does, region by region."""
    with open_image(path, key=key) as reader:
        wanted = dtype or reader.dtype
        with open_writer(target, reader.shape, reader.axes, wanted, reader.metadata, overwrite=True) as out:
            for plane in range(reader.planes):
                out.write(plane, 0, 0, (reader.read_plane(plane) + change).astype(wanted))


@pytest.mark.parametrize("read", [read_image, open_image])
def test_several_images_are_never_chosen_from(read, images, tmp_path, refused):
    write_hdf5(tmp_path / "a.h5", images)
    scipy.io.savemat(tmp_path / "a.mat", images)
    write_mat73(tmp_path / "b.mat", **images)
    for name in ("a.h5", "a.mat", "b.mat"):
        line = refused(read, tmp_path / name)
        assert "--key" in line
        assert "dark (16 x 18 uint16)" in line
        assert "raw (16 x 18 uint16)" in line


def test_lists_and_masks_are_no_choice(tmp_path, draw):
    image = draw((16, 18))
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.update({"a_mask": image > 5, "b_list": np.zeros((40, 1)), "c": image, "d_names": "text"})
    scipy.io.savemat(tmp_path / "a.mat", {"a_mask": image > 5, "b_list": np.zeros((1, 40)), "c": image})
    for name in ("a.h5", "a.mat"):
        np.testing.assert_array_equal(read_image(tmp_path / name).pixels, image)


@pytest.mark.parametrize("prefix", ["", "volumes/left/"])
def test_hdf5_keeps_all_else(prefix, images, tmp_path):
    write_hdf5(tmp_path / "a.h5", images, prefix)
    denoised(tmp_path / "a.h5", tmp_path / "b.h5", f"{prefix}raw")
    with h5py.File(tmp_path / "a.h5") as before, h5py.File(tmp_path / "b.h5") as after:
        np.testing.assert_array_equal(before[f"{prefix}raw"], images["raw"])
        np.testing.assert_array_equal(after[f"{prefix}raw"], images["raw"] + np.uint16(1))
        np.testing.assert_array_equal(after[f"{prefix}dark"], images["dark"])
        assert sorted(after) == sorted(before)
        assert dict(after.attrs) == {"instrument": "microscope"}
        assert after["log"][()] == b"started at noon"
        assert list(after[f"{prefix}raw"].attrs["element_size_um"]) == [0.1, 0.1]
        assert (after[f"{prefix}raw"].compression, after[f"{prefix}raw"].shuffle) == ("gzip", True)


def test_hdf5_of_another_type_or_place_of_pixels(images, tmp_path, draw):
    """Pixels that lie in other files are never written there; a result of another type keeps name and attributes."""
    write_hdf5(tmp_path / "a.h5", images)
    layout = h5py.VirtualLayout((16, 18), "uint16")
    layout[:] = h5py.VirtualSource(str(tmp_path / "a.h5"), "raw", (16, 18))
    with h5py.File(tmp_path / "virtual.h5", "w") as file:
        file.create_virtual_dataset("raw", layout)
    denoised(tmp_path / "virtual.h5", tmp_path / "b.h5", None)
    np.testing.assert_array_equal(read_image(tmp_path / "b.h5").pixels, images["raw"] + np.uint16(1))
    np.testing.assert_array_equal(read_image(tmp_path / "a.h5", key="raw").pixels, images["raw"])
    denoised(tmp_path / "a.h5", tmp_path / "c.h5", "raw", 0.25, np.float32)
    image = read_image(tmp_path / "c.h5", key="raw")
    np.testing.assert_array_equal(image.pixels, images["raw"].astype(np.float32) + np.float32(0.25))
    with h5py.File(tmp_path / "c.h5") as file:
        assert list(file["raw"].attrs["element_size_um"]) == [0.1, 0.1]
        assert (file["raw"].compression, file["raw"].shuffle) == ("gzip", True)


def test_whole_images_keep_all_else_too(images, tmp_path):
    write_hdf5(tmp_path / "a.h5", images)
    image = read_image(tmp_path / "a.h5", key="raw")
    write_image(tmp_path / "b.h5", Image(image.pixels[:8] // 2, image.axes, image.metadata))
    np.testing.assert_array_equal(read_image(tmp_path / "b.h5", key="raw").pixels, images["raw"][:8] // 2)
    np.testing.assert_array_equal(read_image(tmp_path / "b.h5", key="dark").pixels, images["dark"])


def test_names_go_along_into_other_formats(images, tmp_path):
    write_hdf5(tmp_path / "a.h5", images, "volumes/")
    image = read_image(tmp_path / "a.h5", key="volumes/raw")
    for name in ("b.mat", "b.tif", "b.npy"):
        write_image(tmp_path / name, image)
        np.testing.assert_array_equal(read_image(tmp_path / name).pixels, images["raw"])
    assert "raw" in scipy.io.loadmat(tmp_path / "b.mat")


@pytest.mark.parametrize("key", ["frames{2}", "scan.image", "scans(2).image", "plain"])
@pytest.mark.parametrize("dtype", ["uint8", "float64", "float32"])
def test_mat_cells_and_structures(key, dtype, tmp_path, draw):
    first, second = draw((16, 18), dtype, 1), draw((16, 18), dtype, 2)
    cells = np.empty((1, 2), object)
    cells[0, 0], cells[0, 1] = first, second
    scans = np.empty((1, 2), [("image", object), ("exposure", object)])
    scans["image"][0, :] = [first, second]
    scans["exposure"][0, :] = [1.0, 2.0]
    variables = {
        "frames": cells,
        "scan": {"image": second, "by": "me"},
        "scans": scans,
        "plain": second,
        "text": "hello",
    }
    scipy.io.savemat(tmp_path / "a.mat", variables)
    image = read_image(tmp_path / "a.mat", key=key)
    assert image.pixels.dtype == dtype
    np.testing.assert_array_equal(image.pixels, second)
    denoised(tmp_path / "a.mat", tmp_path / "b.mat", key)
    np.testing.assert_array_equal(read_image(tmp_path / "b.mat", key=key).pixels, (second + 1).astype(dtype))
    others = {"frames{1}", "frames{2}", "scan.image", "scans(1).image", "scans(2).image", "plain"} - {key}
    for other in others:
        expected = first if "1" in other else second
        np.testing.assert_array_equal(read_image(tmp_path / "b.mat", key=other).pixels, expected)
    after = scipy.io.loadmat(tmp_path / "b.mat")
    assert after["text"] == ["hello"]
    assert after["scan"]["by"][0, 0] == ["me"]
    assert after["scans"]["exposure"][0, 1] == 2


def write_cells_73(path, images):
    """The layout of MATLAB's own version 7.3 files: cells are references into a group of their own."""
    with h5py.File(path, "w", userblock_size=512) as file:
        for number, pixels in enumerate(images):
            dataset = file.create_dataset(f"#refs#/{'abc'[number]}", data=pixels.T)
            dataset.attrs["MATLAB_class"] = np.bytes_(pixels.dtype.name)
        references = file.create_dataset("frames", (len(images), 1), h5py.ref_dtype)
        references.attrs["MATLAB_class"] = np.bytes_("cell")
        for number in range(len(images)):
            references[number, 0] = file[f"#refs#/{'abc'[number]}"].ref
        field = file.create_dataset("scan/image", data=images[0].T)
        field.attrs["MATLAB_class"] = np.bytes_(images[0].dtype.name)
        file["scan"].attrs["MATLAB_class"] = np.bytes_("struct")


@pytest.mark.parametrize("dtype", [None, np.float32])
def test_mat_73_cells_and_structures(dtype, tmp_path, draw, refused):
    images = [draw((16, 18), "uint16", seed) for seed in (1, 2)]
    write_cells_73(tmp_path / "a.mat", images)
    assert "frames{2} (16 x 18 uint16)" in refused(read_image, tmp_path / "a.mat")
    for key in ("frames{2}", "scan.image"):
        expected = images[1] if "2" in key else images[0]
        denoised(tmp_path / "a.mat", tmp_path / "b.mat", key, dtype=dtype)
        result = read_image(tmp_path / "b.mat", key=key)
        assert result.pixels.dtype == (dtype or np.uint16)
        np.testing.assert_array_equal(result.pixels, (expected + np.uint16(1)).astype(result.pixels.dtype))
        np.testing.assert_array_equal(read_image(tmp_path / "b.mat", key="frames{1}").pixels, images[0])
        with h5py.File(tmp_path / "b.mat") as file:
            classes = {True: b"single", False: b"uint16"}
            place = file[file["frames"][1, 0]] if "2" in key else file["scan/image"]
            assert place.attrs["MATLAB_class"] == classes[dtype is not None]


def test_numbers_of_matlab_keep_their_class(tmp_path):
    """MATLAB stores whole doubles as bytes; they are doubles all the same."""
    pixels = np.arange(64.0).reshape(8, 8)
    scipy.io.savemat(tmp_path / "a.mat", {"x": pixels})
    with (tmp_path / "b.mat").open("wb") as file:
        file.write(small_double(pixels))
    for name in ("a.mat", "b.mat"):
        image = read_image(tmp_path / name)
        assert image.pixels.dtype == np.float64
        np.testing.assert_array_equal(image.pixels, pixels)


def small_double(pixels):
    """A version 5 file of one variable "x" of class double whose values are stored as uint8, byte for byte as specified."""
    import struct

    def element(kind, data):
        return struct.pack("<II", kind, len(data)) + data + b"\0" * (-len(data) % 8)

    flags, sizes = element(6, struct.pack("<II", 6, 0)), element(5, struct.pack("<ii", *pixels.shape))
    matrix = flags + sizes + element(1, b"x") + element(2, pixels.astype(np.uint8).tobytes(order="F"))
    return b"MATLAB 5.0".ljust(124) + struct.pack("<HH", 0x0100, 0x4D49) + element(14, matrix)


def test_what_scipy_cannot_write_again_is_named(tmp_path, monkeypatch, draw):
    import scipy.io.matlab

    pixels = draw((8, 9))
    scipy.io.savemat(tmp_path / "a.mat", {"x": pixels, "f": np.zeros((1, 1))})
    real = scipy.io.loadmat

    def with_function(*args, **kwargs):
        loaded = real(*args, **kwargs)
        return {**loaded, "f": loaded["f"].view(scipy.io.matlab.MatlabFunction)}

    monkeypatch.setattr(scipy.io, "loadmat", with_function)
    image = read_image(tmp_path / "a.mat", key="x")
    with pytest.warns(DataWarning, match="f cannot be written again"):
        write_image(tmp_path / "b.mat", image)
    monkeypatch.undo()
    np.testing.assert_array_equal(read_image(tmp_path / "b.mat").pixels, pixels)


def test_complex_numbers_are_neither_chosen_nor_halved(tmp_path, draw, refused):
    """They are no image, and come back whole beside one: scipy gives their real parts alone where it keeps MATLAB's types."""
    image, field = draw((16, 18)) // 2, np.exp(1j * np.arange(12.0).reshape(3, 4))
    cells = np.empty((1, 2), object)
    cells[0, :] = [field.astype(np.complex64), image]
    scipy.io.savemat(tmp_path / "a.mat", {"field": field, "image": image, "cells": cells, "scan": {"field": field}})
    denoised(tmp_path / "a.mat", tmp_path / "b.mat", "image")
    after = scipy.io.loadmat(tmp_path / "b.mat")
    np.testing.assert_array_equal(after["image"], image + np.uint16(1))
    np.testing.assert_array_equal(after["field"], field)
    np.testing.assert_array_equal(after["scan"]["field"][0, 0], field)
    np.testing.assert_array_equal(after["cells"][0, 0], field.astype(np.complex64))
    assert after["cells"][0, 0].dtype == np.complex64
    for name in ("a.mat", "c.mat", "c.h5"):
        if name == "c.h5":
            with h5py.File(tmp_path / name, "w") as file:
                file["field"] = field
        elif name == "c.mat":
            scipy.io.savemat(tmp_path / name, {"field": field})
        for read in (read_image, open_image):
            assert "magnitude" in refused(read, tmp_path / name, key="field")
    assert "magnitude" in refused(read_image, tmp_path / "c.h5")
    scipy.io.savemat(tmp_path / "d.mat", {"field": field, "image": image})
    np.testing.assert_array_equal(read_image(tmp_path / "d.mat").pixels, image)
