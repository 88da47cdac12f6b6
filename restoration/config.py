"""Settings of supervised training."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from bsn.engine import OptimizerName
from restoration.losses import LossWeights

__all__ = ["RestoreConfig"]


@dataclass(frozen=True)
class RestoreConfig:
    """What is trained on pairs, and how.

    Parameters
    ----------
    model : str
        Preset, see ``bsn models``.
    start : str, optional
        A trained model, file, run folder or name in the box, to begin with in place of random weights: to adapt it to other
        images, or to train it longer. It brings its network, whatever `model` and `genotype` say. A lower `learning_rate`
        keeps more of what it has learned.
    genotype : str, optional
        The genotype.json of ``bsn restore search`` that the models ``manas`` and ``manas-tiny`` follow; by default
        they follow their own.
    crop : int
        Side of the crops in pixels. Smaller images are mirrored to that size.
    batch_size : int
        Crops per step and device.
    group_size : int
        Degraded images of one background in a batch, cut at the same place; 1 for images one by one. More let the loss compare
        their results (``loss.internal``); backgrounds with fewer are left out, and `batch_size` is a multiple of it.
    progressive_crops : tuple of int
        Crops of later parts of the run, larger than `crop`; empty for one size. The number of crops per step falls so that
        a step keeps its number of pixels.
    progressive_at : tuple of float
        Fractions of the run at which they begin, as many.
    accumulate : int
        Parts in which a batch is computed, to save memory.
    loss : LossWeights
        Factors of the terms.
    optimizer : {"muon", "adamw", "adam"}
        Optimiser of the network.
    learning_rate : float
        Peak of the schedule.
    weight_decay : float
        Weight decay of the optimiser.
    betas : tuple of float
        Decay rates of the averages of AdamW and Adam.
    augment : {"eight", "flips", "none"}
        All flips and quarter turns, flips only, nothing.
    checkpointing : bool
        Compute activations again in the backward pass: about a third more time for a fraction of the memory.
    validation_images : int
        Pairs held back for validation, whole backgrounds at a time and at most a tenth of them; 0 for none. Not used where
        validation pairs are given.
    validation_crop : int
        Side of the middle part of each validation image that is scored while training; 0 for the whole.

    Raises
    ------
    ValueError
        For values outside their range.
    """

    model: str = "elf-tiny"
    start: str | None = None
    genotype: str | None = None
    crop: int = 64
    batch_size: int = 4
    group_size: int = 1
    progressive_crops: tuple[int, ...] = ()
    progressive_at: tuple[float, ...] = ()
    accumulate: int = 1
    loss: LossWeights = field(default_factory=lambda: LossWeights(charbonnier=1.0))
    optimizer: OptimizerName = "adamw"
    learning_rate: float = 2e-3
    weight_decay: float = 0.0
    betas: tuple[float, float] = (0.9, 0.99)
    augment: Literal["eight", "flips", "none"] = "eight"
    checkpointing: bool = False
    validation_images: int = 4
    validation_crop: int = 256

    def __post_init__(self) -> None:
        rules = {
            "crop": (self.crop >= 16, "16 or more"),
            "batch_size": (self.batch_size >= 1, "1 or more"),
            "group_size": (
                self.group_size >= 1 and self.batch_size % max(self.group_size, 1) == 0,
                "a divisor of batch_size",
            ),
            "accumulate": (
                1 <= self.accumulate <= self.batch_size // max(self.group_size, 1),
                "1 to batch_size / group_size",
            ),
            "learning_rate": (self.learning_rate > 0, "more than 0"),
            "weight_decay": (self.weight_decay >= 0, "0 or more"),
            "augment": (self.augment in ("eight", "flips", "none"), "eight, flips or none"),
            "validation_images": (self.validation_images >= 0, "0 or more"),
            "validation_crop": (self.validation_crop == 0 or self.validation_crop >= 16, "0, or 16 or more"),
            "progressive_at": (
                len(self.progressive_at) == len(self.progressive_crops)
                and list(self.progressive_at) == sorted(self.progressive_at)
                and all(0 < at < 1 for at in self.progressive_at),
                "one rising fraction of the run per progressive crop",
            ),
            "progressive_crops": (all(crop >= self.crop for crop in self.progressive_crops), "crop or more"),
        }
        for name, (legal, range_) in rules.items():
            if not legal:
                raise ValueError(f"{name} {getattr(self, name)} is out of range; use {range_}")

        if self.loss.internal and self.group_size == 1:
            raise ValueError(
                "loss.internal compares the results of one background, and group_size 1 draws images one by one; "
                "use group_size 2 or more"
            )

    @property
    def flips(self) -> bool | Literal["flips"]:
        """The setting `augment` in the words of :class:`bsn.data.RandomCrops`."""
        return "flips" if self.augment == "flips" else self.augment == "eight"

    def stage(self, progress: float) -> tuple[int, int]:
        """Crop and batch size at a fraction of the run.

        Parameters
        ----------
        progress : float
            Fraction of the run, in [0, 1].

        Returns
        -------
        tuple of int
            Side of the crops in pixels, and number of crops of a step.
        """
        passed = sum(progress >= at for at in self.progressive_at)
        crop = self.progressive_crops[passed - 1] if passed else self.crop
        backgrounds = self.batch_size / self.group_size * (self.crop / crop) ** 2
        return crop, max(1, round(backgrounds)) * self.group_size
