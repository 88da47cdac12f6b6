"""Metadata is kept, or one line says what is lost."""

import warnings

import numpy as np
import pytest
import tifffile
from PIL import Image as Pillow

import bsn.models
from bsn.cli import main
from bsn.data.errors import DataWarning
from bsn.data.files.images import Image, read_image, write_image
from bsn.data.files.writers import open_writer
from bsn.inference import Denoiser

PIXELS = np.arange(40 * 48, dtype=np.uint16).reshape(40, 48)
IMAGEJ = {"imagej": {"spacing": 0.5, "unit": "um"}, "resolution": (9.5, 9.5), "resolution_unit": "none"}


def by_pieces(path, pixels, axes, metadata):
    with open_writer(path, pixels.shape, axes, pixels.dtype, metadata) as out:
        out.write(0, 0, 0, pixels[None])


def at_once(path, pixels, axes, metadata):
    write_image(path, Image(pixels, axes, metadata))


def lines(write, path, pixels, metadata):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        write(path, pixels, "YX", metadata)
    assert all(w.category is DataWarning and w.filename == __file__ for w in caught)
    return [str(w.message) for w in caught]


@pytest.mark.parametrize("write", [at_once, by_pieces])
@pytest.mark.parametrize(
    ("name", "metadata", "words"),
    [
        ("a.tif", IMAGEJ, None),
        ("a.png", IMAGEJ, "a.png: the result, a PNG, has no ImageJ settings, no resolution"),
        ("a.npy", {"exif": b"x", "icc_profile": b"y"}, "the result, a .npy file, has no EXIF data, no colour profile"),
        ("a.h5", {"resolution": (1, 1), "resolution_unit": "inch"}, "the result, an HDF5 file, has no resolution"),
        ("a.mat", {"of_tomorrow": 1}, "the result, a MATLAB file, has no of tomorrow"),
        ("a.tif", {"exif": b""}, None),
        ("a.png", {"photometric": "miniswhite"}, None),  # its values are turned round
    ],
)
def test_one_line_names_what_is_lost(write, name, metadata, words, tmp_path):
    found = lines(write, tmp_path / name, PIXELS, metadata)
    assert len(found) == (words is not None)
    if words:
        assert words in found[0]


def test_settings_of_imagej_are_lost_where_its_kind_of_tiff_does_not_fit(tmp_path):
    """ImageJ has no float64."""
    found = lines(at_once, tmp_path / "a.tif", PIXELS.astype(np.float64), IMAGEJ)
    assert found == ["a.tif: the result, a TIFF, has no ImageJ settings"]


def noisy(shape, seed=0):
    return np.random.default_rng(seed).normal(120, 20, shape).clip(0, 255).astype(np.uint8)


def test_denoising_says_it_where_something_is_lost(tmp_path, capsys):
    for name in ("a.tif", "b.tif"):
        tifffile.imwrite(tmp_path / name, noisy((48, 48)), imagej=True, metadata={"spacing": 0.5})
    (tmp_path / "out").mkdir()
    for name in ("a", "b"):
        code = main(["denoise", str(tmp_path / f"{name}.tif"), "-o", str(tmp_path / "out" / f"{name}.png")])
        shown = "".join(capsys.readouterr())
        assert (code, shown.count("has no")) == (0, 1)
        assert f"{name}.tif: the result, a PNG, has no ImageJ settings" in shown
    assert main(["denoise", str(tmp_path / "a.tif"), str(tmp_path / "b.tif"), "-o", str(tmp_path / "same")]) == 0
    assert "has no" not in "".join(capsys.readouterr())


def test_denoise_file_warns(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", noisy((48, 48)), imagej=True, metadata={"spacing": 0.5})
    denoiser = Denoiser(bsn.models.create("phase-unet-tiny", channels=1), device="cpu")
    with pytest.warns(UserWarning, match=r"a\.tif: the result, a PNG, has no ImageJ settings"):
        denoiser.denoise_file(tmp_path / "a.tif", tmp_path / "b.png")
    assert Pillow.open(tmp_path / "b.png").size == (48, 48)
    assert read_image(tmp_path / "b.png").metadata == {}
