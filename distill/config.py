"""Settings of a distillation: how the teacher is asked, and how the student learns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bsn.engine import OptimizerName
from bsn.inference import InferenceConfig

__all__ = ["DistillConfig", "TeacherInference"]


@dataclass(frozen=True)
class TeacherInference:
    """How the teacher denoises the images that its students learn from.

    Parameters
    ----------
    strides : tuple of int
        Strides of the pixel-shuffle downsampling; one target is kept for each. Empty: the teacher's own.
    second_pass : bool
        Feed the first result to the teacher once more at full resolution, nothing replaced: the published target.
    wiener : bool, optional
        Bring details of the noisy image back. None: what the teacher was trained for, but not after a plain second pass.
    r3_passes, r3_probability, ensemble, tile, overlap, precision, seed
        See :class:`bsn.inference.InferenceConfig`.

    Raises
    ------
    ValueError
        For values outside their range.
    """

    strides: tuple[int, ...] = ()
    second_pass: bool = False
    wiener: bool | None = None
    r3_passes: int = 0
    r3_probability: float = 0.16
    ensemble: bool = False
    tile: int | None = None
    overlap: int | None = None
    precision: Literal["32", "bf16"] = "32"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.second_pass and self.r3_passes:
            raise ValueError(
                f"a plain second pass and {self.r3_passes} passes of random replacement exclude each other; choose one"
            )
        if len(set(self.strides)) != len(self.strides):
            raise ValueError(f"strides {self.strides} name one target twice; give each once")
        self.configs("cpu")

    def configs(self, device: str) -> list[InferenceConfig]:
        """One setting of the teacher's inference per target, in the order of `strides`.

        Parameters
        ----------
        device : str
            Device that computes, such as "cpu" or "cuda:1".

        Returns
        -------
        list of InferenceConfig
        """
        passes, probability = (1, 0.0) if self.second_pass else (self.r3_passes, self.r3_probability)
        return [
            InferenceConfig(
                stride=stride,
                wiener=False if self.second_pass and self.wiener is None else self.wiener,
                r3_passes=passes,
                r3_probability=probability,
                ensemble=self.ensemble,
                tile=self.tile,
                overlap=self.overlap,
                device=device,
                precision=self.precision,
                seed=self.seed,
            )
            for stride in self.strides or (None,)
        ]


@dataclass(frozen=True)
class DistillConfig:
    """What is trained on the teacher's images.

    Parameters
    ----------
    student : str
        Preset, see ``bsn models``.
    crop : int
        Side of the training crops in pixels, a multiple of the student's grid.
    batch_size : int
        Crops of a step.
    loss : {"l1", "l2"}
        l1 learns faster, see ``benchmarks/results/distill_ablation.json``.
    multiscale, gradient : float
        Weights of :func:`distill.losses.multiscale_loss` and :func:`distill.losses.gradient_loss`; 0 leaves them out.
    mixing : {"mean", "random"}
        Whether to learn from the mean of several targets (strides), or from one of them drawn for each crop.
    uncertainty : bool
        Trust pixels less where the teacher says it is unsure. Needs a teacher that says so.
    augment : bool
        Eight flips and rotations.
    optimizer : {"muon", "adamw", "adam"}
        Optimiser of the network.
    learning_rate : float
        Peak of the schedule.
    weight_decay : float
        Weight decay of the optimiser.
    betas : tuple of float
        Decay rates of the averages of AdamW and Adam.
    value_scale : {"teacher", "unit"}
        Range the student works on: the teacher's, or image values.
    validation_crops : int
        Crops held back for validation, at most 5 % of the pixels; 0 for none.

    Raises
    ------
    ValueError
        For values outside their range.
    """

    student: str = "light"
    crop: int = 96
    batch_size: int = 16
    loss: Literal["l1", "l2"] = "l1"
    multiscale: float = 0.0
    gradient: float = 0.0
    mixing: Literal["mean", "random"] = "mean"
    uncertainty: bool = False
    augment: bool = True
    optimizer: OptimizerName = "adamw"
    learning_rate: float = 2e-3
    weight_decay: float = 0.0
    betas: tuple[float, float] = (0.9, 0.99)
    value_scale: Literal["teacher", "unit"] = "teacher"
    validation_crops: int = 8

    def __post_init__(self) -> None:
        rules = {
            "crop": (self.crop >= 16, "16 or more"),
            "batch_size": (self.batch_size >= 1, "1 or more"),
            "multiscale": (self.multiscale >= 0, "0 or more"),
            "gradient": (self.gradient >= 0, "0 or more"),
            "learning_rate": (self.learning_rate > 0, "more than 0"),
            "weight_decay": (self.weight_decay >= 0, "0 or more"),
            "validation_crops": (self.validation_crops >= 0, "0 or more"),
        }
        for name, (legal, range_) in rules.items():
            if not legal:
                raise ValueError(f"{name} {getattr(self, name)} is out of range; use {range_}")
