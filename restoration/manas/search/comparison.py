"""Train genotypes alike and compare them."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bsn.data import atomic_output, writing
from bsn.engine import LoopConfig
from bsn.models import Model, count_parameters
from restoration.config import RestoreConfig
from restoration.manas.genotype.genotype import Genotype
from restoration.manas.search.cost import genotype_cost
from restoration.run import PairData, ValidationData, train

__all__ = ["Compared", "train_alike"]


@dataclass(frozen=True)
class Compared:
    """One trained genotype: size, work per pixel, and its numbers on the validation pairs."""

    name: str
    parameters: int
    macs: float
    validation: Mapping[str, float]


def train_alike(
    genotypes: Mapping[str, Genotype],
    pairs: PairData,
    output: Path,
    config: RestoreConfig,
    loop: LoopConfig,
    *,
    validate: ValidationData | None = None,
    say: Callable[[str], None] = print,
    **reading: Any,
) -> list[Compared]:
    """Train networks of several genotypes with the same data, crops, seed and steps.

    Parameters
    ----------
    genotypes : mapping of str to Genotype
        Genotypes by name.
    pairs : PairData
        Training pairs.
    output : Path
        ``<name>.json`` is written here, ``<name>/`` is the run; a run that has ended is not repeated, so that a comparison that
        was stopped goes on. ``comparison.json`` has the result.
    config : RestoreConfig
        Its model is "manas" or a preset of it; the genotype is set here.
    loop : LoopConfig
        Settings of each training.
    validate : ValidationData, optional
        Validation pairs; by default some backgrounds are held back, the same for all.
    say : callable
        Told a line per result.
    **reading
        How files are read: ``axes``, ``key``, ``nan`` and ``value_range`` of :func:`restoration.train`.

    Returns
    -------
    list of Compared
        Results in the order of `genotypes`.
    """
    with writing(output):
        output.mkdir(parents=True, exist_ok=True)
    rows = []
    for name, genotype in genotypes.items():
        path, run = output / f"{name}.json", output / name
        genotype.save(path)
        if not (run / "final.safetensors").is_file():
            chosen = dataclasses.replace(config, genotype=str(path))
            train(pairs, run, chosen, loop, validate=validate, resume=(run / "last.ckpt").is_file(), **reading)
        model = Model.load(run)
        numbers = dict(model.provenance.get("validation", {}))
        rows.append(Compared(name, count_parameters(model.network), genotype_cost(genotype), numbers))
        say(f"{name}: " + ", ".join(f"{key} {value:.3f}" for key, value in numbers.items()))
    text = json.dumps([asdict(row) for row in rows], indent=1) + "\n"
    with atomic_output(output / "comparison.json", overwrite=True) as partial, writing(output):
        partial.write_text(text, encoding="utf-8")
    return rows
