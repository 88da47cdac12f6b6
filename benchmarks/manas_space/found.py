"""Searches with several seeds, and the networks that they find, trained as those of the table were."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from benchmarks.manas_space.setting import LOOP, SEARCH, SHAPE, TOLERANCE, Images, Rows, chance, trained
from bsn.engine import LoopConfig
from restoration.manas.genotype import Choices, Genotype
from restoration.manas.network import MANAS, MANASConfig
from restoration.manas.search import (
    EvolutionConfig,
    SearchConfig,
    build_one_shot,
    cost_table,
    gradient_norm,
    search,
    synflow,
    uniform_cost,
)

MIXED_STEPS, PATH_STEPS = 100, 600
_WEIGHTS = replace(SEARCH, architecture_rate=3e-2, warmup=0.3)

METHODS: dict[str, tuple[SearchConfig, int]] = {
    "evolution": (
        replace(
            SEARCH,
            strategy="evolution",
            target=uniform_cost(SHAPE),
            tolerance=TOLERANCE,
            evolution=EvolutionConfig(population=24, sample=6, evaluations=150, crops=32),
        ),
        PATH_STEPS,
    ),
    "weights": (_WEIGHTS, MIXED_STEPS),
    # The same search with one thing changed.
    "second order": (replace(_WEIGHTS, order="second"), MIXED_STEPS),
    "faster logits": (replace(_WEIGHTS, architecture_rate=0.3), MIXED_STEPS),
    "more entropy": (replace(_WEIGHTS, entropy=0.3), MIXED_STEPS),
    "no further terms": (replace(_WEIGHTS, entropy=0.0, complexity=0.0, internal=0.0), MIXED_STEPS),
    "three times as long": (_WEIGHTS, 3 * MIXED_STEPS),
    "longer warm-up": (replace(_WEIGHTS, warmup=0.7), 2 * MIXED_STEPS),
}


def find(where: Images, runs: Path, seeds: int, repeats: int, genotypes: int, methods: Sequence[str]) -> None:
    """Search by some methods with every seed; train what was found with a few seeds."""
    found, rows = Rows(runs / "searches.json"), Rows(runs / "found.json")
    for seed, method in itertools.product(range(seeds), methods):
        genotype, told = _searched(method, seed, where, runs, genotypes)
        found.add({"name": f"{method}, seed {seed}", "method": method, "seed": seed, **told})
        row = trained(_folder(method, seed) + "_seed0", genotype, 0, where, runs)
        rows.add({"method": method, "search_seed": seed, **row})
    for repeat, seed, method in itertools.product(range(1, repeats), range(seeds), methods):
        genotype, _ = _searched(method, seed, where, runs, genotypes)
        row = trained(f"{_folder(method, seed)}_seed{repeat}", genotype, repeat, where, runs)
        rows.add({"method": method, "search_seed": seed, **row})


def _folder(method: str, seed: int) -> str:
    return f"{method.replace(', ', '_').replace(' ', '_')}_{seed}"


def _loop(seed: int, steps: int) -> LoopConfig:
    return replace(LOOP, seed=seed, steps=steps, ema=0.0, clip=5.0, validate_every=0)


def _searched(method: str, seed: int, where: Images, runs: Path, genotypes: int) -> tuple[Genotype, dict[str, Any]]:
    folder, (config, steps) = runs / "searches" / _folder(method, seed), METHODS[method]
    clock = folder / "processor_seconds"
    if not clock.is_file():
        before = time.process_time()
        search(where.search, folder, config, _loop(seed, steps))
        clock.write_text(f"{time.process_time() - before:.1f}\n")
    genotype = Genotype.load(folder / "genotype.json")
    told: dict[str, Any] = {"steps": steps, "seconds": float(clock.read_text()), "about": genotype.about}
    if config.strategy == "weights":
        genotype, numbers = _of_this_cost(folder)
        told |= numbers
    else:
        told["path_psnr_of_table"] = _shared_scores(folder, config, seed, steps, where, genotypes)
    return genotype, told


def _of_this_cost(folder: Path) -> tuple[Genotype, dict[str, Any]]:
    """The likeliest network of the cost of the table: all choices by weight, the modules as far as the cost allows."""
    state = load_file(folder / "architecture.safetensors")
    alpha, beta = state["alpha"].log_softmax(1), state["beta"].clone()
    numbers = {
        "largest_edge_weight": float(beta.softmax(1).max(1).values.mean()),
        "largest_module_weight": float(alpha.exp().max(1).values.mean()),
        "spread_of_logits": float(beta.std(1).mean()),
    }
    table, target = cost_table(SHAPE), uniform_cost(SHAPE)
    beta[:, table.names.index("none")] = float("-inf")
    edges = tuple(beta.argmax(1).tolist())
    options = [Choices(kinds, edges) for kinds in itertools.product((0, 1), repeat=len(alpha))]

    def distance(choices: Choices) -> tuple[bool, float]:
        cost = table.of_indices(torch.tensor(choices.modules), torch.tensor(choices.edges))
        likelihood = sum(float(alpha[place, kind]) for place, kind in enumerate(choices.modules))
        return abs(cost - target) > 2 * TOLERANCE * target, -likelihood

    return min(options, key=distance).genotype(SHAPE, table.names), numbers


def _shared_scores(
    folder: Path, config: SearchConfig, seed: int, steps: int, where: Images, genotypes: int
) -> list[float]:
    """Scores of the genotypes of the table with the weights of the supernet."""
    task = build_one_shot(where.search.open(), config, _loop(seed, steps))
    state = torch.load(folder / "last.ckpt", weights_only=True)["modules"]["network"]
    task.supernet.load_state_dict(state)
    score, names = task.path_score(), task.supernet.architecture.names
    return [score(Choices.of(genotype, names)) for genotype in chance(genotypes)]


def untrained(where: Images, count: int) -> dict[str, list[float]]:
    """Scores of the genotypes of the table before any training."""
    task = build_one_shot(where.search.open(), SEARCH, LOOP)
    batch = task.halves[0].batch(0, 4)
    assert batch.targets is not None
    degraded, clean = torch.from_numpy(batch.pixels), torch.from_numpy(batch.targets)
    scores: dict[str, list[float]] = {"gradient": [], "synflow": []}
    for genotype in chance(count):
        torch.manual_seed(0)
        network = MANAS(MANASConfig(genotype))
        scores["gradient"].append(gradient_norm(network, degraded, clean))
        scores["synflow"].append(synflow(network, (3, 32, 32)))
    return scores
