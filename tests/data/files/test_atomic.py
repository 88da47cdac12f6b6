"""Files appear whole or not at all."""

import errno
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import tifffile

from bsn.data.files.atomic import atomic_output
from bsn.data.files.images import Image, read_image, write_image
from bsn.data.files.writers import open_writer

ROOT = Path(__file__).resolve().parents[3]
SUFFIXES = [".png", ".jpg", ".tif", ".npy", ".h5", ".mat"]


@pytest.fixture
def image(draw):
    return Image(draw((16, 18)), "YX")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_nothing_is_left_beside_the_file(suffix, tmp_path, image):
    write_image(tmp_path / f"a{suffix}", image)
    assert [p.name for p in tmp_path.iterdir()] == [f"a{suffix}"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_no_overwriting_unless_asked(suffix, tmp_path, image, refused):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(b"precious")
    assert "exists already" in refused(write_image, path, image)
    assert path.read_bytes() == b"precious"
    write_image(path, image, overwrite=True)
    assert read_image(path).pixels.shape == (16, 18)
    assert len(list(tmp_path.iterdir())) == 1


def test_a_file_that_appears_meanwhile_is_kept(tmp_path, refused):
    def work():
        with atomic_output(tmp_path / "a.txt") as temporary:
            temporary.write_text("mine")
            (tmp_path / "a.txt").write_text("theirs")

    assert "exists already" in refused(work)
    assert (tmp_path / "a.txt").read_text() == "theirs"
    assert len(list(tmp_path.iterdir())) == 1


def test_missing_folder_and_folder_as_file(tmp_path, image, refused):
    assert "create" in refused(write_image, tmp_path / "no" / "a.tif", image)
    (tmp_path / "a.tif").mkdir()
    assert "is a folder" in refused(write_image, tmp_path / "a.tif", image, overwrite=True)


def test_permissions_are_those_of_any_new_file(tmp_path, image):
    write_image(tmp_path / "a.tif", image)
    (tmp_path / "b.txt").write_text("")
    assert (tmp_path / "a.tif").stat().st_mode == (tmp_path / "b.txt").stat().st_mode


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, ValueError])
def test_an_interrupt_leaves_nothing(kind, tmp_path, image, monkeypatch):
    def interrupted(file, *_args, **_kwargs):
        file.write(b"half")
        raise kind

    monkeypatch.setattr(tifffile, "imwrite", interrupted)
    with pytest.raises(kind):
        write_image(tmp_path / "a.tif", image)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EDQUOT, "the disk is full"),
        (errno.EACCES, "may not be written to"),
        (errno.EROFS, "may not be written to"),
        (errno.EIO, "check the disk"),
    ],
)
def test_failures_of_the_system_are_one_line(code, words, tmp_path, image, monkeypatch, refused):
    def failing(file, *_args, **_kwargs):
        file.write(b"half")
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(np.lib.format, "write_array", failing)
    (tmp_path / "a.npy").write_bytes(b"precious")
    assert words in refused(write_image, tmp_path / "a.npy", image, overwrite=True)
    assert (tmp_path / "a.npy").read_bytes() == b"precious"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_rename_that_fails_leaves_nothing(tmp_path, image, monkeypatch, refused):
    def forbidden(*_args):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "replace", forbidden)
    assert "permissions" in refused(write_image, tmp_path / "a.tif", image)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_to(tmp_path, image, refused):
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    tmp_path.chmod(0o500)
    try:
        assert "permissions" in refused(write_image, tmp_path / "a.tif", image)
    finally:
        tmp_path.chmod(0o700)


FULL_DISK = """
    import resource, signal, sys
    from pathlib import Path
    import numpy as np
    from bsn.data import DataError, Image, open_writer, pack, write_image

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    folder, suffix, how = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    pixels = np.random.default_rng(0).integers(0, 255, (4, 300, 300), dtype=np.uint8)
    if how == "pack":
        np.save(folder / "in.npy", pixels)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
    try:
        if how == "whole":
            write_image(folder / f"a{suffix}", Image(pixels, "ZYX"))
        elif how == "pack":
            pack(folder / "in.npy", folder / "a.h5")
        else:
            with open_writer(folder / f"a{suffix}", pixels.shape, "ZYX", pixels.dtype) as out:
                for plane in range(4):
                    out.write(plane, 0, 0, pixels[plane : plane + 1])
    except DataError as error:
        print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits the size of files as POSIX does")
@pytest.mark.parametrize(
    ("suffix", "how"),
    [
        (".tif", "whole"),
        (".npy", "whole"),
        (".h5", "whole"),
        (".mat", "whole"),
        (".tif", "regions"),
        (".npy", "regions"),
        (".h5", "regions"),
        (".h5", "pack"),
    ],
)
def test_a_disk_that_really_is_full(suffix, how, tmp_path):
    """The system refuses to let any file grow beyond 100 kB, as a full disk would."""
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(FULL_DISK), str(tmp_path), suffix, how],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert run.stderr == ""
    assert run.returncode == 0
    assert run.stdout.count("\n") == 1
    assert run.stdout.startswith(f"writing {tmp_path}")
    assert [p.name for p in tmp_path.iterdir()] == (["in.npy"] if how == "pack" else [])


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_interrupted_writer_leaves_nothing(suffix, tmp_path, draw):
    def work():
        with open_writer(tmp_path / f"a{suffix}", (8, 9), "YX", "uint8") as out:
            out.write(0, 0, 0, draw((1, 8, 9)))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work()
    assert list(tmp_path.iterdir()) == []
