"""Neighbouring frames in trainings: whether the images have some, and the crops with them."""

from __future__ import annotations

from bsn.data import ContextCrops, DataError, ImageSource, RandomCrops, neighbour_of
from bsn.evaluation import Validation
from bsn.training.config import TrainConfig
from bsn.training.task import Crops

__all__ = ["check_stacks", "context_crops", "stacks_of"]


def stacks_of(source: ImageSource, axis: str = "") -> list[list[int]]:
    """Images of a source that follow each other.

    Parameters
    ----------
    source : ImageSource
        Noisy images.
    axis : str
        "T" or "Z"; empty takes T where there is one, else Z.

    Returns
    -------
    list of list of int
        Numbers of the images of each stack in their order; images that are in none are left out.
    """
    found = []
    for index in range(len(source)):
        if neighbour_of(source, index, -1, axis) is None and neighbour_of(source, index, 1, axis) is not None:
            stack = [index]
            while (following := neighbour_of(source, stack[-1], 1, axis)) is not None:
                stack.append(following)
            found.append(stack)
    return found


def check_stacks(source: ImageSource, config: TrainConfig, validation: Validation | None = None) -> None:
    """Refuse context for images that are in no stack, and single images to validate on.

    Parameters
    ----------
    source : ImageSource
        Noisy images.
    config : TrainConfig
        Settings, whose context is settled.
    validation : Validation, optional
        Whole images with a known truth.

    Raises
    ------
    DataError
        No image has a neighbour.
    ValueError
        Images with a known truth are single.
    """
    if not config.context:
        return
    if validation is not None and validation.pairs:
        raise ValueError(
            f"images to validate on are scored one by one, without the neighbours that context {config.context} is for; leave "
            "them or the context out"
        )
    if stacks_of(source, config.stack_axis):
        return
    axis = config.stack_axis or "T or Z"
    raise DataError(
        f"context {config.context} for {len(source)} image{'s' * (len(source) != 1)} such as {source.name(0)}",
        f"none of them has a neighbour along a known axis {axis}",
        "give a file of two frames or more and state its axes, such as --axes TYX, or leave the context out",
    )


def context_crops(crops: RandomCrops, config: TrainConfig) -> Crops:
    """Crops as the network of a run takes them.

    Parameters
    ----------
    crops : RandomCrops
        Crops of single images.
    config : TrainConfig
        Settings, whose context is settled.

    Returns
    -------
    Crops
        The same, or with their neighbours.
    """
    if not config.context:
        return crops
    return ContextCrops(crops, config.context, axis=config.stack_axis, reversal=config.time_reversal)
