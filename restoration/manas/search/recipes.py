"""Named settings of searches."""

from __future__ import annotations

from dataclasses import dataclass, field

from bsn.engine import LoopConfig, find_recipe
from restoration.manas.search.config import SearchConfig
from restoration.manas.space.shape import Shape

__all__ = ["SEARCH_RECIPES", "SearchRecipe", "get_search_recipe"]


@dataclass(frozen=True)
class SearchRecipe:
    """Settings of a search.

    Parameters
    ----------
    summary : str
        One line for the help.
    search : SearchConfig
        Settings of the search.
    loop : LoopConfig
        Length, learning rate, precision and the like.
    """

    summary: str
    search: SearchConfig = field(default_factory=SearchConfig)
    loop: LoopConfig = field(default_factory=lambda: LoopConfig(steps=1000, ema=0.0, clip=5.0, validate_every=50))


SEARCH_RECIPES = {
    "tiny": SearchRecipe("small width, for two CPU cores"),
    "published": SearchRecipe(
        "published search: full width, 200 epochs of 1,000 steps; needs a GPU",
        SearchConfig(
            widths=Shape.widths,
            modules=Shape.modules,
            residual=False,
            exclude_none=False,
            backgrounds=16,
            group_size=3,
            warmup=10 / 200,
            weight_optimizer="sgd",
            learning_rate=2e-3,
            weight_decay=3e-4,
            architecture_rate=3e-4,
            internal_from=5 / 200,
        ),
        LoopConfig(
            steps=200_000,
            warmup_steps=0,
            floor=1e-4 / 2e-3,
            clip=None,
            ema=0.0,
            validate_every=1000,
            checkpoint_every=1000,
            precision="32-true",
        ),
    ),
}


def get_search_recipe(name: str) -> SearchRecipe:
    """Look up a recipe by its name.

    Parameters
    ----------
    name : str
        Name of a recipe, as the option ``--recipe`` takes it.

    Returns
    -------
    SearchRecipe

    Raises
    ------
    ValueError
        If there is no recipe of that name; the message lists the names.
    """
    return find_recipe(SEARCH_RECIPES, name)
