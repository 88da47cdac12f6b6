"""Successive halving over random genotypes: every candidate is a training of its own, which goes on where it was left."""

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path

import torch

from bsn.data import MirroredSource, RandomCrops, subset
from bsn.engine import (
    Interrupted,
    LoopConfig,
    Progress,
    RunError,
    RunFolder,
    RunSettings,
    fit,
    load_checkpoint,
    plain,
    save_checkpoint,
)
from bsn.training import MendedSource, divide_groups
from restoration.config import RestoreConfig
from restoration.manas.genotype.genotype import Genotype
from restoration.manas.network import MANAS, MANASConfig
from restoration.manas.search.chance import draw_of_config
from restoration.manas.search.config import SearchConfig
from restoration.manas.search.cost import genotype_cost
from restoration.manas.search.halving import Trial, halve, rungs_of, total_steps, winner
from restoration.manas.search.proxies import gradient_norm, synflow
from restoration.manas.search.report import say, write_picture, write_table
from restoration.recipes import get_recipe
from restoration.run import TrainingPairs, build_task

__all__ = ["HalvingSearch"]

_AVERAGED = 0.2  # of the shortest training is what the average of the weights spans
_FILTER_CROPS = 8


class HalvingSearch:
    """A search by successive halving in the folder of a run.

    Parameters
    ----------
    source : PairSource or PackedPairs
        Opened pairs.
    folder : RunFolder
        ``candidates/`` in it holds the trainings, ``halving.csv`` their scores.
    config : SearchConfig
        Settings of the search.
    loop : LoopConfig
        Settings of each training; its steps are those of the longest.

    Raises
    ------
    ValueError
        If the settings do not fit together.
    """

    def __init__(self, source: TrainingPairs, folder: RunFolder, config: SearchConfig, loop: LoopConfig) -> None:
        self.source, self.folder, self.config, self.asked = source, folder, config, loop
        self.rungs = rungs_of(config.halving, loop.length)
        shortest = self.rungs[0].steps
        self.loop = dataclasses.replace(
            loop,
            steps=self.rungs[-1].steps,
            ema=max(1 - 1 / (_AVERAGED * shortest), 0.0),
            validate_every=shortest,
            keep="last",
        )
        self.held = self._held_back()
        self.trials: list[Trial] = []

    def _held_back(self) -> list[int]:
        """Pairs on which candidates are compared: the same for all of them."""
        groups, wanted = self.source.groups, self.config.halving.validation_images
        _, names = divide_groups(list(dict.fromkeys(groups)), self.config.architecture_share, self.loop.seed)
        held: list[int] = []
        for name in names:
            if len(held) < wanted:
                held += [index for index, group in enumerate(groups) if group == name]
        return sorted(held)

    def run(self, settings: RunSettings, *, resume: bool = False) -> Genotype:
        """Search, or go on with a search.

        Parameters
        ----------
        settings : RunSettings
            What is stored of this search.
        resume : bool
            Whether the folder holds a search that was begun.

        Returns
        -------
        Genotype

        Raises
        ------
        RunError, TrainingDiverged, Interrupted
            See :func:`bsn.engine.fit`.
        """
        if resume:
            self._check_length()
        else:
            self.folder.check_new()
            loop = plain(self.asked)
            settings = RunSettings({**settings.settled, **loop}, {**settings.asked, **loop}, settings.facts)
            save_checkpoint(self.folder.checkpoint, {"step": 0, "settings": settings.stored()})
            self.folder.write_text(self.folder.config, settings.text())
        genotypes, steps = self.candidates(), total_steps(self.rungs)
        say(
            f"{len(genotypes)} candidates in {len(self.rungs)} rungs: {steps} training steps in all, as many as "
            f"{steps / self.loop.length:.1f} whole trainings"
        )
        trials = halve(self.rungs, lambda number, steps: self._train(number, genotypes[number], steps), self._tell)
        best = winner(trials)
        genotype = dataclasses.replace(
            genotypes[best.candidate],
            about={
                "searched_pairs": len(self.source),
                "search": {
                    "strategy": "halving",
                    "candidates": len(genotypes),
                    "steps": self.loop.length,
                    "training_steps": steps,
                    "seed": self.loop.seed,
                    "val_psnr": best.score,
                },
                self.config.cost: genotype_cost(
                    genotypes[best.candidate], self.config.cost, channels=self.source.channels
                ),
            },
        )
        genotype.save(self.folder.path / "genotype.json")
        write_picture(genotype, self.folder.path / "genotype.svg")
        return genotype

    def _check_length(self) -> None:
        begun = RunSettings.of_run(self.folder).settled.get("steps")
        if begun != self.asked.steps:
            raise RunError(
                f"steps {self.asked.steps}: the rungs of this search are those of {begun} steps; leave --steps out, or start "
                "anew"
            )

    def candidates(self) -> list[Genotype]:
        """Random genotypes of the cost that is asked for; with a filter the best of a pool of them."""
        halving = self.config.halving
        count = halving.candidates if halving.filter == "none" else halving.pool
        drawn = draw_of_config(self.config, count, self.source.channels, self.loop.seed)
        if halving.filter == "none":
            return drawn
        scores = [self._untrained(genotype) for genotype in drawn]
        best = sorted(range(count), key=lambda number: -scores[number])[: halving.candidates]
        return [drawn[number] for number in sorted(best)]

    def _untrained(self, genotype: Genotype) -> float:
        torch.manual_seed(self.loop.seed)
        # A residual network starts with zeros, through which no gradient passes.
        network = MANAS(MANASConfig(genotype, channels=self.source.channels))
        crop = self.config.crop
        if self.config.halving.filter == "synflow":
            return synflow(network, (self.source.channels, crop, crop))
        kept = [index for index in range(len(self.source)) if index not in set(self.held)]
        source = MirroredSource(subset(MendedSource(self.source, "ignore"), kept), crop)
        batch = RandomCrops(source, crop, seed=self.loop.seed).batch(0, _FILTER_CROPS)
        assert batch.targets is not None
        return gradient_norm(network, torch.from_numpy(batch.pixels), torch.from_numpy(batch.targets))

    def _restore_config(self, genotype: Path) -> RestoreConfig:
        config, recipe = self.config, get_recipe(self.config.halving.recipe).train
        return dataclasses.replace(
            recipe,
            genotype=str(genotype),
            crop=config.crop,
            batch_size=config.backgrounds * config.group_size,
            learning_rate=config.learning_rate,
            validation_crop=config.halving.validation_crop,
        )

    def _train(self, number: int, genotype: Genotype, steps: int) -> float:
        """Train a candidate up to a step, unless it was there already, and score it."""
        folder = RunFolder(self.folder.path / "candidates" / f"{number:03d}")
        begun = folder.checkpoint.is_file()
        if not begun or load_checkpoint(folder.checkpoint)["step"] < steps:
            path = folder.path.with_suffix(".json")
            path.parent.mkdir(parents=True, exist_ok=True)
            genotype.save(path)
            config = self._restore_config(path)
            say(f"candidate {number}, up to step {steps} of {self.loop.length}")
            torch.manual_seed(self.loop.seed)
            task = build_task(self.source, config, self.loop, held=self.held)

            def stop(progress: Progress) -> bool:
                return progress.step >= steps - 1  # the step after the wish to stop is finished

            try:
                fit(task, self.loop, folder, resume=begun, settings=RunSettings(plain(config)), watch=stop)
            except Interrupted:
                if load_checkpoint(folder.checkpoint)["step"] < steps:
                    raise
        return _score(folder, steps)

    def _tell(self, trial: Trial) -> None:
        self.trials.append(trial)
        last = trial.rung == len(self.rungs) - 1
        outcome = ("wins" if last else "goes on") if trial.goes_on else "is left"
        say(f"candidate {trial.candidate}: {trial.score:.3f} dB after {trial.steps} steps, {outcome}")
        names = [field.name for field in dataclasses.fields(Trial)]
        rows = [[getattr(each, name) for name in names] for each in self.trials]
        write_table(self.folder.path / "halving.csv", names, rows)


def _score(folder: RunFolder, steps: int) -> float:
    with folder.metrics.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row.get("val_psnr") and int(row["step"]) == steps]
    return float(rows[-1]["val_psnr"])
