"""What a kind of damage is, and the names by which kinds are chosen.

A package of a user adds a kind with a function and a line::

    from restoration.damage import register_damage


    @register_damage("dust", "dark specks on the sensor", order=25)
    def dust(clean, rng):
        return clean * (rng.random(clean.shape[-2:]) > 0.001)

and is found through the entry-point group ``bsn.damages`` (a module that registers on import).
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from bsn.plugins import import_group

__all__ = ["Damage", "DamageFunction", "Place", "damages", "find_damages", "listed_damages", "register_damage"]

DamageFunction = Callable[[np.ndarray, np.random.Generator], np.ndarray]
"""Maps a clean image (C, H, W), float32, range [0, 1], to a damaged one of its shape; all randomness is the generator's."""

_OURS = ("restoration.damage.weather", "restoration.damage.camera", "restoration.damage.light")


class Place(IntEnum):
    """Where on the way from the scene to the file damage arises; numbers between these are free for other packages."""

    MEDIUM = 0
    """Haze and water."""
    FALLING = 10
    """Rain and snow."""
    LIGHT = 20
    """Too little of it."""
    SENSOR = 30
    """Noise."""
    FILE = 40
    """Lossy compression."""


@dataclass(frozen=True)
class Damage:
    """A kind of damage, with strengths drawn at random.

    Parameters
    ----------
    name : str
        What users call it.
    summary : str
        A few words for the help.
    make : callable
        See :data:`DamageFunction`.
    order : int
        Place on the way from the scene to the file, see :class:`Place`. Of two kinds the lower comes first, and two of one
        place are not put on one image.
    channels : tuple of int, optional
        Numbers of channels that it works on; None for all.
    """

    name: str
    summary: str
    make: DamageFunction
    order: int = Place.LIGHT
    channels: tuple[int, ...] | None = None

    def __call__(self, clean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Damage an image.

        Parameters
        ----------
        clean : ndarray, shape (C, H, W), float32, range [0, 1]
            Clean image; it is not changed.
        rng : numpy.random.Generator
            Generator of the strength and of all else that is random.

        Returns
        -------
        ndarray, shape (C, H, W), float32, range [0, 1]

        Raises
        ------
        ValueError
            If the function returns another shape, or values that are no numbers.
        """
        damaged = np.asarray(self.make(clean.copy(), rng))
        if damaged.shape != clean.shape or not np.isfinite(damaged).all():
            raise ValueError(
                f"the damage {self.name!r} made {damaged.shape} of {clean.shape}, or values that are no numbers; let it keep "
                "the shape and give numbers from 0 to 1"
            )
        return np.clip(damaged, 0, 1).astype(np.float32)


_damages: dict[str, Damage] = {}


def register_damage(
    name: str, summary: str, *, order: int = Place.LIGHT, channels: tuple[int, ...] | None = None
) -> Callable[[DamageFunction], DamageFunction]:
    """Make a function a kind of damage that ``bsn restore train --tasks`` knows.

    Parameters
    ----------
    name : str
        What users call it; an equal name is replaced.
    summary : str
        A few words for the help.
    order : int
        See :class:`Damage`.
    channels : tuple of int, optional
        Numbers of channels that it works on; None for all.

    Returns
    -------
    callable
        Decorator that returns the function as it is.
    """

    def add(make: DamageFunction) -> DamageFunction:
        _damages[name] = Damage(name, summary, make, order, channels)
        return make

    return add


def damages() -> dict[str, Damage]:
    """All kinds by their names: ours, and those of other packages."""
    for module in _OURS:
        importlib.import_module(module)
    import_group("bsn.damages")
    return dict(_damages)


def listed_damages() -> str:
    """Names and summaries of all kinds in one line of help."""
    return "; ".join(f"{name}: {damage.summary}" for name, damage in damages().items())


def find_damages(names: Sequence[str]) -> tuple[Damage, ...]:
    """Kinds of some names.

    Parameters
    ----------
    names : sequence of str
        At least one, each once.

    Returns
    -------
    tuple of Damage
        In the order of the names.

    Raises
    ------
    ValueError
        For no names, names that are not known, or a name that is there twice.
    """
    known = damages()
    if not names:
        raise ValueError(f"no task was named; choose some of {', '.join(known)}")
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=3)
            meant = f"did you mean {' or '.join(near)}? All are" if near else "choose some of"
            raise ValueError(f"there is no task {name!r}; {meant} {', '.join(known)}")
    twice = [name for place, name in enumerate(names) if name in names[:place]]
    if twice:
        raise ValueError(f"the task {twice[0]!r} is named twice; name each once, all are drawn alike")
    return tuple(known[name] for name in names)
