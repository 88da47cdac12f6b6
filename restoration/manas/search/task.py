"""The search as a task of the engine: steps of the architecture and of the weights take turns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from typing_extensions import override

from bsn.data import CropBatch, GroupedCrops
from bsn.engine import Update
from bsn.training import CropTask
from restoration.manas.genotype.derive import derive
from restoration.manas.genotype.genotype import Genotype
from restoration.manas.search.config import SearchConfig
from restoration.manas.search.cost import cost_table
from restoration.manas.search.losses import mean_entropy, search_loss
from restoration.manas.search.report import architecture_numbers, architecture_table, print_table, write_picture
from restoration.manas.search.second_order import WeightStep, look_ahead_gradient
from restoration.manas.search.supernet import Supernet

__all__ = ["SearchTask", "weight_optimizer"]

_MOMENTUM = 0.9

Halves = tuple[CropBatch, CropBatch]


def weight_optimizer(config: SearchConfig, supernet: Supernet) -> Optimizer:
    """Optimiser of the weights of a supernet.

    Parameters
    ----------
    config : SearchConfig
        Kind of the optimiser, learning rate and weight decay.
    supernet : Supernet
        Network of all choices.

    Returns
    -------
    Optimizer
    """
    options: dict[str, Any] = {"lr": config.learning_rate, "weight_decay": config.weight_decay}
    if config.weight_optimizer == "sgd":
        return torch.optim.SGD(supernet.body.parameters(), momentum=_MOMENTUM, **options)
    return torch.optim.Adam(supernet.body.parameters(), **options)


class SearchTask(CropTask[Halves]):
    """Train the weights of a supernet on one half of the data, its architecture on the other.

    Parameters
    ----------
    supernet : Supernet
        Network of all choices, with its architecture.
    halves : tuple of GroupedCrops
        Crops for the weights, and for the architecture.
    config : SearchConfig
        Settings of the training.
    total : int
        Steps of the run.
    about : mapping, optional
        Goes into the genotype.
    """

    averaged = ()
    unscheduled = ("architecture",)
    monitor = "none"

    def __init__(
        self,
        supernet: Supernet,
        halves: tuple[GroupedCrops, GroupedCrops],
        config: SearchConfig,
        total: int,
        about: Mapping[str, Any] | None = None,
    ) -> None:
        def batches(step: int, rank: int, world_size: int) -> Halves:
            place = (config.backgrounds, rank, world_size)
            return halves[0].batch(step, *place), halves[1].batch(step, *place)

        super().__init__({"network": supernet}, batches, stop=total)
        self.supernet, self.halves, self.config, self.total = supernet, halves, config, total
        self.costs = cost_table(
            config.shape, config.cost, channels=supernet.channels, names=supernet.architecture.names
        )
        self.about = dict(about or {})
        self._optimizers: dict[str, Optimizer] = {}

    @override
    def optimizers(self) -> dict[str, Optimizer]:
        """One optimiser of the weights, one of the architecture."""
        config = self.config
        main = weight_optimizer(config, self.supernet)
        architecture = torch.optim.Adam(
            self.supernet.architecture.parameters(),
            lr=config.architecture_rate,
            betas=config.architecture_betas,
            weight_decay=config.architecture_decay,
        )
        self._optimizers = {"main": main, "architecture": architecture}
        return self._optimizers

    @override
    def updates(self, step: int) -> Iterator[Update]:
        """After the warm-up the architecture, always the weights."""
        for_weights, for_architecture = self.next_batch(step)
        internal = self.config.internal if step >= self.config.internal_from * self.total else 0.0
        if step >= self.config.warmup * self.total:
            yield Update(
                [lambda: self._architecture_loss(for_weights, for_architecture, internal)],
                "architecture",
                for_architecture.names,
            )
        yield Update([lambda: self._weight_loss(for_weights, internal)], "main", for_weights.names)

    def _images(self, batch: CropBatch, internal: float) -> Tensor:
        if batch.targets is None:
            raise ValueError("these crops have no targets; search on pairs")
        degraded, clean = self.tensor(batch.pixels), self.tensor(batch.targets)
        outputs = self.modules["network"](degraded).to(clean.dtype)
        return search_loss(outputs, clean, self.config.group_size, internal=internal)

    def _weight_loss(self, batch: CropBatch, internal: float) -> tuple[Tensor, Mapping[str, float]]:
        self._focus(architecture=False)
        self.supernet.train()
        return self._images(batch, internal), {}

    def _architecture_loss(
        self, for_weights: CropBatch, for_architecture: CropBatch, internal: float
    ) -> tuple[Tensor, Mapping[str, float]]:
        second = self.config.order == "second"
        self._focus(architecture=True, weights=second)
        self.supernet.train(self.config.architecture_statistics == "batch")
        if second:
            loss = self._second_order(
                lambda: self._images(for_weights, internal), lambda: self._images(for_architecture, internal)
            )
        else:
            loss = self._images(for_architecture, internal)
        architecture = self.supernet.architecture
        entropy = mean_entropy(architecture.alpha) + mean_entropy(architecture.beta)
        cost = self.costs.relative(*architecture.probabilities())
        numbers = {"entropy": float(entropy.detach()), "relative_cost": float(cost.detach())}
        return loss + self.config.entropy * entropy + self.config.complexity * cost, numbers

    def _second_order(self, training: Callable[[], Tensor], validation: Callable[[], Tensor]) -> Tensor:
        """A loss with the value of the validation loss after a step, and with the gradient through that step."""
        main, parameters = self._optimizers["main"], list(self.supernet.architecture.parameters())
        weights = list(self.supernet.body.parameters())
        group, sgd = main.param_groups[0], self.config.weight_optimizer == "sgd"
        velocity = [main.state.get(w, {}).get("momentum_buffer") for w in weights] if sgd else None
        step = WeightStep(group["lr"], _MOMENTUM if sgd else 0.0, group["weight_decay"], velocity)
        loss, gradients = look_ahead_gradient(training, validation, weights, parameters, step)
        slope = sum(((p * g).sum() for p, g in zip(parameters, gradients, strict=True)), torch.zeros_like(loss))
        return loss + slope - slope.detach()

    def _focus(self, *, architecture: bool, weights: bool | None = None) -> None:
        """Leave out gradients that the next update does not use. Several processes need the same graph at every step."""
        if self.workers.world_size > 1:
            return
        self.supernet.architecture.requires_grad_(architecture)
        self.supernet.body.requires_grad_(not architecture if weights is None else weights)

    def genotype(self, facts: Mapping[str, Any] | None = None) -> Genotype:
        """Derive a genotype from the current architecture.

        Parameters
        ----------
        facts : mapping, optional
            Notes that the genotype carries, beside those of the task.

        Returns
        -------
        Genotype
        """
        architecture = self.supernet.architecture
        return derive(
            architecture.alpha.cpu(),
            architecture.beta.cpu(),
            self.config.shape,
            mode=self.config.derive,
            exclude_none=self.config.exclude_none,
            names=architecture.names,
            about={**self.about, **dict(facts or {})},
        )

    @override
    def validate(self, step: int, modules: Mapping[str, nn.Module], samples: Path) -> dict[str, float]:
        """Numbers of the architecture; its table goes to the terminal, its picture to `samples`."""
        numbers = architecture_numbers(self.supernet.architecture, self.costs)
        genotype = self.genotype()
        cost = self.costs.of(genotype)
        title = f"step {step}: {self.config.cost} {cost:,.0f}, expected {numbers[f'expected_{self.config.cost}']:,.0f}"
        print_table(architecture_table(self.supernet.architecture, title))
        for path in (samples / f"architecture_{step:07d}.svg", samples.parent / "architecture.svg"):
            write_picture(genotype, path)
        return {**numbers, self.config.cost: cost}

    @override
    def save(self, path: Path, modules: Mapping[str, nn.Module], facts: Mapping[str, Any]) -> None:
        """Write genotype.json, its drawing and the architecture's numbers beside `path`; the weights are not kept."""
        from safetensors.torch import save as serialise

        from bsn.data import atomic_output, writing

        told = {key: value for key, value in facts.items() if key not in ("seconds", "validation")}
        genotype = self.genotype({"search": told, self.config.cost: self.costs.of(self.genotype())})
        genotype.save(path.parent / "genotype.json")
        write_picture(genotype, path.parent / "genotype.svg")
        state = {name: value.detach().cpu() for name, value in self.supernet.architecture.state_dict().items()}
        target = path.parent / "architecture.safetensors"
        with atomic_output(target, overwrite=True) as partial, writing(target):
            partial.write_bytes(serialise(state))
