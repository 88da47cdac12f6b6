"""SIDD and DND, on small files of the published layout."""

import h5py
import numpy as np
import pytest
import scipy.io
from PIL import Image as Pillow

from bsn.data.layouts import (
    DndPictures,
    SiddBlocks,
    bundle_dnd_submission,
    open_sidd_benchmark,
    open_sidd_validation,
    parse_sidd_scene,
    read_sidd_medium,
    write_dnd_crop,
    write_sidd_submission,
)

SHAPE = (3, 2, 8, 8, 3)


@pytest.fixture
def medium(tmp_path, draw):
    for name in ("0001_001_S6_00100_00060_3200_L", "0012_002_IP_00800_01000_5500_N"):
        folder = tmp_path / "SIDD_Medium_Srgb" / "Data" / name
        folder.mkdir(parents=True)
        for number in ("010", "011"):
            for kind in ("NOISY", "GT"):
                Pillow.fromarray(draw((6, 8, 3))).save(folder / f"{name[:4]}_{kind}_SRGB_{number}.PNG")
    (tmp_path / "SIDD_Medium_Srgb" / "Scene_Instances.txt").write_text("")
    return tmp_path / "SIDD_Medium_Srgb"


def test_scene_names():
    scene = parse_sidd_scene("0052_002_S6_01600_01000_5500_N")
    assert (scene.instance, scene.scene, scene.camera, scene.iso) == (52, 2, "S6", 1600)
    assert (scene.shutter, scene.temperature, scene.brightness) == (1000, 5500, "N")


@pytest.mark.parametrize("name", ["", "0001_001_S6_00100_00060_3200", "0001_001_XX_00100_00060_3200_L", "x"])
def test_other_names(name, refused):
    assert "0001_001_S6_00100_00060_3200_L" in refused(parse_sidd_scene, name)


def test_sidd_medium(medium):
    pairs = read_sidd_medium(medium, scenes=2)
    assert [p.noisy.name for p in pairs] == [f"{n}_NOISY_SRGB_01{i}.PNG" for n in ("0001", "0012") for i in (0, 1)]
    assert [p.clean.name for p in pairs] == [p.noisy.name.replace("NOISY", "GT") for p in pairs]
    assert all(p.noisy.is_file() and p.clean.is_file() for p in pairs)
    assert [p.scene.camera for p in pairs] == ["S6", "S6", "IP", "IP"]
    assert read_sidd_medium(medium / "Data", scenes=None) == pairs


def test_sidd_medium_without_truth(medium):
    for path in medium.rglob("*GT*"):
        path.unlink()
    assert [p.clean for p in read_sidd_medium(medium, scenes=2)] == [None] * 4


def test_sidd_medium_incomplete(medium, tmp_path, refused):
    assert "has 2 folders of 160" in refused(read_sidd_medium, medium)
    assert "has 0 folders" in refused(read_sidd_medium, tmp_path / "nothing", scenes=None)
    next(medium.rglob("0012_GT_SRGB_011.PNG")).unlink()
    next(medium.rglob("0001_NOISY_SRGB_010.PNG")).unlink()
    line = refused(read_sidd_medium, medium, scenes=2)
    assert "2 of 8 files are missing" in line
    assert "0012_GT_SRGB_011.PNG" in line
    assert "0001_NOISY_SRGB_010.PNG" in line


def write_blocks(path, blocks, version):
    if version == 5:
        scipy.io.savemat(path, {path.stem: blocks}, do_compression=True)
        return
    with h5py.File(path, "w", userblock_size=512) as file:
        dataset = file.create_dataset(path.stem, data=np.ascontiguousarray(blocks.T))
        dataset.attrs["MATLAB_class"] = np.bytes_("uint8")


