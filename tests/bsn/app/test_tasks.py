"""What workers do, without a worker: words about noise, results in the format of the input, trainings to the same bits."""

import threading

import numpy as np
import pytest
from PIL import Image as Picture

from bsn.app.tasks import Stopped, find_task
from bsn.data import DataError, Image, read_image, write_image
from bsn.data.photographs import photograph

BYTES = 10**9


def do(task, stop=None, **order):
    """Result of a task, and all that it told."""
    told = []
    result = find_task(task)({"reading": {}, "limit": BYTES, **order}, told.append, stop or threading.Event())
    return result, told


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """A noisy photograph of 8 bits, one with grains of two pixels, a small stack of 16 bits, and a broken file."""
    folder = tmp_path_factory.mktemp("images")
    rng = np.random.default_rng(0)
    grey = photograph("camera.png")[0][100:228, 100:228]
    noise = rng.normal(0, 0.08, grey.shape)
    grains = np.kron(rng.normal(0, 0.12, (64, 64)), np.ones((2, 2)))
    for name, image in (("white.png", grey + noise), ("grains.png", grey + grains)):
        write_image(folder / name, Image((np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8), "YX"))
    stack = np.stack([grey[:64, :64] * 3000 + 500 + rng.normal(0, 150, (64, 64)) for _ in range(3)])
    write_image(folder / "stack.tif", Image(stack.astype(np.uint16), "TYX", {"resolution": (4.0, 4.0)}))
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n nothing")
    return folder


def test_noise_is_put_into_words_and_curves(images):
    found, _ = do("inspect", path=str(images / "white.png"))
    assert "independent from pixel to pixel" in found["headline"]
    assert found["advice"] == "denoise"
    assert (found["kind"], found["axes"]) == ("8-bit grey, 128 × 128 pixels", "YX")
    assert found["model"].startswith("photo")
    assert found["noise"]["sigma"] == pytest.approx(0.08 * 255, rel=0.15)
    assert len(found["noise"]["line"]) == 33
    assert found["noise"]["lags_x"][0] == 1
    found, _ = do("inspect", path=str(images / "grains.png"))
    assert "shared by neighbouring pixels" in found["headline"]


def test_an_image_that_is_too_small_is_said_to_be(tmp_path):
    write_image(tmp_path / "tiny.png", Image(np.zeros((5, 5), np.uint8), "YX"))
    assert do("inspect", path=str(tmp_path / "tiny.png"))[0]["headline"] == "Too small to be measured"


def test_results_have_the_format_of_the_input_and_a_bad_file_does_not_stop_the_others(images, tmp_path):
    names = ("broken.png", "white.png", "stack.tif")
    orders = [
        {"item": number, "path": str(images / name), "reading": {}, "target": str(tmp_path / "out" / name)}
        for number, name in enumerate(names)
    ]
    result, told = do("denoise", images=orders, model="photo-tiny", strength=1.0)
    assert result == {"done": 2, "failed": 1}
    failed = [message for message in told if "failed" in message]
    assert [message["item"] for message in failed] == [0]
    assert "broken.png" in failed[0]["failed"]
    said = next(message["done"] for message in told if message.get("item") == 1 and "done" in message)
    assert said["model"] == "photo-tiny"
    assert said["looks_like_picture"] is False
    assert said["removed"] == pytest.approx(0.08 * 255, rel=0.2)
    for name in names[1:]:
        before, after = read_image(images / name), read_image(tmp_path / "out" / name)
        assert (after.pixels.shape, after.pixels.dtype, after.axes) == (
            before.pixels.shape,
            before.pixels.dtype,
            before.axes,
        )
    assert read_image(tmp_path / "out" / "stack.tif").metadata["resolution"] == (4.0, 4.0)


def test_no_strength_is_the_image_itself_and_denoising_can_be_stopped(images, tmp_path):
    order = {"item": 1, "path": str(images / "stack.tif"), "reading": {}, "target": str(tmp_path / "same.tif")}
    do("denoise", images=[order], model="photo-tiny", strength=0.0)
    assert np.array_equal(read_image(tmp_path / "same.tif").pixels, read_image(images / "stack.tif").pixels)
    stop = threading.Event()
    stop.set()
    with pytest.raises(Stopped):
        do("denoise", stop, images=[{**order, "target": str(tmp_path / "none.tif")}], model="photo-tiny", strength=1.0)
    assert [path.name for path in tmp_path.iterdir()] == ["same.tif"]


def test_pictures_show_what_the_pixels_say(images, tmp_path):
    found, _ = do(
        "picture", path=str(images / "white.png"), result=str(images / "grains.png"), plane=None, folder=str(tmp_path)
    )
    assert (found["factor"], found["rows"], found["columns"]) == (1, 128, 128)
    pixels = {kind: np.asarray(Picture.open(tmp_path / f"{kind}.png")).astype(float) for kind in found["kinds"]}
    before, after = (read_image(images / name).pixels.astype(float) for name in ("white.png", "grains.png"))
    assert np.array_equal(pixels["before"], before)
    assert np.array_equal(pixels["after"], after)
    assert np.corrcoef(pixels["removed"].ravel(), (before - after).ravel())[0, 1] > 0.98
    assert np.median(pixels["removed"]) == pytest.approx(127, abs=3)


def test_reading_follows_what_the_user_says_of_the_axes(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((3, 20, 24), np.uint8))
    found, _ = do(
        "picture", path=str(tmp_path / "a.npy"), reading={"axes": "ZYX"}, result=None, plane=None, folder=str(tmp_path)
    )
    assert found["planes"] == 3
    with pytest.raises(DataError):
        do(
            "picture",
            path=str(tmp_path / "a.npy"),
            reading={"axes": "YX"},
            result=None,
            plane=None,
            folder=str(tmp_path),
        )


@pytest.mark.slow
def test_a_training_that_was_paused_ends_in_the_same_bits(images, tmp_path):
    def training(run, stop=None):
        return do(
            "train",
            stop,
            images=[str(images / "white.png")],
            run=str(tmp_path / run),
            steps=6,
            previews=str(tmp_path / f"{run}-p"),
        )

    whole, told = training("whole")
    assert whole["paused"] is False
    steps = [message["step"] for message in told if "step" in message]
    assert steps[-1] == 6
    assert any("preview" in message for message in told)
    assert (tmp_path / "whole-p" / "before.png").exists()
    assert (tmp_path / "whole-p" / "step-6.png").exists()

    class AfterSomeLooks(threading.Event):
        """Asks to stop when it was looked at a few times."""

        looks = 0

        def is_set(self):
            self.looks += 1
            return self.looks > 3

    paused, _ = training("paused", AfterSomeLooks())
    assert paused["paused"] is True
    assert 0 < paused["steps"] < 6
    training("paused")
    first, second = ((tmp_path / run / "final.safetensors").read_bytes() for run in ("whole", "paused"))
    from safetensors.torch import load

    one, two = load(first), load(second)
    assert one.keys() == two.keys()
    assert all((one[name] == two[name]).all() for name in one)
