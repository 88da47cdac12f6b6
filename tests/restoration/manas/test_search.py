"""The search: what its steps change, that it can be killed, what it writes; chance; the command."""

import dataclasses
import json

import numpy as np
import pytest
import torch

from bsn.cli import main
from bsn.data import DataError
from bsn.engine import LoopConfig
from bsn.models import Model
from restoration.config import RestoreConfig
from restoration.losses import LossWeights
from restoration.manas.genotype import Genotype, shipped_genotype
from restoration.manas.search import (
    SearchConfig,
    SearchTask,
    build_search,
    cost_table,
    genotype_cost,
    get_search_recipe,
    random_genotypes,
    search,
    train_alike,
)
from restoration.manas.search.building import halves
from restoration.manas.search.second_order import WeightStep, look_ahead_gradient
from restoration.manas.space import Shape
from restoration.models import MANAS

LOOP = LoopConfig(
    steps=4, warmup_steps=0, ema=0.0, precision="32-true", accelerator="cpu", validate_every=2, checkpoint_every=1
)


class Killed(Exception):
    pass


def kill_at(monkeypatch, when):
    original = SearchTask.updates

    def updates(self, step):
        if step == when:
            raise Killed
        return original(self, step)

    monkeypatch.setattr(SearchTask, "updates", updates)


@pytest.mark.parametrize("order", [pytest.param("first", marks=pytest.mark.slow), "second"])
def test_killed_and_resumed_it_ends_in_the_same_bits(layers, toy, tmp_path, monkeypatch, order):
    config = dataclasses.replace(toy, order=order, weight_optimizer="sgd")
    whole = search(layers, tmp_path / "whole", config, LOOP)
    with monkeypatch.context() as patch:
        kill_at(patch, 3)
        with pytest.raises(Killed):
            search(layers, tmp_path / "part", config, LOOP)
    assert not (tmp_path / "part" / "genotype.json").exists()
    part = search(layers, tmp_path / "part", config, LOOP, resume=True)
    assert whole == part
    for name in ("genotype.json", "architecture.safetensors", "genotype.svg"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "part" / name).read_bytes()
    states = [
        torch.load(tmp_path / name / "last.ckpt", weights_only=True)["modules"]["network"] for name in ("whole", "part")
    ]
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])


def parameters_after(layers, config, loop, tmp_path):
    search(layers, tmp_path / "run", config, loop)
    return torch.load(tmp_path / "run" / "last.ckpt", weights_only=True)["modules"]["network"]


def test_warm_up_leaves_the_architecture_alone(layers, toy, tmp_path):
    torch.manual_seed(LOOP.seed)
    start = build_search(layers.open(), toy, LOOP).supernet.state_dict()
    state = parameters_after(
        layers, dataclasses.replace(toy, warmup=0.99), dataclasses.replace(LOOP, steps=2), tmp_path
    )
    assert torch.equal(state["architecture.alpha"], start["architecture.alpha"])
    assert torch.equal(state["architecture.beta"], start["architecture.beta"])
    assert not torch.equal(state["body.last.weight"], start["body.last.weight"])


def test_every_entry_of_the_architecture_moves(layers, toy, tmp_path):
    torch.manual_seed(LOOP.seed)
    start = build_search(layers.open(), toy, LOOP).supernet.state_dict()
    state = parameters_after(layers, toy, LOOP, tmp_path)
    for name in ("architecture.alpha", "architecture.beta"):
        assert (state[name] != start[name]).all()
        assert torch.isfinite(state[name]).all()


def test_logits_leave_each_other_where_nothing_pulls_them_back(layers, toy, tmp_path):
    """The decay of an Adam is as large as the gradient of the data: with it the same steps go less far."""
    spread = {}
    for decay in (0.0, 0.1):
        config = dataclasses.replace(toy, architecture_decay=decay, architecture_rate=0.3, warmup=0.0)
        state = parameters_after(layers, config, dataclasses.replace(LOOP, steps=6), tmp_path / str(decay))
        spread[decay] = float(state["architecture.beta"].std(1).mean())
    assert toy.architecture_decay == 0.0
    assert spread[0.0] > 2 * spread[0.1]


def test_the_learning_rate_of_the_architecture_is_constant(layers, toy, tmp_path):
    search(layers, tmp_path / "run", toy, dataclasses.replace(LOOP, steps=6))
    rows = [line.split(",") for line in (tmp_path / "run" / "metrics.csv").read_text().splitlines()]
    columns = {name: [row[index] for row in rows[1:] if row[index]] for index, name in enumerate(rows[0])}
    assert set(columns["architecture_learning_rate"]) == {"0.01"}
    assert len(set(columns["learning_rate"])) == 6
    assert float(columns["expected_macs"][-1]) > 0


