"""Sources of training images."""

import pickle
import threading
import time

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image as Pillow

from bsn.data.files.images import Image, write_image
from bsn.data.files.regions import ImageReader
from bsn.data.sources.array_source import ArraySource
from bsn.data.sources.folder_source import FolderSource
from bsn.data.sources.opening import open_source
from bsn.data.sources.packed_source import HDF5Source
from bsn.data.sources.packing import pack
from bsn.data.sources.subset_source import subset


@pytest.fixture
def stack(draw):
    return draw((4, 30, 40), "uint16", seed=1)


@pytest.fixture
def folder(tmp_path, draw, stack):
    """Three files of different sizes, one of them a stack of four planes."""
    path = tmp_path / "images"
    path.mkdir()
    tifffile.imwrite(path / "b2.tif", stack, imagej=True, metadata={"axes": "ZYX"})
    tifffile.imwrite(path / "b10.tif", draw((50, 20), "uint16", seed=2), compression="zlib", rowsperstrip=8)
    np.save(path / "a.npy", draw((24, 28), "uint16", seed=3))
    return path


@pytest.fixture(params=["cached", "lazy", "packed"])
def source(request, folder, tmp_path):
    """The same images in memory, read from their files, and read from one packed file."""
    if request.param == "packed":
        pack(folder, tmp_path / "packed.h5", chunk=16)
        return HDF5Source(tmp_path / "packed.h5")
    return FolderSource(folder, cache_bytes=0 if request.param == "lazy" else 2**30)


def test_every_plane_is_an_image(source):
    assert len(source) == 6
    assert [source.name(i) for i in range(6)] == ["a.npy", *(f"b2.tif[z={z}]" for z in range(4)), "b10.tif"]
    assert [source.size(i) for i in range(6)] == [(24, 28), *[(30, 40)] * 4, (50, 20)]
    assert (source.channels, source.dtype) == (1, np.dtype("uint16"))


def test_pixels_are_scaled_as_planes_are(source, stack):
    image = source.image(3)
    assert image.dtype == np.float32
    np.testing.assert_array_equal(image, stack[2:3] / np.float32(65535))
    np.testing.assert_array_equal(source.crop(3, 4, 5, 6, 7), image[:, 4:10, 5:12])


def test_a_crop_is_the_callers_own(source):
    before = source.image(1)
    source.crop(1, 0, 0, 30, 40)[...] = 7
    np.testing.assert_array_equal(source.image(1), before)


def test_what_is_not_there(source, refused):
    assert "6 images" in refused(source.image, 6)
    assert "6 images" in refused(source.name, -1)
    assert "30 x 40" in refused(source.crop, 1, 20, 0, 11, 5)
    assert "30 x 40" in refused(source.crop, 1, 0, 0, 0, 5)


def test_sources_travel_to_other_processes(source):
    expected = [source.image(i) for i in range(6)]
    travelled = pickle.loads(pickle.dumps(source))
    for i in range(6):
        np.testing.assert_array_equal(travelled.image(i), expected[i])


