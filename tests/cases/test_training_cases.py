"""Cases that begin with a training: another value range, and the configuration of another run."""

import numpy as np
import pytest

from bsn.cli import main
from tests.cases.outcomes import INPUTS, check_denoised, pixels_of
from tests.helpers.networks import narrow_presets

# A short training: what matters here is which images it saw, and what it says of others.
SHORT = ["--model", "phase-unet-tiny", "--steps", "60", "--crop", "48", "--batch_size", "2"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The folder of a run on 8-bit images."""
    folder = tmp_path_factory.mktemp("old") / "run"
    with pytest.MonkeyPatch.context() as patch:
        narrow_presets(patch, "phase-unet-tiny")
        assert main(["train", str(INPUTS / "F01_train_8bit"), "-o", str(folder), *SHORT]) == 0
    return folder


@pytest.mark.parametrize(
    ("name", "limits"), [("F01_12bit_in_uint16.tif", (0, 4095)), ("F01_float_0_255.npy", (0, 255))]
)
def test_images_of_another_range(name, limits, run, tmp_path, capsys):
    """Refused or told loudly, with the remedy; and the remedy works."""
    words = ["denoise", str(INPUTS / name), "--model", str(run), "-o", str(tmp_path / "out")]
    code = main(words)
    shown = capsys.readouterr().err
    assert "--range" in shown
    if code:
        assert code == 2
        assert not (tmp_path / "out" / name).exists()
    assert main([*words, "--overwrite", "--range", *map(str, limits)]) == 0
    assert "--range" not in capsys.readouterr().err
    check_denoised(pixels_of(INPUTS / name), pixels_of(tmp_path / "out" / name))


def test_what_is_said_beats_the_configuration(run, tmp_path):
    """`bsn train IMAGES -o NEW --config OLD/config.yaml` trains these images into this folder."""
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    new = tmp_path / "new"
    images = INPUTS / "F02_other_images"
    for words in (["--config", str(run / "config.yaml"), "--steps", "2"], ["--steps", "2"]):
        if words[0] == "--config":
            assert main(["train", str(images), "-o", str(new), *words]) == 0
        else:
            other = tmp_path / "order"
            assert main(["train", *words, "--config", str(run / "config.yaml"), "-o", str(other), str(images)]) == 0
            new = other
        config = (new / "config.yaml").read_text()
        assert "F02_other_images" in config
        assert "F01_train_8bit" not in config
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


def test_denoised_values_are_those_of_the_image(run, tmp_path):
    """A grey picture of 8 bits, like those of the training."""
    name = "F01_train_8bit/g1.png"
    assert main(["denoise", str(INPUTS / name), "--model", str(run), "-o", str(tmp_path / "out")]) == 0
    result = pixels_of(tmp_path / "out" / "g1.png")
    assert result.dtype == np.uint8
    check_denoised(pixels_of(INPUTS / name), result)
