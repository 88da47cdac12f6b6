"""Named recipes: all settings of a run under one name.

``drt-rain100``, ``ddsa-rain100l``, ``elf-rain13k`` and ``manas-rain1200`` (but for its internal loss, there from the
sixth epoch on) are the published ones. The ``tiny`` ones are ours, for two CPU cores.
"""

from __future__ import annotations

from typing import Any

from bsn.engine import LoopConfig, Recipe, RecipeBook
from restoration.config import RestoreConfig
from restoration.losses import LossWeights

__all__ = ["RECIPES", "get_recipe"]


_ELF_EPOCHS, _ELF_STEPS_PER_EPOCH = 600, 857  # 13,712 pairs in batches of 16
_DRT_EPOCHS, _DRT_STEPS_PER_EPOCH = 4600, 360  # 1,800 pairs in batches of 5

_TINY_LOOP = LoopConfig(steps=1500, warmup_steps=50, clip=1.0, ema=0.995, validate_every=250, checkpoint_every=250)


def _published_loop(**options: Any) -> LoopConfig:
    """One device, float32, no average of the weights, as all three were trained."""
    common: dict[str, Any] = {"warmup_steps": 0, "ema": 0.0, "precision": "32-true", "checkpoint_every": 1000}
    return LoopConfig(**{**common, **options})


RECIPES = RecipeBook(
    {
        "elf-tiny": Recipe(
            "a small ELF, minutes on two CPU cores",
            RestoreConfig("elf-tiny", crop=96, batch_size=4),
            _TINY_LOOP,
        ),
        "ddsa-tiny": Recipe(
            "a small DDSA, minutes on two CPU cores",
            RestoreConfig("ddsa-tiny", crop=64, batch_size=4),
            _TINY_LOOP,
        ),
        "drt-tiny": Recipe(
            "a small DRT, minutes on two CPU cores",
            RestoreConfig("drt-tiny", crop=56, batch_size=4, learning_rate=1e-3),
            _TINY_LOOP,
        ),
        "manas-tiny": Recipe(
            "a small MANAS, minutes on two CPU cores",
            RestoreConfig("manas-tiny", crop=64, batch_size=4),
            _TINY_LOOP,
        ),
        "nafnet-tiny": Recipe(
            "a small NAFNet, minutes on two CPU cores",
            RestoreConfig(
                "nafnet-tiny",
                crop=96,
                batch_size=4,
                # The channel attention averages over whole images, which larger crops come nearer to.
                progressive_crops=(144,),
                progressive_at=(0.7,),
                optimizer="muon",
            ),
            _TINY_LOOP,
        ),
        "manas-rain1200": Recipe(
            "published MANAS on Rain1200, three rainy images of each background in a batch: 200 epochs of 500 steps; "
            "needs a GPU",
            RestoreConfig(
                "manas",
                crop=64,
                batch_size=96,
                group_size=3,
                loss=LossWeights(l2=1.0, ssim=1.0, tv=1e-4 / 3, internal=1.0),
                optimizer="adam",
                learning_rate=1e-3,
                betas=(0.9, 0.999),
                augment="none",
            ),
            _published_loop(steps=100_000, floor=0.0, clip=None, validate_every=500),
        ),
        "ddsa-rain100l": Recipe(
            "published DDSA on Rain100L: full size, 300,000 steps; needs a GPU",
            RestoreConfig(
                "ddsa",
                crop=128,
                batch_size=2,
                loss=LossWeights(l1=1.0),
                learning_rate=3e-4,
                weight_decay=1e-4,
                betas=(0.9, 0.999),
            ),
            _published_loop(
                steps=300_000, hold=92_000 / 300_000, floor=1e-6 / 3e-4, clip=0.01, seed=100, validate_every=1000
            ),
        ),
        "drt-rain100": Recipe(
            "published DRT on Rain100L or Rain100H: full size, 4,600 epochs of 1,800 pairs; needs a GPU",
            RestoreConfig(
                "drt",
                crop=56,
                batch_size=5,
                loss=LossWeights(l2=1.0),
                optimizer="adam",
                learning_rate=1e-4,
                betas=(0.9, 0.999),
                augment="flips",
            ),
            _published_loop(
                steps=_DRT_EPOCHS * _DRT_STEPS_PER_EPOCH,
                schedule="constant",
                clip=None,
                seed=1234,
                validate_every=36_000,
            ),
        ),
        "elf-rain13k": Recipe(
            "published ELF on Rain13K: full size, 600 epochs of 13,712 pairs; needs a GPU",
            RestoreConfig(
                "elf",
                crop=256,
                batch_size=16,
                loss=LossWeights(charbonnier=0.3, edge=0.2, ssim=0.15, half=0.8),
                optimizer="adam",
                learning_rate=2e-4,
                betas=(0.9, 0.999),
            ),
            _published_loop(
                steps=_ELF_EPOCHS * _ELF_STEPS_PER_EPOCH,
                schedule="steps",
                gamma=0.8,
                milestones=tuple((80 * drop - 1) / _ELF_EPOCHS for drop in range(1, 8)),
                clip=None,
                seed=1234,
                validate_every=5 * _ELF_STEPS_PER_EPOCH,
            ),
        ),
    }
)

get_recipe = RECIPES.find
