"""A clip is denoised like a stack, and stays a clip."""

import numpy as np
import pytest

from bsn.cli import main
from bsn.data import read_image
from bsn.inference import Denoiser, InferenceConfig, result_paths
from bsn.models import InferenceDefaults, Model, ValueScale
from tests.helpers.clips import UNEVEN, frames, make_clip, shown_at, sound_of
from tests.helpers.networks import narrow_presets, randomise, small

pytest.importorskip("av", reason="PyAV is not installed")


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    path = tmp_path_factory.mktemp("clips") / "clip.mp4"
    noise = np.random.default_rng(0).normal(0, 12, (12, 64, 64, 3))
    make_clip(path, np.clip(frames(12, 64, 64) + noise, 0, 255).astype(np.uint8), times=UNEVEN)
    return path


def model(context):
    network = randomise(small("phase-unet-tiny", channels=3, context=context, widths=(4, 8), blocks=(1, 1), dilation=2))
    return Model(network, ValueScale(0.4, 0.3), InferenceDefaults())


def test_the_result_is_that_of_the_frames_and_a_clip(clip, tmp_path):
    tool = Denoiser(model(1), InferenceConfig(device="cpu", outliers="ignore", keep_mean=False))
    seen = []
    tool.frame_done = lambda done, total: seen.append((done, total))
    tool.denoise_file(clip, tmp_path / "out.mkv")
    expected = tool(read_image(clip).pixels, "TYXC")
    found = read_image(tmp_path / "out.mkv")
    # What fewer samples of colour lose; brightness is that of the result.
    weights = np.array([0.2126, 0.7152, 0.0722])
    assert np.abs((found.pixels.astype(float) - expected) @ weights).mean() < 1.2
    assert seen[-1] == (12, 12)
    np.testing.assert_allclose(np.diff(shown_at(tmp_path / "out.mkv")), np.diff(UNEVEN) / 1000, atol=0.0011)
    assert sound_of(tmp_path / "out.mkv")[0] == sound_of(clip)[0]


def test_results_in_a_folder_keep_their_kind_where_it_can_be_written(clip, tmp_path):
    (tmp_path / "a.avi").write_bytes(clip.read_bytes())
    found = result_paths([clip, tmp_path / "a.avi"], tmp_path / "out")
    assert [path.name for path in found.values()] == ["clip.mp4", "a.mkv"]


@pytest.mark.slow
def test_commands_inspect_train_and_denoise_a_clip(clip, tmp_path, monkeypatch, capsys):
    narrow_presets(monkeypatch, "phase-unet-tiny")
    main(["inspect", str(clip)])
    assert "clip.mp4[t=0]" in capsys.readouterr().out
    quick = ["--model", "phase-unet-tiny", "--hole", "none", "--stride", "1", "--noise", "none", "--crop", "32"]
    run = str(tmp_path / "run")
    code = main(["train", str(clip), "-o", run, "--steps", "2", "--context", "1", "--accelerator", "cpu", *quick])
    assert code == 0
    assert main(["denoise", str(clip), "--model", run, "-o", str(tmp_path / "clean.mkv"), "--device", "cpu"]) == 0
    assert read_image(tmp_path / "clean.mkv").pixels.shape == (12, 64, 64, 3)
    assert main(["denoise", str(clip), "--model", run, "-o", str(tmp_path / "clean.webm"), "--device", "cpu"]) == 2
    assert "a .webm file cannot hold it; write a .mkv file" in capsys.readouterr().err
    assert not (tmp_path / "clean.webm").exists()