def test_what_a_search_writes(layers, toy, tmp_path):
    genotype = search(layers, tmp_path / "run", toy, LOOP)
    assert genotype.shape == toy.shape
    assert genotype.about["search"]["steps"] == 4
    assert genotype.about["macs"] == pytest.approx(genotype_cost(genotype))
    assert (tmp_path / "run" / "architecture.svg").read_text().startswith("<svg")
    assert len(list((tmp_path / "run" / "samples").glob("*.svg"))) == 2
    assert not list((tmp_path / "run").glob("final.*"))


def test_no_background_is_on_both_sides(layers, toy):
    task = build_search(layers.open(), toy, LOOP)
    sides = [{index for members in half.members for index in members} for half in task.halves]
    assert sides[0].isdisjoint(sides[1])
    assert len(sides[0]) == len(sides[1]) == 4
    weights, architecture = halves([f"b{n // 2}" for n in range(20)], 2, 0.3, seed=1)
    assert (len(weights), len(architecture)) == (7, 3)


def test_second_order_is_the_gradient_through_the_step():
    """Finite differences against automatic differentiation through one SGD step, on a smooth function of both."""
    torch.manual_seed(0)
    w = [
        torch.randn(5, dtype=torch.float64, requires_grad=True),
        torch.randn(2, 3, dtype=torch.float64, requires_grad=True),
    ]
    a = [
        torch.randn(5, dtype=torch.float64, requires_grad=True),
        torch.randn(3, dtype=torch.float64, requires_grad=True),
    ]
    velocity = [torch.randn_like(x) for x in w]
    step = WeightStep(0.05, momentum=0.9, decay=0.01, velocity=velocity)

    def training(weights):
        return (torch.sin(weights[0] * a[0]).sum() + (weights[1] @ a[1]).square().sum()) * weights[0].square().mean()

    def validation(weights):
        return torch.tanh(weights[0] + a[0]).square().sum() + (weights[1] * a[1]).exp().mean()

    gradients = torch.autograd.grad(training(w), w, create_graph=True)
    moved = [
        x - step.rate * (g + step.decay * x + step.momentum * v) for x, g, v in zip(w, gradients, velocity, strict=True)
    ]
    exact_loss = validation(moved)
    exact = torch.autograd.grad(exact_loss, a)
    before = [x.detach().clone() for x in w]
    loss, ours = look_ahead_gradient(lambda: training(w), lambda: validation(w), w, a, step)
    assert float(loss) == pytest.approx(exact_loss.item(), abs=1e-12)
    first_order = torch.autograd.grad(validation([x.detach() for x in moved]), a)
    for mine, truth, plain in zip(ours, exact, first_order, strict=True):
        assert float((mine - truth).abs().max()) < 1e-4 * float(truth.abs().max())
        assert float((plain - truth).abs().max()) > 1e-2 * float(truth.abs().max()), (
            "the test would not see the difference"
        )
    assert all(torch.equal(x, y) for x, y in zip(w, before, strict=True))


def test_costs_are_those_of_the_network():
    genotype = shipped_genotype("tiny")
    network = MANAS(genotype)
    assert genotype_cost(genotype, "parameters") == sum(p.numel() for p in network.parameters())
    from bsn.models.measure import macs_per_pixel

    assert genotype_cost(genotype) == pytest.approx(macs_per_pixel(network, 64))


def test_expected_cost_of_a_decided_architecture_is_its_cost(toy):
    table = cost_table(toy.shape, "parameters")
    (genotype,) = random_genotypes(dataclasses.replace(shipped_toy(), about={}), 1, tolerance=1.0, cost="parameters")
    one_hot = torch.nn.functional.one_hot
    modules = one_hot(torch.tensor([("parallel", "fusion").index(genotype.modules[0][0])]), 2).double()
    edges = torch.tensor([table.names.index(name) for branch in genotype.edges[0] for name in branch])
    assert float(table.expected(modules, one_hot(edges, 9).double())) == table.of(genotype)
    uniform = float(table.relative(torch.full((1, 2), 0.5), torch.full((6, 9), 1 / 9)))
    assert 0 < uniform < 1
    towards_skip = torch.full((6, 9), 1 / 9)
    towards_skip[:, 1] += towards_skip[:, 2]
    towards_skip[:, 2] = 0
    assert float(table.relative(torch.full((1, 2), 0.5), towards_skip)) < uniform


def shipped_toy():
    return Genotype(modules=(("parallel",),), edges=((("SE", "none", "CBAM"),) * 2,), widths=(16, 16), stem_blocks=1)


def test_chance_has_the_same_cost():
    reference = shipped_genotype("tiny")
    drawn = random_genotypes(reference, 3, seed=1, tolerance=0.02)
    assert len(set(drawn) | {reference}) == 4
    cost = genotype_cost(reference)
    assert all(abs(genotype_cost(genotype) / cost - 1) <= 0.02 for genotype in drawn)
    assert drawn == random_genotypes(reference, 3, seed=1, tolerance=0.02)
    assert drawn != random_genotypes(reference, 3, seed=2, tolerance=0.02)
    with pytest.raises(ValueError, match="widen the tolerance"):
        random_genotypes(reference, 3, tolerance=0.0)


