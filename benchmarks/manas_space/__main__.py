"""Does the search space of MANAS reward a search? Each part keeps what it has done in runs/manas_space, and can be stopped.

python -m benchmarks.manas_space table --genotypes 24 --seeds 3 --repeated 8
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch

from benchmarks.manas_space.setting import images
from benchmarks.manas_space.table import fill
from benchmarks.manas_space.why import explain


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=["table", "why"])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--runs", type=Path, default=Path("runs/manas_space"))
    parser.add_argument("--genotypes", type=int, default=24)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--repeated", type=int, default=8, help="genotypes that are trained with every seed")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    options.runs.mkdir(parents=True, exist_ok=True)
    where = images(options.data, options.runs)
    if options.part == "why":
        (options.runs / "why.json").write_text(json.dumps(explain(where), indent=1) + "\n")
        return
    fill(where, options.runs, options.genotypes, options.seeds, options.repeated)


if __name__ == "__main__":
    main()
