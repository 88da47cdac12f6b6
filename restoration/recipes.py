"""Named recipes: all settings of a run under one name.

``drt-rain100``, ``ddsa-rain100l``, ``elf-rain13k`` and ``manas-rain1200`` are the published ones, except that the authors of
MANAS add its internal loss only from the sixth epoch on. The ``tiny`` ones are ours, for two CPU cores.

``elf-lowlight`` and ``elf-underwater`` train ELF as it was published for rain: its authors name low light among its tasks, but
neither they nor their code give other settings. The number of steps is our choice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bsn.engine import LoopConfig, Recipe, RecipeBook
from restoration.config import RestoreConfig
from restoration.losses import LossWeights

__all__ = ["RECIPES", "RestoreRecipe", "get_recipe"]


@dataclass(frozen=True)
class RestoreRecipe(Recipe[RestoreConfig]):
    """Settings of a run, and how its validation is scored.

    Parameters
    ----------
    validate : mapping of str to str
        The protocol of the validation.
    """

    validate: Mapping[str, str] = field(default_factory=lambda: {"protocol": "y"})


_ELF_EPOCHS, _ELF_STEPS_PER_EPOCH = 600, 857  # 13,712 pairs in batches of 16
_DRT_EPOCHS, _DRT_STEPS_PER_EPOCH = 4600, 360  # 1,800 pairs in batches of 5

_TINY_LOOP = LoopConfig(steps=1500, warmup_steps=50, clip=1.0, ema=0.995, validate_every=250, checkpoint_every=250)


def _published_loop(**options: Any) -> LoopConfig:
    """One device, float32, no average of the weights, as the published networks were trained."""
    common: dict[str, Any] = {"warmup_steps": 0, "ema": 0.0, "precision": "32-true", "checkpoint_every": 1000}
    return LoopConfig(**{**common, **options})


_ELF_LOSS = LossWeights(charbonnier=0.3, edge=0.2, ssim=0.15, half=0.8)
_ELF = RestoreConfig(
    "elf", crop=256, batch_size=16, loss=_ELF_LOSS, optimizer="adam", learning_rate=2e-4, betas=(0.9, 0.999)
)
_SCORED_IN_RGB = {"protocol": "lowlight"}


def _elf_loop(steps: int, validate_every: int) -> LoopConfig:
    """The learning rate falls to 0.8 of itself after every 80 of 600 parts of the run."""
    return _published_loop(
        steps=steps,
        schedule="steps",
        gamma=0.8,
        milestones=tuple((80 * drop - 1) / _ELF_EPOCHS for drop in range(1, 8)),
        clip=None,
        seed=1234,
        validate_every=validate_every,
    )


def _elf_recipe(images: str) -> RestoreRecipe:
    summary = (
        f"published ELF (size, RGB, loss, crops, rates of its recipe for rain) on {images}: 100,000 steps; needs a GPU"
    )
    return RestoreRecipe(summary, _ELF, _elf_loop(100_000, validate_every=1000), _SCORED_IN_RGB)


def _elf_recipe_tiny(images: str) -> RestoreRecipe:
    config = RestoreConfig("elf-tiny", crop=96, batch_size=4, loss=_ELF_LOSS)
    return RestoreRecipe(f"a small ELF with the published loss for {images}", config, _TINY_LOOP, _SCORED_IN_RGB)


RECIPES = RecipeBook(
    {
        "elf-tiny": RestoreRecipe(
            "a small ELF, minutes on two CPU cores",
            RestoreConfig("elf-tiny", crop=96, batch_size=4),
            _TINY_LOOP,
        ),
        "ddsa-tiny": RestoreRecipe(
            "a small DDSA, minutes on two CPU cores",
            RestoreConfig("ddsa-tiny", crop=64, batch_size=4),
            _TINY_LOOP,
        ),
        "drt-tiny": RestoreRecipe(
            "a small DRT, minutes on two CPU cores",
            RestoreConfig("drt-tiny", crop=56, batch_size=4, learning_rate=1e-3),
            _TINY_LOOP,
        ),
        "manas-tiny": RestoreRecipe(
            "a small MANAS, minutes on two CPU cores",
            RestoreConfig("manas-tiny", crop=64, batch_size=4),
            _TINY_LOOP,
        ),
        "nafnet-tiny": RestoreRecipe(
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
        "manas-rain1200": RestoreRecipe(
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
        "ddsa-rain100l": RestoreRecipe(
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
        "drt-rain100": RestoreRecipe(
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
        "elf-rain13k": RestoreRecipe(
            "published ELF on Rain13K: full size, 600 epochs of 13,712 pairs; needs a GPU",
            _ELF,
            _elf_loop(_ELF_EPOCHS * _ELF_STEPS_PER_EPOCH, validate_every=5 * _ELF_STEPS_PER_EPOCH),
        ),
        "elf-lowlight": _elf_recipe("pairs of low light, such as the 485 of LOL"),
        "elf-underwater": _elf_recipe("pairs of underwater images, such as 800 of UIEB"),
        "elf-lowlight-tiny": _elf_recipe_tiny("low light"),
        "elf-underwater-tiny": _elf_recipe_tiny("underwater images"),
    }
)

get_recipe = RECIPES.find
