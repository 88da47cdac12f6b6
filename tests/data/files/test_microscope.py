"""Files of microscopes through bioio, against the libraries that read one of their formats each."""

import sys
from pathlib import Path

import numpy as np
import pytest

from bsn.data import Image, open_image, read_image, write_image

FILES = Path(__file__).resolve().parents[4] / "shared" / "data" / "free" / "formats" / "microscopy"


def given(name):
    if not (FILES / name).is_file():
        pytest.skip(f"the file {name} is not beside the project")
    return FILES / name


@pytest.mark.parametrize("suffix", [".czi", ".nd2", ".lif"])
def test_what_is_missing_is_named(suffix, tmp_path, refused, monkeypatch):
    monkeypatch.setitem(sys.modules, "bioio", None)
    path = tmp_path / f"a{suffix}"
    assert "no such file" in refused(read_image, path)
    path.write_bytes(b"x")
    said = refused(read_image, path)
    assert f"bioio-{suffix[1:]}" in said
    assert "blindspot-denoising[microscopes]" in said
    assert "are not written" in refused(write_image, tmp_path / f"b{suffix}", Image(np.zeros((4, 4), np.uint8), "YX"))


@pytest.mark.parametrize("name", ["arcadia-timelapse.nd2", "arcadia-zstack.nd2", "arcadia-multichannel.nd2"])
def test_nd2_is_what_its_own_library_reads(name, tmp_path):
    pytest.importorskip("bioio_nd2")
    import nd2

    expected = nd2.imread(given(name))
    with open_image(FILES / name) as image:
        assert image.shape == expected.shape
        np.testing.assert_array_equal(
            image.read_plane(image.planes - 1).squeeze(), expected[-1] if image.planes > 1 else expected
        )
        metadata = image.metadata
    whole = read_image(FILES / name)
    write_image(tmp_path / "a.ome.zarr", whole)
    assert read_image(tmp_path / "a.ome.zarr").axes == whole.axes
    with nd2.ND2File(FILES / name) as file:
        size = file.voxel_size()
    np.testing.assert_allclose(metadata["resolution"], (1 / size.x, 1 / size.y))
    assert ("spacing" in metadata["imagej"]) == ("Z" in whole.axes)


def test_scenes_of_lif_are_named(refused):
    pytest.importorskip("bioio_lif")
    path = given("readlif-wavelength-sweep.lif")
    assert "choose one with --key: x_y_lambdaEmi" in refused(open_image, path)
    with open_image(path, key="x_y_z_t_lambdaEmi") as image:
        assert (image.axes, image.shape) == ("TZYX", (2, 11, 64, 64))


def test_samples_of_czi_are_colours():
    pytest.importorskip("bioio_czi")
    with open_image(given("aicspylibczi-RGB-multichannel.czi")) as image:
        assert (image.axes, image.channels, image.planes) == ("CYXS", 3, 7)
