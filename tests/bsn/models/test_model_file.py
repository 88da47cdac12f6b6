import json
import os
import pickle

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

import bsn
from bsn.data import DataError
from bsn.models import InferenceDefaults, Model, ModelFileError, ValueScale, create
from bsn.models.convert import convert
from tests.helpers.golden import assert_close, load_golden


@pytest.fixture
def model():
    torch.manual_seed(0)
    network = create("dbsnl", channels=1, width=8, modules=1)
    return Model(network, ValueScale(0.1, 0.5), InferenceDefaults(5, 2, 120), {"steps": 7}, "CC0")


def test_round_trip(model, tmp_path):
    model.save(tmp_path / "m.safetensors")
    again = bsn.load(tmp_path / "m.safetensors")
    assert (again.scale, again.inference, again.provenance, again.weights_licence) == (
        model.scale,
        model.inference,
        model.provenance,
        "CC0",
    )
    x = torch.rand(1, 1, 16, 16)
    assert torch.equal(again.predict(x), model.predict(x))
    with safe_open(tmp_path / "m.safetensors", "pt") as file:
        assert json.loads(file.metadata()["config"]) == {"channels": 1, "width": 8, "modules": 1, "outputs": None}


def test_value_scale_is_applied_inside(model):
    x = torch.rand(1, 1, 16, 16)
    with torch.no_grad():
        expected = model.network((x - 0.1) / 0.5) * 0.5 + 0.1
    assert torch.equal(model.predict(x), expected)
    with pytest.raises(ValueError, match="scale must be positive"):
        ValueScale(0, 0)


def test_run_folder_is_a_model(model, tmp_path):
    with pytest.raises(ModelFileError, match=r"holds no final.safetensors; is it the folder of a run\?"):
        bsn.load(tmp_path)
    (tmp_path / "last.ckpt").touch()
    with pytest.raises(ModelFileError, match="its training has not ended; resume it"):
        bsn.load(tmp_path)
    model.save(tmp_path / "final.safetensors")
    assert bsn.load(tmp_path).provenance == {"steps": 7}


class Bomb:
    def __reduce__(self):
        return os.system, ("touch exploded",)


@pytest.mark.parametrize("kind", ["missing", "text", "truncated", "foreign", "checkpoint", "misfit"])
def test_files_that_are_no_models(kind, model, tmp_path):
    path = tmp_path / "m.safetensors"
    model.save(path)
    if kind == "missing":
        path, message = tmp_path / "none.safetensors", "there is no model"
    elif kind == "text":
        path.write_text("hello")
        message = "not a readable safetensors file"
    elif kind == "truncated":
        path.write_bytes(path.read_bytes()[:-100])
        message = "not a readable safetensors file"
    elif kind == "foreign":
        save_file({"a": torch.zeros(1)}, path)
        message = "not a model of this toolkit; see `bsn convert"
    elif kind == "checkpoint":
        path = tmp_path / "last.ckpt"
        torch.save({}, path)
        message = "is a checkpoint, not a model"
    else:
        with safe_open(path, "pt") as file:
            metadata = {**file.metadata(), "config": json.dumps({"channels": 1, "width": 16, "modules": 1})}
            save_file({k: file.get_tensor(k) for k in file.keys()}, path, metadata)  # noqa: SIM118
        message = "do not fit their own configuration"
    with pytest.raises(ModelFileError, match=message) as error:
        bsn.load(path)
    assert "\n" not in str(error.value)


def test_full_disk_leaves_nothing_behind(model, tmp_path, monkeypatch):
    def full(self, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    with pytest.raises(DataError, match="the disk is full"):
        model.save(tmp_path / "m.safetensors")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("wrap", ["bare", "module", "bsn", "ap-bsn", "params", "state_dict"])
def test_published_checkpoints_in_any_wrapper(wrap, tmp_path):
    golden = load_golden("tbsn/dbsnl_c8_m2.safetensors")
    weights = golden.weights
    content = {
        "bare": weights,
        "module": {f"module.{k}": v for k, v in weights.items()},
        "bsn": {f"bsn.{k}": v for k, v in weights.items()},
        "ap-bsn": {
            "epoch": 20,
            "model_weight": {"denoiser": {f"module.bsn.{k}": v for k, v in weights.items()}},
            "optimizer_weight": {"state": {}},
        },
        "params": {"params": weights},
        "state_dict": {"state_dict": weights, "step": 3},
    }[wrap]
    torch.save(content, tmp_path / "published.pth")
    model = convert(tmp_path / "published.pth", "dbsnl", golden.config)
    out = model.predict(golden["input"] / 255) * 255
    assert_close(out, golden["output64"], 1e-5)
    assert (model.inference.stride, model.inference.mosaic_margin) == (2, 2)


def test_pickles_with_code_are_not_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.pth").write_bytes(pickle.dumps({"state_dict": Bomb()}))
    torch.save({"weights": Bomb()}, tmp_path / "zip.pth")
    for name in ("bad.pth", "zip.pth"):
        with pytest.raises(ModelFileError, match="could run anything, and is not loaded"):
            convert(name, "tbsn")
    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"hello", "not a readable checkpoint"), (b"", "not a readable checkpoint"), (None, "there is no file")],
)
def test_unreadable_checkpoints(content, message, tmp_path):
    if content is not None:
        (tmp_path / "x.pth").write_bytes(content)
    with pytest.raises(ModelFileError, match=message):
        convert(tmp_path / "x.pth", "tbsn")
    with pytest.raises(ValueError, match="published weights of 'unet' are unknown"):
        convert(tmp_path / "x.pth", "unet")
