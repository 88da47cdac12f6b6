"""HDF5 files whose images lie behind links: soft ones are other names, external ones lead to images of other files."""

import h5py
import numpy as np
import pytest

from bsn.data import open_image, read_image
from tests.data.files.test_containers import denoised


@pytest.fixture
def image(draw):
    return draw((16, 18), "uint16", 1)


def test_a_link_to_an_image_is_no_further_image(tmp_path, image):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["real/image"] = image
        file["same"] = file["real/image"]
        file["shortcut"] = h5py.SoftLink("/real/image")
        file["gone"] = h5py.SoftLink("/nowhere")
        file["real/back"] = file["/"]
    np.testing.assert_array_equal(read_image(tmp_path / "a.h5").pixels, image)


@pytest.mark.parametrize("key", ["view", "/view", "folder/b", "store/b"])
def test_any_name_of_an_image_is_its_key(tmp_path, image, key):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["store/a"], file["store/b"] = image, image + 1
        file["view"], file["folder"] = h5py.SoftLink("/store/b"), h5py.SoftLink("/store")
    with open_image(tmp_path / "a.h5", key=key) as reader:
        np.testing.assert_array_equal(reader.read_plane(0)[0], image + 1)
    denoised(tmp_path / "a.h5", tmp_path / "b.h5", key, change=5)
    with h5py.File(tmp_path / "b.h5") as file:
        np.testing.assert_array_equal(file["store/a"][()], image)
        np.testing.assert_array_equal(file["view"][()], image + 6)
        assert isinstance(file.get("view", getlink=True), h5py.SoftLink)


@pytest.mark.parametrize("whole_group", [False, True])
def test_images_of_other_files_are_read_and_those_files_stay_as_they_are(tmp_path, image, whole_group):
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file["entry/frames"] = image
        file["entry/frames"].attrs["exposure"] = 0.5
    master, key = tmp_path / "master.h5", "raw/frames" if whole_group else "raw"
    with h5py.File(master, "w") as file:
        file["raw"] = h5py.ExternalLink("data.h5", "/entry" if whole_group else "/entry/frames")
        file["name"] = "scan 7"
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    np.testing.assert_array_equal(read_image(master).pixels, image)
    (tmp_path / "out").mkdir()
    denoised(master, tmp_path / "out" / "master.h5", key=None, change=3)
    with h5py.File(tmp_path / "out" / "master.h5") as file:
        np.testing.assert_array_equal(file[key][()], image + 3)
        assert file[key].file.filename == file.filename
        assert file[key].attrs["exposure"] == 0.5
        assert file["name"][()] == b"scan 7"
    assert all(path.read_bytes() == content for path, content in before.items())


def test_two_images_behind_external_links_are_a_choice(tmp_path, image, refused):
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file["a"], file["b"] = image, image + 1
    with h5py.File(tmp_path / "master.h5", "w") as file:
        for name in "ab":
            file[f"linked/{name}"] = h5py.ExternalLink("data.h5", f"/{name}")
        file["missing"] = h5py.ExternalLink("moved_away.h5", "/a")
    line = refused(read_image, tmp_path / "master.h5")
    assert "linked/a (16 x 18 uint16), linked/b (16 x 18 uint16)" in line
    np.testing.assert_array_equal(read_image(tmp_path / "master.h5", key="linked/b").pixels, image + 1)
