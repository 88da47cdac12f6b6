"""The last lines of a run, which one of its processes says."""

import pytest

from bsn.cli.outcome import say, tell_outcome
from bsn.engine import FitResult, is_first_process

RESULT = FitResult(12, 90.0, {"val_loss": 0.25}, 0.125, 8, 8)


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    for name in ("RANK", "LOCAL_RANK", "NODE_RANK"):
        monkeypatch.delenv(name, raising=False)


def test_length_numbers_and_what_to_do_next(capsys):
    tell_outcome("trained", RESULT, ["model: run/final.safetensors"])
    assert capsys.readouterr().out.splitlines() == [
        "trained 12 steps in 1.5 minutes",
        "  val_loss 0.25",
        "  best validation 0.125 at step 8 (best.safetensors)",
        "  the model has the weights of step 8: later ones fit the training crops alone",
        "model: run/final.safetensors",
    ]


@pytest.mark.parametrize("variable", ["RANK", "LOCAL_RANK", "NODE_RANK"])
def test_of_several_processes_the_first_speaks(capsys, monkeypatch, variable):
    monkeypatch.setenv(variable, "0")
    assert is_first_process()
    monkeypatch.setenv(variable, "1")
    assert not is_first_process()
    say("twice")
    tell_outcome("trained", RESULT, ["model"])
    assert capsys.readouterr().out == ""
