"""DRT: recursive transformer with plain windows at full resolution."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bsn.mirror import mirror, mirror_to_multiple
from bsn.models import load_published
from restoration.models.drt.blocks import ResidualLayer
from restoration.models.drt.config import DRTConfig
from restoration.models.drt.official import UNUSED, our_config, our_key, our_tensors
from restoration.networks import RestorationNetwork, zero

__all__ = ["DRT", "square_padding"]

_MEAN, _SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def square_padding(x: Tensor, unit: int) -> Tensor:
    """Mirror an image to a square as the published evaluation does, edge pixels repeated, by at least one row and column.

    Parameters
    ----------
    x : Tensor, shape (N, C, H, W)
        Features.
    unit : int
        Sides become multiples of it: ``unit * (max(H, W) // unit + 1)``. A mirrored copy at most doubles a side; where that
        is not enough the whole procedure is repeated, as published, for any aspect ratio.

    Returns
    -------
    Tensor, shape (N, C, S, S)
    """
    while True:
        h, w = x.shape[-2:]
        side = unit * (max(h, w) // unit + 1)
        x = mirror(x, min(side, 2 * h), min(side, 2 * w), repeat_edge=True)
        if x.shape[-2] == x.shape[-1] == side:
            return x


class DRT(RestorationNetwork):
    """Deraining recursive transformer.

    Six residual layers at full resolution. Each owns two blocks of 7 x 7 window attention and an MLP, and applies them three
    times: few parameters, much work.

    Parameters
    ----------
    config : DRTConfig, optional
        Default: the published size.

    References
    ----------
    Liang, Anwar, Liu, "DRT: A Lightweight Single Image Deraining Recursive Transformer", CVPR Workshops 2022,
    arXiv 2204.11385.

    Examples
    --------
    >>> DRT(DRTConfig(width=8, layers=1, recursions=1))(torch.rand(1, 3, 20, 33)).shape
    torch.Size([1, 3, 20, 33])
    """

    global_statistics = False
    mean: Tensor
    spread: Tensor

    def __init__(self, config: DRTConfig | None = None) -> None:
        super().__init__()
        self.config: DRTConfig = config or DRTConfig()
        channels, width, patch = self.config.channels, self.config.width, self.config.patch
        mean = _MEAN if channels == 3 else (sum(_MEAN) / 3,) * channels
        spread = _SPREAD if channels == 3 else (sum(_SPREAD) / 3,) * channels
        # Constants, not statistics: they follow the dtype of the weights but are not stored with them.
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float64).view(-1, 1, 1), persistent=False)
        self.register_buffer("spread", torch.tensor(spread, dtype=torch.float64).view(-1, 1, 1), persistent=False)
        self.embed = nn.Conv2d(channels, width, patch, stride=patch)
        self.layers = nn.ModuleList(ResidualLayer(self.config) for _ in range(self.config.layers))
        self.unembed = nn.Conv2d(width, channels, 3, padding=1)
        if self.config.unused_convolutions:
            self.unused = nn.ModuleList([nn.Conv2d(channels, width, 3), nn.Conv2d(width, channels, 3)])
            self.unused.requires_grad_(False)
        self._initialise()
        if self.config.start_at_identity:
            zero(self.unembed)
            self._let_through()

    def _initialise(self) -> None:
        """Linear layers and bias tables from a truncated normal of 0.02, as published."""
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                nn.init.zeros_(module.bias)
        for name, parameter in self.named_parameters():
            if name.endswith("bias_table"):
                nn.init.trunc_normal_(parameter, std=0.02)

    def _let_through(self) -> None:
        """Add the identity to the last convolution of each layer, and scale it so that the layer as a whole keeps its input.

        As published nothing passes by that convolution, and signals fade; and before it, each recursion adds the input once.
        """
        share = 1 / (1 + self.config.recursions)
        with torch.no_grad():
            for name, weight in self.named_parameters():
                if name.startswith("layers.") and name.endswith(".conv.weight"):
                    weight.add_(nn.init.dirac_(torch.empty_like(weight))).mul_(share)

    @classmethod
    def from_official(
        cls,
        state_dict: Mapping[str, Any],
        config: Mapping[str, Any],
        padding: Literal["rectangular", "square"] = "square",
    ) -> DRT:
        """Network with published weights.

        Parameters
        ----------
        state_dict : mapping of str to Tensor
            Under the official keys. The two convolutions that the published network never uses may be present or absent;
            index buffers are checked against the formula.
        config : mapping
            Constructor arguments under their official names (``dim``, ``recursive_depth`` ...); what is missing takes the
            official default, notes are ignored.
        padding : {"square", "rectangular"}
            "square" reproduces the published evaluation of images whose sides are not equal and legal.

        Returns
        -------
        DRT
            The network in eval mode, in the dtype of the weights, for images in [0, 1], with the published output scaling.

        Raises
        ------
        ValueError
            If keys, shapes or index buffers do not fit; the first differences are named.
        """
        options = our_config(config)
        tensors = our_tensors(state_dict, options["window"])
        unused = any(key.startswith(UNUSED) for key in tensors)
        ours = DRTConfig(**options, output_scaling="official", padding=padding, unused_convolutions=unused)
        return load_published(cls(ours), tensors, our_key)

    @property
    def size_multiple(self) -> int:
        """Grid of window corners, to which images are padded inside."""
        return self.config.size_multiple

    @property
    def halo(self) -> int:
        """Farthest pixel that can influence an output."""
        config = self.config
        # Fixed windows: however often a layer attends, it stays within the window; shifted ones add up.
        attention = (2 * config.recursions if config.shift else 1) * (config.window - 1)
        tokens = config.layers * (attention + 1)
        return config.patch * (tokens + 1) + (1 if config.patch == 1 else config.patch)

    def forward(self, x: Tensor) -> Tensor:
        """Restore a batch.

        Parameters
        ----------
        x : Tensor, shape (N, C, H, W)
            Any size, values nominally in [0, 1].

        Returns
        -------
        Tensor, shape (N, C, H, W)
            Not clipped.
        """
        height, width = x.shape[-2:]
        mean, spread = self.mean.to(x.dtype), self.spread.to(x.dtype)
        n = (self._pad(x) - mean) / spread
        embedded = z = self.embed(n.contiguous(memory_format=torch.channels_last))
        for layer in self.layers:
            z = layer(z)
        z = z + embedded
        if self.config.patch > 1:
            z = F.interpolate(z, scale_factor=self.config.patch, mode="bilinear", align_corners=False)
        y = self.unembed(z) + n
        out = (y + mean) * spread if self.config.output_scaling == "official" else y * spread + mean
        return out[..., :height, :width].contiguous()

    def _pad(self, x: Tensor) -> Tensor:
        """Mirror to a legal size. Square images of a legal size stay as they are in either mode."""
        h, w = x.shape[-2:]
        if self.config.padding == "square" and (h != w or h % self.size_multiple):
            return square_padding(x, self.size_multiple)
        return mirror_to_multiple(x, self.size_multiple, repeat_edge=True)

    def to_inverse_scaling(self) -> DRT:
        """Exchange the published output scaling for the true inverse, in place, by the last bias; the output stays.

        ``(y + m) s = (y + m - m / s) s + m``, so the last bias takes m (1 - 1 / s).
        """
        import dataclasses

        if self.config.output_scaling == "official":
            mean, spread = self.mean.double().flatten(), self.spread.double().flatten()
            shift = mean * (1 / spread - 1)
            with torch.no_grad():
                for bias in (p for name, p in self.unembed.named_parameters() if name == "bias"):
                    bias.sub_(shift.to(bias))
            self.config = dataclasses.replace(self.config, output_scaling="inverse")
        return self
