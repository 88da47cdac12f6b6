"""Files, folders and patterns."""

import pytest

from bsn.data import find_images, plan_results
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
    assert sorted(["a3²7.png", "a3²10.png", "²"], key=natural_key) == ["a3²7.png", "a3²10.png", "²"]


def below(found):
    return [image.below.as_posix() for image in found]


def test_folders_inside_are_mirrored(folder):
    for name in (".cache/c.png", "out/z2.png", "deep/er/c.png"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"")
    found = find_images(folder, nested=True, except_in=folder / "out")
    assert below(found) == ["deep/a.png", "deep/b.tif", "deep/er/c.png", "Z1.TIF", "z2.png", "z10.png"]
    results = plan_results(found, folder / "out", lambda path: path.with_suffix(".tif").name)
    assert results[folder / "deep" / "er" / "c.png"] == folder / "out" / "deep" / "er" / "c.tif"
    assert list(results) == [image.path for image in found]


def test_patterns_are_mirrored_from_their_first_wildcard(folder):
    assert below(find_images(f"{folder}/*/*.png")) == ["deep/a.png"]
    assert below(find_images(f"{folder}/deep/*.png")) == ["a.png"]
    assert below(find_images([folder / "deep" / "a.png", folder / "z2.png"])) == ["a.png", "z2.png"]


def test_one_file_under_two_paths_is_one(folder):
    assert below(find_images([folder / "deep" / "a.png", folder / "deep" / ".." / "deep" / "a.png"])) == ["a.png"]


@pytest.mark.parametrize(
    "names",
    [["a/x.png", "b/x.png"], ["x.jpg", "x.png"], ["x.jpeg", "x.jpg"]],
)
def test_two_images_never_share_a_result(names, tmp_path, refused):
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    found = find_images([tmp_path / name for name in names])
    line = refused(plan_results, found, tmp_path / "out", lambda path: path.with_suffix(".png").name)
    assert all(name in line for name in names)
    if "/" in names[0]:
        assert len(plan_results(find_images(tmp_path, nested=True), tmp_path / "out")) == 2


def test_brackets_in_names_and_folders(tmp_path, refused):
    place = tmp_path / "run[1]"
    place.mkdir()
    for name in ("x[red]y.png", "x[red]z.png", "a7.png", "Größe 細胞.png"):
        (place / name).write_bytes(b"")
    assert names(list_images(place)) == ["a7.png", "Größe 細胞.png", "x[red]y.png", "x[red]z.png"]
    assert names(list_images(f"{place}/x*.png")) == ["x[red]y.png", "x[red]z.png"]
    assert names(list_images(f"{place}/a[0-9].png")) == ["a7.png"]
    assert names(list_images(f"{place}/x[red]*.png")) == ["x[red]y.png", "x[red]z.png"]
    assert names(list_images(f"{place}/*細*.png")) == ["Größe 細胞.png"]
    refused(list_images, f"{place}/[b]*.png")


def test_links_to_folders_are_followed_but_not_in_circles(tmp_path):
    for name in ("one/x.png", "elsewhere/two/x.png", "elsewhere/two/.hidden/y.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    folder = tmp_path / "one"
    (folder / "linked").symlink_to(tmp_path / "elsewhere")
    (folder / "up").symlink_to("..")
    (tmp_path / "elsewhere" / "back").symlink_to(folder)
    found = [image.below.as_posix() for image in find_images(folder, nested=True)]
    assert found == ["linked/two/x.png", "x.png"]
