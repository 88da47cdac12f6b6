"""Which trainings use a half-plane network, with which hole and which settings."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from bsn.data import ImageSource
from bsn.engine import LoopConfig
from bsn.hole import Hole
from bsn.models import HalfPlane, HalfPlaneConfig, Model, presets
from bsn.noise import Advice, NoiseCorrelation, advise_use
from bsn.training.config import TrainConfig
from bsn.training.held_back import smallest_side

__all__ = [
    "HALF_PLANES",
    "PHASES",
    "HalfPlaneRecipe",
    "PhaseRecipe",
    "as_started",
    "check_hole",
    "check_room",
    "fill_recipe",
    "measures_hole",
    "recommended_loop",
    "recommended_steps",
    "settle_hole",
    "wants_hole",
]


@dataclass(frozen=True)
class PhaseRecipe:
    """Settings of trainings of networks on phases, where they are "auto".

    Parameters
    ----------
    model : str
        Preset.
    loss : str
        See :mod:`bsn.selfsup.losses`.
    learning_rate : float
        Peak of the schedule.
    steps : int
        Length of the run: ten minutes of two cores.
    """

    model: str = "phase-unet-tiny"
    loss: str = "poisson-l2"
    learning_rate: float = 2e-3
    steps: int = 5800


@dataclass(frozen=True)
class HalfPlaneRecipe:
    """Settings of trainings of half-plane networks, where they are "auto".

    Chosen on five photographs of 256 x 256 pixels with simulated noise of a phone at high ISO (Bayer mosaic, bilinear
    demosaicing, 23.4 dB), four minutes of one core each: ``halfplane`` with AdamW at 1e-3 reaches 26.8 dB alone and 30.6 dB
    with the Wiener filter, with Muon at 2e-3 27.5 and 30.7 dB, ``halfplane-cells`` with Muon 28.8 and 31.1 dB.

    Parameters
    ----------
    model, diagonal : str
        Presets for squares, rows, columns and single pixels, and for diamonds.
    loss, optimizer : str
        Names, as in :class:`TrainConfig`.
    learning_rate : float
        Peak of the schedule.
    steps : int
        Length of the run: a quarter of an hour of two cores.
    validate_every : int
        Steps between validations.
    keep : {"last", "best"}
        Weights that the model gets. Half-plane networks see far more of an image at full resolution than those on phases,
        and overfit few images: on five blocks of 256 x 256 pixels of a telephone, the weights of step 500 of 1,400 have the
        lowest loss on held-back crops (0.547 against 0.559 at the end).
    """

    model: str = "halfplane-cells"
    diagonal: str = "halfplane-cells-diamond"
    loss: str = "l1"
    optimizer: str = "muon"
    learning_rate: float = 2e-3
    steps: int = 1400
    validate_every: int = 100
    keep: Literal["last", "best"] = "best"


PHASES = PhaseRecipe()
HALF_PLANES = HalfPlaneRecipe()


def half_plane_config(model: str) -> HalfPlaneConfig | None:
    """Configuration of a preset that is a half-plane network; None for all others.

    Parameters
    ----------
    model : str
        Name of a preset, or "auto".

    Returns
    -------
    HalfPlaneConfig or None
    """
    config = presets()[model].config if model in presets() else None
    return config if isinstance(config, HalfPlaneConfig) else None


def check_hole(config: TrainConfig) -> None:
    """Refuse a hole that the other settings cannot have.

    Parameters
    ----------
    config : TrainConfig
        Settings as the user gave them.

    Raises
    ------
    ValueError
        For a hole with a network on phases, a half-plane network without one, a shape that the network cannot open, and a hole
        of several pixels beside a stride.
    """
    network = half_plane_config(config.model)
    if config.hole == "auto":
        return
    if config.hole == "none":
        if network is not None:
            raise ValueError(
                f"{config.model} without a hole sees the pixel it predicts and would learn to copy the noise; use --hole auto, "
                f"or --model {PHASES.model}"
            )
        return
    hole = Hole.parse(config.hole)
    if network is None and config.model != "auto":
        raise ValueError(
            f"{config.model} is blind to one pixel and its phases and has no hole such as {hole}; leave --hole out, or use "
            f"--model {_preset_for(hole)}"
        )
    if network is not None:
        network.check_hole(hole)
    if config.step > 1 and hole.size > 1:
        raise ValueError(
            f"stride {config.stride} takes correlated neighbours apart and the hole {hole} hides them; use one of the two, "
            f"--stride {config.stride} or --hole {hole}"
        )
    if config.downsampling == "mosaic":
        raise ValueError(f"a mosaic is for strides, and the hole {hole} needs none; leave one of the two out")
    if hole.size >= config.crop:
        raise ValueError(
            f"the hole {hole} is as large as a crop of {config.crop} pixels and leaves nothing to see; use a smaller hole, or "
            f"--crop {4 * hole.size} or more"
        )


def _preset_for(hole: Hole) -> str:
    return HALF_PLANES.diagonal if hole.shape == "diamond" else HALF_PLANES.model


def wants_hole(config: TrainConfig) -> bool | None:
    """Whether the run trains a half-plane network; None where the noise decides.

    Parameters
    ----------
    config : TrainConfig
        Settings, some of them "auto".

    Returns
    -------
    bool or None
    """
    if config.hole == "none" or (config.model != "auto" and half_plane_config(config.model) is None):
        return False
    if config.hole != "auto" or config.model != "auto":
        return True
    # A stride or a mosaic that is asked for is the other way of meeting correlated noise.
    return None if config.stride == "auto" and config.downsampling == "sub-image" else False


def measures_hole(config: TrainConfig) -> bool:
    """Whether the noise has to be measured for the holes of a run that certainly has one.

    Parameters
    ----------
    config : TrainConfig
        Settings, some of them "auto".

    Returns
    -------
    bool
    """
    return wants_hole(config) is True and (config.hole == "auto" or config.hole_test is None)


def check_room(source: ImageSource, config: TrainConfig) -> None:
    """Refuse a hole around which the smallest image has nothing left to see.

    Parameters
    ----------
    source : ImageSource
        Noisy images.
    config : TrainConfig
        Settings with hole and stride.

    Raises
    ------
    ValueError
        If the hole is as large as the smallest image.
    """
    if config.hole == "none":
        return
    hole, side = Hole.parse(config.hole), smallest_side(source) // config.step
    if hole.size >= side:
        raise ValueError(
            f"the hole {hole} is as large as the smallest image, {side} pixels, and leaves nothing to see; use a smaller "
            "hole, or leave this image out"
        )


def as_started(config: TrainConfig, start: Model) -> TrainConfig:
    """Settings that fit the network that a starting model brings, and its hole where none is asked for.

    Parameters
    ----------
    config : TrainConfig
        Settings, some of them "auto".
    start : Model
        Trained model that the run begins with.

    Returns
    -------
    TrainConfig

    Raises
    ------
    ValueError
        For a hole or a context that its network cannot have.
    """
    config, network = _with_context(config, start), start.network
    if not isinstance(network, HalfPlane):
        if config.hole not in ("auto", "none"):
            raise ValueError(
                f"the model {config.start} is blind to one pixel and its phases and has no hole such as {config.hole}; leave "
                "--hole out, or start with a half-plane network"
            )
        return dataclasses.replace(config, hole="none", model=PHASES.model if config.model == "auto" else config.model)
    if config.hole == "auto":
        config = dataclasses.replace(config, hole=str(network.hole), hole_test=config.hole_test or start.inference.hole)
    preset = HALF_PLANES.model if network.config.plane == "straight" else HALF_PLANES.diagonal
    return dataclasses.replace(config, model=preset)


def _with_context(config: TrainConfig, start: Model) -> TrainConfig:
    """The neighbouring frames that the starting network takes."""
    own = start.context, bool(getattr(start.network, "context_hole", False))
    if config.context not in ("auto", own[0]) or config.context_hole not in (None, own[1]):
        raise ValueError(
            f"the model {config.start} takes {own[0]} neighbouring frames on each side {'with' if own[1] else 'without'} a "
            "hole; leave --context and --context_hole out, or train a new model"
        )
    config = dataclasses.replace(config, context=own[0], context_hole=own[1])
    axis: Any = start.inference.context_axis.lower()
    return dataclasses.replace(config, context_axis=axis) if axis and config.context_axis is None else config


def settle_hole(config: TrainConfig, advice: Advice | None, correlation: NoiseCorrelation | None) -> TrainConfig:
    """Fill in network, stride and holes by the measured noise.

    Parameters
    ----------
    config : TrainConfig
        Settings; those that are not "auto" stay.
    advice : Advice, optional
        What the noise asks for; None where it was not measured.
    correlation : NoiseCorrelation, optional
        Of the noise; None where it is independent, or was not measured.

    Returns
    -------
    TrainConfig
        With a hole other than "none" if it trains a half-plane network. Its stride may still be "auto" if it does not.
    """
    wanted = wants_hole(config)
    if wanted is False or (wanted is None and (advice is None or advice.hole is None)):
        return dataclasses.replace(config, hole="none", model=PHASES.model if config.model == "auto" else config.model)
    train, use = _holes(config, advice, correlation)
    return dataclasses.replace(
        config,
        model=_preset_for(train) if config.model == "auto" else config.model,
        stride=config.step,
        hole=str(train),
        hole_test=str(use) if config.hole_test is None else config.hole_test,
    )


def _holes(config: TrainConfig, advice: Advice | None, correlation: NoiseCorrelation | None) -> tuple[Hole, Hole]:
    """Holes for training and for use, of a shape that the network can open."""
    if config.hole != "auto":
        train = Hole.parse(config.hole)
        return train, advise_use(correlation, train)
    if config.step > 1 or advice is None or advice.hole is None:
        return Hole("pixel", 1), Hole("pixel", 1)
    train, network = advice.hole.train, half_plane_config(config.model)
    if network is None or train.shape in network.shapes:
        return train, advice.hole.use
    # A square holds the diamond of its size; the diamond that holds a square is nearly twice as large.
    train = Hole("square", train.size) if network.plane == "straight" else Hole("diamond", train.size)
    return train, advise_use(correlation, train)


def fill_recipe(config: TrainConfig) -> TrainConfig:
    """Fill in loss, optimiser and learning rate that are still "auto".

    Parameters
    ----------
    config : TrainConfig
        Settings with network and hole.

    Returns
    -------
    TrainConfig
        The optimiser of a network on phases may still be "auto": it follows from the length of the run.
    """
    recipe = _recipe(config)
    values: Mapping[str, Any] = dataclasses.asdict(recipe)
    names = ("loss", "learning_rate", "optimizer")
    return dataclasses.replace(config, **{n: values[n] for n in names if n in values and getattr(config, n) == "auto"})


def recommended_steps(config: TrainConfig) -> int:
    """Length of a run that has none.

    Parameters
    ----------
    config : TrainConfig
        Settings with network and hole.

    Returns
    -------
    int
    """
    return _recipe(config).steps


def recommended_loop(config: TrainConfig, loop: LoopConfig) -> LoopConfig:
    """Fill in length, validation and kept weights where the loop leaves them open.

    Parameters
    ----------
    config : TrainConfig
        Settings with network and hole.
    loop : LoopConfig
        Settings of the loop; those that are given stay.

    Returns
    -------
    LoopConfig
    """
    recipe = _recipe(config)
    if isinstance(recipe, HalfPlaneRecipe):
        loop = dataclasses.replace(
            loop,
            validate_every=recipe.validate_every if loop.validate_every is None else loop.validate_every,
            keep=recipe.keep if loop.keep == "auto" else loop.keep,
        )
    return dataclasses.replace(loop, steps=loop.steps or recipe.steps).settled()


def _recipe(config: TrainConfig) -> PhaseRecipe | HalfPlaneRecipe:
    return PHASES if config.hole in ("auto", "none") else HALF_PLANES
