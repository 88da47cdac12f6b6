"""One packed file."""

import hashlib

import h5py
import numpy as np
import pytest
import tifffile

from bsn.data.sources.packed_source import HDF5Source
from bsn.data.sources.packing import file_sha256, pack


@pytest.fixture
def folder(tmp_path, draw):
    path = tmp_path / "images"
    path.mkdir()
    tifffile.imwrite(path / "a.tif", draw((2, 3, 50, 60), "uint8"), imagej=True, metadata={"axes": "TCYX"})
    np.save(path / "b.npy", draw((70, 40, 3), "uint8", seed=1))
    return path


@pytest.mark.parametrize("compression", ["lzf", "gzip", None])
def test_layout_as_documented(compression, folder, tmp_path):
    done = []
    summary = pack(
        folder, tmp_path / "p.h5", chunk=32, compression=compression, progress=lambda *step: done.append(step)
    )
    assert (summary.files, summary.images, summary.channels, summary.dtype) == (2, 3, 3, "uint8")
    assert summary.pixel_bytes == 2 * 3 * 50 * 60 + 70 * 40 * 3
    assert summary.file_bytes == (tmp_path / "p.h5").stat().st_size
    assert done == [(1, 3), (2, 3), (3, 3)]
    stack, picture = tifffile.imread(folder / "a.tif"), np.load(folder / "b.npy")
    with h5py.File(tmp_path / "p.h5") as file:
        attributes = {"format": "blindspot-pack", "format_version": 1, "count": 3, "channels": 3, "dtype": "uint8"}
        assert dict(file.attrs) == attributes
        assert sorted(file["images"]) == ["000000", "000001", "000002"]
        np.testing.assert_array_equal(file["images/000001"][()], stack[1])
        np.testing.assert_array_equal(file["images/000002"][()], picture.transpose(2, 0, 1))
        dataset = file["images/000001"]
        assert (dataset.chunks, dataset.compression) == ((3, 32, 32), compression)
        assert {k: dataset.attrs[k] for k in ("name", "file", "plane", "axes")} == {
            "name": "a.tif[t=1]",
            "file": "a.tif",
            "plane": 1,
            "axes": "TCYX",
        }
        assert dataset.attrs["sha256"] == hashlib.sha256((folder / "a.tif").read_bytes()).hexdigest()


def test_bands_make_up_the_image(folder, tmp_path, monkeypatch):
    monkeypatch.setattr("bsn.data.sources.packing._BAND_BYTES", 1000)
    pack(folder, tmp_path / "p.h5", chunk=16)
    source = HDF5Source(tmp_path / "p.h5")
    np.testing.assert_array_equal(
        source.image(2), np.load(folder / "b.npy").transpose(2, 0, 1).astype(np.float32) / np.float32(255)
    )


def test_bad_files_stop_it_before_anything_is_written(folder, tmp_path, refused):
    (folder / "c.png").write_text("no picture")
    assert "c.png" in refused(pack, folder, tmp_path / "p.h5")
    assert not (tmp_path / "p.h5").exists()


def test_bad_requests(folder, tmp_path, refused):
    assert ".h5" in refused(pack, folder, tmp_path / "p.zip")
    assert "chunk 0" in refused(pack, folder, tmp_path / "p.h5", chunk=0)
    assert "lz4" in refused(pack, folder, tmp_path / "p.h5", compression="lz4")
    pack(folder, tmp_path / "p.h5")
    assert "exists already" in refused(pack, folder, tmp_path / "p.h5")
    pack(folder, tmp_path / "p.h5", overwrite=True)


def test_an_interrupt_leaves_nothing(folder, tmp_path):
    def interrupt(*_step):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pack(folder, tmp_path / "p.h5", progress=interrupt)
    assert [p.name for p in tmp_path.iterdir()] == ["images"]


def test_other_and_newer_files(folder, tmp_path, refused):
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["image"] = np.zeros((4, 5))
    assert "is not a packed file" in refused(HDF5Source, tmp_path / "other.h5")
    assert "no such file" in refused(HDF5Source, tmp_path / "missing.h5")
    pack(folder, tmp_path / "p.h5")
    with h5py.File(tmp_path / "p.h5", "r+") as file:
        file.attrs["format_version"] = 2
    assert "newer" in refused(HDF5Source, tmp_path / "p.h5")
    with h5py.File(tmp_path / "p.h5", "r+") as file:
        file.attrs["format_version"] = 1
        del file["images/000001"]
    assert "2 of 3" in refused(HDF5Source, tmp_path / "p.h5")


def test_sha256(tmp_path, refused):
    (tmp_path / "a").write_bytes(b"abc")
    assert file_sha256(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert "no such file" in refused(file_sha256, tmp_path / "b")
