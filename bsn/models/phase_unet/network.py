"""A U-shaped network of plain convolutions on phase images."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bsn.models.context import NeighbourHead, linear_projection, split_window
from bsn.models.phase_unet.blocks import Block, Downsample, Upsample, feed_forward
from bsn.models.phase_unet.config import PhaseUNetConfig
from bsn.ops import MaskedConv2d, merge_phases, pad_within_phases, split_phases

__all__ = ["PhaseUNet"]


class PhaseUNet(nn.Module):
    """Blind-spot network of convolutions: no attention, no statistics over the image.

    ::

        centre-masked convolution -> split into d^2 phase images on the batch
             -> U-shaped network of plain 3x3 convolutions -> interleave the phases

    After the head the features of a pixel have seen only other phases, and the body never mixes phases, so the output at
    p does not depend on the input at p + d Z x d Z: the network is blind by its structure.
    :class:`bsn.models.tbsn.TBSN` is the same with attention in its blocks.

    Parameters
    ----------
    config : PhaseUNetConfig, optional
        Shape of the network.

    Raises
    ------
    ValueError
        See :class:`PhaseUNetConfig`.

    Examples
    --------
    >>> PhaseUNet(PhaseUNetConfig(channels=1, widths=(8, 16), blocks=(1, 1)))(torch.rand(2, 1, 37, 50)).shape
    torch.Size([2, 1, 37, 50])
    """

    def __init__(self, config: PhaseUNetConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or PhaseUNetConfig()
        self._size_multiple = (
            config.size_multiple
        )  # computed here, since torch.compile cannot follow `super` in a property
        widths, last = config.widths, config.levels - 1

        def stage(width: int, level: int, count: int) -> nn.Sequential:
            return nn.Sequential(*(self._block(width, level) for _ in range(count)))

        self.head = MaskedConv2d(config.channels, widths[0], lattice=config.dilation, bias=config.norm == "none")
        self.encoder = nn.ModuleList(stage(w, level, config.blocks[level]) for level, w in enumerate(widths))
        self.down = nn.ModuleList(Downsample(widths[i], widths[i + 1]) for i in range(last))
        self.up = nn.ModuleList(Upsample(widths[i + 1], widths[i]) for i in range(last))
        decoded = [2 * w if config.wide_decoder and level == 0 else w for level, w in enumerate(widths[:last])]
        # The published up path starts from the finer level's output width, so a wide decoder only occurs at level 0.
        self.reduce = nn.ModuleList(
            nn.Identity() if decoded[i] == 2 * widths[i] else nn.Conv2d(2 * widths[i], widths[i], 1, bias=config.bias)
            for i in range(last)
        )
        self.decoder = nn.ModuleList(stage(decoded[i], i, config.blocks[i]) for i in range(last))
        width = decoded[0] if decoded else widths[0]
        self.refinement = stage(width, 0, config.refinement_blocks)
        hidden = [layer for _ in range(config.tail_layers) for layer in (nn.Conv2d(width, width, 1), nn.ReLU())]
        self.output = nn.Sequential(*hidden, nn.Conv2d(width, config.outputs or config.channels, 1, bias=config.bias))
        # Last, so that the other weights start as those of a network without context do.
        self.neighbours = self._neighbour_head() if config.context else None

    def _block(self, width: int, level: int) -> Block:
        """One block; networks with attention make their own."""
        layer = feed_forward(width, self.config)
        return Block(width, [layer], layer.reach, self.config.norm)

    def _neighbour_head(self) -> NeighbourHead:
        config = self.config
        project = linear_projection(
            2 * config.context * config.channels,
            config.widths[0],
            kernel_size=2 * self.head.reach + 1,
            lattice=config.dilation if config.context_hole else None,
        )
        return NeighbourHead(config.channels, config.widths[0], config.context, project)

    @property
    def context(self) -> int:
        """Neighbouring frames on each side."""
        return self.config.context

    @property
    def context_hole(self) -> bool:
        """Whether the neighbours have the hole of the frame itself."""
        return self.config.context_hole

    @property
    def lattice(self) -> int:
        """Side d of the blind lattice: the output at p never depends on the input at p + d Z x d Z."""
        return self.config.dilation

    @property
    def channels(self) -> int:
        """Channels of the image."""
        return self.config.channels

    @property
    def size_multiple(self) -> int:
        """Grid to which images are padded inside, and tiles have to be aligned."""
        return self._size_multiple

    @property
    def global_statistics(self) -> bool:
        """True if some layer pools over the whole image."""
        return self.config.global_statistics

    @property
    def halo(self) -> int:
        """Farthest pixel that can influence an output by convolutions and windows, in pixels."""
        reach = _reach(self.encoder[-1])
        for level in reversed(range(self.config.levels - 1)):
            reach = 2 * reach + 1 + _reach(self.encoder[level]) + _reach(self.decoder[level])
        return self.lattice * (reach + _reach(self.refinement)) + self.head.reach

    def forward(self, x: Tensor, available: Tensor | None = None) -> Tensor:
        """Denoise a batch.

        Parameters
        ----------
        x : Tensor, shape (N, C, H, W)
            Any size, in the value range the weights were trained on (published weights: 0..255). A network with context takes
            windows (N, (2 k + 1) C, H, W) of :func:`bsn.frames.windows`; a frame alone has no neighbours.
        available : Tensor, shape (N, 2 k), optional
            1 for the neighbours that are there, 0 for the others; None: all of a window are.

        Returns
        -------
        Tensor, shape (N, C, H, W)
        """
        height, width = x.shape[-2:]
        x = pad_within_phases(x, self.size_multiple, self.lattice)
        x = split_phases(self._features(x, available), self.lattice).contiguous(memory_format=torch.channels_last)
        x = self.output(self.body(x))
        return merge_phases(x, self.lattice)[..., :height, :width]

    def _features(self, x: Tensor, available: Tensor | None) -> Tensor:
        """What the head sees of the frame, and what its neighbours add."""
        if self.neighbours is None:
            return self.head(x)
        own, others = split_window(x, self.channels, self.context)
        return self.head(own) + self.neighbours(others, available)

    def body(self, x: Tensor) -> Tensor:
        """Everything between head and tail.

        Parameters
        ----------
        x : Tensor, shape (N d^2, widths[0], h, w)
            Phase images.

        Returns
        -------
        Tensor, shape (N d^2, K, h, w)
            Features of the finest decoder.
        """
        skips = []
        for level, stage in enumerate(self.encoder):
            x = stage(x)
            if level < len(self.down):
                skips.append(x)
                x = self.down[level](x)
        for level in reversed(range(len(self.up))):
            x = self.reduce[level](torch.cat([self.up[level](x), skips.pop()], 1))
            x = self.decoder[level](x)
        return self.refinement(x)


def _reach(stage: nn.Module) -> int:
    return sum(block.reach for block in stage.modules() if isinstance(block, Block))
