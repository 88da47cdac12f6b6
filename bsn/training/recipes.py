"""Named recipes: all settings of a run under one name.

``tbsn`` and ``ap-bsn`` are the published ones, in every number. The others are ours.
"""

from __future__ import annotations

from bsn.engine import LoopConfig, Recipe, RecipeBook
from bsn.training.config import TrainConfig

__all__ = ["RECIPES", "get_recipe"]


RECIPES = RecipeBook(
    {
        "default": Recipe("what the noise of the images asks for, on two cores in 10 to 15 minutes", TrainConfig()),
        "camera": Recipe(
            "correlated noise (JPEGs of cameras and phones): stride 5",
            TrainConfig(start=None, stride=5, noise="none", loss="l1"),
        ),
        "tbsn": Recipe(
            "published TBSN (AAAI 2025): full size, stride 5, 100,000 steps; needs a GPU",
            TrainConfig(
                model="tbsn",
                start=None,
                channel_attention="global",
                stride=5,
                wiener_test=False,
                noise="none",
                crop=128,
                batch_size=4,
                loss="l1",
                optimizer="adamw",
                learning_rate=3e-4,
                weight_decay=0.01,
                betas=(0.9, 0.999),
                augment=False,
                value_scale="255",
            ),
            LoopConfig(
                steps=100_000,
                schedule="steps",
                milestones=(0.4, 0.8),
                warmup_steps=0,
                clip=None,
                ema=0.0,
                validate_every=20_000,
                checkpoint_every=1_000,
                precision="32-true",
            ),
        ),
        "ap-bsn": Recipe(
            "published AP-BSN (CVPR 2022): DBSNl, mosaic of stride 5, 20 epochs of 24,542 patches; needs a GPU",
            TrainConfig(
                model="dbsnl",
                start=None,
                stride=5,
                wiener_test=False,
                noise="none",
                downsampling="mosaic",
                crop=120,
                batch_size=8,
                loss="l1",
                optimizer="adam",
                learning_rate=1e-4,
                betas=(0.9, 0.999),
                value_scale="255",
            ),
            LoopConfig(
                steps=61_355,
                schedule="steps",
                milestones=(0.4, 0.8),
                warmup_steps=0,
                clip=None,
                ema=0.0,
                validate_every=3_068,
                checkpoint_every=1_000,
                precision="32-true",
            ),
        ),
    }
)

get_recipe = RECIPES.find
