"""Halving and evolution: they find what was planted, spend what they say, go on after a stop; filters."""

import csv
import dataclasses
import json
import math

import numpy as np
import pytest
import torch
from torch import nn

from bsn.cli import main
from bsn.engine import Interrupted, LoopConfig, RunError, load_checkpoint
from restoration.manas.genotype import Choices, Genotype, shipped_genotype
from restoration.manas.search import (
    EvolutionConfig,
    HalvingConfig,
    Mutation,
    Rung,
    SearchConfig,
    Supernet,
    build_one_shot,
    cost_table,
    draw_genotypes,
    evolve,
    genotype_cost,
    gradient_norm,
    halve,
    random_path,
    rungs_of,
    search,
    synflow,
    total_steps,
    uniform_cost,
)
from restoration.manas.search.chance import draw_of_config, wanted_cost
from restoration.manas.search.halving import winner
from restoration.manas.search.halving_run import HalvingSearch
from restoration.manas.space import Shape
from restoration.models import MANAS

LOOP = LoopConfig(steps=4, warmup_steps=0, precision="32-true", accelerator="cpu", checkpoint_every=0)
HALVING = HalvingConfig(candidates=3, rungs=2, validation_images=2, validation_crop=16)
EVOLUTION = EvolutionConfig(population=4, sample=2, evaluations=8, crops=2)


@pytest.fixture
def halving(toy):
    return dataclasses.replace(toy, strategy="halving", tolerance=0.2, halving=HALVING)


@pytest.fixture
def evolution(toy):
    return dataclasses.replace(toy, strategy="evolution", tolerance=0.2, evolution=EVOLUTION)


# -- the algorithms alone


def test_halving_finds_the_planted_candidate_and_spends_what_it_says():
    """Scores grow with the steps; candidate 11 learns fastest, and another one is ahead at the first rung only."""
    rungs = rungs_of(HalvingConfig(candidates=16, factor=2, rungs=4), 80)
    assert rungs == [Rung(16, 10), Rung(8, 20), Rung(4, 40), Rung(2, 80)]
    trained = dict.fromkeys(range(16), 0)

    def train(candidate, steps):
        trained[candidate] = steps
        return {11: 2.0, 3: 1.5}.get(candidate, candidate / 16) * steps + (100 if (candidate, steps) == (3, 10) else 0)

    trials = halve(rungs, train, lambda trial: None)
    assert winner(trials).candidate == 11
    assert sum(trained.values()) == total_steps(rungs) == 400
    assert [sum(trial.rung == rung for trial in trials) for rung in range(4)] == [16, 8, 4, 2]
    assert sorted(trained.values()) == [10] * 8 + [20] * 4 + [40] * 2 + [80] * 2


def test_rungs_that_are_too_short():
    with pytest.raises(ValueError, match="give 16 steps or more, or fewer rungs"):
        rungs_of(HalvingConfig(rungs=4), 15)


def planted(individual):
    return -sum(abs(number - truth) for number, truth in zip(individual, (3, 1, 4, 1, 5, 9), strict=True))


def step(individual, generator):
    place = int(generator.integers(len(individual)))
    changed = (individual[place] + int(generator.integers(1, 10))) % 10
    return (*individual[:place], changed, *individual[place + 1 :])


def test_evolution_finds_what_chance_does_not():
    """One of a million is planted: 600 evaluations of chance come no nearer than evolution's, which find it."""
    generator = np.random.default_rng(0)
    first = [tuple(generator.integers(10, size=6).tolist()) for _ in range(600)]
    config, calls = EvolutionConfig(population=20, sample=5, evaluations=600), []

    def score(individual):
        calls.append(individual)
        return planted(individual)

    scored = evolve(first[:20], score, step, config)
    assert len(calls) == len(scored) == len(set(calls)) == 600
    assert max(entry.score for entry in scored) == 0 > max(map(planted, first))
    assert scored[19].parent is None
    assert all(entry.parent is not None and entry.parent < n for n, entry in enumerate(scored[20:], 20))
    assert scored == evolve(first[:20], planted, step, config)
    assert scored != evolve(first[:20], planted, step, config, seed=1)


