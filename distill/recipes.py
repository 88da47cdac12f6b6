"""Named recipes: all settings of a distillation under one name.

``tbsn2unet`` is the published one, in every number that its cached form leaves. The others are ours, chosen by
``benchmarks/distill.py``.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from bsn.engine import LoopConfig, Recipe, RecipeBook
from distill.config import DistillConfig, TeacherInference

__all__ = ["RECIPES", "DistillRecipe", "get_recipe"]


@dataclass(frozen=True)
class DistillRecipe(Recipe[DistillConfig]):
    """Settings of a distillation.

    Parameters
    ----------
    summary : str
        One line for the help.
    train : DistillConfig
        Student, loss and crops.
    loop : LoopConfig
        Length, learning rate, precision and the like.
    inference : TeacherInference
        How the teacher answers.
    """

    inference: TeacherInference = field(default_factory=TeacherInference)

    @property
    def distill(self) -> DistillConfig:
        """The published name of `train`."""
        return self.train


_FAST = LoopConfig(steps=3000, ema=0.998, warmup_steps=100, validate_every=500, checkpoint_every=500)

RECIPES = RecipeBook(
    {
        "default": DistillRecipe("a student of the teacher's own inference, minutes on a CPU", DistillConfig(), _FAST),
        "camera": DistillRecipe(
            "teachers of cameras' JPEGs: stride 2, refined, eight views",
            DistillConfig(),
            _FAST,
            TeacherInference(strides=(2,), r3_passes=8, ensemble=True),
        ),
        "tbsn2unet": DistillRecipe(
            "published with TBSN (AAAI 2025): stride 2, plain second pass, U-Net, 100,000 steps; needs a GPU",
            DistillConfig(
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
            LoopConfig(
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
            TeacherInference(strides=(2,), second_pass=True),
        ),
        "recharge": DistillRecipe(
            "of a half-plane network at several holes at once, for correlated noise: one pass, no filter",
            DistillConfig(student="nbsn-lean", start="teacher", recharge=True, batch_size=8, value_scale="teacher"),
            LoopConfig(steps=1500, ema=0.998, warmup_steps=100, validate_every=500, checkpoint_every=250),
            TeacherInference(holes=("auto",)),
        ),
    }
)

get_recipe = RECIPES.find
