"""Uploads and folders: too large, too large when decoded, no images, pickles, paths outside, names with markup."""

import gzip
import os
import pickle
import struct
import zlib

import h5py
import numpy as np
import pytest
import tifffile

from bsn.app.names import free_name, safe_name
from bsn.app.sizes import decoded_bytes
from bsn.data import DataError, Image, write_image
from tests.bsn.app.serving import settings_for, visit

LIMIT = 1 << 20
SIDE = 2000  # squared, far more than the limit


@pytest.fixture
def png(tmp_path):
    path = tmp_path / "small.png"
    write_image(path, Image(np.arange(64 * 64, dtype=np.uint8).reshape(64, 64), "YX"))
    return path.read_bytes()


class Trap:
    """An object whose unpickling leaves a trace."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def refused(tmp_path, name, content, **limits):
    """Status and words of the refusal of an upload, of which nothing may stay."""
    settings = settings_for(tmp_path, **limits)

    async def story(visitor):
        status, said, _ = await visitor.upload(name, content)
        assert visitor.desk.state()["items"] == []
        assert not settings.uploads.exists() or list(settings.uploads.iterdir()) == []
        return status, said["error"]

    return visit(settings, story)


def test_an_image_is_kept_as_it_came(tmp_path, png):
    async def story(visitor):
        status, said, _ = await visitor.upload("dir/Müller 1.png", png)
        assert status == 200, said
        state = await visitor.until(lambda state: state["items"] and state["items"][0]["state"] == "known")
        assert state["items"][0]["name"] == "Müller 1.png"
        assert (tmp_path / "out" / "uploads" / "Müller 1.png").read_bytes() == png
        await visitor.upload("Müller 1.png", png)
        assert [item["name"] for item in visitor.desk.state()["items"]] == ["Müller 1.png", "Müller 1 (2).png"]

    visit(settings_for(tmp_path), story)


def test_an_upload_above_the_limit_is_refused_whatever_its_length_says(tmp_path, png):
    status, said = refused(tmp_path, "a.png", png, upload_limit=100)
    assert (status, "--upload_limit" in said) == (413, True)

    async def pieces():
        for start in range(0, len(png), 50):
            yield png[start : start + 50]

    assert refused(tmp_path, "a.png", pieces(), upload_limit=100)[0] == 413
    assert refused(tmp_path, "a.png", b"")[0] == 400


def png_header(side):
    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + head + struct.pack(">I", zlib.crc32(b"IHDR" + head))


def bombs(folder):
    """Small files that stand for large images, by name."""
    zeros = np.zeros((SIDE, SIDE), np.uint8)
    tifffile.imwrite(folder / "bomb.tif", zeros, compression="zlib", tile=(512, 512))
    with h5py.File(folder / "bomb.h5", "w") as file:
        file.create_dataset("image", data=zeros, chunks=(500, 500), compression="gzip")
    made = {name: (folder / name).read_bytes() for name in ("bomb.tif", "bomb.h5")}
    made["bomb.png"] = png_header(SIDE)
    made["huge.png"] = png_header(2**31 - 1)
    fits = b"".join(
        f"{card:80}".encode()
        for card in (
            "SIMPLE  =                    T",
            "BITPIX  =                    8",
            "NAXIS   =                    0",
            "END",
        )
    )
    made["bomb.fits.gz"] = gzip.compress(fits.ljust(2880) + bytes(SIDE * SIDE))
    made["bomb.mrc.gz"] = gzip.compress(bytes(SIDE * SIDE))
    return made


def test_a_bomb_is_refused_before_it_is_decoded(tmp_path, monkeypatch):
    def decode(*_, **__):
        raise AssertionError("it was decoded")

    made = bombs(tmp_path)
    for name, content in made.items():
        assert len(content) < LIMIT / 10, name
    monkeypatch.setattr(tifffile.TiffPage, "asarray", decode)
    monkeypatch.setattr(tifffile.TiffPage, "segments", decode)
    monkeypatch.setattr("PIL.Image.Image.load", decode)
    monkeypatch.setattr(h5py.Dataset, "__getitem__", decode)
    for name, content in made.items():
        status, said = refused(tmp_path, name, content, decoded_limit=LIMIT)
        assert status == 400
        assert "--decoded_limit" in said, said


def test_the_decoded_size_of_an_image_is_known_from_its_header(tmp_path):
    pixels = np.zeros((3, 40, 50), np.uint16)
    for name in ("a.tif", "a.npy", "a.h5", "a.mat"):
        write_image(tmp_path / name, Image(pixels, "ZYX"))
        told = decoded_bytes(tmp_path / name, LIMIT)
        assert pixels.nbytes <= told <= pixels.nbytes + 16, name  # MATLAB files name the axes, too
    for name in ("a.fits", "a.nii", "a.nii.gz"):
        write_image(tmp_path / name, Image(pixels.astype(np.float32), "ZYX"))
        assert decoded_bytes(tmp_path / name, LIMIT) == pixels.size * 8, name


@pytest.mark.parametrize("name", ["m.pth", "m.pt", "m.pkl", "m.npz", "m.safetensors", "m.html", "m.svg", "m", ".png"])
def test_only_images_are_taken(tmp_path, png, name):
    status, said = refused(tmp_path, name, png)
    assert (status, "ending" in said) == (400, True)


@pytest.mark.parametrize("name", ["a.npy", "a.tif", "a.png", "a.h5", "a.mat", "a.fits", "a.nii", "a.dcm"])
def test_a_pickle_under_another_name_is_never_opened(tmp_path, name):
    trace = tmp_path / "trace"
    assert refused(tmp_path, name, pickle.dumps(Trap(trace)))[0] == 400
    assert not trace.exists()


def test_an_array_of_objects_is_never_unpickled(tmp_path):
    trace = tmp_path / "trace"
    np.save(tmp_path / "objects.npy", np.array([Trap(trace)], object), allow_pickle=True)
    status, said = refused(tmp_path, "objects.npy", (tmp_path / "objects.npy").read_bytes())
    assert (status, "objects" in said) == (400, True)
    assert not trace.exists()
    np.load(tmp_path / "objects.npy", allow_pickle=True)
    assert trace.exists(), "the trap works"


def test_a_file_that_names_other_files_is_refused(tmp_path):
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["image"] = np.ones((8, 8))
    with h5py.File(tmp_path / "link.h5", "w") as file:
        file["image"] = h5py.ExternalLink(str(tmp_path / "secret.h5"), "image")
    raw = tmp_path / "secret.raw"
    raw.write_bytes(bytes(64))
    with h5py.File(tmp_path / "outside.h5", "w") as file:
        file.create_dataset("image", (8, 8), "u1", external=[(str(raw), 0, 64)])
    for name in ("link.h5", "outside.h5"):
        assert "other files" in refused(tmp_path, name, (tmp_path / name).read_bytes())[1]


@pytest.mark.parametrize(
    "path", ["..", "../other", "in/../../other", "/etc", "link", "link/inside", ".hidden", "gone", "a\0b"]
)
def test_no_path_leads_out_of_the_folder(tmp_path, png, path):
    folder, other = tmp_path / "chosen", tmp_path / "other"
    for place in (folder / "in", folder / ".hidden", other / "inside"):
        place.mkdir(parents=True)
        (place / "a.png").write_bytes(png)
    (folder / "link").symlink_to(other)

    async def story(visitor):
        status, said, _ = await visitor.ask("GET", "/api/folder", params={"root": "0", "path": path})
        assert (status, "not inside" in said["error"]) == (400, True)
        for body in ({"root": 0, "path": path}, {"root": 0, "path": "", "names": [f"{path}/a.png"]}, {"root": 1}):
            status, said, _ = await visitor.ask("POST", "/api/folder", json=body)
            assert (status, "not inside" in said["error"]) == (400, True), body
        assert visitor.desk.state()["items"] == []
        status, said, _ = await visitor.ask("GET", "/api/folder", params={"root": "0", "path": ""})
        assert said == {"folders": ["in"], "images": []}
        status, said, _ = await visitor.ask("POST", "/api/folder", json={"root": 0, "path": "in"})
        assert status == 200
        assert [item["name"] for item in visitor.desk.state()["items"]] == ["a.png"]

    visit(settings_for(folder), story)


@pytest.mark.parametrize(
    "path",
    [
        "/static/..%2f..%2fserver.py",
        "/static/index.html",
        "/api/pictures/..%2f..%2f/before.png",
        "/api/pictures/1-0-m/..%2fbefore.png",
        "/api/jobs/1/preview/before.png",
        "/api/items/999",
        "/api/items/..",
    ],
)
def test_what_is_not_there_is_not_found(tmp_path, path):
    async def story(visitor):
        assert (await visitor.ask("GET", path))[0] == 404

    visit(settings_for(tmp_path), story)


def test_names_are_made_safe(tmp_path, png):
    assert safe_name("<img src=x onerror=alert(1)>.png") == "_img src=x onerror=alert(1)_.png"
    assert safe_name("a\u202egnp.exe.png") == "a_gnp.exe.png"
    assert safe_name("..") == safe_name("") == safe_name("/") == "image"
    assert safe_name("NUL.tif") == "_NUL.tif"
    assert len(safe_name("é" * 500 + ".nii.gz").encode()) <= 120
    assert safe_name("é" * 500 + ".nii.gz").endswith(".nii.gz")
    assert free_name("a.png", ["a.png", "a (2).png"].__contains__) == "a (3).png"

    async def story(visitor):
        await visitor.upload("../../<b onmouseover=alert(1)>.png", png)
        (item,) = visitor.desk.state()["items"]
        assert item["name"] == "_b onmouseover=alert(1)_.png"

    visit(settings_for(tmp_path), story)


def test_settings_say_what_is_wrong(tmp_path):
    from bsn.app.settings import check_settings

    with pytest.raises(DataError, match="no such folder"):
        check_settings([str(tmp_path / "gone")], None, 1, 1)
    with pytest.raises(DataError, match="above 0"):
        check_settings([str(tmp_path)], None, 0, 1)
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="not a folder"):
        check_settings([str(tmp_path)], str(tmp_path / "file"), 1, 1)
    assert check_settings([str(tmp_path)], None, 1, 1).output == tmp_path.resolve() / "bsn-app"