def test_training_alike(layers, tmp_path):
    genotypes = {"a": shipped_toy(), "b": dataclasses.replace(shipped_toy(), modules=(("fusion",),))}
    config = RestoreConfig("manas-tiny", crop=16, batch_size=2, validation_images=0)
    rows = train_alike(genotypes, layers, tmp_path / "both", config, LOOP, say=lambda line: None)
    assert [row.name for row in rows] == ["a", "b"]
    assert rows[0].parameters > rows[1].parameters
    assert Model.load(tmp_path / "both" / "b").network.config.genotype == genotypes["b"]
    assert json.loads((tmp_path / "both" / "comparison.json").read_text())[1]["macs"] == rows[1].macs


def test_multi_to_one_training(layers, tmp_path):
    from restoration.run import train

    config = RestoreConfig(
        "manas-tiny", crop=16, batch_size=4, group_size=2, loss=LossWeights(l2=1.0, internal=1.0), validation_images=0
    )
    train(layers, tmp_path / "run", config, LOOP)
    header, first = (tmp_path / "run" / "metrics.csv").read_text().splitlines()[:2]
    assert float(first.split(",")[header.split(",").index("internal")]) > 0
    with pytest.raises(DataError, match="groups of 3 degraded images: no background has that many"):
        train(layers, tmp_path / "three", dataclasses.replace(config, batch_size=3, group_size=3), LOOP)


def test_groups_of_one(layers, toy, tmp_path):
    alone = dataclasses.replace(layers, group_pattern=r"(\d+x\d)")
    with pytest.raises(DataError, match="have 1 at most; use a group size of 1") as caught:
        search(alone, tmp_path / "run", toy, LOOP)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()
    search(alone, tmp_path / "run", dataclasses.replace(toy, group_size=1), dataclasses.replace(LOOP, steps=2))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"crop": 20, "widths": (16,) * 4, "modules": (1,) * 4}, "crop 20 is out of range; use a multiple of 8"),
        ({"warmup": 1.0}, "warmup 1.0 is out of range"),
        ({"widths": (8, 16), "modules": (1, 1)}, "width 8 cannot be split"),
        ({"widths": (16, 16), "modules": (1, 1, 1)}, "2 widths and 3 numbers of modules"),
        ({"entropy": -1.0}, "entropy -1.0 is out of range"),
    ],
)
def test_settings_out_of_range(options, message):
    with pytest.raises(ValueError, match=message):
        SearchConfig(**options)


def test_the_published_recipe():
    recipe = get_search_recipe("published")
    assert recipe.search.shape == Shape()
    assert recipe.loop.steps * recipe.search.warmup == 10_000
    assert recipe.search.architecture_decay == 1e-3
    from bsn.engine.schedule import learning_rate_factor

    last = recipe.search.learning_rate * learning_rate_factor(recipe.loop.steps, recipe.loop.steps, recipe.loop)
    assert last == pytest.approx(1e-4)
    with pytest.raises(ValueError, match="there is no recipe 'large'"):
        get_search_recipe("large")


def test_the_commands(layers, tmp_path, capsys):
    folders = ["--degraded", layers.degraded[0], "--clean", layers.clean[0], "--pattern", layers.pattern]
    small = ["--widths", "[16,16]", "--modules", "[1,1]", "--crop", "16", "--backgrounds", "1", "--accelerator", "cpu"]
    words = ["restore", "search", *folders, *small, "--steps", "3", "-o", str(tmp_path / "s")]
    assert main(words) == 0, capsys.readouterr().err
    found = str(tmp_path / "s" / "genotype.json")
    train = ["--model", "manas-tiny", "--genotype", found, "--steps", "2", "--crop", "16", "--validation_images", "0"]
    assert main(["restore", "train", *folders, *train, "-o", str(tmp_path / "run")]) == 0, capsys.readouterr().err
    assert Model.load(tmp_path / "run").network.config.genotype == Genotype.load(found)
    chance = ["--baseline", "random", "--genotype", found, "--count", "1", "--train_steps", "2", "--tolerance", "0.5"]
    assert main(["restore", "search", *folders, *chance, "-o", str(tmp_path / "c")]) == 0, capsys.readouterr().err
    rows = json.loads((tmp_path / "c" / "comparison.json").read_text())
    assert [row["name"] for row in rows] == ["searched", "random_0"]
    assert np.isfinite(rows[1]["macs"])


def test_a_foreign_genotype_on_the_command_line(layers, tmp_path, capsys):
    (tmp_path / "g.json").write_text('{"normal": [["sep_conv_3x3", 0]]}')
    folders = ["--degraded", layers.degraded[0], "--clean", layers.clean[0], "--pattern", layers.pattern]
    words = ["restore", "train", *folders, "--model", "manas-tiny", "--genotype", str(tmp_path / "g.json")]
    assert main([*words, "-o", str(tmp_path / "run")]) == 2
    error = capsys.readouterr().err.strip()
    assert error.count("\n") == 0
    assert "is not a genotype of this program" in error
