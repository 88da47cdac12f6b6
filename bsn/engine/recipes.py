"""Look up named settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

__all__ = ["find_recipe"]

R = TypeVar("R")


def find_recipe(recipes: Mapping[str, R], name: str) -> R:
    """Recipe of a name.

    Parameters
    ----------
    recipes : mapping of str to R
        Recipes by name.
    name : str
        Name to look up.

    Returns
    -------
    R

    Raises
    ------
    ValueError
        For other names; the message lists those there are.
    """
    if name not in recipes:
        raise ValueError(f"there is no recipe {name!r}; choose one of {', '.join(recipes)}")
    return recipes[name]
