"""Options of denoising."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bsn.hole import Hole

__all__ = ["InferenceConfig"]


@dataclass(frozen=True)
class InferenceConfig:
    """How images are denoised.

    Parameters
    ----------
    stride : int or list of int, optional
        Stride of the pixel-shuffle downsampling, for noise that is correlated between neighbours; 1 for white noise.
        None: what the model was trained for. Several, such as [1, 2]: the mean of the results of each, between the
        noise that a small stride leaves and the picture that a large one loses.
    hole : str
        Region around each pixel that a half-plane network does not see: square:5, diamond:3, rows:1, columns:1 or pixel;
        smaller ones keep more detail, and more of the noise. "auto": what was found for the model when it was trained.
    r3_passes : int
        Passes of random-replacement refinement after the first; 0 for none, published: 8.
    r3_probability : float
        Share of noisy pixels mixed into each pass.
    wiener : bool, optional
        Mix the noisy image back in, frequency by frequency, by the noise spectrum measured on it
        (:mod:`bsn.noise.wiener`): for noise that is correlated or weak, where a blind-spot network alone smooths too
        much. Needs images of 64 x 64 pixels or more. With a noise model the noise is known, and the filter brings textures
        that a network trained briefly has not learned; the uncertainty stays that of the posterior before it.
        None: what the model was trained for, without it for smaller images.
    same_noise : bool
        The files have about the same noise (one kind of camera and processing): the Wiener filter then draws the spectrum
        measured on each to that of 16 of them together, which is steadier.
    ensemble : bool
        Average over the eight flips and rotations: 8 times the work for about 0.1 dB.
    tile : int, optional
        Side of the tiles in pixels, halo included. None: chosen for the network; 0: the whole image at once.
    overlap : int, optional
        Pixels by which tiles of networks with global statistics overlap, blended. None: a quarter of the tile. Other
        networks overlap by their halo, which makes tiles equal to the whole image.
    device : str
        "auto" (a GPU if there is one), "cpu", "cuda", "cuda:1" ...
    precision : {"32", "bf16", "auto"}
        "bf16" computes convolutions and attention in bfloat16: faster where the hardware has it, about 50 dB from the
        float32 result. "auto" is "bf16" where the device computes in it natively, otherwise "32"; the default is "32"
        everywhere, so that a result does not depend on the machine.
    engine : {"auto", "eager", "graphs", "compile"}
        "graphs" replays CUDA graphs, one per tile shape: for small images and tiles on a GPU. "auto" takes them on a GPU for
        tiles and images of up to 512 x 512 pixels, from the second of a shape on, and falls back to "eager", with a warning,
        where a graph cannot be captured; everything else is "eager". This choice follows from what graphs save (launches);
        it has not been measured on a GPU yet. "compile" uses
        ``torch.compile``: about a minute before the first tile, then faster; worth it for many images of one size.
    threads : int, optional
        Number of CPU threads; None leaves PyTorch's choice, one per core.
    keep_memory : bool, optional
        Whether, on the CPU, to keep the memory of one layer for the next instead of returning it to the operating
        system. It takes about a fifth less time, and more memory where an image is denoised in tiles (half as much
        again for files of 4,000 x 4,000 pixels). It holds for the whole process, see
        :func:`bsn.engine.allocator.keep_freed_memory`. None: on in commands, off in calls of the library.
    seed : int
        Seed of the random replacement.
    posterior : bool
        Whether a model with a noise model weighs the noisy pixel in. False leaves it out and gives the prediction
        from its surroundings, without the Wiener filter, which would bring it back.
    calibrate : bool
        Whether a model with a noise model is to correct the uncertainty that the network predicts by what it leaves
        of the image around each pixel (:func:`bsn.noise.calibrate`), for pictures unlike those of the training.
    outliers : {"keep", "repair", "ignore"}, optional
        Single pixels far from what their surroundings and the noise can explain (hot pixels, cosmic rays, point-like stars)
        are kept out of the network and of what is measured. "keep" gives them back as they were, "repair" leaves what the
        surroundings say in their place, "ignore" does not look for them. None: what the model was trained for, which is "keep"
        for denoisers and "ignore" for restoration models, which may be there to remove such pixels.
    keep_mean : bool, optional
        Give the result the local mean of the noisy image, over some hundred pixels: for noise that is skewed, of which networks
        take the median. None: for images that count few photons (:func:`bsn.noise.find_counts`), by models that denoise.
    mix : {"off", "check", "auto", "image", "regions"}
        What is done with the network's result by its estimated error (:mod:`bsn.inference.mixing`). "check" compares it with
        the noisy image and with non-local means on one region, and gives one of these instead where the result is
        estimated to be worse, whether the noise is much weaker or much stronger than measured. The others mix it with Wiener
        filters, non-local means and the noisy image. "auto" leaves the model's own result only as far as that pays even if the
        noise was measured wrongly. "image" and "regions" trust the measured noise: "image" has weights of its own for
        brightness and colours in three bands of frequencies where that is better, "regions" may also have others in each
        region. "off" leaves the result as it is, which is the default: the noise of textured photographs is not measured well
        enough yet to give up results for it. With `wiener`, `r3_passes` or ``posterior=False`` the stages are chosen by hand,
        and "check" leaves them as they are.
    neighbours : int
        Frames on each side of a stack together with which models that see their pixel (the models in the box, students) denoise
        a frame (:mod:`bsn.inference.joint_frames`). They are moved to where they show the same picture. For noise that is
        independent from frame to frame. Models with context have their own way with neighbours.
    fixed_pattern : {"subtract", "keep"}, optional
        What becomes of a pattern that all frames of a stack share, such as offsets of columns and of single pixels. "subtract"
        measures it on each stack, by reading up to 200 of its frames once more, and takes off what is certainly not picture.
        None: what the model was trained for.
    polish : bool, optional
        Give results a second pass by the model in the box for cameras, which knows pictures better and this noise less
        (:mod:`bsn.inference.polishing`). None: what the model was trained for, which is, for colour photographs with correlated
        noise, the second pass for images that show the grid of JPEG or strong noise, and then the mean of that and of what the
        model in the box makes of the noisy image (:mod:`bsn.inference.polish_choice`); tones of strong noise are corrected, too
        (:mod:`bsn.inference.tones`). True gives all images the second pass, without the mean and the correction. False keeps to
        what was learned of these images alone.
    adapt : bool
        Adapt a model in the box to each image, without training: find the tone curve behind which it predicts held-back pixels
        of that image best, and denoise there (:mod:`bsn.inference.adapting`). For images unlike photographs, such as those of
        microscopes, whose noise grows with the signal and is independent between neighbours. Takes about eight times as long;
        where no curve is better, the result is that without.
    strength : float
        How much noise is removed, 0 to 1.5. 1 leaves the result as it is. Below, the noise is put back evenly: the share
        ``1 - strength`` of what was removed; 0 is the image itself. Above, the noise is taken to be that much stronger than
        it is, by the posterior or the Wiener filter; a network that has neither is given its result a second time, all of
        which counts at 1.5.
    guard : bool
        Judge results of networks without a noise model by what they remove, on some regions of each plane: where it is far
        more than the noise that the model in the box for cameras sees and that was measured, something that removes less is
        given in their place (:mod:`bsn.inference.guard`). False gives every result.

    Raises
    ------
    ValueError
        For values outside their range.
    """

    stride: int | list[int] | None = None
    hole: str = "auto"
    r3_passes: int = 0
    r3_probability: float = 0.16
    wiener: bool | None = None
    same_noise: bool = False
    ensemble: bool = False
    tile: int | None = None
    overlap: int | None = None
    device: str = "auto"
    precision: Literal["32", "bf16", "auto"] = "32"
    engine: Literal["auto", "eager", "graphs", "compile"] = "auto"
    threads: int | None = None
    keep_memory: bool | None = None
    seed: int = 0
    posterior: bool = True
    calibrate: bool = True
    outliers: Literal["keep", "repair", "ignore"] | None = None
    keep_mean: bool | None = None
    mix: Literal["off", "check", "auto", "image", "regions"] = "off"
    neighbours: int = 0
    fixed_pattern: Literal["subtract", "keep"] | None = None
    polish: bool | None = None
    adapt: bool = False
    strength: float = 1.0
    guard: bool = True

    @property
    def by_hand(self) -> bool:
        """Whether the caller chooses the stages after the network, so that their result stays as it is."""
        return self.wiener is not None or self.r3_passes > 0 or not self.posterior

    def __post_init__(self) -> None:
        if self.hole != "auto" and Hole.parse(self.hole).shape == "none":
            raise ValueError(
                "without a hole the network sees the pixel that it predicts and gives its noise back; use a hole such as pixel "
                "or square:3, or leave it out"
            )
        rules = {
            "stride": (_is_stride(self.stride), "1 or more, or several such as [1, 2]"),
            "r3_passes": (self.r3_passes >= 0, "0 or more"),
            "r3_probability": (0 <= self.r3_probability <= 1, "in [0, 1]"),
            "threads": (self.threads is None or self.threads >= 1, "1 or more"),
            "tile": (self.tile is None or self.tile >= 0, "0 for the whole image, or a side in pixels"),
            "outliers": (self.outliers in (None, "keep", "repair", "ignore"), "keep, repair or ignore"),
            "neighbours": (self.neighbours >= 0, "0 or more"),
            "fixed_pattern": (self.fixed_pattern in (None, "subtract", "keep"), "subtract or keep"),
            "mix": (self.mix in ("check", "auto", "image", "regions", "off"), "check, auto, image, regions or off"),
            "strength": (0 <= self.strength <= 1.5, "0 for the image itself, 1 for the result, at most 1.5"),
            "overlap": (self.overlap is None or self.overlap >= 0, "0 or more"),
        }
        for name, (legal, range_) in rules.items():
            if not legal:
                raise ValueError(f"{name} {getattr(self, name)} is out of range; use {range_}")
        if self.adapt and (self.neighbours or self.mix != "off"):
            other = f"neighbours {self.neighbours}" if self.neighbours else f"mix {self.mix}"
            raise ValueError(f"adapt is for single frames and unmixed results, not for {other}; leave one of them out")


def _is_stride(value: int | list[int] | None) -> bool:
    if value is None or isinstance(value, int):
        return value is None or value >= 1
    return len(value) > 0 and min(value) >= 1
