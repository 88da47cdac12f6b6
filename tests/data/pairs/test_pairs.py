"""Pairs: which files belong together, in every published layout, and what is refused."""

import os
import shutil

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bsn.data import (
    Image,
    MirroredSource,
    PackedPairs,
    PairSource,
    RandomCrops,
    check_no_leak,
    find_pairs,
    open_source,
    pack_pairs,
    read_pair,
    write_image,
)
from bsn.data.errors import DataError
from bsn.data.pairs.rules import LAYOUTS, PairRule


@pytest.fixture
def put(tmp_path, draw):
    """Write an RGB image of a name under the test's folder; its pixels follow from the seed."""

    def put(name, seed=0, size=(12, 16)):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = draw((*size, 3), seed=seed)
        write_image(path, Image(pixels, "YXC"))
        return pixels

    return put


PUBLISHED = {
    "names": ("a/{}.png", "b/{}.png", None),
    "rain100": ("rainy/rain-{}.png", "clean/norain-{}.png", "."),
    "rain200": ("rain/X2/norain-{}x2.png", "norain/norain-{}.png", "."),
    "rain13k": ("input/{}.png", "target/{}.png", "."),
    "spa": ("rain/{}.png", "norain/{}gt.png", "."),
    "snow100k": ("synthetic/{}.jpg.png", "gt/{}.jpg.png", "."),
    "rain1400": ("rainy_image/{}_3.png", "ground_truth/{}.png", "."),
}


@pytest.mark.parametrize("layout", PUBLISHED)
def test_published_layouts(layout, put, tmp_path):
    degraded, clean, root = PUBLISHED[layout]
    truths = {}
    for number in (1, 2, 10):
        put(degraded.format(number), seed=number)
        truths[number] = put(clean.format(number), seed=100 + number)
    if root is None:
        pairs = find_pairs(tmp_path / "a", tmp_path / "b", layout=layout)
    else:
        pairs = find_pairs(tmp_path, layout=layout)
        both = (tmp_path / degraded).parent, (tmp_path / clean).parent
        assert find_pairs(*both) == pairs, "the automatic layout finds the same partners"
    assert len(pairs) == 3
    for number, pair in zip((1, 2, 10), pairs, strict=True):
        np.testing.assert_array_equal(read_pair(pair)[1], np.moveaxis(truths[number], -1, 0))


@pytest.mark.parametrize(("layout", "clean_left"), [("rain800", True), ("did", False)])
def test_two_halves_of_one_file(layout, clean_left, put, tmp_path):
    whole = np.moveaxis(put("set/1.png", size=(10, 24)), -1, 0)
    (pair,) = find_pairs(tmp_path / "set", layout=layout)
    degraded, clean = read_pair(pair)
    left, right = whole[..., :12], whole[..., 12:]
    np.testing.assert_array_equal(clean, left if clean_left else right)
    np.testing.assert_array_equal(degraded, right if clean_left else left)


def test_a_pattern_of_ones_own_and_several_degraded_images_of_one_background(put, tmp_path):
    for background in ("river", "hill"):
        put(f"clean/{background}.png", seed=1)
        for layer in (1, 2, 3):
            put(f"bad/{background}_storm_{layer}.png", seed=layer)
    pairs = find_pairs(tmp_path / "bad", tmp_path / "clean", pattern=r"(.+)_storm_\d")
    assert [pair.group for pair in pairs] == ["hill"] * 3 + ["river"] * 3
    halves = find_pairs(tmp_path / "bad", layout="rain800", group_pattern=r"^([a-z]+)_")
    assert {pair.group for pair in halves} == {"hill", "river"}


def test_all_missing_partners_are_listed_at_once(put, tmp_path, refused):
    for name in ("a", "b", "c", "d"):
        put(f"bad/{name}.png")
    put("clean/b.png")
    line = refused(find_pairs, tmp_path / "bad", tmp_path / "clean")
    assert "3 of 4 degraded images" in line
    assert all(f"{name}.png" in line for name in "acd")
    assert "b.png" not in line


def test_all_bad_pairs_are_listed_before_training(put, tmp_path, refused):
    for name in ("broken", "fine", "larger", "text"):
        put(f"bad/{name}.png")
        put(f"clean/{name}.png", size=(20, 16) if name == "larger" else (12, 16))
    whole = (tmp_path / "bad" / "broken.png").read_bytes()
    (tmp_path / "bad" / "broken.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "clean" / "text.png").write_text("no picture")
    pairs = find_pairs(tmp_path / "bad", tmp_path / "clean")
    line = refused(PairSource, pairs)
    assert "3 of 4 pairs" in line
    assert all(name in line for name in ("broken.png", "larger.png", "text.png"))
    with pytest.raises(DataError) as caught:
        PairSource(pairs)
    assert len(caught.value.details) == 3


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"layout": "rain900"}, "layout 'rain900'"),
        ({"pattern": "(.+"}, "is not a regular expression"),
        ({"pattern": ".+"}, "has 0 groups"),
        ({"layout": "rain800"}, "both images are in one file"),
        ({"group_pattern": "x(y)"}, "finds no group"),
    ],
)
def test_wrong_ways_to_pair(arguments, said, put, tmp_path, refused):
    put("bad/1.png")
    put("clean/1.png")
    assert said in refused(find_pairs, tmp_path / "bad", tmp_path / "clean", **arguments)