def test_the_oldest_dies_even_if_it_is_the_best():
    """Children are copies with lower scores; parents must not be older than the population allows."""
    config = EvolutionConfig(population=3, sample=3, evaluations=30)
    count = iter(range(3, 100))
    scored = evolve([(0,), (1,), (2,)], lambda x: -x[0], lambda x, _: (next(count),), config)
    assert all(n - entry.parent <= 3 for n, entry in enumerate(scored) if entry.parent is not None)


# -- choices and mutations


def test_choices_and_genotypes_are_the_same():
    genotype = shipped_genotype("tiny")
    table = cost_table(genotype.shape)
    choices = Choices.of(genotype, table.names)
    assert choices.genotype(genotype.shape, table.names) == genotype
    with pytest.raises(ValueError, match="which is not searched"):
        Choices.of(genotype, ("skip_connect", "SE"))


@pytest.mark.parametrize(("width", "modules_change"), [(16, True), (128, False)])
def test_mutations_differ_in_little_and_keep_the_cost(width, modules_change):
    """Two modules change places where they cost about the same; in a wide cell they do not."""
    shape = Shape((16, 16, width), (1, 1, 1))
    table = cost_table(shape)
    parent = Choices((0, 1), (2,) * 15)
    target = table.of_indices(torch.tensor(parent.modules), torch.tensor(parent.edges))
    mutate, generator = Mutation(table, target, 0.05), np.random.default_rng(0)
    changed = set()
    for _ in range(40):
        child = mutate(parent, generator)
        assert abs(table.of(child.genotype(shape, table.names)) / target - 1) <= 0.05
        edges = sum(a != b for a, b in zip(parent.edges, child.edges, strict=True))
        modules = sum(a != b for a, b in zip(parent.modules, child.modules, strict=True))
        assert (edges, modules) in ((1, 0), (0, 1), (0, 2))
        changed.add((edges, modules))
        parent = child
    assert any(modules for _, modules in changed) == modules_change


def test_no_mutation_keeps_the_cost():
    shape = Shape((16, 16), (1, 1))
    table = cost_table(shape)
    alone = Choices((0,), (2,) * 6)
    cost = Mutation(table, 1.0, 0.0).cost(alone)
    assert Mutation(table, cost, 0.0)(alone, np.random.default_rng(0)) == alone


def test_the_mean_cost_is_that_of_many_random_networks():
    shape = Shape((16, 16), (1, 2))
    drawn = draw_genotypes(shape, 400, uniform_cost(shape), tolerance=10.0)
    mean = float(np.mean([genotype.about["cost"] for genotype in drawn]))
    assert mean == pytest.approx(uniform_cost(shape), rel=0.01)
    assert drawn[0].about["cost"] == pytest.approx(genotype_cost(drawn[0]))
    few = draw_genotypes(shape, 5, uniform_cost(shape), tolerance=10.0, names=("SE", "CBAM"))
    assert {name for genotype in few for cell in genotype.edges for branch in cell for name in branch} == {"SE", "CBAM"}


def test_networks_for_grey_images_cost_less_and_mutations_keep_it():
    """Their first and last convolution have fewer channels, which is as much for every network."""
    config = SearchConfig(widths=(16, 16, 16), modules=(1, 1, 1), tolerance=0.004)
    target, table = wanted_cost(config, 1), cost_table(config.shape, channels=1, names=config.names)
    drawn = draw_of_config(config, 8, 1, 0)
    less = genotype_cost(drawn[0]) - genotype_cost(drawn[0], channels=1)
    assert less > 0.004 * target
    assert wanted_cost(config, 3) - target == pytest.approx(less)
    assert all(abs(genotype_cost(genotype, channels=1) / target - 1) <= 0.004 for genotype in drawn)
    mutate = Mutation(table, target, config.tolerance)
    assert all(mutate.allows(Choices.of(genotype, config.names)) for genotype in drawn)


# -- paths through the supernet


