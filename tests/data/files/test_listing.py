"""Files, folders and patterns."""

import pytest

from bsn.data.files.formats import SUFFIXES
from bsn.data.files.listing import is_image_path, list_images, natural_key


@pytest.fixture
def folder(tmp_path):
    for name in ["z10.png", "z2.png", "Z1.TIF", "notes.txt", ".hidden.png", "._z2.png", "deep/a.png", "deep/b.tif"]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "folder.png").mkdir()
    return tmp_path


def names(paths):
    return [p.name for p in paths]


def test_folders_in_natural_order_without_the_rest(folder):
    assert names(list_images(folder)) == ["Z1.TIF", "z2.png", "z10.png"]


def test_files_folders_and_patterns_in_their_order_once(folder):
    found = list_images([folder / "z10.png", str(folder / "deep" / "*.tif"), folder, folder / "z2.png"])
    assert names(found) == ["z10.png", "b.tif", "Z1.TIF", "z2.png"]


def test_recursive_patterns(folder):
    assert names(list_images(f"{folder}/**/*.png")) == ["a.png", "z2.png", "z10.png"]


def test_a_file_whose_name_looks_like_a_pattern(tmp_path):
    (tmp_path / "a[1].png").write_bytes(b"")
    assert names(list_images(tmp_path / "a[1].png")) == ["a[1].png"]


def test_bad_paths(folder, refused):
    assert "no such file or folder" in refused(list_images, folder / "nothing.png")
    assert "'.txt' is not known" in refused(list_images, folder / "notes.txt")
    assert "there is nothing to read" in refused(list_images, [])
    assert "has no images" in refused(list_images, str(folder / "*.npy"))
    (folder / "empty").mkdir()
    line = refused(list_images, folder / "empty")
    assert all(suffix in line for suffix in SUFFIXES)


def test_image_paths():
    assert all(is_image_path(f"a{suffix}") and is_image_path(f"a{suffix.upper()}") for suffix in SUFFIXES)
    assert not any(is_image_path(name) for name in ["a.txt", "a", ".png", ".a.png", "a.png.part"])


def test_natural_order():
    assert sorted(["b", "a10", "a9b", "A9", "10", "9"], key=natural_key) == ["9", "10", "A9", "a9b", "a10", "b"]
