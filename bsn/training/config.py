"""Settings of blind-spot training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bsn.engine import OptimizerName
from bsn.frames import check_context
from bsn.hole import Hole
from bsn.models import OutlierTreatment, current_name
from bsn.ops.channel_attention import ChannelScope
from bsn.selfsup import find_loss

__all__ = ["AUTO", "SIGHTED_MODEL", "Scheme", "TrainConfig"]

AUTO = "auto"
"""Settings that the images decide."""

Scheme = Literal["blind", "recorrupted", "matched"]

SIGHTED_MODEL = "sighted"
"""Preset that the schemes of networks that see their pixel take where none is chosen."""


@dataclass(frozen=True)
class OptimizerChoice:
    """Settings of an optimiser, none of them "auto"; see :class:`TrainConfig`."""

    optimizer: str
    learning_rate: float
    weight_decay: float
    betas: tuple[float, float]


@dataclass(frozen=True)
class TrainConfig:
    """What is trained, and on what.

    Parameters
    ----------
    model : str
        Preset, see ``bsn models``. "auto": a half-plane network where the noise of neighbours is correlated, else
        ``phase-unet-tiny``.
    start : str, optional
        What the run begins with. "auto": the prior of the box, a blind network that has learned noisy photographs
        whose clean versions were known, where network, channels and noise fit (``bsn models`` lists the priors), else
        random weights. "none", or None: random weights. A trained model, file or run folder: to adapt it to other
        images (those that are to be denoised, for instance), or to train it longer. It brings its network, whatever
        `model` says, and its value scale. Adapting was measured at half of the usual learning rate.
    channel_attention : {"phase", "global"}
        Scope of the channel attention of networks that have one: one Gram matrix per phase (strictly blind), or one
        for the image (as published, approximately blind).
    hole : str
        Region around each pixel that a half-plane network does not see in training: square:9, diamond:5, rows:3, columns:3 or
        pixel. "auto": the region over which the noise is correlated, measured on the training images, see ``bsn inspect``.
        "none": no half-plane network; correlated noise then is met by strides.
    hole_test : str, optional
        Hole recommended for denoising, of the same shape, and smaller, which keeps detail; stored in the model. None: as
        measured.
    context : int or "auto"
        Neighbouring frames on each side that the network takes beside each plane of a stack, see :mod:`bsn.frames`: planes of
        the same file that follow each other along T or Z. 0 denoises every plane alone. "auto": as measured, from 0 to 3, see
        ``bsn inspect``.
    context_hole : bool, optional
        The neighbours have the hole of the plane itself, too: for noise that is correlated from frame to frame, and for
        patterns that all frames share. None: as measured.
    context_axis : {"t", "z"}, optional
        Axis along which planes are neighbours. None: T where there is one, else Z.
    time_reversal : bool
        Show half of the samples backwards, where there is context. Turn it off where events rise fast and decay slowly, such as
        calcium transients, and the network is to know it.
    fixed_pattern : {"auto", "subtract", "keep"}
        What becomes of a pattern that all frames of a stack share, such as offsets of columns, of single pixels, and hot pixels
        (:mod:`bsn.noise.stacks.pattern`). "subtract" measures it on the mean of the frames and takes off what is certainly not
        picture, before training and denoising; the model stores it. "keep" leaves the frames as they are. "auto": subtract
        where the pattern is 5 % of the noise variance or more.
    stride : int or "auto"
        Stride of the pixel-shuffle downsampling, which takes correlated neighbours apart; 1 for white noise and for half-plane
        networks. "auto": measured on the training images, see ``bsn inspect``.
    stride_test : int, optional
        Stride recommended for denoising; stored in the model. None: the smaller of 2 and `stride`.
    wiener_test : bool, optional
        Whether denoising brings details of the noisy image back by the noise model or the measured noise spectrum
        (:mod:`bsn.noise.wiener`); stored in the model. None: with a noise model, and without one where `stride` is
        above 1 or the hole larger than a pixel.
    polish_test : bool, optional
        Whether results get a second pass by the model in the box for cameras; stored in the model. None: for colour photographs
        (8 bits, 3 channels) whose noise a half-plane network hides by a hole of several pixels.
    downsampling : {"sub-image", "mosaic"}
        "sub-image": the network sees one sub-image of each crop (TBSN). "mosaic": all of them, tiled with a margin
        (AP-BSN).
    mosaic_margin : int
        Zeros around each tile of a mosaic.
    crop : int
        Side in pixels of what the network sees: of a sub-image, or of the crop that a mosaic is made of.
    batch_size : int
        Crops per step and device.
    accumulate : int
        Parts in which a batch is computed, to save memory.
    loss : str
        "poisson-l2", "l2", "l1" (:mod:`bsn.selfsup.losses`), or one of another package. "auto": "l1" for half-plane
        networks, "poisson-l2" for the others.
    noise : {"auto", "none", "gaussian", "poisson-gaussian"}
        "none" predicts the clean value from the surroundings alone. With a noise model the network also predicts its own
        uncertainty, and the noisy pixel is combined with the prediction by Bayes' rule: better where the noise is
        independent from pixel to pixel. The loss then is the likelihood, whatever `loss` says (but see `noise_scope`).
        "auto": chosen by the measured noise; "none" where `start` has no noise model.
    noise_gain : float, optional
        Gain of the noise model, in image values (range [0, 1] for integer images): the variance is noise_gain * clean +
        noise_read ** 2. If gain or read noise is None, both are learned, starting from what is measured.
    noise_read : float, optional
        Read noise of the noise model, in image values; for Gaussian noise its standard deviation.
    noise_scope : {"auto", "set", "image"}
        "set": one noise model holds for all images, and the loss is the likelihood. "image": the noise is fitted to each
        image, in training and later (:func:`bsn.noise.fit_noise`), for files that were stretched or exposed one by one;
        the mean is trained by `loss`, its uncertainty by the likelihood. "auto": as measured, "image" where fewer than
        four planes are there to compare; "set" if the numbers of the noise model are given.
    optimizer : {"auto", "muon", "adamw", "adam"}
        "muon" (:class:`bsn.engine.optimizers.Muon`) gets in a half to a sixth of the steps, each 10 to 15 % longer, where
        AdamW gets, and ends better; but it overfits few images sooner. "auto": "muon" for half-plane networks, and
        at stride 1 for runs that pass over every pixel at most 200 times; "adamw" for the others. A run by minutes counts as
        one of 5,800 steps.
    learning_rate : float or "auto"
        Peak of the schedule. "auto": 2e-3.
    weight_decay : float
        Weight decay of the optimiser.
    betas : tuple of float
        Decay rates of the averages of AdamW and Adam.
    augment : bool
        Eight flips and rotations.
    augment_colours : bool
        Weaken the luminance of half of the crops and turn the hues of half of them, so that the network meets stronger and
        other colours than the images have; for RGB images and Gaussian noise (:mod:`bsn.training.colours`).
    value_scale : {"standardise", "255"}
        Range the network works on: mean 0 and standard deviation 1 over the training images, or 0..255.
    outliers : {"keep", "repair", "ignore"}
        Single pixels far from what their surroundings and the noise can explain enter neither the network's input nor the
        loss, unless they are to be ignored: "ignore" is for images whose subject is single bright pixels. The model stores
        it, and denoises accordingly; what is measured of the noise is robust in any case.
    validation_crops : int
        Crops held back for validation, at most 5 % of the pixels; 0 for none.
    scheme : {"blind", "recorrupted", "matched"}
        What the network learns from. "blind": noisy images alone, by a network that does not see the pixel it predicts. The
        other two measure the noise, take the measurement as it is, and train a network that sees its pixel and needs one pass.
        "recorrupted": noisy images alone, of each a pair with independent noise (:mod:`bsn.noise.recorruption`). "matched":
        clean images with the measured noise on them, from `clean`, from `pilot`, or from both.
    clean : str or list of str, optional
        Clean images for the scheme "matched": files, folders, patterns or a packed file.
    pilot : str, optional
        A trained model, file or run folder, for the scheme "matched": its denoised versions of the training images count as
        clean.
    recorruption : float
        Strength of the fresh noise on the inputs of the scheme "recorrupted", relative to their own; the targets get its
        inverse.

    Raises
    ------
    ValueError
        For values outside their range.
    """

    model: str = "auto"
    start: str | None = AUTO
    channel_attention: ChannelScope = "phase"
    hole: str = "auto"
    hole_test: str | None = None
    context: int | Literal["auto"] = "auto"
    context_hole: bool | None = None
    context_axis: Literal["t", "z"] | None = None
    time_reversal: bool = True
    fixed_pattern: Literal["auto", "subtract", "keep"] = "auto"
    stride: int | Literal["auto"] = "auto"
    stride_test: int | None = None
    wiener_test: bool | None = None
    polish_test: bool | None = None
    downsampling: Literal["sub-image", "mosaic"] = "sub-image"
    mosaic_margin: int = 2
    crop: int = 128
    batch_size: int = 4
    accumulate: int = 1
    loss: str = "auto"
    noise: Literal["auto", "none", "gaussian", "poisson-gaussian"] = "auto"
    noise_gain: float | None = None
    noise_read: float | None = None
    noise_scope: Literal["auto", "set", "image"] = "auto"
    optimizer: OptimizerName | Literal["auto"] = "auto"
    learning_rate: float | Literal["auto"] = "auto"
    weight_decay: float = 0.0
    betas: tuple[float, float] = (0.9, 0.99)
    augment: bool = True
    augment_colours: bool = False
    value_scale: Literal["standardise", "255"] = "standardise"
    outliers: OutlierTreatment = "keep"
    validation_crops: int = 8
    scheme: Scheme = "blind"
    clean: str | list[str] | None = None
    pilot: str | None = None
    recorruption: float = 0.5

    def __post_init__(self) -> None:
        object.__setattr__(self, "model", current_name(self.model))  # one name in runs, old settings included
        object.__setattr__(self, "start", None if self.start == "none" else self.start)
        self._check_scheme()
        if self.loss != "auto":
            find_loss(self.loss)
        rules = {
            "recorruption": (self.recorruption > 0, "more than 0, such as 0.5"),
            "stride": (self.stride == "auto" or self.stride >= 1, '1 or more, or "auto"'),
            "stride_test": (self.stride_test is None or self.stride_test >= 1, "1 or more"),
            "fixed_pattern": (self.fixed_pattern in ("auto", "subtract", "keep"), "auto, subtract or keep"),
            "mosaic_margin": (self.mosaic_margin >= 0, "0 or more"),
            "crop": (self.crop >= 8, "8 or more"),
            "batch_size": (self.batch_size >= 1, "1 or more"),
            "accumulate": (1 <= self.accumulate <= self.batch_size, "1 to batch_size"),
            "learning_rate": (self.learning_rate == "auto" or self.learning_rate > 0, 'more than 0, or "auto"'),
            "weight_decay": (self.weight_decay >= 0, "0 or more"),
            "noise_gain": (self.noise_gain is None or self.noise_gain >= 0, "0 or more"),
            "noise_read": (self.noise_read is None or self.noise_read >= 0, "0 or more"),
            "validation_crops": (self.validation_crops >= 0, "0 or more"),
        }
        for name, (legal, range_) in rules.items():
            if not legal:
                raise ValueError(f"{name} {getattr(self, name)} is out of range; use {range_}")
        self._check_context()
        self._check_holes()
        if self.downsampling == "mosaic" and self.crop % self.step:
            nearest = max(self.crop // self.step, 1) * self.step
            raise ValueError(f"crop {self.crop} is not a multiple of the mosaic's stride {self.stride}; use {nearest}")
        if self.noise_scope == "image" and self.noise in ("gaussian", "poisson-gaussian") and not self.noise_learned:
            raise ValueError('noise_scope "image" fits the noise to each image; leave noise_gain and noise_read out')

    def _check_scheme(self) -> None:
        """Refuse settings that belong to another scheme."""
        if self.scheme not in ("blind", "recorrupted", "matched"):
            raise ValueError(f"the scheme {self.scheme!r} does not exist; use blind, recorrupted or matched")
        given = self.clean is not None or self.pilot is not None
        if self.scheme == "matched" and not given:
            raise ValueError(
                "the scheme 'matched' puts noise on clean images, and there are none; give --clean FOLDER, or --pilot MODEL "
                "for the training images as a trained model denoises them"
            )
        if self.scheme != "matched" and given:
            raise ValueError(
                f"clean images and a pilot are for the scheme 'matched', not for {self.scheme!r}; leave them out, or use "
                "--scheme matched"
            )
        if self.scheme == "blind":
            return
        blind = {
            "stride": self.stride not in ("auto", 1),
            "noise": self.noise not in ("auto", "none"),
            "wiener_test": bool(self.wiener_test),
            "polish_test": bool(self.polish_test),
            "augment_colours": self.augment_colours,
            "hole": self.hole not in ("auto", "none"),
            "fixed_pattern": self.fixed_pattern == "subtract",
        }
        for name in (name for name, wrong in blind.items() if wrong):
            raise ValueError(
                f"{name} {getattr(self, name)} is for blind networks, and the scheme {self.scheme!r} trains one that sees its "
                "pixel; leave it out"
            )

    def _check_context(self) -> None:
        """Refuse context beside settings that know single images only."""
        if self.context == "auto":
            return
        check_context(self.context, hole=bool(self.context_hole))
        if self.context and (self.augment_colours or self.scheme != "blind"):
            what = "augment_colours" if self.augment_colours else f"the scheme {self.scheme!r}"
            raise ValueError(
                f"{what} is for single images, and context {self.context} takes stacks; leave one of them out"
            )

    def _check_holes(self) -> None:
        """Refuse holes that cannot be read, and a hole for denoising that the training did not hide."""
        train = None if self.hole in ("auto", "none") else Hole.parse(self.hole)
        use = None if self.hole_test is None else Hole.parse(self.hole_test)
        if train is not None and use is not None and not train.includes(use):
            raise ValueError(
                f"hole_test {use} is not inside the hole {train} of the training; use {train} or a smaller one"
            )

    @property
    def automatic(self) -> bool:
        """True if stride, hole or noise model are still to be decided by the images."""
        return "auto" in (self.stride, self.noise)

    @property
    def step(self) -> int:
        """The stride as a number; 1 while it is undecided."""
        return 1 if self.stride == "auto" else self.stride

    @property
    def optimizer_choice(self) -> OptimizerChoice:
        """What is left of the settings of the optimiser when "auto" is settled."""
        assert self.learning_rate != "auto"
        return OptimizerChoice(self.optimizer, self.learning_rate, self.weight_decay, self.betas)

    @property
    def noise_learned(self) -> bool:
        """True if a number of the noise model is to be learned."""
        wanted: dict[str, tuple[float | None, ...]] = {
            "gaussian": (self.noise_read,),
            "poisson-gaussian": (self.noise_gain, self.noise_read),
        }
        return None in wanted.get(self.noise, ())

    @property
    def neighbours(self) -> int:
        """The context as a number; 0 while it is undecided."""
        return 0 if self.context == "auto" else self.context

    @property
    def stack_axis(self) -> str:
        """Axis of the neighbours, "T" or "Z"; empty where the images decide."""
        return (self.context_axis or "").upper()

    @property
    def image_crop(self) -> int:
        """Side of a crop in pixels of the image."""
        return self.crop * (self.step if self.downsampling == "sub-image" else 1)

    @property
    def inference_stride(self) -> int:
        """Stride stored in the model for denoising."""
        return self.stride_test or min(2, self.step)

    @property
    def inference_wiener(self) -> bool:
        """Use of the Wiener filter stored in the model for denoising."""
        if self.wiener_test is not None:
            return self.wiener_test
        return self.step > 1 or self.hides_neighbours or self.noise != "none"

    @property
    def hides_neighbours(self) -> bool:
        """Whether a hole of several pixels hides correlated noise."""
        return self.hole not in ("auto", "none", "pixel")
