"""Configuration of a U-shaped network on phase images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bsn.frames import check_context

__all__ = ["PhaseUNetConfig"]


@dataclass(frozen=True)
class PhaseUNetConfig:
    """Shape of a :class:`bsn.models.phase_unet.PhaseUNet`; the defaults are the preset ``phase-unet-tiny``.

    Parameters
    ----------
    channels : int
        Channels of the image, in and out.
    widths, blocks : tuple of int
        Channels and number of blocks of each level, finest first; the last is the latent level.
    refinement_blocks : int
        Blocks after the finest decoder.
    ffn_expansion : float
        Hidden width of the feed-forward networks relative to the level's.
    activation : {"gelu", "relu"}
        Activation of the feed-forward networks.
    bias : bool
        Whether there are offsets in the convolutions of blocks, merges and output.
    norm : {"bias-free", "with-bias", "none"}
        Norm before each sub-layer. "none" needs no statistics; it is for narrow networks.
    wide_decoder : bool
        True: the finest decoder keeps the concatenation of both paths (twice its width). False: a 1x1 convolution reduces
        it, as at the other levels.
    tail_layers : int
        Hidden 1x1 convolutions (with ReLU) before the last one.
    dilation : int
        Distance d between pixels of a phase, 2 or more. The network never sees the lattice d Z x d Z of a pixel, so it uses
        1 - 1/d^2 of the image: 3/4 with 2, 15/16 with 4. The head's kernel has 2 d - 1 taps a side.
    outputs : int, optional
        Outputs per pixel, if they are not the channels of the image (:func:`bsn.noise.outputs_for_posterior`).
    context : int
        Neighbouring frames on each side that the network takes beside the frame itself, see :mod:`bsn.frames`.
    context_hole : bool
        The neighbours have the hole of the frame itself, too: for noise that is correlated from frame to frame, and for
        patterns that all frames share.

    Raises
    ------
    ValueError
        For shapes that do not fit together.
    """

    channels: int = 3
    widths: tuple[int, ...] = (16, 32, 64, 128)
    blocks: tuple[int, ...] = (1, 1, 1, 2)
    refinement_blocks: int = 0
    ffn_expansion: float = 1.0
    activation: Literal["gelu", "relu"] = "relu"
    bias: bool = True
    norm: Literal["bias-free", "with-bias", "none"] = "none"
    wide_decoder: bool = False
    tail_layers: int = 0
    dilation: int = 4
    outputs: int | None = None
    context: int = 0
    context_hole: bool = False

    def __post_init__(self) -> None:
        if self.channels < 1:
            raise ValueError(f"an image of {self.channels} channels cannot be denoised; channels must be at least 1")
        if self.dilation < 2:
            raise ValueError(f"dilation {self.dilation} leaves no pixel to see; use 2 or more")
        check_context(self.context, hole=self.context_hole)
        self._check_one_per_level("blocks")
        for level, width in enumerate(self.widths):
            if level and width % 4:
                raise ValueError(
                    f"width {width} of level {level} is not a multiple of 4, the pixels of a down-sampling step"
                )

    def _check_one_per_level(self, *names: str) -> None:
        for name in names:
            if len(getattr(self, name)) != len(self.widths):
                raise ValueError(
                    f"{name} {getattr(self, name)} has {len(getattr(self, name))} entries for {len(self.widths)} levels "
                    f"(widths {self.widths}); one per level is needed"
                )

    @property
    def levels(self) -> int:
        """Number of resolutions."""
        return len(self.widths)

    @property
    def size_multiple(self) -> int:
        """Sides the body can work on are multiples of this; other images are padded and cropped inside."""
        return self.dilation * 2 ** (self.levels - 1)

    @property
    def global_statistics(self) -> bool:
        """True if some layer pools over the whole image, so that a tile is not a part of the whole result."""
        return False