def test_a_path_is_the_network_of_its_genotype():
    torch.manual_seed(0)
    supernet = Supernet(Shape((16, 16, 16), (1, 1, 1))).double().eval()
    path = random_path(supernet, supernet.architecture.names, np.random.default_rng(3))
    network = MANAS(path.genotype(supernet.shape, supernet.architecture.names)).double().eval()
    state = supernet.state_dict()
    kinds = ("parallel", "fusion")
    for key in network.state_dict():
        place = key.split(".")
        if place[1] == "cells":
            place.insert(4, kinds[path.modules[int(place[2])]])
        network.state_dict()[key].copy_(state[".".join(place)])
    x = torch.rand(1, 3, 13, 20, dtype=torch.float64)
    with torch.no_grad():
        assert torch.equal(network(x), supernet(x, path))
        assert not torch.allclose(supernet(x), supernet(x, path))


def test_paths_share_their_steps_among_all_choices(layers, evolution):
    task = build_one_shot(layers.open(), evolution, LOOP)
    generator = np.random.default_rng(0)
    paths = [random_path(task.supernet, evolution.names, generator) for _ in range(300)]
    counts = np.bincount([edge for path in paths for edge in path.edges], minlength=9)
    assert counts[0] == 0
    assert counts[1:].min() > 0.8 * counts.sum() / 8
    assert 0.4 < np.mean([path.modules for path in paths]) < 0.6


# -- whole searches


