"""Tables of the study of MANAS's space: why weights stay equal, what predicts good networks, search against chance."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import fmean, stdev
from typing import Any

from benchmarks.manas_space.spread import held_out_score, validation_score
from benchmarks.tables.markdown import Table
from benchmarks.tables.stored import stored

_RESULT = "manas_space"

_METHODS = {
    "weights": "`weights`",
    "second order": "`weights`, second order",
    "faster logits": "`weights`, ten times the rate of the logits",
    "more entropy": "`weights`, thirty times the entropy term",
    "no further terms": "`weights`, loss of the images alone",
    "three times as long": "`weights`, three times as long",
    "longer warm-up": "`weights`, twice as long, weights alone for seven tenths of it",
    "evolution": "`evolution`",
}

_PREDICTORS = {
    "step 100": "the same training after 100 of 400 steps",
    "step 200": "after 200 steps",
    "step 300": "after 300 steps",
    "gradient": "norm of the gradient before training",
    "synflow": "synaptic flow before training",
    "MACs": "MACs, within the tolerance",
    "none": 'number of "none" edges',
    "skip_connect": "number of identities",
    "convolutions": "number of convolutional gates",
    "channel gates": "number of channel gates",
}


def _told(values: Iterable[float]) -> str:
    """Mean and, of several, their standard deviation."""
    found = list(values)
    return f"{fmean(found):.2f}" + (f" ± {stdev(found):.2f}" if len(found) > 1 else "")


def search_gradients() -> Table:
    """What pulls at a logit of an edge when the training of the architecture begins."""
    found = stored("manas_why")
    edges, others, alike = found["edges"], found["edge_gradient_of_other_terms"], found["candidates"]
    rows = [
        [f"gradient of the images, mean over {found['batches']} batches", f"{edges['mean']:.1e}"],
        ["its standard deviation between batches", f"{edges['spread_between_batches']:.1e}"],
        ["weight decay 1e-3, at a logit of 0.1", f"{others['decay']:.1e}"],
        ["complexity term", f"{others['complexity']:.1e}"],
        ["entropy term", f"{others['entropy']:.1e}"],
        ["correlation of the gradients of two halves of the batches", f"{edges['correlation_of_halves']:.2f}"],
        ["cosine between the outputs of two candidates, mean", f"{alike['mean_cosine']:.2f}"],
        [
            f"the same, `{alike['most']['names'][0]}` and `{alike['most']['names'][1]}`",
            f"{alike['most']['cosine']:.2f}",
        ],
    ]
    stall = stored("manas_stall")
    start = f"largest weight after {stall['steps']} steps of the architecture at a rate of {stall['rate']}"
    rows += [
        [f"{start}, {'no weight decay' if decay == '0.0' else 'weight decay 1e-3'}", f"{reached['largest_weight']:.2f}"]
        for decay, reached in stall["decay"].items()
    ]
    return Table(["at an edge", "value"], rows, ["manas_why", "manas_stall"])


def search_against_chance() -> Table:
    """Searched networks beside random ones, by the work that finding and training them takes, and what chance finds with it."""
    result = stored(_RESULT)
    first = [row for row in result["table"] if row["seed"] == 0]
    length = fmean(row["seconds"] for row in first)
    rows = [
        [
            "one random network",
            "1.0",
            str(len(first)),
            _told(map(validation_score, first)),
            _told(map(held_out_score, first)),
            "",
        ]
    ]
    for name, found in result["chance"].items():
        if isinstance(found, dict) and not name.startswith("1 "):
            budget, _, kind = name.partition(" trainings")
            label = f"best of {found['candidates']} random networks{',' * bool(kind)}{kind}"
            rows.append([label, f"{float(budget):.1f}", "", f"{found['validation']:.2f}", f"{found['test']:.2f}", ""])
    for method, label in _METHODS.items():
        searches = [row for row in result["searches"] if row["method"] == method]
        found = [row for row in result["found"] if row["method"] == method]
        if searches:
            budget = fmean(row["seconds"] for row in searches) / length + 1
            best = _best_of_chance(result["chance"], budget)
            leads = [
                fmean(map(score, found)) - best[part]
                for score, part in ((validation_score, "validation"), (held_out_score, "test"))
            ]
            told = ", ".join(f"{lead:+.2f}" for lead in leads)
            scores = [_told(map(validation_score, found)), _told(map(held_out_score, found))]
            rows.append([label, f"{budget:.1f}", str(len(found)), *scores, told])
    header = ["network", "work, in trainings", "networks", "PSNR (Y), validation", "PSNR (Y), held out"]
    return Table([*header, "against the best of chance for this work"], rows, [_RESULT])


def _best_of_chance(chance: dict[str, Any], budget: float) -> dict[str, float]:
    """What random search finds with this work, in whole trainings; of its two forms the one that is better on validation."""
    forms = {name: found for name, found in chance.items() if isinstance(found, dict)}
    largest = max(int(name.split()[0]) for name in forms if int(name.split()[0]) <= budget)
    paid = [found for name, found in forms.items() if int(name.split()[0]) == largest]
    return max(paid, key=lambda found: float(found["validation"]))


def search_spread() -> Table:
    """How much of the difference between networks comes from the genotype, and how much from the seed."""
    result = stored(_RESULT)
    parts = {
        "genotypes_of_one_seed": "random genotypes, trained with one seed: standard deviation",
        "genotypes": "part that stays with the genotype when the seed changes",
        "seeds": "part that stays with the seed when the genotype changes",
        "neither_alone": "what is left: another outcome for each pair of them",
    }
    scores = [result["spread"][name] for name in ("validation", "held_out")]
    rows = [[label, *(f"{score[part]:.2f}" for score in scores)] for part, label in parts.items()]
    if "lead" in result:
        found = [result["lead"][name] for name in ("validation", "held_out")]
        best, others = (len(result["lead"][name]) for name in ("genotypes", "others"))
        for key, label in (("seed_of_the_choice", "the seed that chose them"), ("other_seeds", "two other seeds")):
            title = f"lead of the best {best} over {others} others, with {label}"
            rows.append([title, *(f"{score[key]:+.2f}" for score in found)])
    return Table(["in dB", "validation", "held out"], rows, [_RESULT])


def search_predictors() -> Table:
    """Rank correlation of cheap scores with the validation score of the trained network."""
    result = stored(_RESULT)
    found = result["rank_correlation_with_final"]
    shared = [value for name, value in found.items() if name.startswith("shared weights") and value is not None]
    rows = [[label, f"{found[name]:+.2f}"] for name, label in _PREDICTORS.items() if found.get(name) is not None]
    if shared:
        seeds = ", ".join(f"{value:+.2f}" for value in shared)
        rows.insert(min(3, len(rows)), [f"shared weights of a supernet ({len(shared)} seeds)", seeds])
    return Table(["score", "rank correlation"], rows, [_RESULT])


def search_levers() -> Table:
    """What changes a network more than its choices do: length of the training, width, kind of modules."""
    result = stored(_RESULT)
    start = {row["genotype"]: row for row in result["table"] if row["seed"] == 0}
    kinds = dict.fromkeys(row["lever"] for row in result["levers"])
    rows = []
    for kind in kinds:
        pulled = [row for row in result["levers"] if row["lever"] == kind]
        work = fmean(row["seconds"] / start[row["genotype"]]["seconds"] for row in pulled)
        macs = fmean(row["macs"] / start[row["genotype"]]["macs"] for row in pulled)
        gains = [
            (
                validation_score(row) - validation_score(start[row["genotype"]]),
                held_out_score(row) - held_out_score(start[row["genotype"]]),
            )
            for row in pulled
        ]
        told = [f"{fmean(gain):+.2f}" for gain in zip(*gains, strict=True)]
        rows.append([kind, f"{macs:.2f}", f"{work:.1f}", *told])
    header = ["change", "MACs, relative", "time of training, relative", "gain in dB, validation", "held out"]
    return Table(header, rows, [_RESULT])


def many_to_one_few() -> Table:
    """Both rainy images of a background side by side, with four backgrounds, at equal images seen."""
    found = stored(_RESULT)["many_to_one"]
    rows = []
    for kind in dict.fromkeys(row["kind"] for row in found):
        own = [row for row in found if row["kind"] == kind]
        rows.append([kind, str(len(own)), _told(map(validation_score, own)), _told(map(held_out_score, own))])
    return Table(["batch", "seeds", "PSNR (Y), validation", "PSNR (Y), held out"], rows, [_RESULT])


_COMMAND = "python -m benchmarks.manas_space table, found, levers, many_to_one, again and finish"

MAKERS = dict.fromkeys(
    (search_against_chance, search_spread, search_predictors, search_levers, many_to_one_few), (_RESULT, _COMMAND)
)
"""Tables that are there once the study has run, see :data:`benchmarks.tables.AWAITED`."""
