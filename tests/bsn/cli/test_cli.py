"""The command line: help, the main job, and one clear line for everything that is wrong."""

import json
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch

from bsn.cli import main
from bsn.data import Image, read_image, write_image
from bsn.models import Model, create, presets
from tests.helpers.command_line import complaint, run
from tests.helpers.fresh import run_fresh
from tests.helpers.golden import load_golden

ROOT = Path(__file__).resolve().parents[3]
COMMANDS = [
    "convert",
    "demo",
    "denoise",
    "distill",
    "evaluate",
    "export",
    "inspect",
    "models",
    "pack",
    "train",
    "verify",
]
FAST = [
    "--steps",
    "3",
    "--crop",
    "16",
    "--batch_size",
    "2",
    "--warmup_steps",
    "1",
    "--precision",
    "32-true",
    "--accelerator",
    "cpu",
]


@pytest.fixture
def noisy(tmp_path):
    """Folder of five noisy 8-bit grey images."""
    folder = tmp_path / "noisy"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for index in range(5):
        image = np.clip(rng.normal(100, 20, (64, 64)), 0, 255).astype(np.uint8)
        write_image(folder / f"{index}.png", Image(image, "YX"))
    return folder


@pytest.fixture
def model(tmp_path):
    """A small grey model file."""
    torch.manual_seed(0)
    path = tmp_path / "model.safetensors"
    Model(create("dbsnl", channels=1, width=8, modules=1)).save(path)
    return path


def test_overview_lists_all_commands(capsys):
    code, out, _ = run(capsys, "--help")
    assert code == 0
    assert all(f"  {name} " in out for name in COMMANDS)
    assert "bsn train noisy/ -o run" in out


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_examples(capsys, name):
    with pytest.raises(SystemExit) as stop:
        main([name, "--help"])
    out = capsys.readouterr().out
    assert stop.value.code == 0
    assert "examples:" in out
    assert f"bsn {name}" in out.split("examples:")[1]


def test_train_denoise_evaluate(capsys, noisy, tmp_path):
    code, out, _ = run(capsys, "train", noisy, "-o", tmp_path / "run", *FAST)
    assert code == 0
    assert f"bsn denoise {noisy} --model {tmp_path / 'run'} -o denoised" in out
    code, out, _ = run(capsys, "denoise", noisy, "--model", tmp_path / "run", "-o", tmp_path / "out")
    assert code == 0
    assert "5 of 5 images denoised" in out
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [f"{i}.png" for i in range(5)]
    assert read_image(tmp_path / "out" / "0.png").pixels.dtype == np.uint8
    words = ["evaluate", "--result", tmp_path / "out", "--noisy", noisy, "--clean", noisy, "-o", tmp_path / "scores"]
    code, out, _ = run(capsys, *words)
    assert code == 0
    assert (tmp_path / "scores" / "scores.csv").read_text().count("\n") == 8
    assert '"protocol"' in (tmp_path / "scores" / "scores.json").read_text()
    code, out, _ = run(capsys, "evaluate", "--model", tmp_path / "run", "--noisy", noisy)
    assert code == 0
    assert "residual_std" in out


def test_one_file_to_one_file(capsys, noisy, model, tmp_path):
    code, _, _ = run(capsys, "denoise", noisy / "0.png", "--model", model, "-o", tmp_path / "deep" / "clean.tif")
    assert code == 0
    assert tifffile.imread(tmp_path / "deep" / "clean.tif").shape == (64, 64)


def test_settings_go_to_yaml_and_back(capsys, noisy, tmp_path):
    run(capsys, "train", noisy, "-o", tmp_path / "run", *FAST)
    stored = tmp_path / "run" / "config.yaml"
    assert "steps: 3" in stored.read_text()
    code, _, err = run(capsys, "train", "--config", stored, "-o", tmp_path / "again")
    assert code == 0, err
    a, b = (Model.load(tmp_path / name).network.state_dict() for name in ("run", "again"))
    assert all(torch.equal(a[key], b[key]) for key in a)


