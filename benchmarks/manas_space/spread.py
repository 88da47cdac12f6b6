"""What the scores of random genotypes depend on: the genotype, the seed, or neither alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import fmean, stdev
from typing import Any

import numpy as np

Row = dict[str, Any]


def score_after(row: Row, step: int) -> float:
    """Score on validation backgrounds after a step, in dB."""
    return {int(key): float(value) for key, value in row["psnr"].items()}[step]


def validation_score(row: Row) -> float:
    """Score on validation backgrounds after the last step, in dB."""
    return score_after(row, row["steps"])


def held_out_score(row: Row) -> float:
    """Score on the held-out parts, mean of both sets, in dB."""
    return float(row["test"]["mean"])


SCORES: dict[str, Callable[[Row], float]] = {"validation": validation_score, "held_out": held_out_score}


def spread(table: Sequence[Row]) -> dict[str, dict[str, float]]:
    """Standard deviations in dB: between genotypes trained with one seed, and the parts of it.

    All genotypes of a seed see the same crops, so that seeds shift them together. The genotypes that were trained with every
    seed are therefore analysed in both ways at once (two-way analysis of variance without replication).
    """
    return {name: _spread(table, score) for name, score in SCORES.items()}


def _spread(table: Sequence[Row], score: Callable[[Row], float]) -> dict[str, float]:
    found = {"genotypes_of_one_seed": stdev(score(row) for row in table if row["seed"] == 0)}
    scores = _every_seed(table, score)
    if min(scores.shape) < 2:
        return found
    genotypes, seeds = scores.shape
    by_genotype, by_seed, mean = scores.mean(1, keepdims=True), scores.mean(0, keepdims=True), scores.mean()
    rest = float(((scores - by_genotype - by_seed + mean) ** 2).sum() / (genotypes - 1) / (seeds - 1))
    of_genotypes = (by_genotype.var(ddof=1) * seeds - rest) / seeds
    of_seeds = (by_seed.var(ddof=1) * genotypes - rest) / genotypes
    return found | {
        "genotypes": max(0.0, float(of_genotypes)) ** 0.5,
        "seeds": max(0.0, float(of_seeds)) ** 0.5,
        "neither_alone": rest**0.5,
        "repeated_genotypes": genotypes,
        "repeated_seeds": seeds,
    }


def _every_seed(table: Sequence[Row], score: Callable[[Row], float]) -> np.ndarray:
    """Scores (genotypes, seeds) of the genotypes that were trained with every seed."""
    seeds = sorted({row["seed"] for row in table})
    known = {(row["genotype"], row["seed"]): score(row) for row in table}
    numbers = sorted({genotype for genotype, _ in known})
    rows = [[known[number, seed] for seed in seeds] for number in numbers if all((number, s) in known for s in seeds)]
    return np.array(rows).reshape(-1, len(seeds))


def lead(table: Sequence[Row], again: Sequence[Row]) -> dict[str, Any]:
    """Lead in dB of the best genotypes of seed 0 over those that were trained with every seed: with seed 0, and with others."""
    best = sorted({row["genotype"] for row in again})
    others = {row["genotype"] for row in table if row["seed"] > 0}
    seeds = sorted({row["seed"] for row in again})
    chosen = [row for row in table if row["genotype"] in best]
    found: dict[str, Any] = {"genotypes": best, "others": sorted(others), "seeds": seeds}
    for name, score in SCORES.items():

        def at(rows: Sequence[Row], seed: int, score: Callable[[Row], float] = score) -> float:
            return fmean(score(row) for row in rows if row["seed"] == seed)

        base = [row for row in table if row["genotype"] in others]
        found[name] = {
            "seed_of_the_choice": at(chosen, 0) - at(base, 0),
            "other_seeds": fmean(at(again, seed) - at(base, seed) for seed in seeds),
        }
    return found
