"""Named recipes: all settings of a distillation under one name.

``tbsn2unet`` is the published one, in every number that its cached form leaves. The others are ours, chosen by
``benchmarks/distill.py``.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from bsn.engine import LoopConfig, find_recipe
from distill.config import DistillConfig, TeacherInference

__all__ = ["RECIPES", "Recipe", "get_recipe"]


@dataclass(frozen=True)
class Recipe:
    """Settings of a distillation.

    Parameters
    ----------
    summary : str
        One line.
    inference : TeacherInference
        How the teacher answers.
    distill : DistillConfig
        Student, loss and crops.
    loop : LoopConfig
        Length, learning rate, precision and the like.
    """

    summary: str
    inference: TeacherInference = field(default_factory=TeacherInference)
    distill: DistillConfig = field(default_factory=DistillConfig)
    loop: LoopConfig = field(default_factory=LoopConfig)


_FAST = LoopConfig(steps=3000, ema=0.998, warmup_steps=100, validate_every=500, checkpoint_every=500)

RECIPES = {
    "default": Recipe("a student of the teacher's own inference, minutes on a CPU", loop=_FAST),
    "camera": Recipe(
        "teachers of cameras' JPEGs: stride 2, refined, eight views",
        inference=TeacherInference(strides=(2,), r3_passes=8, ensemble=True),
        loop=_FAST,
    ),
    "tbsn2unet": Recipe(
        "published with TBSN (AAAI 2025): stride 2, plain second pass, U-Net, 100,000 steps; needs a GPU",
        inference=TeacherInference(strides=(2,), second_pass=True),
        distill=DistillConfig(
            student="unet",
            crop=128,
            batch_size=8,
            loss="l1",
            augment=False,
            learning_rate=3e-4,
            weight_decay=0.01,
            betas=(0.9, 0.999),
            value_scale="unit",
            validation_crops=0,
        ),
        loop=LoopConfig(
            steps=100_000,
            schedule="steps",
            milestones=(0.4, 0.8),
            warmup_steps=0,
            clip=None,
            ema=0.0,
            validate_every=10_000,
            checkpoint_every=1_000,
            precision="32-true",
        ),
    ),
    "recharge": Recipe(
        "of a half-plane network at several holes at once, for correlated noise: one pass, no filter",
        inference=TeacherInference(holes=("auto",)),
        distill=DistillConfig(student="nbsn-lean", start="teacher", recharge=True, batch_size=8, value_scale="teacher"),
        loop=LoopConfig(steps=1500, ema=0.998, warmup_steps=100, validate_every=500, checkpoint_every=250),
    ),
}


def get_recipe(name: str) -> Recipe:
    """Look up a recipe by its name.

    Parameters
    ----------
    name : str
        Name of a recipe, as the option ``--recipe`` takes it.

    Returns
    -------
    Recipe

    Raises
    ------
    ValueError
        If there is no recipe of that name; the message lists the names.
    """
    return find_recipe(RECIPES, name)