def test_recipes_set_defaults_that_options_override(capsys, noisy, tmp_path):
    with pytest.raises(SystemExit):
        main(["train", str(noisy), "-o", "x", "--recipe", "tbsn", "--learning_rate", "0.5", "--print_config"])
    out = capsys.readouterr().out
    assert "stride: 5" in out
    assert "learning_rate: 0.5" in out
    assert "channel_attention: global" in out


def test_pack_and_train_from_it(capsys, noisy, tmp_path):
    code, out, _ = run(capsys, "pack", noisy, "-o", tmp_path / "all.h5")
    assert code == 0
    assert "5 images of 5 files" in out
    assert run(capsys, "train", tmp_path / "all.h5", "-o", tmp_path / "run", *FAST)[0] == 0


def test_convert(capsys, tmp_path):
    golden = load_golden("tbsn/grad_tbsn_d8.safetensors")
    torch.save({"params": golden.weights}, tmp_path / "published.pth")
    (tmp_path / "config.json").write_text(golden.metadata["config"])
    words = ["convert", tmp_path / "published.pth", "--model", "tbsn", "--official_config", tmp_path / "config.json"]
    code, out, _ = run(capsys, *words, "-o", tmp_path / "tbsn.safetensors")
    assert code == 0
    assert "parameters" in out
    model = Model.load(tmp_path / "tbsn.safetensors")
    assert torch.allclose(model.predict(golden["input"] / 255) * 255, golden["output"], rtol=1e-4, atol=1e-2)
    assert "exists already" in complaint(capsys, *words, "-o", tmp_path / "tbsn.safetensors")


def test_models_lists_presets(capsys, monkeypatch):
    """The work of each network is counted by the tests of the registry, which is what takes the time."""
    monkeypatch.setattr("bsn.models.measure.macs_per_pixel", lambda network: float(network.channels))
    code, out, _ = run(capsys, "models", "--no_speed", "--json", "--channels", "1")
    assert code == 0

    rows = {row["name"]: row for row in json.loads(out)["models"]}
    assert set(rows) == set(presets())
    assert {row["macs_per_pixel"] for row in rows.values()} == {1.0}
    assert rows["tbsn"]["parameters"] > rows["tbsn-small"]["parameters"] > rows["phase-unet-tiny"]["parameters"]


