"""DDSA: U-shaped transformer with dense and top-k channel attention."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from bsn.mirror import mirror_to_multiple
from bsn.models import load_published
from restoration.models.ddsa.blocks import Block, Downsample, Upsample
from restoration.models.ddsa.config import DDSAConfig
from restoration.models.ddsa.official import our_config, our_key, our_tensors
from restoration.networks import RestorationNetwork, checkpointed, zero

__all__ = ["DDSA"]


class DDSA(RestorationNetwork):
    """Deraining transformer with dual channel attention.

    Restormer's U-shape with three changes: channel attention is the learned mixture of a dense and a top-k softmax of the
    same logits, the feed-forward network is a depth-wise cascade with a spatial gate, and blocks at full resolution
    precede the first level.

    Parameters
    ----------
    config : DDSAConfig, optional
        Default: the published size.

    References
    ----------
    "Learning A Spatial-Enhanced Transformer with Dynamic Dual Self-Attention for image deraining", arXiv 2308.07781;
    Restormer, CVPR 2022.

    Examples
    --------
    >>> small = DDSAConfig(width=8, blocks=(1, 1), refinement_blocks=0, heads=(1, 2))
    >>> DDSA(small)(torch.rand(1, 3, 21, 30)).shape
    torch.Size([1, 3, 21, 30])
    """

    global_statistics = True

    def __init__(self, config: DDSAConfig | None = None) -> None:
        super().__init__()
        self.config: DDSAConfig = config or DDSAConfig()
        config, last = self.config, self.config.levels - 1
        widths = [config.width * 2**level for level in range(config.levels)]
        # The finest decoder keeps both halves of its input, so it is twice as wide as its level.
        decoded = [2 * widths[0], *widths[1:last]] if last else []
        out_width = decoded[0] if decoded else widths[0]

        def stage(width: int, level: int, count: int) -> nn.Sequential:
            return nn.Sequential(*(Block(width, config.heads[level], config) for _ in range(count)))

        self.embed = nn.Conv2d(config.channels, widths[0], 3, padding=1, bias=False)
        self.refinement_in = stage(widths[0], 0, config.refinement_blocks)
        self.encoder = nn.ModuleList(stage(w, level, config.blocks[level]) for level, w in enumerate(widths))
        self.down = nn.ModuleList(Downsample(w) for w in widths[:last])
        self.up = nn.ModuleList(Upsample(w) for w in widths[1:])
        self.reduce = nn.ModuleList(
            nn.Conv2d(2 * w, w, 1, bias=config.bias) if level else nn.Identity()
            for level, w in enumerate(widths[:last])
        )
        self.decoder = nn.ModuleList(stage(w, level, config.blocks[level]) for level, w in enumerate(decoded))
        self.refinement_out = stage(out_width, 0, config.refinement_blocks)
        self.skip = nn.Conv2d(widths[0], out_width, 1, bias=config.bias) if config.skip_to_output else None
        self.output = nn.Conv2d(out_width, config.channels, 3, padding=1, bias=config.bias)
        if config.start_at_identity:
            zero(self.output)

    @classmethod
    def from_official(cls, state_dict: Mapping[str, Any], config: Mapping[str, Any]) -> DDSA:
        """Network with published weights.

        Parameters
        ----------
        state_dict : mapping of str to Tensor
            Under the official keys, bare or wrapped (``params``, ``params_ema``, ``module.``).
        config : mapping
            Constructor arguments under their official names (``dim``, ``num_blocks`` ...); what is missing takes the
            published option, notes are ignored.

        Returns
        -------
        DDSA
            The network in eval mode, in the dtype of the weights, for images in [0, 1].

        Raises
        ------
        ValueError
            If keys or shapes do not fit; the first differences are named.
        """
        network = cls(DDSAConfig(**our_config(config)))
        return load_published(network, our_tensors(state_dict), our_key)

    @property
    def size_multiple(self) -> int:
        """Grid to which images are padded inside."""
        return 2 ** (self.config.levels - 1)

    @property
    def halo(self) -> int:
        """Farthest pixel that can influence an output by convolutions; channel attention pools over everything."""
        reach = _reach(self.encoder[-1])
        for level in reversed(range(self.config.levels - 1)):
            reach = 2 * (reach + 1) + 2 + _reach(self.encoder[level]) + _reach(self.decoder[level])
        return reach + 2 + _reach(self.refinement_in) + _reach(self.refinement_out)

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
        embedded = self.embed(x.contiguous(memory_format=torch.channels_last))
        y = self._run(self.refinement_in, embedded)
        skips = []
        for level, stage in enumerate(self.encoder):
            y = self._run(stage, y)
            if level < len(self.down):
                skips.append(y)
                y = self.down[level](y)
        for level in reversed(range(len(self.up))):
            y = self.reduce[level](torch.cat([self.up[level](y), skips.pop()], 1))
            y = self._run(self.decoder[level], y)
        y = self._run(self.refinement_out, y)
        out = self.output(y) + x if self.skip is None else self.output(y + self.skip(embedded))
        return out[..., :height, :width].contiguous()

    def _run(self, stage: nn.Module, x: Tensor) -> Tensor:
        for block in stage.children():
            x = checkpointed(block, x, enabled=self.config.checkpointing)
        return x


def _reach(stage: nn.Module) -> int:
    return sum(block.reach for block in stage.modules() if isinstance(block, Block))