@pytest.mark.parametrize("version", [5, 73])
def test_sidd_validation(version, tmp_path, draw):
    noisy, clean = draw(SHAPE, seed=1), draw(SHAPE, seed=2)
    write_blocks(tmp_path / "ValidationNoisyBlocksSrgb.mat", noisy, version)
    write_blocks(tmp_path / "ValidationGtBlocksSrgb.mat", clean, version)
    for opened, truth in zip(open_sidd_validation(tmp_path, shape=SHAPE), (noisy, clean), strict=True):
        assert len(opened) == 6
        found = list(opened)
        assert [(p, b) for p, b, _ in found] == [(p, b) for p in range(3) for b in range(2)]
        for picture, block, pixels in found:
            assert pixels.dtype == np.uint8
            np.testing.assert_array_equal(pixels, truth[picture, block])
        np.testing.assert_array_equal(opened.block(2, 1), truth[2, 1])
        opened.close()


def test_sidd_blocks_that_are_not_as_published(tmp_path, draw, refused):
    assert "download ValidationNoisyBlocksSrgb.mat" in refused(open_sidd_validation, tmp_path)
    write_blocks(tmp_path / "BenchmarkNoisyBlocksSrgb.mat", draw(SHAPE), 5)
    line = refused(open_sidd_benchmark, tmp_path)
    assert "(3, 2, 8, 8, 3)" in line
    assert "(40, 32, 256, 256, 3)" in line
    blocks = open_sidd_benchmark(tmp_path, shape=SHAPE)
    assert "count from 0" in refused(blocks.block, 3, 0)
    assert "count from 0" in refused(blocks.block, 0, -1)
    scipy.io.savemat(tmp_path / "ValidationGtBlocksSrgb.mat", {"other": draw(SHAPE)})
    line = refused(SiddBlocks, tmp_path / "ValidationGtBlocksSrgb.mat", SHAPE)
    assert "'ValidationGtBlocksSrgb'" in line
    assert "use other" in line


def test_sidd_submission(tmp_path, draw):
    blocks = draw(SHAPE)
    path = tmp_path / "SubmitSrgb.mat"
    write_sidd_submission(
        path, blocks.reshape(6, 8, 8, 3), shape=SHAPE, seconds_per_megapixel=1.5, about={"MethodName": "TBSN"}
    )
    loaded = scipy.io.loadmat(path)
    assert loaded["DenoisedBlocksSrgb"].dtype == np.uint8
    np.testing.assert_array_equal(loaded["DenoisedBlocksSrgb"], blocks)
    assert loaded["TimeMPSrgb"].item() == 1.5
    assert loaded["OptionalData"]["MethodName"].item().item() == "TBSN"


def test_sidd_submission_incomplete(tmp_path, draw, refused):
    blocks = list(draw((6, 8, 8, 3)))
    path = tmp_path / "a.mat"
    assert "5 blocks" in refused(write_sidd_submission, path, blocks[:5], shape=SHAPE)
    assert "block 7" in refused(write_sidd_submission, path, [*blocks, blocks[0]], shape=SHAPE)
    assert "float32" in refused(write_sidd_submission, path, [b.astype(np.float32) for b in blocks], shape=SHAPE)
    assert ".mat" in refused(write_sidd_submission, tmp_path / "a.h5", blocks, shape=SHAPE)
    assert list(tmp_path.iterdir()) == []


BOXES = np.array([[[1, 1, 4, 5], [3, 2, 6, 6]], [[2, 5, 5, 9], [9, 8, 12, 12]], [[1, 1, 4, 5], [5, 4, 8, 8]]])


@pytest.fixture
def dnd(tmp_path, draw):
    """Three pictures of different sizes with two boxes each, as MATLAB would write them."""
    pictures = [draw(shape, "float32", seed=i) for i, shape in enumerate([(6, 7, 3), (12, 12, 3), (8, 8, 3)])]
    (tmp_path / "images_srgb").mkdir()
    with h5py.File(tmp_path / "info.mat", "w", userblock_size=512) as file:
        kinds = {"boundingboxes": [b.T.astype(float) for b in BOXES]}
        kinds["camera"] = [np.array([[ord(c)] for c in name], np.uint16) for name in ("Nexus6P", "Olympus", "Sony")]
        for name, values in kinds.items():
            references = np.empty((1, 3), dtype=h5py.ref_dtype)
            for i, value in enumerate(values):
                references[0, i] = file.create_dataset(f"#refs#/{name}{i}", data=value).ref
            file.create_dataset(f"info/{name}", data=references)
    for i, picture in enumerate(pictures):
        with h5py.File(tmp_path / "images_srgb" / f"{i + 1:04d}.mat", "w", userblock_size=512) as file:
            file["InoisySRGB"] = np.ascontiguousarray(picture.T)
            file["InoisySRGB"].attrs["MATLAB_class"] = np.bytes_("single")
    return tmp_path, pictures


