"""Shape of a DRT network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["DRTConfig"]


@dataclass(frozen=True)
class DRTConfig:
    """Shape of a :class:`restoration.models.DRT`; the defaults are the published size with a true inverse scaling.

    Parameters
    ----------
    channels : int
        Channels of the image, in and out. Other than 3 are scaled by the mean of the RGB constants.
    width : int
        Channels of the tokens (published: ``dim``).
    layers : int
        Residual layers, each with weights of its own (``recursive_depth``).
    recursions : int
        How often a layer applies its two blocks (``residual_depth``).
    heads : int
        Number of attention heads, which divides the width.
    window : int
        Side of the attention windows in tokens.
    mlp_ratio : float
        Hidden width of the MLP relative to `width`.
    patch : int
        Pixels per token and axis.
    output_scaling : {"inverse", "official"}
        Map from network to image values: the inverse of the input's, or the published one, which is not (published weights
        need it).
    padding : {"rectangular", "square"}
        How images are brought to a legal size: mirrored to the next multiples of ``window * patch``, or to a square as the
        published evaluation does.
    shift : bool
        Shift the windows of every second block by half a window, cyclically (not published: without it, only the
        convolutions reach across windows).
    unused_convolutions : bool
        Keep the two convolutions that the published network stores and never uses, frozen, so that files and parameter
        counts agree with the published ones.
    start_at_identity : bool
        Begin with an output layer of zeros, so that an untrained network returns its input, and with layers whose last
        convolution lets its input through: short runs learn the rain at once.
    checkpointing : bool
        Compute activations again in the backward pass, recursion by recursion.

    Raises
    ------
    ValueError
        For shapes that cannot be built.
    """

    channels: int = 3
    width: int = 96
    layers: int = 6
    recursions: int = 3
    heads: int = 2
    window: int = 7
    mlp_ratio: float = 1.0
    patch: int = 1
    output_scaling: Literal["inverse", "official"] = "inverse"
    padding: Literal["rectangular", "square"] = "rectangular"
    shift: bool = False
    unused_convolutions: bool = True
    start_at_identity: bool = False
    checkpointing: bool = False

    def __post_init__(self) -> None:
        if self.heads < 1 or self.width % self.heads:
            raise ValueError(f"width {self.width} cannot be split into {self.heads} heads")
        if min(self.channels, self.width, self.layers, self.recursions, self.window, self.patch) < 1:
            raise ValueError("channels, width, layers, recursions, window and patch must be 1 or more")
        if int(self.width * self.mlp_ratio) < 1:
            raise ValueError(f"mlp_ratio {self.mlp_ratio} leaves no hidden channel of {self.width}")

    @property
    def size_multiple(self) -> int:
        """Grid of legal image sizes."""
        return self.window * self.patch