def test_threads_may_read_at_the_same_time(source):
    expected = [source.image(i) for i in range(6)]
    wrong = []

    def work(seed):
        rng = np.random.default_rng(seed)
        for _ in range(40):
            i, top, left = (int(n) for n in rng.integers(0, [6, 10, 10]))
            if not np.array_equal(source.crop(i, top, left, 8, 9), expected[i][:, top : top + 8, left : left + 9]):
                wrong.append(i)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_files_are_read_by_one_thread_at_a_time(folder, monkeypatch):
    """Reading moves the position of the file, so two readers would get each other's rows."""
    source = FolderSource(folder, cache_bytes=0)
    active, most = [], []
    original = ImageReader.read

    def watched(self, *region):
        active.append(1)
        most.append(len(active))
        time.sleep(0.002)
        active.pop()
        return original(self, *region)

    monkeypatch.setattr(ImageReader, "read", watched)
    threads = [threading.Thread(target=source.crop, args=(i, 0, 0, 8, 9)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(most) == 6
    assert max(most) == 1


def test_the_cache_keeps_what_fits(folder):
    source = FolderSource(folder, cache_bytes=24 * 28 * 2 + 50 * 20 * 2)
    assert [file.pixels is not None for file in source._files] == [True, False, True]
    assert source.locate(2) == (folder / "b2.tif", 1)


def test_only_some_files_stay_open(tmp_path, draw):
    for i in range(12):
        np.save(tmp_path / f"{i}.npy", draw((8, 9), seed=i))
    source = FolderSource(tmp_path, cache_bytes=0)
    for i in [*range(12), 0, 5]:
        np.testing.assert_array_equal(source.image(i)[0], draw((8, 9), seed=i) / np.float32(255))
    assert len(source._readers.opened) == 8


def test_same_names_are_told_apart(tmp_path, draw):
    for name in ("x/1/a.png", "x/2/a.png"):
        (tmp_path / name).parent.mkdir(parents=True)
        write_image(tmp_path / name, Image(draw((8, 9)), "YX"))
    source = FolderSource([tmp_path / "x/1", tmp_path / "x/2"])
    assert [source.name(i) for i in range(2)] == ["1/a.png", "2/a.png"]


def test_all_unreadable_files_are_listed_before_training(folder, refused):
    for i in range(5):
        (folder / f"bad{i}.png").write_text("no picture")
    line = refused(FolderSource, folder)
    assert "5 of 8 files" in line
    assert "bad0.png (is not a PNG file" in line
    assert "bad1.png, bad2.png and 2 more" in line
    with pytest.raises(ValueError, match="5 of 8") as caught:
        FolderSource(folder)
    assert [f"bad{i}.png" in detail for i, detail in enumerate(caught.value.details)] == [True] * 5


def test_one_unreadable_file_speaks_for_itself(folder, refused):
    (folder / "bad.png").write_text("no picture")
    assert "is not a PNG file" in refused(FolderSource, folder)


@pytest.mark.parametrize("cache_bytes", [0, 2**30])
def test_damage_deep_inside_is_found_before_training(cache_bytes, tmp_path, draw, refused):
    write_image(tmp_path / "good.png", Image(draw((64, 64)), "YX"))
    content = (tmp_path / "good.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(content[: len(content) * 3 // 4])
    assert "cut.png" in refused(FolderSource, tmp_path, cache_bytes=cache_bytes)


@pytest.mark.parametrize("cache_bytes", [0, 2**30])
def test_nan_is_found_before_training(cache_bytes, tmp_path, draw, refused):
    pixels = draw((3, 8, 9), "float32")
    pixels[2, 4, 5] = np.nan
    tifffile.imwrite(tmp_path / "a.tif", pixels, imagej=True)
    line = refused(FolderSource, tmp_path, axes="ZYX", cache_bytes=cache_bytes)
    assert "a.tif[z=2]" in line
    assert "(0, 4, 5)" in line


def test_grey_and_rgb_do_not_mix(tmp_path, draw, refused):
    Pillow.fromarray(draw((8, 9))).save(tmp_path / "grey.png")
    Pillow.fromarray(draw((8, 9, 3))).save(tmp_path / "rgb.png")
    line = refused(FolderSource, tmp_path)
    assert "grey.png (grey)" in line
    assert "rgb.png (RGB)" in line


def test_types_do_not_mix(tmp_path, draw, refused):
    for dtype in ("uint8", "uint16"):
        np.save(tmp_path / f"{dtype}.npy", draw((8, 9), dtype))
    line = refused(FolderSource, tmp_path)
    assert "uint16.npy (uint16)" in line
    assert "uint8.npy (uint8)" in line


@pytest.mark.parametrize("kind", [np.asarray, torch.from_numpy], ids=["numpy", "torch"])
def test_arrays_of_several_sizes(kind, draw):
    arrays = [draw((2, 8, 9)), draw((3, 12, 10))]
    source = ArraySource([kind(a) for a in arrays], "TYX")
    assert [source.name(i) for i in (0, 4)] == ["array 0[t=0]", "array 1[t=2]"]
    assert [source.size(i) for i in (0, 4)] == [(8, 9), (12, 10)]
    np.testing.assert_array_equal(source.image(4)[0], arrays[1][2] / np.float32(255))


def test_bad_arrays(draw, refused):
    assert "empty list" in refused(ArraySource, [])
    assert "1 channels of uint8" in refused(ArraySource, [draw((8, 9)), draw((8, 9), "uint16")])
    assert "1 channels of uint8" in refused(ArraySource, [draw((8, 9)), draw((8, 9, 3))])
    assert "array 1" in refused(ArraySource, [np.zeros((8, 9)), np.full((8, 9), np.nan)])
    assert "complex128" in refused(ArraySource, np.zeros((8, 9), complex))


def test_subset(folder, refused):
    source = FolderSource(folder)
    part = subset(source, [5, 1])
    assert (len(part), part.channels, part.dtype) == (2, 1, source.dtype)
    assert (part.name(0), part.size(0)) == ("b10.tif", (50, 20))
    np.testing.assert_array_equal(part.image(1), source.image(1))
    np.testing.assert_array_equal(part.crop(0, 1, 2, 3, 4), source.crop(5, 1, 2, 3, 4))
    assert "index 6" in refused(subset, source, [0, 6])
    assert "index -1" in refused(subset, source, [-1])
    assert "empty" in refused(subset, source, [])
    assert "the subset has 2" in refused(part.image, 2)


def test_open_source_chooses(folder, tmp_path, draw, refused):
    pack(folder, tmp_path / "packed.h5")
    write_image(tmp_path / "plain.h5", Image(draw((8, 9)), "YX"))
    assert isinstance(open_source(tmp_path / "packed.h5"), HDF5Source)
    assert isinstance(open_source(str(tmp_path / "packed.h5")), HDF5Source)
    assert isinstance(open_source(tmp_path / "plain.h5"), FolderSource)
    assert isinstance(open_source([folder, str(folder / "*.npy")]), FolderSource)
    assert isinstance(open_source(draw((8, 9))), ArraySource)
    assert isinstance(open_source([torch.zeros(8, 9)]), ArraySource)
    assert len(open_source(np.zeros((3, 8, 9)), axes="ZYX")) == 3
    assert "one kind" in refused(open_source, [folder, draw((8, 9))])
    assert "no such file" in refused(open_source, tmp_path / "missing.h5")
