"""Named settings of searches."""

from __future__ import annotations

from dataclasses import dataclass

from bsn.engine import LoopConfig, Recipe, RecipeBook
from restoration.manas.search.config import SearchConfig
from restoration.manas.space.shape import Shape

__all__ = ["SEARCH_RECIPES", "SearchRecipe", "get_search_recipe"]


@dataclass(frozen=True)
class SearchRecipe(Recipe[SearchConfig]):
    """Settings of a search; the loop's average of the weights is not used."""

    @property
    def search(self) -> SearchConfig:
        """The published name of `train`."""
        return self.train


SEARCH_RECIPES = RecipeBook(
    {
        "tiny": SearchRecipe(
            "small width, for two CPU cores",
            SearchConfig(),
            LoopConfig(steps=1000, ema=0.0, clip=5.0, validate_every=50),
        ),
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
                architecture_decay=1e-3,
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
)

get_search_recipe = SEARCH_RECIPES.find
