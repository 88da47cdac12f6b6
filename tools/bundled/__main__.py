"""Train a model in the box again, or put a run into the box.

python -m tools.bundled photo-base --photographs ../shared/data/free -o RUN [--further] [--minutes 9 | --steps 2000]
python -m tools.bundled photo-base --photographs ../shared/data/free --ship RUN [--further] [--numbers FILE.md]
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

from bsn.models import bundled
from tools.bundled.card import ship
from tools.bundled.recipes import NAMES, BoxRecipe, further, recipe_named
from tools.bundled.sources import training_photographs
from tools.bundled.train import train_bundled


def main(words: list[str] | None = None) -> None:
    """Read the options, and train or ship."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=NAMES)
    parser.add_argument(
        "--photographs", help="folder of free photographs with photos.csv; default: installed packages'"
    )
    todo = parser.add_mutually_exclusive_group(required=True)
    todo.add_argument("-o", "--output", help="train into this folder")
    todo.add_argument("--ship", metavar="RUN", help="put the model of a run into the box, with its card")
    parser.add_argument("--resume", action="store_true", help="go on with the training in --output")
    parser.add_argument("--further", action="store_true", help="begin with the weights that are in the box")
    parser.add_argument("--steps", type=int, help="length, instead of the recipe's")
    parser.add_argument("--minutes", type=float, help="length, instead of the recipe's")
    parser.add_argument("--batch_size", type=int, help="crops of a step, instead of the recipe's")
    parser.add_argument("--box", type=Path, default=bundled.WEIGHTS, help="folder of the box")
    parser.add_argument("--numbers", type=Path, help="Markdown for the card's section on numbers")
    options = parser.parse_args(words)
    recipe, photographs = recipe_named(options.name), training_photographs(options.photographs)
    recipe = further(recipe) if options.further else recipe
    if options.ship is not None:
        numbers = "" if options.numbers is None else options.numbers.read_text(encoding="utf-8")
        path = ship(options.ship, recipe, photographs, options.box, numbers)
        print(f"{path}: {path.stat().st_size:,} bytes, and its card")
        return
    result = train_bundled(options.output, _changed(recipe, options), photographs, resume=options.resume)
    print(f"{result.steps} steps in {result.seconds / 60:.1f} minutes: {dict(result.validation)}")


def _changed(recipe: BoxRecipe, options: argparse.Namespace) -> BoxRecipe:
    """The recipe with the length and the batch that are asked for."""
    loop, config = recipe.loop, recipe.config
    if options.steps is not None or options.minutes is not None:
        loop = dataclasses.replace(loop, steps=options.steps, minutes=options.minutes)
    if options.batch_size is not None:
        config = dataclasses.replace(config, batch_size=options.batch_size)
    return dataclasses.replace(recipe, loop=loop, config=config)


if __name__ == "__main__":
    main()
