"""Schedule, averaging, metrics file, settings."""

import csv

import pytest
import torch

from bsn.engine import LoopConfig
from bsn.engine.averaging import make_average, update_average
from bsn.engine.metrics_file import MetricsFile
from bsn.engine.schedule import learning_rate_factor


def test_published_schedule():
    config = LoopConfig(schedule="steps", milestones=(0.4, 0.8), warmup_steps=0)
    factors = [learning_rate_factor(s, 100_000, config) for s in (0, 39_999, 40_000, 79_999, 80_000, 99_999)]
    assert factors == pytest.approx([1, 1, 0.1, 0.1, 0.01, 0.01])


def test_cosine_falls_to_one_percent_after_a_linear_rise():
    config = LoopConfig(schedule="cosine", warmup_steps=10)
    factors = [learning_rate_factor(s, 1000, config) for s in range(1000)]
    assert factors[:3] == pytest.approx([0.1, 0.2, 0.3], rel=1e-2)
    assert factors[500] == pytest.approx(0.505, abs=1e-3)
    assert factors[-1] == pytest.approx(0.01, abs=1e-3)
    assert all(a >= b for a, b in zip(factors[10:], factors[11:], strict=False))


def test_average_follows_the_recursion_and_forgets_the_start():
    module = torch.nn.Linear(1, 1, bias=False)
    module.weight.data.fill_(5.0)
    average = make_average(module)
    assert not average.weight.requires_grad
    expected = 5.0
    for step, value in enumerate([1.0, 2.0, 3.0, 4.0]):
        module.weight.data.fill_(value)
        update_average(average, module, 0.9, step)
        decay = min(0.9, (step + 1) / (step + 10))
        expected = decay * expected + (1 - decay) * value
        assert float(average.weight) == pytest.approx(expected, rel=1e-6)


def test_average_copies_buffers():
    module = torch.nn.BatchNorm1d(2)
    average = make_average(module)
    module.running_mean.fill_(7.0)
    update_average(average, module, 0.9, 0)
    assert (average.running_mean == 7).all()


def test_columns_may_grow_and_lost_rows_are_dropped(tmp_path):
    path = tmp_path / "metrics.csv"
    file = MetricsFile(path, 0)
    for step in range(1, 6):
        file.add({"step": step, "loss": step / 2})
    file.add({"step": 5, "val_loss": 9.0})
    file.close()
    again = MetricsFile(path, 3)
    again.add({"step": 4, "loss": 8.0})
    again.close()
    with path.open(newline="") as opened:
        rows = list(csv.DictReader(opened))
    assert [(r["step"], r["loss"], r["val_loss"]) for r in rows] == [
        ("1", "0.5", ""),
        ("2", "1.0", ""),
        ("3", "1.5", ""),
        ("4", "8.0", ""),
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 0}, "steps 0 is out of range; use 1 or more"),
        ({"ema": 1.0}, r"ema 1.0 is out of range; use in \[0, 1\)"),
        ({"minutes": 0.0}, "minutes 0.0 is out of range"),
        ({"milestones": (2.0,)}, "milestones .* fractions of the run"),
        ({"devices": 0}, "devices 0"),
    ],
)
def test_settings_out_of_range(options, message):
    with pytest.raises(ValueError, match=message):
        LoopConfig(**options)
