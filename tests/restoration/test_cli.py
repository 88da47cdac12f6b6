"""``bsn restore``: the whole way, several processes, and one clear line for everything that is wrong."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from bsn.cli import main
from bsn.data import Image, read_image, write_image
from bsn.models import Model
from restoration.cli import ACTIONS
from tests.helpers.command_line import complaint, run
from tests.helpers.fresh import run_ranks
from tests.helpers.golden import load_golden, relative_error

FAST = [
    *("--recipe", "drt-tiny", "--crop", "28", "--batch_size", "2", "--steps", "3", "--warmup_steps", "1"),
    *("--precision", "32-true", "--accelerator", "cpu", "--validation_images", "0"),
]


def folders(pairs):
    return ["--degraded", pairs / "rainy", "--clean", pairs / "clean"]


@pytest.mark.parametrize("name", ACTIONS)
def test_help_has_examples(capsys, name):
    with pytest.raises(SystemExit) as stop:
        main(["restore", name, "--help"])
    assert stop.value.code == 0
    assert f"bsn restore {name}" in capsys.readouterr().out.split("examples:")[1]


def test_train_apply_evaluate(capsys, pairs, tmp_path):
    code, out, err = run(capsys, "restore", "train", *folders(pairs), "-o", tmp_path / "run", *FAST)
    assert code == 0, err
    assert "bsn restore apply" in out
    words = ["restore", "apply", pairs / "rainy", "--model", tmp_path / "run", "-o", tmp_path / "out"]
    assert run(capsys, *words)[0] == 0
    restored = read_image(tmp_path / "out" / "3.png").pixels
    assert (restored.shape, restored.dtype) == ((64, 72, 3), np.uint8)
    scored = [
        *("restore", "evaluate", "--models", tmp_path / "run", "--results", tmp_path / "out", pairs / "clean"),
        *(*folders(pairs), "--protocol", "rgb8", "-o", tmp_path / "scores"),
    ]
    code, out, err = run(capsys, *scored)
    assert code == 0, err
    scores = json.loads((tmp_path / "scores" / "scores.json").read_text())
    assert scores["degraded"]["images"] == 6
    # A model and its written results are the same; the truth itself is perfect.
    model, results = scores[str(tmp_path / "run")]["means"], scores[str(tmp_path / "out")]["means"]
    assert model == results
    assert scores[str(pairs / "clean")]["means"]["ssim"] == 1
    assert (tmp_path / "scores" / "00_degraded.csv").read_text().count("\n") == 9


def test_settings_go_to_yaml_and_back(capsys, pairs, tmp_path):
    assert run(capsys, "restore", "train", *folders(pairs), "-o", tmp_path / "run", *FAST, "--loss.edge", "0.5")[0] == 0
    stored = tmp_path / "run" / "config.yaml"
    assert "edge: 0.5" in stored.read_text()
    code, _, err = run(capsys, "restore", "train", "--config", stored, "-o", tmp_path / "again")
    assert code == 0, err
    a, b = (Model.load(tmp_path / name).network.state_dict() for name in ("run", "again"))
    assert all(torch.equal(a[key], b[key]) for key in a)


def test_recipes_set_defaults_that_options_override(capsys):
    with pytest.raises(SystemExit):
        main(
            [
                "restore",
                "train",
                "--degraded",
                "x",
                "-o",
                "y",
                "--recipe",
                "elf-rain13k",
                "--crop",
                "64",
                "--print_config",
            ]
        )
    out = capsys.readouterr().out
    assert "model: elf" in out
    assert "crop: 64" in out
    assert "charbonnier: 0.3" in out
    assert "gamma: 0.8" in out


def test_pack_and_train_from_it(capsys, pairs, tmp_path):
    code, out, _ = run(capsys, "restore", "pack", *folders(pairs), "-o", tmp_path / "all.h5")
    assert code == 0
    assert "6 pairs of 6 backgrounds (3 channels, uint8)" in out
    assert run(capsys, "restore", "train", "--degraded", tmp_path / "all.h5", "-o", tmp_path / "run", *FAST)[0] == 0


@pytest.mark.parametrize("name", ["ddsa", "drt", "elf"])
def test_convert(capsys, name, tmp_path):
    file = {"ddsa": "model_dim8_32x40", "drt": "model_dim16_padded_eval_20x33", "elf": "model_paper_nf8_32x32"}[name]
    golden = load_golden(f"{name}/{file}.safetensors")
    torch.save({"state_dict": {f"module.{k}": v for k, v in golden.weights.items()}}, tmp_path / "best_model.pt")
    (tmp_path / "config.json").write_text(golden.metadata["config"])
    words = ["convert", tmp_path / "best_model.pt", "--model", name, "--official_config", tmp_path / "config.json"]
    code, _, err = run(capsys, *words, "-o", tmp_path / "model.safetensors")
    assert code == 0, err
    model = Model.load(tmp_path / "model.safetensors")
    assert relative_error(model.predict(golden["input"]), golden["output64"]) < 2e-5


@pytest.mark.slow
def test_two_devices_equal_one_with_the_doubled_batch(capsys, pairs, tmp_path):
    def words(devices, batch):
        options = ["--devices", devices, "--batch_size", batch, "--steps", "5"]
        whole = ["restore", "train", *folders(pairs), "-o", tmp_path / f"run{devices}", *FAST, *options]
        return [str(word) for word in whole]

    def losses(devices):
        rows = (tmp_path / f"run{devices}" / "metrics.csv").read_text().splitlines()[1:]
        return [float(row.split(",")[1]) for row in rows if row.split(",")[1]]

    code = "import sys; from bsn.cli import main; sys.exit(main(sys.argv[1:]))"
    for done in run_ranks(code, *words(2, 2), folder=tmp_path, path=[Path(__file__).resolve().parents[2]]):
        assert done.returncode == 0, done.stderr
    assert run(capsys, *words(1, 4))[0] == 0
    one, two = losses(1), losses(2)
    assert len(one) == len(two) == 5
    assert two == pytest.approx(one, rel=1e-4)


class TestBadInput:
    """Each in one line, exit code 2, nothing half written."""

    def test_folders(self, capsys, pairs, tmp_path):
        out = ["-o", tmp_path / "run", *FAST]
        words = ["restore", "train", "--degraded", tmp_path / "none", "--clean", pairs / "clean", *out]
        assert "there is no such file or folder" in complaint(capsys, *words)
        (tmp_path / "empty").mkdir()
        words = ["restore", "train", "--degraded", pairs / "rainy", "--clean", tmp_path / "empty", *out]
        assert "empty" in complaint(capsys, *words)
        words = ["restore", "train", "--degraded", pairs / "rainy", *out]
        assert "needs a degraded and a clean folder" in complaint(capsys, *words)
        assert "degraded" in complaint(capsys, "restore", "train", *out)
        assert not (tmp_path / "run").exists()

    @pytest.mark.parametrize(
        ("kind", "said"),
        [
            ("missing", "3.png, 4.png"),
            ("truncated", "2 of 6 pairs"),
            ("text", "3.png"),
            ("size", "its partner 3.png is 20 x 20"),
            ("grey", "1 channel"),
            ("nan", "NaN"),
        ],
    )
    def test_pairs(self, capsys, pairs, tmp_path, kind, said):
        rainy, clean = pairs / "rainy", pairs / "clean"
        if kind == "missing":
            (clean / "3.png").unlink()
            (clean / "4.png").unlink()
        elif kind == "truncated":
            for path in (rainy / "3.png", clean / "4.png"):
                path.write_bytes(path.read_bytes()[:300])
        elif kind == "text":
            (rainy / "3.png").write_text("no picture")
        elif kind in ("size", "grey"):
            image = Image(np.zeros((20, 20, 3), np.uint8), "YXC") if kind == "size" else None
            write_image(clean / "3.png", image or Image(np.zeros((64, 72), np.uint8), "YX"), overwrite=True)
        else:
            for folder in (rainy, clean):
                for path in folder.iterdir():
                    path.unlink()
                pixels = np.full((64, 72, 3), np.nan if folder is rainy else 0.5, np.float32)
                write_image(folder / "1.tif", Image(pixels, "YXC"))
        line = complaint(capsys, "restore", "train", *folders(pairs), "-o", tmp_path / "run", *FAST)
        assert said in line
        assert not (tmp_path / "run").exists()

    def test_blind_spot_training_refuses_networks_that_see(self, capsys, pairs, tmp_path):
        code, _, err = run(
            capsys, "train", pairs / "rainy", "-o", tmp_path / "run", "--model", "drt-tiny", "--crop", "16"
        )
        assert code == 2
        assert "would learn to copy the noise" in err
        assert not (tmp_path / "run").exists()

    def test_words(self, capsys, pairs, tmp_path):
        base = ["restore", "train", *folders(pairs), "-o", tmp_path / "run"]
        assert "no model 'drt-tini'; did you mean drt-tiny" in complaint(capsys, *base, *FAST, "--model", "drt-tini")
        assert "no recipe 'rain'" in complaint(capsys, *base, "--recipe", "rain")
        assert "layout 'rain900'" in complaint(capsys, *base, *FAST, "--layout", "rain900")
        assert "is not a regular expression" in complaint(capsys, *base, *FAST, "--pattern", "(")
        assert "all factors of the loss are 0" in complaint(capsys, *base, *FAST, "--loss.charbonnier", "0")
        line = complaint(
            capsys, "restore", "search", *folders(pairs), "-o", tmp_path / "search", "--strategy", "chance"
        )
        assert line.startswith("bsn restore search: --strategy chance:")
        assert line.endswith("see bsn restore search --help")
        assert "action" in complaint(capsys, "restore", "rain")
        assert "action" in complaint(capsys, "restore")
        assert "nothing to score" in complaint(capsys, "restore", "evaluate", *folders(pairs))
        words = ["restore", "evaluate", "--models", tmp_path / "none", *folders(pairs)]
        assert "there is no model" in complaint(capsys, *words)
        words = ["restore", "evaluate", "--results", pairs / "clean", *folders(pairs), "--protocol", "ycbcr"]
        assert "no protocol 'ycbcr'" in complaint(capsys, *words)
        leak = ["--train_degraded", pairs / "rainy", "--train_clean", pairs / "clean"]
        words = ["restore", "evaluate", "--results", pairs / "clean", *folders(pairs), *leak]
        assert "have a background that is trained on" in complaint(capsys, *words)
        assert not (tmp_path / "run").exists()
