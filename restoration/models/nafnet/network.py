"""NAFNet: nonlinear activation free network."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from bsn.mirror import mirror_to_multiple
from bsn.models import load_published
from restoration.models.nafnet.blocks import Block
from restoration.models.nafnet.config import NAFNetConfig
from restoration.models.nafnet.official import our_config, our_key, our_tensors
from restoration.networks import RestorationNetwork, checkpointed, zero

__all__ = ["NAFNet"]


class NAFNet(RestorationNetwork):
    """U-shaped network whose only nonlinearities are products of features.

    Parameters
    ----------
    config : NAFNetConfig, optional
        Default: the published denoiser of width 32.

    References
    ----------
    Chen, Chu, Zhang, Sun, "Simple Baselines for Image Restoration", ECCV 2022, arXiv 2204.04676.

    Examples
    --------
    >>> small = NAFNetConfig(width=8, encoder=(1, 1), middle=1, decoder=(1, 1))
    >>> NAFNet(small)(torch.rand(1, 3, 21, 30)).shape
    torch.Size([1, 3, 21, 30])
    """

    global_statistics = True

    def __init__(self, config: NAFNetConfig | None = None) -> None:
        super().__init__()
        self.config: NAFNetConfig = config or NAFNetConfig()
        config = self.config
        widths = [config.width * 2**level for level in range(config.levels + 1)]
        self.embed = nn.Conv2d(config.channels, widths[0], 3, padding=1)
        self.encoder = nn.ModuleList(self._stage(level, count) for level, count in enumerate(config.encoder))
        self.down = nn.ModuleList(nn.Conv2d(fine, coarse, 2, 2) for fine, coarse in itertools.pairwise(widths))
        self.middle = self._stage(config.levels, config.middle)
        # In the order of use: from the lowest level up.
        upwards = list(reversed(range(config.levels)))
        self.up = nn.ModuleList(
            nn.Sequential(nn.Conv2d(widths[level + 1], 4 * widths[level], 1, bias=False), nn.PixelShuffle(2))
            for level in upwards
        )
        self.decoder = nn.ModuleList(
            self._stage(level, count) for level, count in zip(upwards, config.decoder, strict=True)
        )
        self.output = nn.Conv2d(widths[0], config.channels, 3, padding=1)
        if config.start_at_identity:
            zero(self.output)

    def _stage(self, level: int, count: int) -> nn.Sequential:
        config = self.config
        window = None if config.pooling == "global" else max(1, config.window >> level)
        return nn.Sequential(*(Block(config.width * 2**level, window) for _ in range(count)))

    @classmethod
    def from_official(cls, state_dict: Mapping[str, Any], config: Mapping[str, Any] | None = None) -> NAFNet:
        """Network with published weights.

        Parameters
        ----------
        state_dict : mapping of str to Tensor
            Under the official keys, bare or wrapped (``params``, ``params_ema``, ``module.``).
        config : mapping, optional
            ``img_channel``, ``width``, ``middle_blk_num``, ``enc_blk_nums``, ``dec_blk_nums``; what is missing follows from
            the weights, notes are ignored.

        Returns
        -------
        NAFNet
            The network in eval mode, in the dtype of the weights, for images in [0, 1], with global pooling.

        Raises
        ------
        ValueError
            If keys or shapes do not fit; the first differences are named.
        """
        tensors = our_tensors(state_dict)
        return load_published(cls(NAFNetConfig(**our_config(config or {}, tensors))), tensors, our_key)

    @property
    def size_multiple(self) -> int:
        """Grid to which images are padded inside."""
        return 2**self.config.levels

    @property
    def halo(self) -> int:
        """Farthest pixel that can influence an output by convolutions; channel attention averages over more."""
        config = self.config
        reach = config.middle
        for level in reversed(range(config.levels)):
            reach = 2 * (reach + 1) + config.encoder[level] + config.decoder[config.levels - 1 - level]
        return reach + 2 + self.size_multiple - 1

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
        x = mirror_to_multiple(x, self.size_multiple)
        y = self.embed(x.contiguous(memory_format=torch.channels_last))
        skips = []
        for stage, down in zip(self.encoder, self.down, strict=True):
            y = self._run(stage, y)
            skips.append(y)
            y = down(y)
        y = self._run(self.middle, y)
        for up, stage in zip(self.up, self.decoder, strict=True):
            y = self._run(stage, up(y) + skips.pop())
        return (self.output(y) + x)[..., :height, :width].contiguous()

    def _run(self, stage: nn.Module, y: Tensor) -> Tensor:
        for block in stage.children():
            y = checkpointed(block, y, enabled=self.config.checkpointing)
        return y
