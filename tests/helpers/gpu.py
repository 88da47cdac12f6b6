"""Runs on a GPU and on the CPU, side by side."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bsn.engine import LoopConfig

NEEDS_GPU = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]
ACCELERATORS = {"cpu": {"accelerator": "cpu"}, "recorded": {"accelerator": "gpu"}, "launched": {"graphs": False}}


def losses_of(run: Path) -> np.ndarray:
    """Loss of each step of a run."""
    with open(run / "metrics.csv", newline="") as file:
        return np.array([float(row["loss"]) for row in csv.DictReader(file) if row.get("loss")])


def assert_a_gpu_takes_the_steps_of_the_cpu(
    train: Callable[[Path, LoopConfig], Any], folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Assert that eight steps in float32 have the same losses, and the same bits with and without CUDA graphs."""
    losses = {}
    for name, options in ACCELERATORS.items():
        loop = LoopConfig(steps=8, warmup_steps=0, precision="32-true", validate_every=0, **options)
        train(folder / name, loop)
        losses[name] = losses_of(folder / name)
    assert "no CUDA graph" not in caplog.text
    assert len(losses["cpu"]) == 8
    size = np.abs(losses["cpu"]).mean()
    np.testing.assert_allclose(losses["recorded"], losses["cpu"], rtol=5e-3, atol=5e-3 * size)
    np.testing.assert_array_equal(losses["recorded"], losses["launched"])