def spoil(folder, kind):
    rng = np.random.default_rng(1)
    if kind == "truncated png":
        whole = (folder / "0.png").read_bytes()
        (folder / "0.png").write_bytes(whole[: len(whole) // 2])
    elif kind == "truncated tiff":
        tifffile.imwrite(folder / "9.tif", rng.integers(0, 255, (64, 64), dtype=np.uint8))
        whole = (folder / "9.tif").read_bytes()
        (folder / "9.tif").write_bytes(whole[: len(whole) // 2])
    elif kind == "text":
        (folder / "9.png").write_text("no picture")
    elif kind == "nan":
        shutil.rmtree(folder)
        folder.mkdir()
        image = rng.random((64, 64)).astype(np.float32)
        image[3, 4] = np.nan
        tifffile.imwrite(folder / "9.tif", image)
    elif kind == "rgb":
        write_image(folder / "9.png", Image(rng.integers(0, 255, (64, 64, 3), dtype=np.uint8), "YXC"))
    elif kind == "small":
        write_image(folder / "9.png", Image(rng.integers(0, 255, (20, 20), dtype=np.uint8), "YX"))


@pytest.mark.parametrize(
    ("kind", "options", "said"),
    [
        ("truncated png", [], "0.png"),
        ("truncated tiff", [], "9.tif"),
        ("text", [], "9.png"),
        ("nan", [], "NaN"),
        ("rgb", [], "9.png"),
        ("small", ["--stride", "5"], "20 x 20"),
    ],
)
def test_bad_images_stop_training_before_it_starts(capsys, noisy, tmp_path, kind, options, said):
    spoil(noisy, kind)
    assert said in complaint(capsys, "train", noisy, "-o", tmp_path / "run", *FAST, *options)
    assert not (tmp_path / "run").exists()


def test_mixed_sizes_are_fine(capsys, noisy, tmp_path):
    write_image(noisy / "9.png", Image(np.random.default_rng(0).integers(0, 255, (40, 90), dtype=np.uint8), "YX"))
    assert run(capsys, "train", noisy, "-o", tmp_path / "run", *FAST)[0] == 0


def test_bad_words_of_training(capsys, noisy, tmp_path):
    out = ["-o", tmp_path / "run"]
    assert "there is no such file or folder" in complaint(capsys, "train", tmp_path / "none", *out)
    (tmp_path / "empty").mkdir()
    assert "empty" in complaint(capsys, "train", tmp_path / "empty", *out)
    assert "no model 'tbsn-tyni'; did you mean phase-unet-tiny" in complaint(
        capsys, "train", noisy, *out, "--model", "tbsn-tyni"
    )
    assert "no recipe 'sidd'" in complaint(capsys, "train", noisy, *out, "--recipe", "sidd")
    assert "steps" in complaint(capsys, "train", noisy, *out, "--steps", "many")
    assert "steps 0 is out of range" in complaint(capsys, "train", noisy, *out, "--steps", "0")
    assert "output" in complaint(capsys, "train", noisy)
    assert "there is no command 'trian'; choose one of app, convert" in complaint(capsys, "trian")
    (tmp_path / "file").touch()
    assert "is a file, not a folder" in complaint(capsys, "train", noisy, "-o", tmp_path / "file", *FAST)
    assert not (tmp_path / "run").exists()


def test_bad_words_of_denoising(capsys, noisy, model, tmp_path):
    out = ["-o", tmp_path / "out"]
    assert "there is no model" in complaint(capsys, "denoise", noisy, "--model", tmp_path / "none", *out)
    torch.save({}, tmp_path / "x.pth")
    assert "convert published weights" in complaint(capsys, "denoise", noisy, "--model", tmp_path / "x.pth", *out)
    assert "is one file for 5 images" in complaint(capsys, "denoise", noisy, "--model", model, "-o", tmp_path / "x.png")
    assert not (tmp_path / "out").exists()
    (tmp_path / "9.tif").write_bytes(b"nonsense")
    assert "9.tif" in complaint(capsys, "denoise", tmp_path / "9.tif", "--model", model, *out)
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(
    ("option", "value", "wanted"),
    [
        ("tile", "big", "a whole number or null"),
        ("stride", "1,2", "a whole number, a list such as '[1, 2]' or null"),
        ("precision", "16", "32, bf16 or auto"),
        ("r3_probability", "half", "a number"),
    ],
)
def test_values_that_are_refused(capsys, noisy, tmp_path, option, value, wanted):
    line = complaint(capsys, "denoise", noisy, "-o", tmp_path / "out", f"--{option}", value)
    assert line == f"bsn denoise: --{option} {value}: give {wanted}; see bsn denoise --help"


@pytest.mark.parametrize("switch", ["--wiener", "--no_posterior"])
def test_a_switch_takes_no_word(capsys, noisy, tmp_path, switch):
    line = complaint(capsys, "denoise", noisy, "-o", tmp_path / "out", switch, "maybe")
    assert "unrecognized arguments: maybe" in line
    assert not (tmp_path / "out").exists()


class Bomb:
    def __reduce__(self):
        return os.system, ("touch exploded",)


def test_a_checkpoint_with_code_is_not_run(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("bad.pth").write_bytes(pickle.dumps({"params": Bomb()}))
    assert "is not loaded" in complaint(capsys, "convert", "bad.pth", "--model", "tbsn", "-o", "out.safetensors")
    assert not Path("exploded").exists()
    assert not Path("out.safetensors").exists()


def test_a_read_only_output_folder(capsys, noisy, model, tmp_path, monkeypatch):
    def forbidden(self, *args, **options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", forbidden)
    assert "may not be written to" in complaint(capsys, "denoise", noisy, "--model", model, "-o", tmp_path / "out")
    assert "cannot be made" in complaint(capsys, "train", noisy, "-o", tmp_path / "run", *FAST)


def test_a_full_disk_while_denoising_leaves_nothing_half_written(capsys, noisy, model, tmp_path, monkeypatch):
    def full(source, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    code, _, err = run(capsys, "denoise", noisy / "0.png", "--model", model, "-o", tmp_path / "out")
    assert code == 2
    assert "the disk is full" in err
    assert list((tmp_path / "out").iterdir()) == []


INTERRUPTED = """
import os, signal, sys, threading, time
from pathlib import Path
from bsn.cli import main

def interrupt():
    metrics = Path(sys.argv[1])
    while not (metrics.exists() and metrics.read_text().count("\\n") > 3):
        time.sleep(0.005)
    os.kill(os.getpid(), signal.SIGINT)

threading.Thread(target=interrupt, daemon=True).start()
sys.exit(main(sys.argv[2:]))
"""


def test_an_interrupt_keeps_the_run_and_resume_finishes_it(capsys, noisy, tmp_path):
    words = ["train", noisy, "-o", tmp_path / "run", *FAST, "--checkpoint_every", "5", "--model", "phase-unet-tiny"]
    words[words.index("--steps") + 1] = "60"
    done = run_fresh(INTERRUPTED, tmp_path / "run" / "metrics.csv", *words, folder=tmp_path, path=[ROOT])
    assert done.returncode == 2, done.stderr
    assert "continue with --resume" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "run" / "final.safetensors").exists()
    code, _, err = run(capsys, *words, "--resume")
    assert code == 0, err
    assert Model.load(tmp_path / "run").provenance["steps"] == 60


@pytest.mark.slow
def test_two_devices_equal_one_with_the_doubled_batch(capsys, noisy, tmp_path):
    def words(devices, batch):
        options = ["--devices", devices, "--batch_size", batch, "--steps", "6"]
        return [str(word) for word in ("train", noisy, "-o", tmp_path / f"run{devices}", *FAST, *options)]

    def losses(devices):
        rows = (tmp_path / f"run{devices}" / "metrics.csv").read_text().splitlines()[1:]
        return [float(row.split(",")[1]) for row in rows if row.split(",")[1]]

    done = subprocess.run(
        [sys.executable, "-m", "bsn", *words(2, 2)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    assert run(capsys, *words(1, 4))[0] == 0
    one, two = losses(1), losses(2)
    assert len(one) == len(two) == 6
    assert two == pytest.approx(one, rel=1e-4)


def test_training_settles_what_is_automatic_and_the_uncertainty_is_written(capsys, tmp_path):
    rng = np.random.default_rng(0)
    folder = tmp_path / "in"
    folder.mkdir()
    write_image(folder / "a.tif", Image(rng.poisson(900, (256, 256)).astype(np.uint16), "YX"))
    words = ["--stride", "auto", "--noise", "auto"]
    code, out, _ = run(capsys, "train", folder, "-o", tmp_path / "run", *words, *FAST)
    assert code == 0
    assert "neighbouring noise is independent" in out
    assert Model.load(tmp_path / "run").noise is not None
    code, _, _ = run(capsys, "denoise", folder, "--model", tmp_path / "run", "-o", tmp_path / "out", "--uncertainty")
    assert code == 0
    spread = read_image(tmp_path / "out" / "a_uncertainty.tif").pixels
    assert (spread.dtype, spread.shape) == (np.float32, (256, 256))
    assert 0 < spread.mean() < 65535


def test_explain_needs_something_to_explain(tmp_path, capsys):
    np.save(tmp_path / "noisy.npy", np.random.default_rng(0).random((64, 64)).astype(np.float32))
    assert main(["denoise", str(tmp_path / "noisy.npy"), "-o", str(tmp_path / "clean.npy"), "--explain"]) == 2
    assert "add --mix check" in capsys.readouterr().err
    assert not (tmp_path / "clean.npy").exists()


def test_explain_lists_the_curves_of_an_adapted_model(tmp_path, capsys):
    np.save(tmp_path / "noisy.npy", np.random.default_rng(0).random((64, 64)).astype(np.float32))
    words = ["--model", "photo-tiny", "--adapt", "--explain", "-o", tmp_path / "clean.npy"]
    code, out, _ = run(capsys, "denoise", tmp_path / "noisy.npy", *words)
    assert code == 0
    assert "error of held-back pixels" in out
    assert sum("(x + " in line for line in out.splitlines()) >= 6
