"""Mixed precision: operations are rounded, not what a module is given."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from bsn.engine import LoopConfig, RunFolder, Task, Update, fit
from bsn.engine.devices import make_fabric
from bsn.training import TrainConfig, train


@dataclass(frozen=True)
class Gain:
    """An argument that is no tensor."""

    value: torch.Tensor


class Seen(nn.Module):
    """Keeps what it was given."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 1)
        self.inputs, self.hidden = [], []

    def forward(self, x, gain):
        self.inputs += [x.dtype, gain.value.dtype]
        y = self.layer(x)
        self.hidden.append(y.dtype)
        return x.mean() + (y * gain.value).mean()


class SeenTask(Task):
    def __init__(self):
        self.modules = {"network": Seen()}

    def optimizers(self):
        return {"main": torch.optim.SGD(self.modules["network"].parameters(), 1e-3)}

    def updates(self, step):
        yield Update([lambda: (self.modules["network"](torch.ones(2, 4), Gain(torch.tensor(2.0))), {})])


def loop(precision, steps=2):
    return LoopConfig(steps=steps, validate_every=0, accelerator="cpu", precision=precision, warmup_steps=0)


@pytest.mark.parametrize(
    ("precision", "hidden"), [("32-true", torch.float32), ("bf16-mixed", torch.bfloat16), ("16-mixed", torch.float16)]
)
def test_inputs_stay_as_they_are(tmp_path, precision, hidden):
    task = SeenTask()
    network = task.modules["network"]
    fit(task, loop(precision), RunFolder(tmp_path / "run"))
    assert set(network.inputs) == {torch.float32}
    assert set(network.hidden) == {hidden}


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed", "16-mixed"])
def test_the_plugin_has_the_precision_of_its_name(precision):
    assert make_fabric(loop(precision))._precision.precision == precision


def test_a_posterior_in_bfloat16(tmp_path):
    """The noise model gets a prediction, which is no tensor."""
    image = np.random.default_rng(0).random((64, 64), dtype=np.float32)
    config = TrainConfig(stride=1, noise="gaussian", noise_read=0.1, crop=32, batch_size=1)
    for name in ("32-true", "bf16-mixed"):
        train(image, tmp_path / name, config, loop(name, steps=3), axes="YX")
    exact, rounded = (load_file(tmp_path / name / "final.safetensors") for name in ("32-true", "bf16-mixed"))
    assert exact.keys() == rounded.keys()
    for key, tensor in exact.items():
        torch.testing.assert_close(rounded[key], tensor, rtol=0, atol=0.01)
