"""Zarr stores: OME-Zarr with its levels, plain arrays, and what is wrong with damaged ones."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import tifffile
from skimage.transform import downscale_local_mean

from bsn.data import (
    DataError,
    FolderSource,
    Image,
    ReadOptions,
    list_images,
    open_image,
    open_writer,
    read_image,
    write_image,
)
from bsn.data.files.formats.zarr_boxes import ZarrBoxes, ZarrOutput
from bsn.data.files.formats.zarr_levels import block_means

zarr = pytest.importorskip("zarr")


def draw(shape, dtype="uint16", seed=0):
    rng = np.random.default_rng(seed)
    return rng.random(shape).astype(dtype) if np.dtype(dtype).kind == "f" else rng.integers(0, 200, shape).astype(dtype)


def ome_attributes(version, names="tzyx", scales=(1.5, 0.5, 0.25, 0.25), levels=2):
    kinds = {"t": "time", "c": "channel"}
    axes = [{"name": n, "type": kinds.get(n, "space")} for n in names]
    datasets = [
        {
            "path": f"s{level}",
            "coordinateTransformations": [
                {
                    "type": "scale",
                    "scale": [s * (2**level if n in "yx" else 1) for n, s in zip(names, scales, strict=True)],
                }
            ],
        }
        for level in range(levels)
    ]
    image = {"name": "cells", "axes": axes, "datasets": datasets}
    omero = {"channels": [{"label": "GFP", "color": "00FF00", "window": {"min": 0, "max": 255, "start": 1, "end": 9}}]}
    if version == "0.4":
        return {"multiscales": [{**image, "version": "0.4"}], "omero": omero, "note": "kept"}
    return {"ome": {"version": version, "multiscales": [image], "omero": omero}, "note": "kept"}


def make_ome(path, version, pixels, names="tzyx", chunks=(1, 2, 16, 16)):
    form = 2 if version == "0.4" else 3
    group = zarr.create_group(store=str(path), zarr_format=form, attributes=ome_attributes(version, names))
    for level, data in enumerate((pixels, pixels[..., ::2, ::2])):
        more = {} if form == 2 else {"dimension_names": list(names)}
        encoding = {"name": "v2", "separator": "/"} if form == 2 else {"name": "default", "separator": "/"}
        array = group.create_array(
            f"s{level}", shape=data.shape, chunks=chunks, dtype=data.dtype, chunk_key_encoding=encoding, **more
        )
        array.with_config({"write_empty_chunks": True})[...] = data
    return path


@pytest.mark.parametrize("dtype", ["bool", "uint8", "uint16", "int16", "float16", "float32", "float64"])
@pytest.mark.parametrize(
    ("axes", "shape"), [("YX", (5, 7)), ("TZYX", (2, 3, 5, 7)), ("YXS", (5, 7, 3)), ("QRYX", (2, 3, 9, 9))]
)
def test_images_return_as_they_were(tmp_path, axes, shape, dtype):
    pixels = draw(shape, dtype)
    write_image(tmp_path / "a.zarr", Image(pixels, axes))
    found = read_image(tmp_path / "a.zarr")
    back = found.pixels.transpose(
        [found.axes.replace("C", "S").index(a) if "S" in axes else found.axes.index(a) for a in axes]
    )
    assert found.pixels.dtype == pixels.dtype
    np.testing.assert_array_equal(back, pixels)


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_the_result_of_ome_zarr_has_its_axes_transformations_chunks_and_levels(tmp_path, version):
    source = make_ome(tmp_path / "in.ome.zarr", version, draw((3, 4, 33, 40)))
    result = draw((3, 4, 33, 40), seed=1)
    image = read_image(source)
    assert image.axes == "TZYX"
    with open_writer(tmp_path / "out.ome.zarr", image.pixels.shape, image.axes, "uint16", image.metadata) as out:
        for plane, pixels in enumerate(result.reshape(-1, 33, 40)):
            for top in (0, 20):
                out.write(plane, top, 0, pixels[None, top : top + 20 if top == 0 else None])
    old, new = zarr.open(str(source), mode="r"), zarr.open(str(tmp_path / "out.ome.zarr"), mode="r")
    assert dict(old.attrs) == dict(new.attrs)
    assert [old[name].metadata == new[name].metadata for name in ("s0", "s1")] == [True, True]
    np.testing.assert_array_equal(new["s0"][...], result)
    padded = np.pad(result, [(0, 0), (0, 0), (0, 1), (0, 0)], "edge")  # the last row stands alone in its block
    expected = np.floor(downscale_local_mean(padded.astype(float), (1, 1, 2, 2)) + 0.5)
    np.testing.assert_array_equal(new["s1"][...], expected)


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_another_reader_of_ome_zarr_takes_what_is_written(tmp_path, version):
    models = pytest.importorskip("ome_zarr_models")
    source = make_ome(tmp_path / "in.zarr", version, draw((2, 2, 16, 16)))
    write_image(tmp_path / "copy.zarr", read_image(source))
    write_image(tmp_path / "new.zarr", Image(draw((2, 300, 20)), "ZYX", {"imagej": {"spacing": 0.5, "unit": "um"}}))
    for name in ("copy.zarr", "new.zarr"):
        models.open_ome_zarr(zarr.open_group(str(tmp_path / name), mode="r"))
    (image,) = zarr.open(str(tmp_path / "new.zarr"), mode="r").attrs["ome"]["multiscales"]
    scales = [level["coordinateTransformations"][0]["scale"] for level in image["datasets"]]
    assert scales == [[0.5, 1.0, 1.0], [0.5, 2.0, 1.0 * 20 / 10]]
    assert image["axes"][0] == {"name": "z", "type": "space", "unit": "micrometer"}


def test_a_level_may_be_named(tmp_path):
    source = make_ome(tmp_path / "in.zarr", "0.4", draw((2, 2, 16, 16)))
    with open_image(source, key="s1") as level, open_image(source / "s0") as inside:
        assert (level.axes, level.shape, inside.shape) == ("TZYX", (2, 2, 8, 8), (2, 2, 16, 16))


def test_plain_arrays_keep_their_attributes_and_tell_their_axes(tmp_path):
    data = draw((3, 12, 10))
    zarr.create_array(
        store=str(tmp_path / "a.zarr"), data=data, attributes={"by": "me"}, dimension_names=["time", "y", "x"]
    )
    image = read_image(tmp_path / "a.zarr")
    assert image.axes == "TYX"
    write_image(tmp_path / "b.zarr", image)
    copied = zarr.open(str(tmp_path / "b.zarr"), mode="r")
    assert dict(copied.attrs) == {"by": "me"}
    assert copied.metadata.dimension_names == ("time", "y", "x")
    np.testing.assert_array_equal(copied[...], data)


def test_one_of_several_arrays_is_named_by_its_key(tmp_path, refused):
    group = zarr.create_group(store=str(tmp_path / "g.zarr"), zarr_format=2)
    for name in ("left", "right"):
        array = group.create_array(name, data=draw((8, 9), seed=len(name)))
        array.attrs["_ARRAY_DIMENSIONS"] = ["y", "x"]
    assert "choose one with --key: left (8 x 9 uint16), right" in refused(read_image, tmp_path / "g.zarr")
    np.testing.assert_array_equal(read_image(tmp_path / "g.zarr", key="right").pixels, draw((8, 9), seed=5))
    assert "no image of that name" in refused(read_image, tmp_path / "g.zarr", key="middle")


def test_several_images_of_bioformats2raw_need_a_key(tmp_path, refused):
    zarr.create_group(store=str(tmp_path / "b.zarr"), zarr_format=2, attributes={"bioformats2raw.layout": 3})
    for series in ("0", "1"):
        make_ome(tmp_path / "b.zarr" / series, "0.4", draw((1, 2, 16, 16), seed=int(series)))
    assert "holds 2 images" in refused(read_image, tmp_path / "b.zarr")
    image = read_image(tmp_path / "b.zarr", key="1")
    np.testing.assert_array_equal(image.pixels, draw((1, 2, 16, 16), seed=1))
    with pytest.warns(UserWarning, match="other images of its store"):
        write_image(tmp_path / "one.zarr", image)
    assert read_image(tmp_path / "one.zarr").axes == "TZYX"


def _without_bytes_of(attributes, *path):
    inner = attributes
    for part in path[:-1]:
        inner = inner[part]
    del inner[path[-1]]
    return attributes


FAULTS = {
    "no JSON": ("{ broken", "is damaged"),
    "no object": ("[1, 2]", "is damaged"),
    "no levels": (_without_bytes_of(ome_attributes("0.4"), "multiscales", 0, "datasets"), "does not name the arrays"),
    "no image": ({"multiscales": []}, "lists no image"),
    "an axis without a name": (
        {"multiscales": [{**ome_attributes("0.4")["multiscales"][0], "axes": [{}]}]},
        "has no name",
    ),
    "rows and columns unknown": (
        {"multiscales": [{**ome_attributes("0.4")["multiscales"][0], "axes": list("abcd")}]},
        "cannot be told apart",
    ),
    "axes too few": (ome_attributes("0.4", "zyx", (1, 1, 1)), "do not describe its array of 4 axes"),
    "a level that is not there": (
        {"multiscales": [{"version": "0.4", "axes": list("tzyx"), "datasets": [{"path": "s7"}]}]},
        "which is not there",
    ),
    "a later version": (
        {"multiscales": [{"version": "0.6", "axes": list("tzyx"), "datasets": [{"path": "s0"}]}]},
        "version 0.6 of OME-Zarr",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_damaged_metadata_are_told_in_one_line(tmp_path, fault, refused):
    content, said = FAULTS[fault]
    source = make_ome(tmp_path / "in.zarr", "0.4", draw((1, 2, 16, 16)))
    (source / ".zattrs").write_text(content if isinstance(content, str) else json.dumps(content))
    assert said in refused(read_image, source)
    assert said in refused(open_image, source)


def test_missing_and_damaged_chunks_are_told(tmp_path, refused):
    source = make_ome(tmp_path / "in.zarr", "0.5", draw((2, 2, 16, 16)))
    (source / "s0/c/1/0/0/0").write_bytes(b"no chunk")
    with open_image(source) as image:
        image.read_plane(0)
        assert "is damaged" in refused(image.read_plane, 2)
    (source / "s0/c/1/0/0/0").unlink()
    said = refused(open_image, source)
    assert "1 of its 2 chunks are not there, the first of them c/1/0/0/0" in said
    assert not read_image(source, ReadOptions(nan="keep")).pixels[1].any()


def test_what_is_no_store(tmp_path, refused):
    (tmp_path / "file.zarr").write_bytes(b"")
    (tmp_path / "folder.zarr").mkdir()
    assert "a Zarr store is a folder" in refused(read_image, tmp_path / "file.zarr")
    assert "no Zarr store" in refused(read_image, tmp_path / "folder.zarr")
    (tmp_path / "folder.zarr" / "thesis.txt").write_text("do not delete")
    assert "is a folder" in refused(write_image, tmp_path / "folder.zarr", Image(draw((4, 4)), "YX"), overwrite=True)
    assert (tmp_path / "folder.zarr" / "thesis.txt").exists()


def test_a_store_appears_whole_or_not_at_all(tmp_path, refused):
    target = tmp_path / "a.zarr"

    def half(stop=None):
        with open_writer(target, (4, 4), "YX", "uint8") as out:
            out.write(0, 0, 0, np.ones((1, 2, 4), np.uint8))
            if stop is not None:
                raise stop

    with pytest.raises(KeyboardInterrupt):
        half(KeyboardInterrupt())
    with pytest.raises(DataError):
        half()
    assert list(tmp_path.iterdir()) == []
    write_image(target, Image(np.ones((4, 4), np.uint8), "YX"))
    assert "exists already" in refused(write_image, target, Image(np.zeros((4, 4), np.uint8), "YX"))
    write_image(target, Image(np.zeros((6, 6), np.uint8), "YX"), overwrite=True)
    assert read_image(target).pixels.shape == (6, 6)
    assert [path.name for path in tmp_path.iterdir()] == ["a.zarr"]


def test_a_store_is_listed_as_one_image_and_not_entered(tmp_path):
    make_ome(tmp_path / "deep" / "b.zarr", "0.4", draw((1, 2, 16, 16)))
    shutil.copytree(tmp_path / "deep" / "b.zarr", tmp_path / "deep" / "unnamed")
    write_image(tmp_path / "deep" / "a.png", Image(draw((4, 4), "uint8"), "YX"))
    names = [path.name for path in list_images(tmp_path / "deep")]
    assert names == ["a.png", "b.zarr", "unnamed"]
    assert list_images(tmp_path / "deep" / "*.zarr") == [tmp_path / "deep" / "b.zarr"]
    assert list_images(tmp_path / "deep" / "b.zarr" / "s1") == [tmp_path / "deep" / "b.zarr" / "s1"]


class Counting:
    """An array that counts how often its chunks are read."""

    def __init__(self, array):
        self.array, self.reads = array, []
        self.shape, self.chunks, self.dtype, self.ndim = array.shape, array.chunks, array.dtype, array.ndim

    def __getitem__(self, place):
        self.reads.append(place)
        return self.array[place]


def test_planes_of_a_deep_chunk_are_read_together(tmp_path):
    data = draw((8, 20, 20))
    array = Counting(zarr.create_array(store=str(tmp_path / "a.zarr"), data=data, chunks=(4, 10, 10)))
    boxes = ZarrBoxes(array, "a")
    for plane in range(8):
        for left in (0, 10):
            np.testing.assert_array_equal(
                boxes.read((plane, 0, left), (1, 20, 10)), data[plane : plane + 1, :, left : left + 10]
            )
    assert len(array.reads) == 4
    narrow = ZarrBoxes(array, "a", kept=100)
    np.testing.assert_array_equal(narrow.read((3, 5, 5), (2, 9, 9)), data[3:5, 5:14, 5:14])


@pytest.mark.parametrize("kept", [10**9, 1000])
@pytest.mark.parametrize("shards", [None, (4, 20, 10)])
def test_chunks_that_are_filled_in_parts_are_whole_at_the_end(tmp_path, kept, shards):
    data = draw((7, 33, 20))
    array = zarr.create_array(
        store=str(tmp_path / "a.zarr"), shape=data.shape, chunks=(4, 10, 10), shards=shards, dtype="uint16"
    )
    output = ZarrOutput(array, kept)
    for top in (0, 15, 13):
        for plane in range(7):
            output.write((plane, top, 0), data[plane : plane + 1, top : top + 18])
    output.write((0, 31, 0), data[:, 31:])
    output.flush()
    np.testing.assert_array_equal(array[...], data)


def test_blocks_of_uneven_size_are_weighted_by_their_pixels():
    pixels = np.arange(10, dtype=np.float32).reshape(2, 5)
    np.testing.assert_allclose(block_means(pixels, [np.array([0, 2]), np.array([0, 2, 5])]), [[3.0, 5.5]])


def test_crops_come_from_chunks_and_know_their_neighbours(tmp_path, refused):
    pixels = draw((3, 4, 33, 40), "float32")
    pixels[1, 2, 20, 20] = np.nan
    source = FolderSource(make_ome(tmp_path / "in.zarr", "0.5", pixels), cache_bytes=0)
    assert (len(source), source.size(0), source.neighbour(5, 1), source.neighbour(5, 1, "Z")) == (12, (33, 40), 9, 6)
    np.testing.assert_array_equal(source.crop(7, 3, 4, 16, 16)[0], pixels[1, 3, 3:19, 4:20])
    assert "1 of 64 pixels are NaN" in refused(source.crop, 6, 16, 16, 8, 8)


@pytest.mark.parametrize("name", ["fiji-5d_dataset_v4.ome.zarr", "fiji-5d_dataset_v5.ome.zarr"])
def test_a_store_of_another_program_is_copied_with_all_it_says(name, tmp_path):
    path = Path(__file__).resolve().parents[4] / "shared" / "data" / "free" / "formats" / "microscopy" / name
    if not path.is_dir():
        pytest.skip(f"the store {name} is not beside the project")
    image = read_image(path)
    assert (image.axes, image.pixels.shape) == ("TCZYX", (4, 3, 16, 64, 64))
    write_image(tmp_path / name, image)
    old, new = zarr.open(str(path), mode="r"), zarr.open(str(tmp_path / name), mode="r")
    assert dict(old.attrs) == dict(new.attrs)
    assert all(old[level].metadata == new[level].metadata for level in ("0", "1"))
    np.testing.assert_array_equal(new["0"][...], image.pixels)
    blocks = image.pixels.reshape(4, 3, 8, 2, 32, 2, 32, 2).mean((3, 5, 7))
    np.testing.assert_array_equal(new["1"][...], np.floor(blocks + 0.5))


def test_sizes_of_pixels_go_to_tiff_and_back(tmp_path):
    source = make_ome(tmp_path / "a.zarr", "0.5", draw((2, 3, 16, 16)))
    described = json.loads((source / "zarr.json").read_text())
    units = ["second", "micrometer", "nanometer", "micrometer"]
    axes = described["attributes"]["ome"]["multiscales"][0]["axes"]
    described["attributes"]["ome"]["multiscales"][0]["axes"] = [
        {**a, "unit": u} for a, u in zip(axes, units, strict=True)
    ]
    (source / "zarr.json").write_text(json.dumps(described))
    with pytest.warns(UserWarning, match="no OME-Zarr metadata"):
        write_image(tmp_path / "b.tif", read_image(source))
    with tifffile.TiffFile(tmp_path / "b.tif") as tif:
        told = tif.imagej_metadata
        assert (told["finterval"], told["spacing"], told["frames"], told["slices"]) == (1.5, 0.5, 2, 3)
        numbers = [tif.pages[0].tags[name].value for name in ("XResolution", "YResolution")]
        assert [round(a / b, 3) for a, b in numbers] == [4.0, 4000.0]
    write_image(tmp_path / "c.zarr", read_image(tmp_path / "b.tif"))
    (image,) = zarr.open(str(tmp_path / "c.zarr"), mode="r").attrs["ome"]["multiscales"]
    assert [axis.get("unit") for axis in image["axes"]] == ["second", "micrometer", "micrometer", "micrometer"]
    np.testing.assert_allclose(image["datasets"][0]["coordinateTransformations"][0]["scale"], (1.5, 0.5, 0.25e-3, 0.25))
