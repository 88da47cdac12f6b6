"""A task of the engine without images: fit a line to points that are a pure function of step and sample."""

from __future__ import annotations

import os
import signal

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

from bsn.engine import Task, Update
from bsn.engine.task import Workers


class ToyTask(Task):
    """Linear regression.

    Parameters
    ----------
    batch_size : int
        Samples per process.
    interrupt_at, nan_at : int, optional
        Step at which the process gets SIGINT, or the loss becomes NaN.
    parts : int
        Parts of a batch whose gradients are accumulated.
    """

    def __init__(self, batch_size=4, *, interrupt_at=None, nan_at=None, parts=1, seed=0):
        torch.manual_seed(seed)
        self.modules = {"network": nn.Linear(3, 1)}
        self.batch_size, self.interrupt_at, self.nan_at, self.parts = batch_size, interrupt_at, nan_at, parts
        self.workers = Workers()
        self.saved, self.closed, self.noise = [], False, 0.0

    def start(self, workers):
        self.workers = workers

    def optimizers(self):
        return {"main": torch.optim.AdamW(self.modules["network"].parameters(), lr=0.2)}

    def updates(self, step):
        if step == self.interrupt_at:
            os.kill(os.getpid(), signal.SIGINT)
        self.noise = float(torch.rand(()))  # draws from the global generator, which must be resumed
        first = self.workers.rank * self.batch_size
        samples = [np.random.default_rng([step, first + i]).normal(size=3) for i in range(self.batch_size)]
        x = torch.tensor(np.stack(samples), dtype=torch.float32)
        parts = x.chunk(self.parts)
        yield Update(
            [lambda part=part: self.loss(part, step) for part in parts], batch=[f"sample{first}", f"sample{first}"]
        )

    def loss(self, x, step):
        truth = x @ torch.tensor([1.0, -2.0, 3.0]) + 0.5
        loss = (self.modules["network"](x)[:, 0] - truth).square().mean()
        return loss * float("nan") if step == self.nan_at else loss, {"noise": self.noise}

    def validate(self, step, modules, samples):
        return {"val_loss": float(modules["network"].weight.square().sum())}

    def save(self, path, modules, facts):
        self.saved.append((path.name, dict(facts)))
        save_file(modules["network"].state_dict(), path)

    def state_dict(self):
        return {"noise": self.noise}

    def load_state_dict(self, state):
        self.noise = state["noise"]

    def close(self):
        self.closed = True
