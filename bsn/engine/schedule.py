"""Learning rate as a pure function of the step, so that a schedule has no state to save."""

from __future__ import annotations

import math

from bsn.engine.config import LoopConfig

__all__ = ["learning_rate_factor"]


def learning_rate_factor(step: int, total: int, config: LoopConfig) -> float:
    """Fraction of the peak learning rate at a step.

    Parameters
    ----------
    step : int
        0 ... total - 1.
    total : int
        Steps of the whole run.
    config : LoopConfig
        Schedule and warm-up.

    Returns
    -------
    float
        In (0, 1]: linear warm-up, then the decay of ``config.schedule``.

    Examples
    --------
    >>> config = LoopConfig(schedule="steps", milestones=(0.5,), warmup_steps=2)
    >>> [round(learning_rate_factor(s, 8, config), 3) for s in (0, 1, 2, 4, 7)]
    [0.5, 1.0, 1.0, 0.1, 0.1]
    """
    warmup = min(1.0, (step + 1) / max(config.warmup_steps, 1))
    progress = step / total
    if config.schedule == "cosine":
        decayed = max(progress - config.hold, 0.0) / (1 - config.hold)
        decay = config.floor + (1 - config.floor) * 0.5 * (1 + math.cos(math.pi * decayed))
    elif config.schedule == "steps":
        decay = config.gamma ** sum(progress >= milestone for milestone in config.milestones)
    else:
        decay = 1.0
    return warmup * decay
