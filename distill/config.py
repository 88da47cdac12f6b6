"""Settings of a distillation: how the teacher is asked, and how the student learns."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal

from bsn.engine import OptimizerName
from bsn.hole import Hole
from bsn.inference import InferenceConfig
from bsn.models import OutlierTreatment

__all__ = ["DistillConfig", "TeacherInference"]


@dataclass(frozen=True)
class TeacherInference:
    """How the teacher denoises the images that its students learn from.

    Parameters
    ----------
    strides : tuple of int
        Strides of the pixel-shuffle downsampling; one target is kept for each. Empty: the teacher's own.
    holes : tuple of str
        Holes of a half-plane network, such as "square:5"; one target is kept for each. ("auto",): those between the hole
        of use and that of its training. Empty: the teacher's own.
    second_pass : bool
        Feed the first result to the teacher once more at full resolution, nothing replaced: the published target.
    wiener : bool, optional
        Bring details of the noisy image back. None: what the teacher was trained for, but not after a plain second pass and
        not where holes are given.
    r3_passes : int
        Passes of random-replacement refinement after the first; 0 for none.
    r3_probability : float
        Share of noisy pixels mixed into each pass.
    ensemble : bool
        Average over the eight flips and rotations.
    tile : int, optional
        Side of the tiles in pixels, halo included. None: chosen for the network; 0: the whole image at once.
    overlap : int, optional
        Pixels by which tiles of networks with global statistics overlap. None: a quarter of the tile.
    precision : {"32", "bf16", "auto"}
        Precision of the teacher, see :class:`bsn.inference.InferenceConfig`.
    seed : int
        Seed of the random replacement.

    Raises
    ------
    ValueError
        For values outside their range.
    """

    strides: tuple[int, ...] = ()
    holes: tuple[str, ...] = ()
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
        if len(set(self.holes)) != len(self.holes):
            raise ValueError(f"holes {', '.join(self.holes)} name one target twice; give each once")
        if self.holes and len(self.strides) > 1:
            raise ValueError(
                f"holes {', '.join(self.holes)} and strides {self.strides} are two ways to several targets; give one of them"
            )
        for hole in () if self.holes == ("auto",) else self.holes:
            Hole.parse(hole)
        self.configs("cpu")

    @property
    def targets(self) -> int:
        """Number of targets, once "auto" is settled."""
        return max(len(self.strides), len(self.holes), 1)

    def stored(self) -> dict[str, Any]:
        """Fields as JSON values; the holes only where there are some, so that caches made before there were any stay valid."""
        fields = dataclasses.asdict(self)
        return fields if self.holes else {name: value for name, value in fields.items() if name != "holes"}

    def configs(self, device: str) -> list[InferenceConfig]:
        """One setting of the teacher's inference per stride, in the order of `strides`.

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
                mix="off",
                polish=False,
                guard=False,
                stride=stride,
                wiener=False if (self.second_pass or self.holes) and self.wiener is None else self.wiener,
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
    start : str, optional
        What the student begins with in place of random weights: "teacher" for those of the teacher's U-Net whose shapes agree
        (students "nbsn" and "nbsn-lean" of a half-plane teacher), or a trained student, file or run folder. That brings its
        network, whatever `student` says.
    crop : int
        Side of the training crops in pixels, a multiple of the student's grid.
    batch_size : int
        Crops of a step.
    loss : {"l1", "l2", "psnr"}
        l1 learns faster than l2, see ``benchmarks/results/distill_ablation.json``; psnr counts all crops alike, however strong
        their noise (:func:`distill.losses.decibel_loss`).
    multiscale : float
        Weight of :func:`distill.losses.multiscale_loss`; 0 leaves it out.
    gradient : float
        Weight of :func:`distill.losses.gradient_loss`; 0 leaves it out.
    mixing : {"mean", "random"}
        Whether to learn from the mean of several targets (strides, holes), or from one of them drawn for each crop.
    recharge : bool
        Learn from all targets at once; at each pixel the noisy value takes the place of one of them
        (:mod:`distill.recharging`). Needs several targets. The loss then is the plain one, without weights.
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
    outliers : {"keep", "repair", "ignore"}
        Single pixels far from what their surroundings and the noise can explain are shown neither to the teacher nor to the
        student, and enter no loss, unless they are to be ignored. The student stores it, and denoises accordingly.
    validation_crops : int
        Crops held back for validation, at most 5 % of the pixels; 0 for none.

    Raises
    ------
    ValueError
        For values outside their range.
    """

    student: str = "light"
    start: str | None = None
    crop: int = 96
    batch_size: int = 16
    loss: Literal["l1", "l2", "psnr"] = "l1"
    multiscale: float = 0.0
    gradient: float = 0.0
    mixing: Literal["mean", "random"] = "mean"
    recharge: bool = False
    uncertainty: bool = False
    augment: bool = True
    optimizer: OptimizerName = "adamw"
    learning_rate: float = 2e-3
    weight_decay: float = 0.0
    betas: tuple[float, float] = (0.9, 0.99)
    value_scale: Literal["teacher", "unit"] = "teacher"
    outliers: OutlierTreatment = "keep"
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
        if self.recharge and (self.uncertainty or self.multiscale or self.gradient or self.mixing != "mean"):
            raise ValueError(
                "recharging learns from all targets by the plain loss; leave uncertainty, multiscale, gradient and mixing out"
            )
        if self.recharge and self.loss == "psnr":
            raise ValueError(
                "recharging sums the errors of its targets, of which PSNR knows one; use the loss l1 or l2"
            )
        if self.loss == "psnr" and (self.multiscale or self.gradient):
            raise ValueError("the loss psnr is in decibels and stands alone; leave multiscale and gradient out")
