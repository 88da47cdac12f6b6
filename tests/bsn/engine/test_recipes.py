"""Recipes: one kind for all runs, one look-up."""

import dataclasses
from dataclasses import dataclass, field

import pytest

from bsn.engine import LoopConfig, Recipe, RecipeBook
from bsn.training import RECIPES
from distill import RECIPES as DISTILLATIONS
from restoration.manas.search import SEARCH_RECIPES
from restoration.recipes import RECIPES as RESTORATIONS


@dataclass(frozen=True)
class Loss:
    l1: float = 1.0


@dataclass(frozen=True)
class Settings:
    crop: int = 8
    loss: Loss = field(default_factory=Loss)


@dataclass(frozen=True)
class Grouped(Recipe[Settings]):
    inference: Loss = field(default_factory=Loss)


BOOK = RecipeBook(
    {"small": Recipe("a minute", Settings(), LoopConfig(steps=3)), "large": Recipe("a day", Settings(99))}
)


def test_a_recipe_gives_the_options_of_task_and_loop_side_by_side():
    options = BOOK["small"].options()
    assert (options["crop"], options["steps"], options["loss"]) == (8, 3, {"l1": 1.0})
    assert set(options) == {"crop", "loss", *(f.name for f in dataclasses.fields(LoopConfig))}


def test_further_settings_keep_the_name_of_their_group():
    options = Grouped("s", Settings(7), inference=Loss(2.0)).options()
    assert (options["inference"], options["loss"], options["crop"]) == ({"l1": 2.0}, {"l1": 1.0}, 7)


def test_the_first_recipe_is_the_default_and_unknown_names_are_told_which_there_are():
    assert (BOOK.default, BOOK.find("large").train.crop, len(BOOK)) == ("small", 99, 2)
    assert BOOK.listed() == "small: a minute; large: a day"
    with pytest.raises(ValueError, match="there is no recipe 'medium'; choose one of small, large"):
        BOOK.find("medium")


@pytest.mark.parametrize(
    ("book", "default"),
    [(RECIPES, "default"), (DISTILLATIONS, "default"), (RESTORATIONS, "elf-tiny"), (SEARCH_RECIPES, "tiny")],
)
def test_every_kind_of_run_has_recipes_of_this_one_kind(book, default):
    assert book.default == default
    for recipe in book.values():
        task = {f.name for f in dataclasses.fields(recipe.train)}
        assert not task & {f.name for f in dataclasses.fields(recipe.loop)}, "an option would have two meanings"
        assert recipe.summary
