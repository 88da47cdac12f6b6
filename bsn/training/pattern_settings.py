"""Patterns that all frames of a stack share: whether a training takes them off, and its images without them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np
from typing_extensions import override

from bsn.data import DataError, ImageSource
from bsn.data.sources.wrapped_source import WrappedSource
from bsn.noise.stacks import FoundPattern, pattern_of_stack, stacks_of
from bsn.training.config import TrainConfig

__all__ = ["PatternFreeSource", "settle_pattern"]


class PatternFreeSource(WrappedSource):
    """Images without the pattern of their stack.

    Parameters
    ----------
    source : ImageSource
        The images.
    offsets : mapping of int to ndarray
        Pattern (C, H, W) of an image, by its number; images without one are as they are.
    """

    def __init__(self, source: ImageSource, offsets: Mapping[int, np.ndarray]) -> None:
        super().__init__(source)
        self._offsets = offsets

    @override
    def crop(self, index: int, top: int, left: int, height: int, width: int) -> np.ndarray:
        pixels = super().crop(index, top, left, height, width)
        offsets = self._offsets.get(index)
        if offsets is not None:
            pixels -= offsets[:, top : top + height, left : left + width]
        return pixels


def settle_pattern(
    source: ImageSource, config: TrainConfig, alone: str = ""
) -> tuple[TrainConfig, ImageSource, float, tuple[str, ...]]:
    """Decide whether what all frames of a stack share is taken off before the training.

    Parameters
    ----------
    source : ImageSource
        Noisy images.
    config : TrainConfig
        Settings; a `fixed_pattern` that is not "auto" stays.
    alone : str
        Why planes are not looked at as stacks, if they are not.

    Returns
    -------
    config : TrainConfig
        Its `fixed_pattern` is "subtract" or "keep".
    source : ImageSource
        The images, without their patterns if these are taken off.
    left : float
        Share of the pattern in the variance of the noise that stays.
    reasons : tuple of str
        Sentences for the user.

    Raises
    ------
    DataError
        If a pattern is to be taken off of images that are in no stack.
    """
    wanted, stacks = config.fixed_pattern, stacks_of(source, config.stack_axis)
    if wanted == "subtract" and not stacks:
        raise DataError(
            f"fixed_pattern subtract for {len(source)} image{'s' * (len(source) != 1)} such as {source.name(0)}",
            "a pattern is what the frames of a stack share, and none of these follows another along a known axis T or Z",
            "state the axes, such as --axes TYX, or leave the option out",
        )
    if wanted == "keep" or not stacks or (wanted == "auto" and (alone or config.scheme != "blind")):
        return dataclasses.replace(config, fixed_pattern="keep"), source, 0.0, ()
    found = [pattern_of_stack(stack, source.image) for stack in stacks]
    taken = [bool(f.kinds) if wanted == "subtract" else f.significant for f in found]
    what = "slices" if config.stack_axis == "Z" or not stacks_of(source, "T") else "frames"
    told = max(zip(taken, found, strict=True), key=lambda pair: (pair[0], pair[1].share))
    reasons = tuple(filter(None, [_said(told[1], what, wanted)]))
    if not any(taken):
        return dataclasses.replace(config, fixed_pattern="keep"), source, 0.0, reasons
    offsets = {
        plane: f.offsets for stack, f, takes in zip(stacks, found, taken, strict=True) if takes for plane in stack
    }
    free = PatternFreeSource(source, offsets)
    return dataclasses.replace(config, fixed_pattern="subtract"), free, max(f.left for f in found), reasons


def _said(found: FoundPattern, what: str, wanted: str) -> str:
    """What was found; where the user asked for it, also that there is nothing."""
    if wanted == "subtract" and not found.kinds:
        return f"no pattern of the {what} is taken off: {found.doubt or 'there is none'}"
    return found.said(what)
