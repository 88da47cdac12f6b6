"""Does the search space of MANAS reward a search? Each part keeps what it has done in runs/manas_space, and can be stopped.

    python -m benchmarks.manas_space why          # gradients of the architecture; writes results/manas_why.json
    python -m benchmarks.manas_space stall        # logits with and without weight decay; writes results/manas_stall.json
    python -m benchmarks.manas_space table        # random genotypes of one cost, trained alike, some with several seeds
    python -m benchmarks.manas_space found        # searches with three seeds, and what they found, trained like the table
    python -m benchmarks.manas_space levers       # the same genotypes longer, wider, with other modules
    python -m benchmarks.manas_space many_to_one  # both rainy images of a background side by side, for few backgrounds
    python -m benchmarks.manas_space again        # the best of the table with other seeds: better, or lucky?
    python -m benchmarks.manas_space finish       # held-out scores; writes benchmarks/results/manas_space.json

Rain100L and Rain100H together, two scales below the full one, 16 channels. Everything is chosen on validation backgrounds
of the training parts; the held-out parts are scored at the end.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from benchmarks.manas_space.finish import restore, score_held_out, summary
from benchmarks.manas_space.found import METHODS, find
from benchmarks.manas_space.levers import many_to_one, pull
from benchmarks.manas_space.setting import images
from benchmarks.manas_space.stall import compare
from benchmarks.manas_space.table import fill, repeat_best
from benchmarks.manas_space.why import explain
from benchmarks.measure import RESULTS, write_result


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=["why", "stall", "table", "found", "levers", "many_to_one", "again", "finish"])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--runs", type=Path, default=Path("runs/manas_space"))
    parser.add_argument("--genotypes", type=int, default=20, help="of the table")
    parser.add_argument(
        "--repeated", type=int, default=6, help="genotypes of the table that are trained with every seed"
    )
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument(
        "--best", type=int, default=3, help="genotypes of the table that are trained with other seeds, too"
    )
    parser.add_argument("--methods", nargs="+", choices=list(METHODS), default=list(METHODS), help="of the part found")
    parser.add_argument("--restored", action="store_true", help="begin with the rows of the stored result")
    parser.add_argument("--repeats", type=int, default=1, help="trainings of each searched network")
    parser.add_argument(
        "--pulled", type=int, default=2, help="genotypes of the table that are trained longer and wider"
    )
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the result file")
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


def main() -> None:
    options = parse()
    torch.set_num_threads(options.threads)
    options.runs.mkdir(parents=True, exist_ok=True)
    where, runs = images(options.data, options.runs), options.runs
    if options.restored:
        restore(options.results, runs)
    if options.part == "why":
        print(write_result("manas_why", explain(where), options.results))
    elif options.part == "stall":
        print(write_result("manas_stall", compare(where), options.results))
    elif options.part == "table":
        fill(where, runs, options.genotypes, options.seeds, options.repeated)
    elif options.part == "found":
        find(where, runs, options.seeds, options.repeats, options.genotypes, options.methods)
    elif options.part == "levers":
        pull(where, runs, options.pulled)
    elif options.part == "again":
        repeat_best(where, runs, options.seeds, options.best)
    elif options.part == "many_to_one":
        many_to_one(where, runs, options.seeds)
    else:
        score_held_out(where, runs)
        print(write_result("manas_space", summary(where, runs), options.results))


if __name__ == "__main__":
    main()