def test_halving_over_networks(layers, halving, tmp_path):
    genotype = search(layers, tmp_path / "run", halving, LOOP)
    told = genotype.about["search"]
    with (tmp_path / "run" / "halving.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["rung"], row["steps"]) for row in rows] == [("0", "2")] * 3 + [("1", "4")]
    first = {row["candidate"]: float(row["score"]) for row in rows[:3]}
    assert rows[3]["candidate"] == max(first, key=first.__getitem__)
    chosen = Genotype.load(tmp_path / "run" / "candidates" / f"{int(rows[3]['candidate']):03d}.json")
    assert genotype == chosen == Genotype.load(tmp_path / "run" / "genotype.json")
    assert told["training_steps"] == 3 * 2 + 2
    reached = [load_checkpoint(path)["step"] for path in sorted(tmp_path.glob("run/candidates/*/last.ckpt"))]
    assert sum(reached) == told["training_steps"]
    assert (tmp_path / "run" / "genotype.svg").exists()


@pytest.mark.slow
def test_a_stopped_halving_goes_on_and_ends_the_same(layers, halving, tmp_path, monkeypatch):
    loop = dataclasses.replace(LOOP, steps=24)
    whole = search(layers, tmp_path / "whole", halving, loop)
    original, calls = HalvingSearch._train, []

    def stopping(self, number, genotype, steps):
        if len(calls) == 2:
            raise Interrupted("stop")
        calls.append(number)
        return original(self, number, genotype, steps)

    with monkeypatch.context() as patch:
        patch.setattr(HalvingSearch, "_train", stopping)
        with pytest.raises(Interrupted):
            search(layers, tmp_path / "part", halving, loop)
    assert not (tmp_path / "part" / "genotype.json").exists()
    with pytest.raises(RunError, match="already holds a run"):
        search(layers, tmp_path / "part", halving, loop)
    part = search(layers, tmp_path / "part", halving, loop, resume=True)
    assert search(None, tmp_path / "part", resume=True) == part
    with pytest.raises(RunError, match="the rungs of this search are those of 24 steps"):
        search(layers, tmp_path / "part", halving, dataclasses.replace(loop, steps=48), resume=True)
    assert part == whole
    assert part.about == whole.about
    for name in ("genotype.json", "halving.csv"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "part" / name).read_bytes()


@pytest.mark.parametrize("name", ["gradient", "synflow"])
def test_a_filter_takes_the_best_of_its_pool(layers, halving, tmp_path, name):
    from bsn.engine import RunFolder

    config = dataclasses.replace(halving, halving=dataclasses.replace(HALVING, filter=name, pool=6, candidates=2))
    task = HalvingSearch(layers.open(), RunFolder(tmp_path), config, LOOP)
    pool = draw_genotypes(
        config.shape, 6, uniform_cost(config.shape, names=config.names), tolerance=0.2, names=config.names
    )
    scores = {genotype: task._untrained(genotype) for genotype in pool}
    assert set(task.candidates()) == set(sorted(pool, key=lambda genotype: -scores[genotype])[:2])
    assert all(math.isfinite(score) for score in scores.values())


@pytest.mark.slow
def test_evolution_over_networks(layers, evolution, tmp_path):
    genotype = search(layers, tmp_path / "run", evolution, LOOP)
    with (tmp_path / "run" / "evolution.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == genotype.about["search"]["evaluations"] == 8
    best = max(rows, key=lambda row: float(row["path_psnr"]))
    assert best["edges"].split() == [name for branch in genotype.edges[0] for name in branch]
    target = uniform_cost(evolution.shape, names=evolution.names)
    assert abs(genotype_cost(genotype) / target - 1) <= 0.2
    assert "none" not in best["edges"]
    again = search(None, tmp_path / "run", resume=True)
    assert again == genotype
    assert len(rows) == len((tmp_path / "run" / "evolution.csv").read_text().splitlines()) - 1
    assert again.about == genotype.about


def test_evolution_on_several_devices(layers, evolution):
    with pytest.raises(ValueError, match="use one device"):
        build_one_shot(layers.open(), evolution, dataclasses.replace(LOOP, devices=2))


def test_the_command(layers, tmp_path, capsys):
    words = ["restore", "search", "--degraded", layers.degraded[0], "--clean", layers.clean[0]]
    words += ["--pattern", layers.pattern, "--widths", "[16,16]", "--modules", "[1,1]", "--crop", "16"]
    words += ["--accelerator", "cpu", "--steps", "2", "--tolerance", "0.2"]
    few = ["--strategy", "evolution", "--evolution.population", "2", "--evolution.sample", "1"]
    few += ["--evolution.evaluations", "3", "--evolution.crops", "2", "-o", str(tmp_path / "e")]
    assert main([*words, *few]) == 0, capsys.readouterr().err
    assert json.loads((tmp_path / "e" / "genotype.json").read_text())["about"]["search"]["strategy"] == "evolution"
    few = ["--strategy", "halving", "--halving.candidates", "2", "--halving.rungs", "3", "-o", str(tmp_path / "h")]
    assert main([*words, *few]) == 2
    assert "give 8 steps or more, or fewer rungs" in capsys.readouterr().err
    assert not (tmp_path / "h").exists()


# -- scores of untrained networks


def test_synaptic_flow_of_two_layers():
    """Weights a b: the flow of ones is |a| |b|, and each layer's weight times gradient is all of it."""
    network = nn.Sequential(nn.Conv2d(1, 1, 1, bias=False), nn.Conv2d(1, 1, 1, bias=False))
    with torch.no_grad():
        network[0].weight.fill_(-3.0)
        network[1].weight.fill_(0.5)
    assert synflow(network, (1, 4, 5)) == pytest.approx(math.log(2 * 20 * 1.5))


def test_gradient_norm_of_one_weight():
    """Charbonnier of a far error is linear: the gradient of w x - y is the mean of x."""
    network = nn.Conv2d(1, 1, 1, bias=False)
    with torch.no_grad():
        network.weight.fill_(0.0)
    degraded, clean = torch.full((2, 1, 4, 4), 0.5), torch.full((2, 1, 4, 4), -10.0)
    assert gradient_norm(network, degraded, clean) == pytest.approx(math.log(0.5), abs=1e-5)


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        (HalvingConfig, {"factor": 1}, "halving.factor 1 is out of range"),
        (HalvingConfig, {"filter": "synflow", "pool": 3}, "halving.pool 3 is out of range; use candidates or more"),
        (EvolutionConfig, {"population": 1}, "evolution.population 1 is out of range"),
        (EvolutionConfig, {"evaluations": 5}, "evolution.evaluations 5 is out of range; use population or more"),
    ],
)
def test_settings_out_of_range(kind, options, message):
    with pytest.raises(ValueError, match=message):
        kind(**options)
