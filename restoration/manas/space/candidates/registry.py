"""Which candidates an edge can have, by name and in the order of the columns of the published search."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from torch import nn

__all__ = ["PUBLISHED_ORDER", "Candidate", "candidate", "candidate_names", "make_candidate", "register_candidate"]

Module = TypeVar("Module", bound=nn.Module)

# Column i of the published edge parameters is candidate i; genotypes name them, so that more can be added behind.
PUBLISHED_ORDER = (
    "none",
    "skip_connect",
    "sep_conv_3x3",
    "dil_conv_3x3",
    "sep_conv_3x3_spatial",
    "dil_conv_3x3_spatial",
    "SE",
    "SE_A_M",
    "CBAM",
)


@dataclass(frozen=True)
class Candidate:
    """An operator that an edge of an attention block can choose.

    Parameters
    ----------
    name : str
        As genotypes spell it.
    build : callable
        ``build(channels)`` gives a module that maps (N, channels, H, W) to the same shape.
    summary : str
        A few words for tables and drawings.
    reach : int
        Farthest pixel that can influence an output, pooling over the whole image aside.
    """

    name: str
    build: Callable[[int], nn.Module]
    summary: str
    reach: int


_candidates: dict[str, Candidate] = {}


def register_candidate(name: str, summary: str, reach: int = 0) -> Callable[[type[Module]], type[Module]]:
    """Class decorator: make a module of one argument, its number of channels, a candidate of the search.

    Parameters
    ----------
    name, summary : str
    reach : int
        See :class:`Candidate`.
    """

    def add(cls: type[Module]) -> type[Module]:
        _candidates[name] = Candidate(name, cls, summary, reach)
        return cls

    return add


def candidate_names() -> tuple[str, ...]:
    """Names of all candidates: the published ones in their order, then others in the order of their registration."""
    return PUBLISHED_ORDER + tuple(name for name in _candidates if name not in PUBLISHED_ORDER)


def candidate(name: str) -> Candidate:
    """Candidate of a name.

    Raises
    ------
    ValueError
        With near names.
    """
    if name not in _candidates:
        near = difflib.get_close_matches(name, candidate_names(), n=2) or candidate_names()
        raise ValueError(f"there is no candidate {name!r}; did you mean {' or '.join(near)}?")
    return _candidates[name]


def make_candidate(name: str, channels: int) -> nn.Module:
    """Fresh module of a candidate that keeps `channels` channels."""
    return candidate(name).build(channels)
