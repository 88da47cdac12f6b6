"""Named settings: all that a run is, under one name."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from bsn.engine.config import LoopConfig

__all__ = ["Recipe", "RecipeBook"]

T = TypeVar("T")
R = TypeVar("R", bound="Recipe[Any]")


@dataclass(frozen=True)
class Recipe(Generic[T]):
    """Settings of a run.

    Parameters
    ----------
    summary : str
        One line for the help.
    train : dataclass
        Settings of the task: network, loss, crops and the like.
    loop : LoopConfig
        Length, learning rate, precision and the like.

    Notes
    -----
    A task with further settings adds them as fields, whose names are those of their groups of options.
    """

    summary: str
    train: T
    loop: LoopConfig = field(default_factory=LoopConfig)

    def options(self) -> dict[str, Any]:
        """Settings by the names of their options; further settings are nested under the name of their group."""
        content = dataclasses.asdict(self)
        del content["summary"]
        return {**content.pop("train"), **content.pop("loop"), **content}


class RecipeBook(Mapping[str, R]):
    """The recipes of one kind of run.

    Parameters
    ----------
    recipes : mapping of str to Recipe
        Recipes by name; the first is the one of a command line that names none.

    Examples
    --------
    >>> book = RecipeBook({"short": Recipe("a minute", None), "long": Recipe("an hour", None)})
    >>> book.default, book.find("long").summary
    ('short', 'an hour')
    """

    def __init__(self, recipes: Mapping[str, R]) -> None:
        self._recipes = dict(recipes)
        self.default = next(iter(self._recipes))

    def __getitem__(self, name: str) -> R:
        return self._recipes[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._recipes)

    def __len__(self) -> int:
        return len(self._recipes)

    def find(self, name: str) -> R:
        """Look up a recipe by its name.

        Parameters
        ----------
        name : str
            Name of a recipe, as the option ``--recipe`` takes it.

        Returns
        -------
        Recipe

        Raises
        ------
        ValueError
            If there is no recipe of that name; the message lists the names.
        """
        if name not in self._recipes:
            raise ValueError(f"there is no recipe {name!r}; choose one of {', '.join(self._recipes)}")
        return self._recipes[name]

    def listed(self) -> str:
        """Names and summaries in one line of help."""
        return "; ".join(f"{name}: {recipe.summary}" for name, recipe in self._recipes.items())
