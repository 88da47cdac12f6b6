"""Strengths drawn at random, small ones as often as large ones."""

import numpy as np

__all__ = ["log_uniform"]


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """Draw a number whose logarithm is uniform, so that every doubling is as likely as any other.

    Parameters
    ----------
    rng : numpy.random.Generator
        It gives one number.
    low, high : float
        Limits, both more than 0.

    Returns
    -------
    float
        From `low` to `high`.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> drawn = [log_uniform(rng, 1, 100) for _ in range(1000)]
    >>> 400 < sum(value < 10 for value in drawn) < 600
    True
    """
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))
