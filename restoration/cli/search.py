"""``bsn restore search``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from bsn.cli.command import Command, Recipes, flat_dataclass, stored_defaults, take
from bsn.cli.outcome import say
from bsn.cli.reading import read_keywords
from bsn.cli.terminal import print_table
from restoration.cli.options import add_pair_options

if TYPE_CHECKING:
    from jsonargparse import ArgumentParser, Namespace

    from bsn.engine import RecipeBook

EXAMPLES = """examples:
  bsn restore search --degraded rainy/ --clean clean/ -o SEARCH        a network for these images: SEARCH/genotype.json
  bsn restore search --degraded rainy/ --clean clean/ -o SEARCH --strategy halving --steps 1500
  bsn restore search --degraded rainy/ --clean clean/ -o SEARCH --strategy evolution
  bsn restore search --degraded Rain1200/ --clean clean/ -o SEARCH --recipe published
  bsn restore search --degraded rainy/ --clean clean/ -o SEARCH --resume
  bsn restore train --degraded rainy/ --clean clean/ -o run --model manas-tiny --genotype SEARCH/genotype.json
  bsn restore search --baseline random --genotype SEARCH/genotype.json --degraded rainy/ --clean clean/ -o CHANCE
"""


def _book() -> RecipeBook[Any]:
    from restoration.manas.search import SEARCH_RECIPES

    return SEARCH_RECIPES


NAMED = Recipes(_book)


def add_arguments(parser: ArgumentParser, words: list[str]) -> None:
    """Declare the options; a recipe sets the defaults of the others.

    Parameters
    ----------
    parser : ArgumentParser
        Parser of the sub-command; it is changed in place.
    words : list of str
        Words of the command line, for options that change the defaults of others.
    """
    from bsn.engine import LoopConfig
    from restoration.manas.search import SearchConfig

    parser.add_argument("-o", "--output", required=True, help="folder of the run; genotype.json in it is the result")
    NAMED.declare(parser)
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint of the run")
    parser.add_argument(
        "--baseline",
        choices=["none", "random"],
        default="none",
        help="random: do not search; train random genotypes of the cost of --genotype, and that one, alike",
    )
    parser.add_argument("--genotype", type=str | None, default=None, help="for the baseline: what was searched")
    parser.add_argument("--count", type=int, default=3, help="for the baseline: how many random genotypes")
    parser.add_argument("--train_steps", type=int, default=1500, help="for the baseline: steps of each training")
    parser.add_argument("--train_model", default="manas-tiny", help="for the baseline: preset that takes the genotypes")
    stored = stored_defaults(words)
    add_pair_options(parser, required=not stored)
    flat_dataclass(parser, SearchConfig)
    flat_dataclass(parser, LoopConfig)
    parser.set_defaults(NAMED.defaults(words, stored))


def run(options: Namespace) -> int:
    """Search, or train random genotypes; say what was found.

    Parameters
    ----------
    options : Namespace
        The parsed options.

    Returns
    -------
    int
        Exit code; 0 means success.
    """
    from bsn.engine import LoopConfig
    from restoration.manas.search import EvolutionConfig, HalvingConfig, SearchConfig, genotype_cost, search
    from restoration.run import PairData

    if options.baseline == "random":
        return _compare(options)
    options.halving = HalvingConfig(**vars(options.halving))
    options.evolution = EvolutionConfig(**vars(options.evolution))
    genotype = search(
        take(PairData, options),
        options.output,
        take(SearchConfig, options),
        take(LoopConfig, options),
        resume=options.resume,
        **read_keywords(options),
    )
    parameters, macs = genotype_cost(genotype, "parameters"), genotype_cost(genotype)
    say(f"genotype: {options.output}/genotype.json, drawn in genotype.svg")
    say(f"  {parameters:,.0f} parameters, {macs:,.0f} MACs per pixel")
    say(f"next:  bsn restore train ... --model manas-tiny --genotype {options.output}/genotype.json -o run")
    return 0


def _compare(options: Namespace) -> int:
    import dataclasses

    from restoration.manas.genotype import Genotype
    from restoration.manas.search import random_genotypes, train_alike
    from restoration.recipes import get_recipe
    from restoration.run import PairData

    if options.genotype is None:
        raise ValueError("the baseline compares with a searched network; give its --genotype SEARCH/genotype.json")
    searched = Genotype.load(options.genotype)
    drawn = random_genotypes(searched, options.count, seed=options.seed, cost=options.cost, tolerance=options.tolerance)
    recipe = get_recipe("manas-tiny")
    loop = dataclasses.replace(
        recipe.loop,
        steps=options.train_steps,
        seed=options.seed,
        accelerator=options.accelerator,
        devices=options.devices,
    )
    config = dataclasses.replace(recipe.train, model=options.train_model)
    genotypes = {"searched": searched, **{f"random_{n}": genotype for n, genotype in enumerate(drawn)}}
    rows = train_alike(genotypes, take(PairData, options), Path(options.output), config, loop, **read_keywords(options))
    print_table(
        f"{options.train_steps} steps each, pairs held back for validation",
        [("genotype", "left"), "parameters", "MACs per pixel", *rows[0].validation],
        [
            [row.name, f"{row.parameters:,}", f"{row.macs:,.0f}", *(f"{v:.4f}" for v in row.validation.values())]
            for row in rows
        ],
    )
    return 0


_BASIC = (
    "help degraded clean layout output config recipe resume steps minutes seed devices crop "
    "strategy baseline genotype axes key nan range"
)

COMMAND = Command(
    "search a network on pairs, or compare one with chance", EXAMPLES, add_arguments, run, basic=_BASIC, recipes=NAMED
)
