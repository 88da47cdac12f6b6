"""Networks of convolutions were called TBSN once: what was published under those names is still found."""

import dataclasses
import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from bsn.cli import main
from bsn.models import Model, OldNameWarning, PhaseUNet, PhaseUNetConfig, create, presets
from bsn.training import TrainConfig
from tests.helpers.fresh import run_fresh

ROOT = Path(__file__).resolve().parents[3]

# As model files stored it: a TBSN whose levels have no mixer.
OLD_CONFIG = (
    '{"channels": 1, "widths": [4, 8], "blocks": [1, 2], "refinement_blocks": 0, "mixers": ["none", "none"], '
    '"channel_heads": [1, 1], "window_heads": [1, 1], "head_dim": 16, "window": 16, "overlaps": [0.5, 0.5], '
    '"ffn_expansion": 1.0, "activation": "relu", "bias": true, "norm": "none", "wide_decoder": false, '
    '"tail_layers": 1, "dilation": 4, "channel_attention": "phase", "outputs": null}'
)


@pytest.mark.parametrize(
    ("old", "name"),
    [
        ("tbsn-tiny", "phase-unet-tiny"),
        ("tbsn-tiny-wide", "phase-unet-small"),
        ("tbsn-wide", "phase-unet-large"),
    ],
)
def test_old_presets_are_found_with_a_note(old, name):
    assert old not in presets()
    narrow = {"widths": (8, 8, 8, 8), "blocks": (1, 1, 1, 1)}
    torch.manual_seed(0)
    with pytest.warns(OldNameWarning, match=f"the model {old} is called {name} now"):
        found = create(old, channels=1, **narrow)
    torch.manual_seed(0)
    wanted = create(name, channels=1, **narrow).state_dict()
    assert all(torch.equal(value, wanted[key]) for key, value in found.state_dict().items())
    with pytest.warns(OldNameWarning):
        assert TrainConfig(model=old) == TrainConfig(model=name)


def test_old_model_files_load_to_the_same_numbers_and_are_saved_under_the_new_name(tmp_path):
    config = PhaseUNetConfig(channels=1, widths=(4, 8), blocks=(1, 2), tail_layers=1)
    torch.manual_seed(0)
    network = PhaseUNet(config).eval()
    metadata = {
        "format": "bsn-model-1",
        "network": "tbsn",
        "config": OLD_CONFIG,
        "scale": '{"offset": 0.0, "scale": 1.0}',
        "inference": '{"stride": 1, "mosaic_margin": null, "training_crop": 128, "grey_as_colour": false, "wiener": false}',
        "provenance": '{"model": "tbsn-tiny"}',
        "weights_licence": "CC0",
    }
    save_file(network.state_dict(), tmp_path / "old.safetensors", metadata)
    with pytest.warns(OldNameWarning, match="phase-unet"):
        model = Model.load(tmp_path / "old.safetensors")
    assert model.network.config == config
    x = torch.rand(1, 1, 20, 20)
    with torch.no_grad():
        assert torch.equal(model.predict(x), network(x))
    model.save(tmp_path / "new.safetensors")
    assert json.loads(json.dumps(dataclasses.asdict(Model.load(tmp_path / "new.safetensors").network.config)))


def test_the_command_line_takes_an_old_name_and_says_the_new_one(tmp_path):
    code = "import sys; from bsn.cli import main; sys.exit(main(sys.argv[1:]))"
    words = ["verify", "tbsn-tiny", "--channels", "1", "--size", "16", "--checks", "jacobian"]
    done = run_fresh(code, *words, folder=tmp_path, path=[ROOT])
    assert done.returncode == 0, done.stderr
    assert done.stderr == "bsn verify: note: the model tbsn-tiny is called phase-unet-tiny now\n"


def test_a_slip_in_an_old_name_suggests_the_new_one(capsys):
    assert main(["verify", "tbsn-tiny", "--set", "colour=1"]) == 2
    assert "has no option 'colour'" in capsys.readouterr().err
