"""Neighbouring frames in trainings: whether the images have some, and the crops with them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from bsn.data import ContextCrops, DataError, ImageSource, RandomCrops
from bsn.evaluation import Validation
from bsn.models import presets
from bsn.noise.stacks import MeasuredStack, advise_context, judge_stacks, stacks_of
from bsn.noise.stacks.advice import ALONE
from bsn.training.config import TrainConfig
from bsn.training.task import Crops

__all__ = ["check_stacks", "context_crops", "settle_context"]


def settle_context(
    source: ImageSource,
    config: TrainConfig,
    *,
    alone: str = "",
    stacks: Sequence[MeasuredStack] | None = None,
    pattern_left: float = 0.0,
) -> tuple[TrainConfig, tuple[str, ...]]:
    """Fill in how many neighbouring frames the network takes, and how it sees them.

    Parameters
    ----------
    source : ImageSource
        Noisy images; some of their stacks are measured, see :func:`bsn.noise.stacks.judge_stacks`.
    config : TrainConfig
        Settings; those that are not "auto" stay.
    alone : str
        Why every plane is to be denoised alone, if it is.
    stacks : sequence of MeasuredStack, optional
        What was measured already.
    pattern_left : float
        Share of a fixed pattern in the noise variance that is known to be in the images.

    Returns
    -------
    config : TrainConfig
        Its context is a number, its hole is known.
    reasons : tuple of str
        Sentences for the user; empty where nothing was to be decided, or no image is in a stack.
    """
    if config.context != "auto" and config.context_hole is not None:
        return config, ()
    if config.context == 0:
        return dataclasses.replace(config, context_hole=False), ()
    alone = alone or _alone(config)
    if config.context == "auto" and (alone or not stacks_of(source, config.stack_axis)):
        return dataclasses.replace(config, context=0, context_hole=False), _why_alone(source, config, alone)
    if not stacks_of(source, config.stack_axis):
        return config, ()  # nothing to measure; `check_stacks` refuses
    measured = judge_stacks(source, config.stack_axis) if stacks is None or config.stack_axis else stacks
    readings = [dataclasses.replace(m.readings, pattern=max(m.readings.pattern, pattern_left)) for m in measured]
    advice = advise_context(readings, _letter(source, config))
    context = advice.context if config.context == "auto" else config.context
    # Where the user insists on neighbours that the noise speaks against, the hole is the lesser evil.
    hole = advice.hole or not advice.context if config.context_hole is None else config.context_hole
    reasons = advice.reasons if advice.context or not context else _insisted(advice.reasons, context, hole=hole)
    return dataclasses.replace(config, context=context, context_hole=bool(context) and hole), reasons


def _insisted(reasons: Sequence[str], context: int, *, hole: bool) -> tuple[str, ...]:
    """Reasons against neighbours that the user wants nevertheless."""
    seen = "with the hole of the frame itself" if hole else "seen whole"
    return tuple(f"{reason.removesuffix(ALONE)}; {context} on each side were asked for, {seen}" for reason in reasons)


def _why_alone(source: ImageSource, config: TrainConfig, alone: str) -> tuple[str, ...]:
    """Why planes have no neighbours, where they could have some."""
    if stacks_of(source, config.stack_axis):
        return (f"{alone}, so every plane is denoised alone",)
    if source.name(0).endswith("]"):
        return (
            f"it is not known which planes follow each other ({source.name(0)}), so every plane is denoised alone; state the "
            "axes to use neighbours, such as --axes TYX",
        )
    return ()


def _alone(config: TrainConfig) -> str:
    """Settings that know single images only."""
    if config.scheme != "blind":
        return f"the scheme {config.scheme!r} is for single images"
    if config.augment_colours:
        return "augment_colours is for single images"
    known = presets()[config.model].config if config.model in presets() else None
    return "" if known is None or hasattr(known, "context") else f"{config.model} takes single images"


def _letter(source: ImageSource, config: TrainConfig) -> str:
    return config.stack_axis or ("T" if stacks_of(source, "T") else "Z")


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
    if not config.neighbours:
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
    if not config.neighbours:
        return crops
    return ContextCrops(crops, config.neighbours, axis=config.stack_axis, reversal=config.time_reversal)
