"""Settings of the loop that do not depend on what is trained."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

__all__ = ["LoopConfig", "Precision"]

_STEPS = 5800
_VALIDATE_EVERY = 500

Precision = Literal["auto", "32-true", "bf16-mixed", "16-mixed"]


@dataclass(frozen=True)
class LoopConfig:
    """How long, how fast, on what, and what is written on the way.

    Parameters
    ----------
    steps : int, optional
        Length of the run in optimiser steps. None: what suits the network, or 5,800.
    minutes : float, optional
        Length in minutes instead: the speed of the first steps decides the number of steps, and is looked at again during
        the first half. The number is stored in the checkpoint, so that a resumed run has the same schedule.
    seed : int
        Seed of the weights, the crops and everything random.
    schedule : {"cosine", "steps", "constant"}
        Decay after the warm-up: half a cosine down to `floor`; x `gamma` at each milestone; none.
    milestones : tuple of float
        Fractions of the run at which the schedule "steps" changes the rate.
    gamma : float
        Factor of the schedule "steps" at each milestone.
    hold : float
        Fraction of the run before the decay of the schedule "cosine" begins.
    floor : float
        Last rate of the schedule "cosine", as a fraction of the peak.
    warmup_steps : int
        Linear rise from zero.
    clip : float, optional
        Largest norm of the gradient; None does not clip.
    ema : float
        Decay of the exponential moving average of the weights; 0 keeps none.
    validate_every : int, optional
        Steps between validations; with 0 they happen at the end only. None: what suits the task, or 500.
    checkpoint_every : int
        Steps between checkpoints; with 0 they are written at the end only.
    keep : {"auto", "last", "best"}
        Weights that the model of the run gets: those of its last step, or those of its best validation, which is early
        stopping without losing the steps behind it. "auto": what suits the task, or the last ones.
    precision : {"auto", "32-true", "bf16-mixed", "16-mixed"}
        "auto": bfloat16 where the hardware computes in it, float32 elsewhere.
    devices : int
        Processes of each machine, each with its own device and its own `batch_size` samples per step.
    num_nodes : int
        Machines. A launcher starts the processes on each of them: ``torchrun``, SLURM, or whatever sets the variables that
        lightning-fabric reads.
    accelerator : {"auto", "cpu", "gpu"}
        Device that trains; "auto" takes a GPU if there is one.
    tensorboard : bool
        Write TensorBoard events beside metrics.csv (needs the extra "tensorboard").
    deterministic : bool
        Choose reproducible kernels, so that a resumed run ends in the same bits on the same machine.
    graphs : bool
        Whether, on one GPU, to record forward and backward pass of a step as a CUDA graph and replay it: the same
        numbers, without the launches that take most of the time of a small network. Needs memory for one more batch.

    Raises
    ------
    ValueError
        For values outside their range.
    """

    steps: int | None = None
    minutes: float | None = None
    seed: int = 0
    schedule: Literal["cosine", "steps", "constant"] = "cosine"
    milestones: tuple[float, ...] = (0.4, 0.8)
    gamma: float = 0.1
    hold: float = 0.0
    floor: float = 0.01
    warmup_steps: int = 50
    clip: float | None = 1.0
    ema: float = 0.995
    validate_every: int | None = None
    checkpoint_every: int = 200
    keep: Literal["auto", "last", "best"] = "auto"
    precision: Precision = "auto"
    devices: int = 1
    num_nodes: int = 1
    accelerator: Literal["auto", "cpu", "gpu"] = "auto"
    tensorboard: bool = False
    deterministic: bool = True
    graphs: bool = True

    def __post_init__(self) -> None:
        rules = {
            "steps": (self.steps is None or self.steps >= 1, "1 or more"),
            "minutes": (self.minutes is None or self.minutes > 0, "more than 0"),
            "milestones": (all(0 < m <= 1 for m in self.milestones), "fractions of the run in (0, 1]"),
            "gamma": (0 < self.gamma <= 1, "in (0, 1]"),
            "hold": (0 <= self.hold < 1, "in [0, 1)"),
            "floor": (0 <= self.floor <= 1, "in [0, 1]"),
            "warmup_steps": (self.warmup_steps >= 0, "0 or more"),
            "clip": (self.clip is None or self.clip > 0, "more than 0, or null"),
            "ema": (0 <= self.ema < 1, "in [0, 1)"),
            "validate_every": (self.validate_every is None or self.validate_every >= 0, "0 or more"),
            "checkpoint_every": (self.checkpoint_every >= 0, "0 or more"),
            "keep": (self.keep in ("auto", "last", "best"), "auto, last or best"),
            "devices": (self.devices >= 1, "1 or more"),
            "num_nodes": (self.num_nodes >= 1, "1 or more"),
        }
        for name, (legal, range_) in rules.items():
            if not legal:
                raise ValueError(f"{name} {getattr(self, name)} is out of range; use {range_}")

    @property
    def length(self) -> int:
        """Steps of the run, 5,800 where none are named."""
        return _STEPS if self.steps is None else self.steps

    def settled(self) -> LoopConfig:
        """The same with what no task has decided: validation every 500 steps, and the weights of the last one."""
        return replace(
            self,
            validate_every=_VALIDATE_EVERY if self.validate_every is None else self.validate_every,
            keep="last" if self.keep == "auto" else self.keep,
        )
