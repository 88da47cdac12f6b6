"""A supernet that is trained along random paths, and the evolution on its weights.

One path a step, all choices alike: Guo et al., "Single Path One-Shot Neural Architecture Search with Uniform Sampling",
ECCV 2020. The weights that a mixture trains fit the mixture; those that a path trains fit paths.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from typing_extensions import override

from bsn.data import CropBatch, GroupedCrops
from bsn.engine import LoopConfig, Update
from bsn.training import CropTask
from restoration.manas.genotype.choices import Choices
from restoration.manas.search.chance import draw_of_config, wanted_cost
from restoration.manas.search.config import SearchConfig
from restoration.manas.search.cost import cost_table
from restoration.manas.search.evolution import Scored, evolve
from restoration.manas.search.losses import search_loss
from restoration.manas.search.mutation import Mutation
from restoration.manas.search.report import say, write_picture, write_table
from restoration.manas.search.supernet import Supernet
from restoration.manas.search.task import weight_optimizer

__all__ = ["OneShotTask", "PathScore", "random_path"]


def random_path(supernet: Supernet, names: Sequence[str], generator: np.random.Generator) -> Choices:
    """Draw a path, all choices alike.

    Parameters
    ----------
    supernet : Supernet
        Network of all choices.
    names : sequence of str
        Candidates to draw from.
    generator : numpy.random.Generator
        Source of the draws.

    Returns
    -------
    Choices
        Numbers of the supernet's modules and candidates.
    """
    architecture = supernet.architecture
    allowed = [architecture.names.index(name) for name in names]
    modules = generator.integers(architecture.alpha.shape[1], size=len(architecture.alpha))
    edges = generator.choice(allowed, size=len(architecture.beta))
    return Choices(tuple(modules.tolist()), tuple(edges.tolist()))


class PathScore:
    """PSNR of paths on the same crops, with the weights of a supernet and the batch statistics of these crops.

    Parameters
    ----------
    supernet : Supernet
        Network of all choices.
    batch : CropBatch
        Crops with targets, all of which are one batch.
    """

    def __init__(self, supernet: Supernet, batch: CropBatch) -> None:
        if batch.targets is None:
            raise ValueError("these crops have no targets; search on pairs")
        device = next(supernet.parameters()).device
        self.supernet = supernet
        self.degraded, self.clean = (torch.from_numpy(pixels).to(device) for pixels in (batch.pixels, batch.targets))

    @torch.no_grad()
    def __call__(self, path: Choices) -> float:
        """Score a path.

        Parameters
        ----------
        path : Choices
            Numbers of the supernet's modules and candidates.

        Returns
        -------
        float
            Mean PSNR of the crops in dB.
        """
        training = self.supernet.training
        outputs = self.supernet.train()(self.degraded, path).clamp(0, 1)
        self.supernet.train(training)
        errors = (outputs - self.clean).square().mean((1, 2, 3)).clamp_min(1e-10)
        return float(-10 * errors.log10().mean())


class OneShotTask(CropTask[CropBatch]):
    """Train the weights of a supernet along random paths; at the end, evolve networks on them.

    Parameters
    ----------
    supernet : Supernet
        Network of all choices; its architecture stays as it is.
    halves : tuple of GroupedCrops
        Crops for the weights, and for the scores.
    config : SearchConfig
        Settings of the search.
    loop : LoopConfig
        Its seed and its number of steps.
    about : mapping, optional
        Goes into the genotype.
    """

    averaged = ()
    monitor = "none"

    def __init__(
        self,
        supernet: Supernet,
        halves: tuple[GroupedCrops, GroupedCrops],
        config: SearchConfig,
        loop: LoopConfig,
        about: Mapping[str, Any] | None = None,
    ) -> None:
        def batches(step: int, rank: int, world_size: int) -> CropBatch:
            return halves[0].batch(step, config.backgrounds, rank, world_size)

        super().__init__({"network": supernet}, batches, stop=loop.length)
        self.supernet, self.halves, self.config = supernet, halves, config
        self.seed, self.total, self.about = loop.seed, loop.length, dict(about or {})

    @override
    def optimizers(self) -> dict[str, Optimizer]:
        """One optimiser of the weights."""
        return {"main": weight_optimizer(self.config, self.supernet)}

    @override
    def updates(self, step: int) -> Iterator[Update]:
        """One update of the weights along one path."""
        batch = self.next_batch(step)
        path = random_path(self.supernet, self.config.names, np.random.default_rng((self.seed, step)))
        internal = self.config.internal if step >= self.config.internal_from * self.total else 0.0
        yield Update([lambda: self._loss(batch, path, internal)], "main", batch.names)

    def _loss(self, batch: CropBatch, path: Choices, internal: float) -> tuple[Tensor, Mapping[str, float]]:
        if batch.targets is None:
            raise ValueError("these crops have no targets; search on pairs")
        degraded, clean = self.tensor(batch.pixels), self.tensor(batch.targets)
        self.supernet.architecture.requires_grad_(False)
        outputs = self.modules["network"](degraded, path).to(clean.dtype)
        return search_loss(outputs, clean, self.config.group_size, internal=internal), {}

    def path_score(self) -> PathScore:
        """Score of paths on fixed crops of the backgrounds that the weights never see."""
        count = -(-self.config.evolution.crops // self.config.group_size)
        return PathScore(self.supernet, self.halves[1].batch(0, count))

    @override
    def validate(self, step: int, modules: Mapping[str, nn.Module], samples: Path) -> dict[str, float]:
        """Scores of a few random paths, always the same."""
        generator, score = np.random.default_rng(self.seed), self.path_score()
        scores = [score(random_path(self.supernet, self.config.names, generator)) for _ in range(8)]
        return {"path_psnr": float(np.mean(scores)), "path_psnr_spread": float(np.std(scores))}

    def evolved(self) -> list[Scored[Choices]]:
        """Evolve networks of the cost that is asked for.

        Returns
        -------
        list of Scored
            All that were scored, by numbers of the supernet's candidates.
        """
        config, names = self.config, self.config.names
        channels = self.supernet.channels
        table = cost_table(config.shape, config.cost, channels=channels, names=names)
        first = draw_of_config(config, config.evolution.population, channels, self.seed)
        score, own = self.path_score(), self.supernet.architecture.names
        numbers = tuple(own.index(name) for name in names)

        def shared(choices: Choices) -> float:
            return score(Choices(choices.modules, tuple(numbers[edge] for edge in choices.edges)))

        mutate = Mutation(table, wanted_cost(config, channels), config.tolerance)
        population = [Choices.of(genotype, names) for genotype in first]
        return evolve(population, shared, mutate, config.evolution, self.seed)

    @override
    def save(self, path: Path, modules: Mapping[str, nn.Module], facts: Mapping[str, Any]) -> None:
        """Evolve; write genotype.json, its drawing and evolution.csv beside `path`."""
        say(f"evolution of up to {self.config.evolution.evaluations} networks on the shared weights")
        scored = self.evolved()
        best = max(scored, key=lambda entry: entry.score)
        say(f"{len(scored)} networks scored, the best with {best.score:.3f} dB")
        names = self.config.names
        table = cost_table(self.config.shape, self.config.cost, channels=self.supernet.channels, names=names)
        told = {key: value for key, value in facts.items() if key not in ("seconds", "validation")}
        genotype = best.individual.genotype(
            self.config.shape,
            names,
            {
                **self.about,
                "search": {"strategy": "evolution", **told, "evaluations": len(scored), "path_psnr": best.score},
                self.config.cost: table.of(best.individual.genotype(self.config.shape, names)),
            },
        )
        genotype.save(path.parent / "genotype.json")
        write_picture(genotype, path.parent / "genotype.svg")
        _write_history(scored, names, path.parent / "evolution.csv")


def _write_history(scored: Sequence[Scored[Choices]], names: Sequence[str], path: Path) -> None:
    rows: list[list[object]] = []
    for number, entry in enumerate(scored):
        edges = " ".join(names[edge] for edge in entry.individual.edges)
        kinds = "".join("PF"[module] for module in entry.individual.modules)
        parent = "" if entry.parent is None else entry.parent
        rows.append([number, parent, f"{entry.score:.4f}", kinds, edges])
    write_table(path, ["number", "parent", "path_psnr", "modules", "edges"], rows)