def test_a_layout_without_folders_needs_both(put, tmp_path, refused):
    put("bad/1.png")
    assert "needs a degraded and a clean folder" in refused(find_pairs, tmp_path / "bad")


@given(number=st.integers(0, 10**6))
def test_rules_name_the_partner(number):
    assert PairRule(r"norain-(\d+)x2", r"norain-\1").partner(f"norain-{number}x2") == f"norain-{number}"
    assert PairRule(r"norain-(\d+)x2", r"norain-\1").partner(f"norain-{number}x3") is None


def test_every_layout_has_a_line():
    assert all(layout.summary and layout.rules for layout in LAYOUTS.values())


class TestLeaks:
    """A background must not be on both sides of a split."""

    def sides(self, put, tmp_path):
        for name, seed in (("1", 1), ("2", 2)):
            put(f"train/bad/{name}.png", seed=10 + seed)
            put(f"train/clean/{name}.png", seed=seed)
        put("test/bad/9.png", seed=30)
        put("test/clean/9.png", seed=3)
        return [
            lambda side=side: find_pairs(tmp_path / side / "bad", tmp_path / side / "clean")
            for side in ("train", "test")
        ]

    def test_separate_sets_pass(self, put, tmp_path):
        training, test = self.sides(put, tmp_path)
        check_no_leak(training(), test())

    @pytest.mark.parametrize("how", ["link", "copy", "other format"])
    def test_a_shared_background_is_found(self, how, put, tmp_path, refused):
        training, test = self.sides(put, tmp_path)
        source, target = tmp_path / "train" / "clean" / "1.png", tmp_path / "test" / "clean" / "9.png"
        target.unlink()
        if how == "link":
            os.symlink(source, target)
        elif how == "copy":
            shutil.copy(source, target)
        else:
            from bsn.data import read_image

            write_image(target.with_suffix(".tif"), read_image(source))
        assert "1 of 1 test images" in refused(check_no_leak, training(), test())


def test_a_pair_source_gives_both_images(put, tmp_path):
    bad, good = put("bad/1.png", seed=1), put("clean/1.png", seed=2)
    for cache in (0, 2**30):
        source = PairSource(find_pairs(tmp_path / "bad", tmp_path / "clean"), cache_bytes=cache)
        assert (len(source), source.channels, source.dtype, source.size(0)) == (1, 3, np.uint8, (12, 16))
        degraded, clean = source.crop(0, 2, 3, 5, 6), source.target(0, 2, 3, 5, 6)
        np.testing.assert_allclose(degraded, np.moveaxis(bad, -1, 0)[:, 2:7, 3:9] / 255, atol=1e-6)
        np.testing.assert_allclose(clean, np.moveaxis(good, -1, 0)[:, 2:7, 3:9] / 255, atol=1e-6)


def test_crops_of_pairs_stay_together(put, tmp_path):
    pixels = put("bad/1.png", seed=1, size=(40, 40))
    (tmp_path / "clean").mkdir()
    write_image(tmp_path / "clean" / "1.png", Image(pixels, "YXC"))
    crops = RandomCrops(PairSource(find_pairs(tmp_path / "bad", tmp_path / "clean")), 16, seed=0)
    batch = crops.batch(0, 16)
    np.testing.assert_array_equal(batch.pixels, batch.targets)


def test_small_images_are_mirrored(put, tmp_path):
    put("bad/1.png", size=(12, 30))
    put("clean/1.png", size=(12, 30))
    source = PairSource(find_pairs(tmp_path / "bad", tmp_path / "clean"))
    mirrored = MirroredSource(source, 20)
    assert mirrored.size(0) == (20, 30)
    whole = mirrored.image(0)
    np.testing.assert_array_equal(whole[:, :12], source.image(0))
    np.testing.assert_array_equal(whole[:, 12:], source.image(0)[:, :3:-1])
    clean = source.target(0, 0, 0, 12, 30)
    np.testing.assert_array_equal(
        mirrored.target(0, 10, 2, 9, 20), np.concatenate([clean, clean[:, :3:-1]], 1)[:, 10:19, 2:22]
    )


def test_packed_pairs_are_the_same(put, tmp_path, refused):
    for name in ("b1_1", "b1_2", "b2_1"):
        put(f"bad/{name}.png", seed=len(name))
    for name in ("b1", "b2"):
        put(f"clean/{name}.png", seed=7)
    source = PairSource(find_pairs(tmp_path / "bad", tmp_path / "clean"))
    packed = PackedPairs(pack_pairs(source, tmp_path / "pairs.h5"))
    assert packed.groups == source.groups == ["b1", "b1", "b2"]
    for index in range(3):
        np.testing.assert_array_equal(packed.image(index), source.image(index))
        np.testing.assert_array_equal(packed.target(index, 1, 2, 5, 6), source.target(index, 1, 2, 5, 6))
    assert packed.channels == 3
    with h5py.File(tmp_path / "pairs.h5") as file:
        assert dict(file["images/000001"].attrs)["clean_file"] == "b1.png"
    assert "exists already" in refused(pack_pairs, source, tmp_path / "pairs.h5")
    assert "is HDF5" in refused(pack_pairs, source, tmp_path / "pairs.png")
    from bsn.data import pack

    pack(tmp_path / "bad", tmp_path / "single.h5")
    assert "holds single images" in refused(PackedPairs, tmp_path / "single.h5")
    assert open_source(tmp_path / "single.h5").channels == 3
