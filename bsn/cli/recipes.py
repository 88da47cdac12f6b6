"""Recipes: which one a command line chooses, and what it overrules."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bsn.cli.precedence import config_files, option_value

if TYPE_CHECKING:
    from jsonargparse import ArgumentParser

    from bsn.engine import RecipeBook

__all__ = ["Recipes", "flat_settings"]

_SETTLED = ("hole_test", "polish_test", "steps", "stride_test", "wiener_test")  # options that None leaves open


@dataclass(frozen=True)
class Recipes:
    """The recipes of a command.

    Parameters
    ----------
    book : callable
        Gives the book of recipes; it is imported when a command first needs it.
    """

    book: Callable[[], RecipeBook[Any]]

    def declare(self, parser: ArgumentParser) -> None:
        """Add the option ``--recipe``.

        Parameters
        ----------
        parser : ArgumentParser
            Parser of a sub-command; it is changed in place.
        """
        book = self.book()
        parser.add_argument("--recipe", default=book.default, help=f"named settings. {book.listed()}")

    def settings(self, name: str) -> dict[str, Any]:
        """Options that a recipe sets.

        Parameters
        ----------
        name : str
            Name of the recipe.

        Returns
        -------
        dict of str to Any
            Values by the names of the options on the command line.

        Raises
        ------
        ValueError
            If there is no such recipe.
        """
        return flat_settings(self.book().find(name).options())

    def chosen(self, words: Sequence[str]) -> dict[str, Any]:
        """Settings of the recipe that the command line names, or else its files of ``--config``.

        Parameters
        ----------
        words : sequence of str
            Words of the command line.

        Raises
        ------
        ValueError
            If there is no such recipe.
        """
        return self.settings(option_value(words, "--recipe", "") or self._in_files(_files(words)))

    def defaults(self, words: Sequence[str], stored: Mapping[str, Any]) -> dict[str, Any]:
        """Defaults of the options: those of the recipe, or of the run that goes on.

        Parameters
        ----------
        words : sequence of str
            Words of the command line.
        stored : mapping
            Settings of the run that goes on; empty for a new run.

        Returns
        -------
        dict of str to Any
            Of a run that goes on its own settings, but what a recipe of the command line is there for: settings that
            differ from the run's are said by it, and to be refused.

        Raises
        ------
        ValueError
            If there is no such recipe.
        """
        chosen, name = self.chosen(words), option_value(words, "--recipe", "")
        if not stored or not name:
            return {**chosen, **stored}
        usual = self.settings(self.book().default)
        return {
            **chosen,
            **stored,
            **{key: value for key, value in self.settings(name).items() if value != usual.get(key)},
        }

    def overruling(self, words: Sequence[str]) -> list[str]:
        """Words that let a recipe of the command line overrule the recipe of a file.

        A value of the file yields where it is what the file's recipe gives, or what came of its "auto"; other values are
        the user's own and stay.

        Parameters
        ----------
        words : sequence of str
            Words of the command line.

        Returns
        -------
        list of str
            To stand after the files of ``--config``; empty if there is nothing to overrule.
        """
        name, files = option_value(words, "--recipe", ""), _files(words)
        if not name or not files:
            return []
        new, old = self.settings(name), self.settings(self._in_files(files))
        said = {option: value for content in files for option, value in flat_settings(content).items()}
        yielding = {
            o: new[o] for o, value in said.items() if o in new and (_is_open(o, old[o]) or _plain(old[o]) == value)
        }
        return ["--config", json.dumps(_nested(yielding))] if yielding else []

    def _in_files(self, files: list[dict[str, Any]]) -> str:
        names = [str(content["recipe"]) for content in files if "recipe" in content]
        return names[-1] if names else self.book().default


def flat_settings(settings: Mapping[str, Any], group: str = "") -> dict[str, Any]:
    """Options of nested settings by their names on the command line.

    Parameters
    ----------
    settings : mapping
        Such as ``{"loss": {"l1": 1.0}}``.
    group : str
        What stands before the names, with a dot at its end.

    Returns
    -------
    dict
        Such as ``{"loss.l1": 1.0}``.
    """
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        flat |= flat_settings(value, f"{group}{name}.") if isinstance(value, Mapping) else {f"{group}{name}": value}
    return flat


def _files(words: Sequence[str]) -> list[dict[str, Any]]:
    """Content of the files of ``--config``; the parser itself refuses those that cannot be read."""
    import yaml

    contents = []
    for name in config_files(words):
        try:
            content = yaml.safe_load(Path(name).read_text(encoding="utf-8"))
        except (OSError, ValueError, yaml.YAMLError):
            continue
        if isinstance(content, dict):
            contents.append({str(key): value for key, value in content.items()})
    return contents


def _nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for name, value in flat.items():
        *groups, last = name.split(".")
        place = nested
        for group in groups:
            place = place.setdefault(group, {})
        place[last] = value
    return nested


def _is_open(option: str, value: Any) -> bool:
    """Whether a recipe leaves an option to the images or to other options, so that a run stores what came of it."""
    return value == "auto" or (value is None and option in _SETTLED)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
