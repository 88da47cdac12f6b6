"""Reading and writing in general: round trips, and bad input of every kind."""

import tempfile
from contextlib import suppress
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image as Pillow

from bsn.data.errors import DataError
from bsn.data.files.formats import SUFFIXES, find_format
from bsn.data.files.images import Image, read_image, write_image

LOSSLESS = {
    ".png": ["uint8", "uint16"],
    ".tif": ["uint8", "uint16", "float16", "float32", "float64"],
    ".npy": ["uint8", "uint16", "float16", "float32", "float64"],
    ".h5": ["uint8", "uint16", "float16", "float32", "float64"],
    ".mat": ["uint8", "uint16", "float32", "float64"],
}


@pytest.mark.parametrize("suffix", LOSSLESS)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_values_type_and_axes_come_back(suffix, data):
    dtype = data.draw(st.sampled_from(LOSSLESS[suffix]))
    flat = suffix == ".png"
    axes = data.draw(st.sampled_from(["YX", "YXC"] if flat else ["YX", "YXC", "CYX", "ZYX", "TCYX", "TZCYX", "QYX"]))
    shape = tuple(3 if a == "C" and axes.endswith("C") else data.draw(st.integers(1, 5), label=a) for a in axes)
    elements = {} if dtype.startswith("u") else {"elements": st.floats(-1e4, 1e4, width=16)}
    pixels = data.draw(hnp.arrays(dtype, shape, **elements))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"a{suffix}"
        write_image(path, Image(pixels, axes))
        image = read_image(path, axes=axes if suffix == ".npy" else None)
    assert (image.axes, image.pixels.dtype) == (axes, np.dtype(dtype))
    np.testing.assert_array_equal(image.pixels, pixels)


def test_stated_axes_win_and_must_fit(tmp_path, draw, refused):
    tifffile.imwrite(tmp_path / "a.tif", draw((3, 8, 9)), imagej=True, metadata={"axes": "ZYX"})
    assert read_image(tmp_path / "a.tif", axes="cyx").axes == "CYX"
    line = refused(read_image, tmp_path / "a.tif", axes="YX")
    assert "a.tif" in line
    assert "3 axes" in line


def test_suffixes_in_capitals(tmp_path, draw):
    write_image(tmp_path / "A.TIFF", Image(draw((4, 5)), "YX"))
    assert read_image(tmp_path / "A.TIFF").axes == "YX"


def test_axes_of_an_image_must_fit(draw, refused):
    assert "2 letters" in refused(Image, draw((4, 5, 6)), "YX")


@pytest.mark.parametrize("name", ["a.gif", "a", "a.tif.gz"])
def test_unknown_suffixes_list_the_known(name, tmp_path, draw, refused):
    for line in (
        refused(read_image, tmp_path / name),
        refused(write_image, tmp_path / name, Image(draw((4, 5)), "YX")),
        refused(find_format, tmp_path / name),
    ):
        assert all(suffix in line for suffix in SUFFIXES)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_missing_empty_and_foreign_files(suffix, tmp_path, refused):
    path = tmp_path / f"a{suffix}"
    assert "no such file" in refused(read_image, path)
    path.write_bytes(b"")
    assert str(path) in refused(read_image, path)
    path.write_text("These are not the pixels you are looking for.\nNor is this line.\n" * 40)
    assert str(path) in refused(read_image, path)
    path.unlink()
    path.mkdir()
    assert "folder" in refused(read_image, path)


def test_a_text_file_called_png_says_so(tmp_path, refused):
    (tmp_path / "notes.png").write_text("dear diary")
    assert "is not a PNG file" in refused(read_image, tmp_path / "notes.png")


def test_files_without_permission(tmp_path, draw, refused, monkeypatch):
    write_image(tmp_path / "a.npy", Image(draw((4, 5)), "YX"))

    def forbidden(*_args, **_kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", forbidden)
    assert "permissions" in refused(read_image, tmp_path / "a.npy")


def test_an_image_without_pixels(tmp_path, refused):
    np.save(tmp_path / "a.npy", np.zeros((0, 5), np.uint8))
    assert "no pixels" in refused(read_image, tmp_path / "a.npy")


def whole_files(folder, draw):
    """One small file of each format, as (path, pixels)."""
    grey, colour, stack = draw((24, 20), "uint16"), draw((24, 20, 3)), draw((5, 24, 20))
    Pillow.fromarray(grey).save(folder / "grey16.png")
    Pillow.fromarray(colour).save(folder / "colour.png")
    Pillow.fromarray(colour).save(folder / "colour.jpg", quality=95)
    tifffile.imwrite(folder / "stack.tif", stack, imagej=True)
    tifffile.imwrite(folder / "packed.tif", stack, photometric="minisblack", compression="zlib", rowsperstrip=6)
    np.save(folder / "stack.npy", stack)
    with h5py.File(folder / "stack.h5", "w") as file:
        file.create_dataset("image", data=stack, chunks=(1, 12, 20), compression="gzip")
    with h5py.File(folder / "new.mat", "w", userblock_size=512) as file:
        file["image"] = stack.T
    scipy.io.savemat(folder / "old.mat", {"image": stack}, do_compression=True)
    deep = Image(draw((24, 20, 3), "uint16"), "YXC")
    write_image(folder / "deep.png", deep)
    return sorted(folder.iterdir())


def test_damaged_files_give_one_line_or_pixels(tmp_path, draw):
    """Cut off anywhere, or with bytes overwritten: never an exception of a library."""
    (tmp_path / "whole").mkdir()
    rng = np.random.default_rng(0)
    for whole in whole_files(tmp_path / "whole", draw):
        content = whole.read_bytes()
        read_image(whole)
        path = tmp_path / whole.name
        for trial in range(60):
            damaged = bytearray(content)
            if trial % 2:
                damaged = damaged[: rng.integers(0, len(damaged))]
            else:
                for place in rng.integers(0, min(len(damaged), 2000), 8):
                    damaged[place] = rng.integers(256)
            path.write_bytes(damaged)
            with suppress(DataError):
                read_image(path)


@pytest.mark.parametrize("name", ["grey16.png", "colour.png", "colour.jpg", "deep.png", "stack.npy", "old.mat"])
def test_truncated_pixels_are_never_filled_in(name, tmp_path, draw, refused):
    (tmp_path / "whole").mkdir()
    whole_files(tmp_path / "whole", draw)
    content = (tmp_path / "whole" / name).read_bytes()
    path = tmp_path / name
    for length in np.linspace(1, len(content) - 40, 12, dtype=int):
        path.write_bytes(content[:length])
        refused(read_image, path)
