"""Results have their places before any work, and none replaces another."""

import pytest

from bsn.data import DataError
from bsn.inference import result_paths


@pytest.fixture
def folder(tmp_path):
    for name in ("x/a.png", "y/a.png", "b.jpg", "b.png", "c.tif"):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path / "in"


def test_two_results_of_one_name_are_refused_and_nothing_is_made(folder, tmp_path):
    for inputs in ([folder / "x" / "a.png", folder / "y" / "a.png"], [folder / "b.jpg", folder / "b.png"]):
        with pytest.raises(DataError, match="one name") as error:
            result_paths(inputs, tmp_path / "out")
        assert all(str(path) in str(error.value) for path in inputs)
    assert not (tmp_path / "out").exists()


def test_sub_folders_are_mirrored(folder, tmp_path):
    (folder / "b.jpg").unlink()
    found = result_paths([folder], tmp_path / "out")
    assert {target.relative_to(tmp_path).as_posix() for target in found.values()} == {
        "out/x/a.png",
        "out/y/a.png",
        "out/b.png",
        "out/c.tif",
    }
    assert all(target.parent.is_dir() for target in found.values())
    again = result_paths([str(folder / "*" / "a.png")], tmp_path / "other")
    assert sorted(t.relative_to(tmp_path).as_posix() for t in again.values()) == ["other/x/a.png", "other/y/a.png"]


def test_results_inside_the_input_folder_are_no_inputs(folder):
    (folder / "b.jpg").unlink()
    (folder / "out").mkdir()
    (folder / "out" / "old.png").touch()
    assert all("old" not in path.name for path in result_paths([folder], folder / "out"))


@pytest.mark.parametrize("name", ["clean.v2", "results_0.5", "clean.v2/", "strange.tif/"])
def test_dots_and_slashes_make_no_file(folder, tmp_path, name):
    found = result_paths([folder / "c.tif"], f"{tmp_path}/{name}")
    assert list(found.values()) == [tmp_path / name / "c.tif"]
    assert (tmp_path / name).is_dir()


def test_one_file_is_one_file(folder, tmp_path):
    assert list(result_paths([folder / "c.tif"], tmp_path / "new" / "d.tif").values()) == [tmp_path / "new" / "d.tif"]
    with pytest.raises(DataError, match="is one file for 2 images"):
        result_paths([folder / "c.tif", folder / "b.png"], tmp_path / "d.tif")


def test_a_result_never_replaces_another_input(folder):
    with pytest.raises(DataError, match=r"the result .*x/a.png of .*y/a.png: is another one of the inputs"):
        result_paths([folder / "y" / "a.png", str(folder / "x*" / "a.png")], folder / "x")


def test_deviations_count_as_results(folder, tmp_path):
    (folder / "c_uncertainty.tif").touch()
    inputs = [folder / "c.tif", folder / "c_uncertainty.tif"]
    assert len(result_paths(inputs, tmp_path / "out")) == 2
    with pytest.raises(DataError, match="one name, c_uncertainty.tif"):
        result_paths(inputs, tmp_path / "out", deviation=True)


def test_lossy_inputs_get_lossless_results(folder, tmp_path):
    (folder / "b.jpg").rename(folder / "x.JPG")
    found = result_paths([folder / "x.JPG", folder / "c.tif"], tmp_path / "o")
    assert list(found.values()) == [tmp_path / "o" / "x.png", tmp_path / "o" / "c.tif"]
