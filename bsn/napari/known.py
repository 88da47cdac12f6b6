"""The models to choose from: those in the box, and those that were trained or opened in this session."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from bsn.models import Model

__all__ = ["AUTOMATIC", "KNOWN", "KnownModel", "KnownModels", "load_model"]


class KnownModel(NamedTuple):
    """A model that can be chosen.

    Parameters
    ----------
    title : str
        What the user reads.
    name : str or None
        Name in the box, or path; None leaves the choice to the noise of the image.
    """

    title: str
    name: str | None


AUTOMATIC = KnownModel("chosen by the noise", None)


class KnownModels:
    """A list of models that grows, and tells who shows it."""

    def __init__(self) -> None:
        self._added: list[KnownModel] = []
        self._listeners: list[Callable[[], None]] = []

    def listed(self) -> list[KnownModel]:
        """List all models: the youngest of those that were added first, then the box.

        Returns
        -------
        list of KnownModel
            :data:`AUTOMATIC` is not among them.
        """
        from bsn.models.bundled import boxed_models

        return [*reversed(self._added), *(KnownModel(model.name, model.name) for model in boxed_models())]

    def title_of(self, name: str) -> str:
        """Tell how a model is called in the lists.

        Parameters
        ----------
        name : str
            Name in the box, or path.

        Returns
        -------
        str
            The name itself where no model of the list has it.
        """
        return next((model.title for model in self.listed() if model.name == name), name)

    def add(self, path: str | Path, title: str = "") -> KnownModel:
        """Add a model file or the folder of a run.

        Parameters
        ----------
        path : str or Path
            Where it lies.
        title : str
            What the user reads; the name of the file and its folder where left out.

        Returns
        -------
        KnownModel

        Raises
        ------
        ModelFileError
            If it is missing, broken, or not one of ours.
        """
        load_model(str(path))
        path = Path(path)
        found = KnownModel(title or f"{path.parent.name}/{path.name}", str(path))
        self._added = [*(model for model in self._added if model.name != found.name), found]
        for listener in list(self._listeners):
            listener()
        return found

    def listen(self, listener: Callable[[], None]) -> None:
        """Call a function after every change.

        Parameters
        ----------
        listener : callable
            Called without arguments.
        """
        self._listeners.append(listener)

    def forget(self, listener: Callable[[], None]) -> None:
        """Stop calling a function.

        Parameters
        ----------
        listener : callable
            One that was given to :meth:`listen`.
        """
        self._listeners = [other for other in self._listeners if other != listener]


KNOWN = KnownModels()
"""The models of this session, for all widgets."""


def load_model(name: str) -> Model:
    """Load a model, or take the one that was loaded before.

    Parameters
    ----------
    name : str
        Name in the box, or path.

    Returns
    -------
    Model

    Raises
    ------
    ModelFileError
        If it is missing, broken, or not one of ours.
    """
    path = Path(name)
    return _load(name, path.stat().st_mtime_ns if path.exists() else 0)


@functools.lru_cache(maxsize=4)
def _load(name: str, _changed: int) -> Model:
    from bsn.models.bundled import load

    return load(name)
