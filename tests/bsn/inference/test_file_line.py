"""Files in a line: decoded ahead, encoded behind, with the results and messages of one after the other."""

import threading
from contextlib import contextmanager

import numpy as np
import pytest
import tifffile

from bsn.data import read_image, write_image
from bsn.data.files.images import Image
from bsn.inference import Denoiser, file_line
from tests.bsn.inference.test_denoiser import tiny

PATIENCE = 20  # seconds until a test gives up waiting for a thread


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    for number in range(3):
        write_image(tmp_path / f"{number}.png", Image(rng.integers(0, 256, (24, 20), dtype=np.uint8), "YX"))
    (tmp_path / "out").mkdir()
    return tmp_path


def denoise(folder, target=None, **options):
    sources = sorted(path for path in folder.iterdir() if path.is_file())
    return Denoiser(tiny(), device="cpu").denoise_files(
        sources, target or (lambda path: folder / "out" / path.name), **options
    )


def test_the_next_file_is_decoded_and_the_last_one_encoded_meanwhile(folder, monkeypatch):
    """Each step waits for what has to happen beside it; one after the other would wait for ever."""
    decoded = {f"{number}.png": threading.Event() for number in range(4)}
    begun = {f"{number}.png": threading.Event() for number in range(4)}
    waited = []

    def wait(event):
        waited.append(event.wait(PATIENCE))

    decode, fill, results = file_line._decoded, file_line.fill_results, file_line.open_results

    def decode_and_tell(path, options):
        found = decode(path, options)
        decoded[path.name].set()
        return found

    @contextmanager
    def slow_to_encode(source, *rest, **options):
        with results(source, *rest, **options) as images:
            yield images
            if source.name != "2.png":
                wait(begun[f"{int(source.stem) + 1}.png"])

    def fill_and_tell(denoiser, images, **options):
        (image,) = images
        name = image[0].path.name
        begun[name].set()
        if name != "2.png":
            wait(decoded[f"{int(name[0]) + 1}.png"])
        fill(denoiser, iter([image]), **options)

    monkeypatch.setattr(file_line, "_decoded", decode_and_tell)
    monkeypatch.setattr(file_line, "fill_results", fill_and_tell)
    monkeypatch.setattr(file_line, "open_results", slow_to_encode)
    assert len(denoise(folder).done) == 3
    assert waited == [True] * 4


def test_results_are_those_of_single_files(folder):
    seen = []
    report = denoise(folder, progress=seen.append)
    assert [path.name for path in seen] == ["0.png", "1.png", "2.png"] == [path.name for path in report.done]
    for source, result in report.done.items():
        alone = folder / f"alone_{source.name}"
        Denoiser(tiny(), device="cpu").denoise_file(source, alone)
        np.testing.assert_array_equal(read_image(result).pixels, read_image(alone).pixels)


def test_a_result_that_cannot_be_put_in_place_fails_that_file_only(folder):
    """Two files have one target: it is free when the second begins, and taken when it is to appear."""
    seen = []

    def target(path):
        return folder / "out" / ("same.png" if path.name in "0.png 1.png" else path.name)

    report = denoise(folder, target, progress=seen.append)
    assert [path.name for path in report.done] == ["0.png", "2.png"]
    ((failed, message),) = report.failed.items()
    assert failed.name == "1.png"
    assert "exists already" in message
    assert len(seen) == 3
    assert sorted(path.name for path in (folder / "out").iterdir()) == ["2.png", "same.png"]


def test_bad_files_fail_in_their_turn(folder):
    (folder / "0.png").write_text("no picture")
    (folder / "1.png").unlink()
    tifffile.imwrite(folder / "1.tif", np.full((24, 24), np.nan, np.float32))
    seen = []
    report = denoise(folder, progress=seen.append)
    assert [path.name for path in seen] == ["0.png", "1.tif", "2.png"]
    assert [path.name for path in report.failed] == ["0.png", "1.tif"]
    assert [path.name for path in report.done] == ["2.png"]


def test_an_interrupt_leaves_whole_files_only(folder, monkeypatch):
    fill = file_line.fill_results

    def interrupted(denoiser, images, **options):
        (image,) = images
        if image[0].path.name == "1.png":
            raise KeyboardInterrupt
        fill(denoiser, iter([image]), **options)

    monkeypatch.setattr(file_line, "fill_results", interrupted)
    with pytest.raises(KeyboardInterrupt):
        denoise(folder)
    assert [path.name for path in (folder / "out").iterdir()] == ["0.png"]
    assert read_image(folder / "out" / "0.png").pixels.shape == (24, 20)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith(("decode", "encode"))]
