"""Keys of published MANAS files, the inverse of ``restoration.manas.network.official.our_key``."""

import re

from restoration.manas.network.official import _ATTENTION, _CBAM
from restoration.manas.space.candidates import PUBLISHED_ORDER

# Our prefix, official prefix, what the official number of a stage or transition has more than ours.
_PLACES = {"transitions": ("transition", 1), "cells": ("stage", 2), "attention": ("auto", 1)}


def official_key(ours: str) -> str:
    """Official key of one of ours, below ``body.``.

    Parameters
    ----------
    ours : str
        Our key, below ``body.``.

    Returns
    -------
    str

    Raises
    ------
    KeyError
        For keys that no official network has.
    """
    first, _, rest = ours.partition(".")
    if first == "stem":
        return f"stage1.{rest}"
    if first == "fusion":
        return f"final_fuse.{rest.replace('paths.', 'fuse_layers.', 1)}"
    if first == "last":
        return f"final_conv.0.{rest}"
    if first not in _PLACES:
        raise KeyError(ours)
    name, offset = _PLACES[first]
    number, _, rest = rest.partition(".")
    return f"{name}{int(number) + offset}.{_inner(first, rest)}"


def _inner(place: str, rest: str) -> str:
    if place == "transitions":
        return rest.replace("paths.", "transition_layers.", 1)
    number, _, rest = rest.partition(".")
    if place == "cells":
        rest = re.sub(r"^parallel\.", "horizontal.", re.sub(r"^fusion\.", "fuse.", rest))
        rest = re.sub(r"(^|\.)blocks\.(\d+)\.", r"\1branches.\2.0.", rest)
        rest = re.sub(r"(^|\.)paths\.", r"\1fuse_layers.", rest)
        return f"{number}.{rest}"
    for ours, theirs in _ATTENTION.items():
        if rest.startswith(ours):
            return f"{number}.{theirs}{rest.removeprefix(ours)}"
    match = re.fullmatch(r"edges\.(\d+)\.candidates\.(\w+)\.(.+)\.(\w+)", rest)
    if match is None or match[2] not in PUBLISHED_ORDER:
        raise KeyError(rest)
    inner = _CBAM[match[3]] if match[2] == "CBAM" else match[3]
    return f"{number}.ops.{match[1]}.ops.{PUBLISHED_ORDER.index(match[2])}.{inner}.{match[4]}"
