"""How each model in the box is trained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

from torch import nn

from bsn.engine import LoopConfig
from bsn.models import Bits, Light, LightConfig, LightPair, create, first_network, image_network, load
from bsn.noise import outputs_for_posterior
from bsn.training import HALF_PLANES, PHASES
from distill.config import DistillConfig
from tools.bundled.growing import grown
from tools.bundled.sources import PairKind

__all__ = ["NAMES", "RECIPES", "BoxRecipe", "Part", "further", "recipe_named"]

Part = Literal["every", "colour"]
"""The networks of a pair."""

_SMALL = LightConfig(widths=(32, 48, 64), blocks=(2, 2, 3), bias=False)
_SMALL_COLOUR = LightConfig(widths=(32, 48, 64), blocks=(3, 2, 3), bias=False)
_LARGE = LightConfig(widths=(48, 64, 96, 128), blocks=(3, 2, 3, 3), bias=False)


@dataclass(frozen=True)
class BoxRecipe:
    """Network and training of one model.

    Parameters
    ----------
    kind : {"photo", "camera", "rain", "blind"}
        Noise that it is for, or rain; "blind" for a network that ``bsn train`` starts from.
    size : {"tiny", "base", "white", "shared"}
        How large it is; of a blind one, the noise.
    start : callable
        Makes the network as the training begins.
    config : DistillConfig
        Crops, loss and optimiser.
    loop : LoopConfig
        Length and schedule.
    began : str
        What it begins as, for the model card.
    goes_on : bool
        It begins with the weights that are in the box under its name.
    views : {1, 2}
        2: its results are averaged over the image and its transpose (:class:`bsn.models.InferenceDefaults`).
    shape : LightConfig, optional
        Of the network. Where a training goes on from a smaller one, that grows to it first.
    part : {"every", "colour"}
        Which network of the model is trained: the one for all images, or the second one of a :class:`bsn.models.LightPair`.
    bits : {8, 16}
        Of the weights in the file.
    strongest : float
        Noise up to which the second network of a pair is taken, of 255: that of its training, or more where it was better than
        the first one on free photographs that no model has learned.
    """

    kind: Literal["photo", "camera", "rain", "blind"]
    size: str
    start: Callable[[], nn.Module]
    config: DistillConfig
    loop: LoopConfig
    began: str
    goes_on: bool = False
    views: Literal[1, 2] = 1
    shape: LightConfig | None = None
    part: Part = "every"
    bits: Bits = 16
    strongest: float = 40.0

    @property
    def model(self) -> str:
        """Name of the model in the box."""
        return f"{self.kind}-{self.size}"

    @property
    def name(self) -> str:
        """Name of the recipe."""
        return f"{self.model}-colour" if self.part == "colour" else self.model

    @property
    def pairs(self) -> PairKind:
        """What the pairs of the training are."""
        if self.kind == "blind":
            return "white" if self.size == "white" else "shared"
        return "colour" if self.part == "colour" else self.kind


def _from_small(kind: PairKind, shape: LightConfig) -> Callable[[], nn.Module]:
    """A network that begins as the tiny one of this kind, which is in the box already."""

    def start() -> nn.Module:
        small = first_network(load(f"{kind}-tiny").network)
        assert isinstance(small, Light)
        return grown(small, shape)

    return start


def _from_box(recipe: BoxRecipe) -> nn.Module:
    """The network in the box, or that part of a pair; the second one begins as the first where there is none."""
    network = load(recipe.model).network
    if isinstance(network, LightPair):
        network = image_network(network.colour if recipe.part == "colour" else network.every)
    return network if recipe.shape is None else _in_shape(network, recipe.shape)


def _in_shape(network: nn.Module, shape: LightConfig) -> nn.Module:
    """A network, grown to a shape if it is smaller."""
    assert isinstance(network, Light)
    return network if replace(network.config, merged=False) == shape else grown(network, shape)


def _grown(kind: PairKind) -> str:
    return f"the weights of `{kind}-tiny`, in a wider and deeper network that computes the same at first"


def _muon(
    student: str, minutes: float, learning_rate: float = 1e-3, hold: float = 0.3
) -> tuple[DistillConfig, LoopConfig]:
    """Training with Muon on a few large crops at a time, for some minutes."""
    config = DistillConfig(
        student=student, crop=128, batch_size=4, optimizer="muon", learning_rate=learning_rate, value_scale="unit"
    )
    loop = LoopConfig(
        minutes=minutes,
        warmup_steps=100,
        ema=0.999,
        hold=hold,
        validate_every=300,
        checkpoint_every=200,
        deterministic=False,
    )
    return config, loop


def _second(size: str, shape: LightConfig, **more: Any) -> BoxRecipe:
    """Training of the network for photographs in colour, which begins as the one for all images."""
    model = f"photo-{size}"

    def start() -> nn.Module:
        return _in_shape(first_network(load(model).network), shape)

    config, loop = _muon(size, 60)
    config = replace(config, loss="psnr")
    return BoxRecipe(
        "photo", size, start, config, loop, f"the first network of `{model}`", part="colour", shape=shape, **more
    )


def _derainer() -> nn.Module:
    """A NAFNet whose windows are larger than the crops, so that it learns what it would with global pooling."""
    return create("nafnet-tiny", pooling="local", window=2 * _RAIN_CROP)


_SCRATCH = (
    DistillConfig(student="tiny", crop=80, batch_size=24, learning_rate=1.5e-3, betas=(0.9, 0.99), value_scale="unit"),
    LoopConfig(
        steps=14_000, warmup_steps=200, ema=0.999, validate_every=2_000, checkpoint_every=1_000, deterministic=False
    ),
)
_RAIN_CROP = 80
_RAIN = (
    DistillConfig(
        student="nafnet-tiny", crop=_RAIN_CROP, batch_size=4, optimizer="muon", learning_rate=2e-3, value_scale="unit"
    ),
    LoopConfig(
        steps=2_000,
        warmup_steps=60,
        hold=0.2,
        ema=0.996,
        validate_every=500,
        checkpoint_every=250,
        precision="32-true",
        deterministic=False,
    ),
)


def _blind(student: str, minutes: float) -> tuple[DistillConfig, LoopConfig]:
    """Training of a prior, with the optimiser, crops and batch of ``bsn train``."""
    config, loop = _muon(student, minutes, learning_rate=2e-3)
    return config, replace(loop, ema=0.998)


RECIPES = (
    BoxRecipe("photo", "tiny", lambda: create("tiny", bias=False), *_SCRATCH, "random weights", bits=8, strongest=60.0),
    _second("tiny", _SMALL_COLOUR, bits=8, strongest=60.0),
    BoxRecipe("photo", "base", _from_small("photo", _LARGE), *_muon("base", 62), _grown("photo"), views=2),
    _second("base", _LARGE, views=2),
    BoxRecipe("camera", "tiny", _from_small("photo", _SMALL), *_muon("tiny", 30), "the weights of `photo-tiny`"),
    BoxRecipe("camera", "base", _from_small("camera", _LARGE), *_muon("base", 30, 5e-4, 0.1), _grown("camera")),
    BoxRecipe("rain", "tiny", _derainer, *_RAIN, "a network that returns its input"),
    BoxRecipe(
        "blind",
        "white",
        lambda: create(PHASES.model, channels=3, outputs=outputs_for_posterior(3)),
        *_blind(PHASES.model, 15),
        "random weights",
    ),
    BoxRecipe(
        "blind",
        "shared",
        lambda: create(HALF_PLANES.model, channels=3),
        *_blind(HALF_PLANES.model, 35),
        "random weights",
    ),
)
NAMES = tuple(recipe.name for recipe in RECIPES)


def recipe_named(name: str) -> BoxRecipe:
    """Find a recipe.

    Parameters
    ----------
    name : str
        Kind and size, as in "photo-tiny".

    Returns
    -------
    BoxRecipe

    Raises
    ------
    ValueError
        For another name.
    """
    for recipe in RECIPES:
        if recipe.name == name:
            return recipe
    raise ValueError(f"there is no recipe {name!r}; use one of {', '.join(NAMES)}")


def further(recipe: BoxRecipe) -> BoxRecipe:
    """Go on from the weights that are in the box, as for other photographs or a longer training.

    Parameters
    ----------
    recipe : BoxRecipe
        Of a model that is used as it is: "photo", "camera" or "rain".

    Returns
    -------
    BoxRecipe
        The same model, begun with its weights in the box, for an hour of one core, on crops of 128 x 128 pixels. Errors of
        denoisers count in decibels: on the held-out photograph that is 0.09 dB better than L1 after 3,000 steps of
        `photo-base`, most of it in weak noise.

    Raises
    ------
    ValueError
        For a network that trainings start from.
    """
    if recipe.kind == "blind":
        raise ValueError(
            f"{recipe.name} is trained from its beginning; only photo, camera and rain models go on from the box"
        )
    config, loop = _muon(recipe.config.student, 60)
    return replace(
        recipe,
        start=lambda: _from_box(recipe),
        config=config if recipe.kind == "rain" else replace(config, loss="psnr"),
        loop=loop,
        began=f"the earlier weights of `{recipe.model}`",
        goes_on=True,
    )
