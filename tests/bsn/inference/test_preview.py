"""The page of before and after: complete, in one file, with its warning, for every kind of image."""

import re

import numpy as np
import pytest

from bsn.cli import main
from bsn.data import DataError, Gaussian, Image, ReadOptions, write_image
from bsn.data.photographs import photograph
from bsn.inference.preview import PREVIEW, check_preview, write_preview


@pytest.fixture
def files(tmp_path):
    """A noisy photograph, its clean version and a blurred one, as 8-bit files."""
    from scipy.ndimage import gaussian_filter

    clean = photograph("chelsea.png")[:, :264, 90:380]
    noisy = np.clip(Gaussian(0.04)(clean, 0), 0, 1)
    for name, image in (("noisy", noisy), ("clean", clean), ("blurred", gaussian_filter(noisy, (0, 2, 2)))):
        write_image(tmp_path / f"{name}.png", Image(np.moveaxis((image * 255 + 0.5).astype(np.uint8), 0, -1), "YXC"))
    return {name: tmp_path / f"{name}.png" for name in ("noisy", "clean", "blurred")}


def page_of(tmp_path, results):
    suspicious = write_preview(tmp_path / "page.html", results, ReadOptions(), "Denoised by hand")
    return suspicious, (tmp_path / "page.html").read_text(encoding="utf-8")


def test_the_page_stands_alone_and_works_by_keyboard(files, tmp_path):
    suspicious, page = page_of(tmp_path, {files["noisy"]: files["clean"]})
    assert suspicious == []
    assert "Warning" not in page
    assert "it looks like noise" in page
    assert not re.search(r"(src|href)=\"(?!data:)", page)
    assert page.count('type="range"') == 2, "of the whole image and of the hardest place"
    assert page.count("aria-label") == 2
    assert "focus-within" in page
    assert page.count("<img") == 6


def test_a_result_that_lost_picture_is_warned_of(files, tmp_path):
    suspicious, page = page_of(tmp_path, {files["noisy"]: files["blurred"]})
    assert suspicious == ["noisy.png"]
    assert "<strong>Warning:</strong> what was removed looks like picture" in page


def test_images_of_all_kinds_are_shown(tmp_path):
    rng = np.random.default_rng(0)
    images = {
        "stack.tif": (rng.integers(200, 900, (3, 40, 50)).astype(np.uint16), "ZYX"),
        "tiny.tif": (rng.random((3, 5)).astype(np.float32), "YX"),
        "flat.tif": (np.zeros((40, 40), np.float32), "YX"),
        "two.tif": (rng.random((2, 20, 20)).astype(np.float32), "CYX"),
    }
    for name, (pixels, axes) in images.items():
        write_image(tmp_path / name, Image(pixels, axes))
    (tmp_path / "gone.tif").write_bytes(b"")
    sources = {tmp_path / name: tmp_path / name for name in [*images, "gone.tif"]}
    suspicious, page = page_of(tmp_path, sources)
    assert suspicious == []
    assert "plane 1 of 3" in page
    assert "Not shown" in page
    assert all(name in page for name in images)


def test_a_page_shows_some_of_many_files(files, tmp_path):
    (tmp_path / "x.png").write_bytes(files["noisy"].read_bytes())
    many = {tmp_path / f"{index}.png": files["clean"] for index in range(PREVIEW.files + 3)}
    _, page = page_of(tmp_path, many)
    assert f"the first {PREVIEW.files} of {PREVIEW.files + 3} files" in page


def test_the_command_writes_it_and_refuses_before_the_work(files, tmp_path, capsys):
    words = [
        "denoise",
        str(files["noisy"]),
        "-o",
        str(tmp_path / "out.png"),
        "--model",
        "photo-tiny",
        "--device",
        "cpu",
    ]
    page = tmp_path / "look.html"
    assert main([*words, "--strength", "0.9", "--preview", str(page)]) == 0
    assert f"before and after: {page}" in capsys.readouterr().out
    assert "photo-tiny at strength 0.9" in page.read_text(encoding="utf-8")
    (tmp_path / "out.png").unlink()
    assert main([*words, "--preview", str(page)]) == 2
    assert "look.html" in capsys.readouterr().err
    assert not (tmp_path / "out.png").exists()
    with pytest.raises(DataError, match=r"ends in \.html"):
        check_preview(tmp_path / "look.png", overwrite=True)