def test_dnd(dnd):
    root, pictures = dnd
    opened = DndPictures(root, pictures=3, boxes=2)
    assert len(opened) == 3
    assert opened.cameras == ["Nexus6P", "Olympus", "Sony"]
    np.testing.assert_array_equal(opened.picture(1), pictures[1])
    found = list(opened)
    assert [(p, b) for p, b, _ in found] == [(p, b) for p in range(3) for b in range(2)]
    for picture, box, crop in found:
        top, left, bottom, right = BOXES[picture, box]  # from 1, last included
        assert crop.dtype == np.float32
        np.testing.assert_array_equal(crop, pictures[picture][top - 1 : bottom, left - 1 : right])


def test_dnd_incomplete(dnd, refused):
    root, _ = dnd
    assert "47 of 51 files are missing: images_srgb/0004.mat" in refused(DndPictures, root)
    assert "expected 3 arrays of 20 x 4" in refused(DndPictures, root, pictures=3)
    opened = DndPictures(root, pictures=3, boxes=2)
    assert "count from 0" in refused(opened.crop, 3, 0)
    assert "count from 0" in refused(opened.crop, 0, 2)
    with h5py.File(root / "images_srgb" / "0002.mat", "r+") as file:
        del file["InoisySRGB"]
        file["InoisySRGB"] = np.zeros((3, 4, 4), np.float32)
    assert "one download" in refused(opened.crop, 1, 0)
    (root / "info.mat").unlink()
    assert "info.mat" in refused(DndPictures, root, pictures=3, boxes=2)
    scipy.io.savemat(root / "info.mat", {"info": {"boundingboxes": 1}})
    assert "7.3" in refused(DndPictures, root, pictures=3, boxes=2)


def test_dnd_submission(dnd, tmp_path, refused):
    root, _ = dnd
    crops, bundle = tmp_path / "crops", tmp_path / "bundled"
    crops.mkdir()
    bundle.mkdir()
    opened = DndPictures(root, pictures=3, boxes=2)
    for picture, box, crop in opened:
        write_dnd_crop(crops, picture, box, crop * 1.5 - 0.1)
    assert sorted(p.name for p in crops.iterdir())[:3] == ["0001_01.mat", "0001_02.mat", "0002_01.mat"]
    written = bundle_dnd_submission(crops, bundle, pictures=3, boxes=2)
    assert [p.name for p in written] == ["0001.mat", "0002.mat", "0003.mat"]
    for picture, path in enumerate(written):
        loaded = scipy.io.loadmat(path)
        assert loaded["Idenoised"].shape == (1, 2)
        assert not loaded["israw"].item()
        assert loaded["eval_version"].item() == "1.0"
        for box in range(2):
            expected = np.clip(opened.crop(picture, box) * np.float32(1.5) - np.float32(0.1), 0, 1)
            np.testing.assert_allclose(loaded["Idenoised"][0, box], expected, atol=1e-6)
    (crops / "0002_01.mat").unlink()
    assert "1 of 6 boxes are missing: 0002_01.mat" in refused(bundle_dnd_submission, crops, bundle, pictures=3, boxes=2)


def test_dnd_crops_of_another_form(tmp_path, refused):
    assert "floats" in refused(write_dnd_crop, tmp_path, 0, 0, np.zeros((4, 4, 3), np.uint8))
    assert "floats" in refused(write_dnd_crop, tmp_path, 0, 0, np.zeros((4, 4)))
    assert "NaN" in refused(write_dnd_crop, tmp_path, 0, 0, np.full((4, 4, 3), np.nan))
