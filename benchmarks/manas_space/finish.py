"""Held-out scores of what was trained, and the numbers that come of the table."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from benchmarks.manas_space.found import untrained
from benchmarks.manas_space.setting import CONFIG, LOOP, SHAPE, STEPS, TOLERANCE, Images, Rows
from benchmarks.manas_space.spread import held_out_score, lead, score_after, spread, validation_score
from bsn.data import check_no_leak
from bsn.evaluation import Validation, get_protocol
from bsn.models import Model
from bsn.training import full_inference, image_pairs

TEST_CROP = 96
_RESAMPLES = 5000
_PARTS = ("table", "found", "levers", "many_to_one", "again")


def restore(results: Path, runs: Path) -> None:
    """Write the rows of the stored result where a study that goes on looks for them; rows that are there stay."""
    stored = json.loads((results / "manas_space.json").read_text(encoding="utf-8"))
    for part in (*_PARTS, "searches"):
        path = runs / f"{part}.json"
        if not path.is_file():
            path.write_text(json.dumps(stored[part], indent=1) + "\n", encoding="utf-8")


def score_held_out(where: Images, runs: Path) -> None:
    """Score all trained networks on the middle parts of the held-out images of both sets, once everything is chosen."""
    for chosen in where.test.values():
        check_no_leak(where.search.pairs(), chosen.pairs())
    sources = {name: chosen.open() for name, chosen in where.test.items()}
    protocol = get_protocol("y")
    shown = {name: image_pairs(source, range(len(source)), TEST_CROP) for name, source in sources.items()}
    for part in _PARTS:
        rows = Rows(runs / f"{part}.json")
        for row in list(rows.rows):
            if "test" in row:
                continue
            model = Model.load(runs / "trained" / row["name"])
            scores = {
                name: Validation(pairs, protocol).run(full_inference(model), runs / "sample.png")["val_psnr"]
                for name, pairs in shown.items()
            }
            rows.add({**row, "test": {**scores, "mean": fmean(scores.values())}})


def summary(where: Images, runs: Path) -> dict[str, Any]:
    """Everything that the study found."""
    table = Rows(runs / "table.json").rows
    first = {row["genotype"]: row for row in table if row["seed"] == 0}
    numbers = sorted(first)
    final = [validation_score(first[number]) for number in numbers]
    searches = Rows(runs / "searches.json").rows
    shared = {
        f"shared weights, seed {row['seed']}": row["path_psnr_of_table"]
        for row in searches
        if "path_psnr_of_table" in row
    }
    content: dict[str, Any] = {
        "space": {"widths": SHAPE.widths, "modules": SHAPE.modules, "tolerance": TOLERANCE},
        "training": {"steps": STEPS, "crop": CONFIG.crop, "batch": CONFIG.batch_size, "ema": LOOP.ema},
        "spread": spread(table),
        "rank_correlation_with_final": {
            **_correlations(
                {f"step {step}": [score_after(first[n], step) for n in numbers] for step in _steps(table)}, final
            ),
            **_correlations(untrained(where, len(numbers)), final),
            **_correlations({name: [_count(first[n], name) for n in numbers] for name in _COUNTED}, final),
            **_correlations({"MACs": [first[n]["macs"] for n in numbers]}, final),
            **_correlations(shared, final),
        },
        "chance": _chance([first[number] for number in numbers]),
        "searches": searches,
        "table": table,
    }
    for part in _PARTS[1:]:
        content[part] = Rows(runs / f"{part}.json").rows
    if content["again"]:
        content["lead"] = lead(table, content["again"])
    return content


_COUNTED = ("none", "skip_connect", "convolutions", "channel gates")
_KINDS = {
    "convolutions": ("sep_conv_3x3", "dil_conv_3x3"),
    "channel gates": ("SE", "SE_A_M", "CBAM"),
}


def _count(row: dict[str, Any], kind: str) -> float:
    names = _KINDS.get(kind, (kind,))
    return float(sum(name in names for cell in row["edges"] for branch in cell for name in branch))


def _steps(table: list[dict[str, Any]]) -> list[int]:
    return [int(step) for step in table[0]["psnr"]][:-1]


def _correlations(scores: dict[str, list[float]], final: list[float]) -> dict[str, float | None]:
    """Spearman's rank correlation; None where all scores are equal."""
    return {
        name: float(spearmanr(values, final).statistic) if len(set(values)) > 1 else None
        for name, values in scores.items()
        if len(values) == len(final)
    }


def _chance(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Random search at several budgets, resampled from the table: the best on validation, and its held-out score.

    A budget is counted in whole trainings. With early stopping the better half of the candidates goes on at a quarter and at
    a half of the steps, so that a budget pays for twice as many.
    """
    generator, steps = np.random.default_rng(0), rows[0]["steps"]
    found: dict[str, Any] = {
        "mean_validation": fmean(map(validation_score, rows)),
        "best_validation": max(map(validation_score, rows)),
        "mean_test": fmean(map(held_out_score, rows)),
        "test_of_best_validation": held_out_score(max(rows, key=validation_score)),
        "best_test": max(map(held_out_score, rows)),
    }
    for budget in (1, 2, 3, 4, 6, 8):
        for stopping in (False, True)[: 1 + (budget > 1)]:
            count = 2 * budget if stopping else budget
            if count > len(rows):
                continue
            picked = []
            for _ in range(_RESAMPLES):
                drawn = [rows[int(number)] for number in generator.choice(len(rows), count, replace=False)]
                if stopping:
                    drawn = sorted(drawn, key=lambda row: -score_after(row, steps // 4))[: max(count // 2, 1)]
                    drawn = sorted(drawn, key=lambda row: -score_after(row, steps // 2))[: max(count // 4, 1)]
                picked.append(max(drawn, key=validation_score))
            name = f"{budget} trainings" + (" with early stopping" if stopping else "")
            found[name] = {
                "candidates": count,
                "validation": fmean(map(validation_score, picked)),
                "test": fmean(map(held_out_score, picked)),
            }
    return found
