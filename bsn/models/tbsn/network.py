"""TBSN: transformer blind-spot network, written as a U-shaped restoration network on phase images."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from bsn.models.phase_unet import PhaseUNet
from bsn.models.published import load_published
from bsn.models.tbsn.blocks import AttentionBlock
from bsn.models.tbsn.config import TBSNConfig
from bsn.models.tbsn.official import our_config, our_key
from bsn.ops.channel_attention import ChannelScope
from bsn.ops.channel_attention.module import ChannelAttention

__all__ = ["TBSN"]


class TBSN(PhaseUNet):
    """Transformer-based blind-spot network.

    ::

        centre-masked convolution -> split into d^2 phase images on the batch
             -> U-shaped network of plain 3x3 convolutions, plain windows, channel attention
             -> interleave the phases

    After the head the features of a pixel have seen only other phases, and the body never mixes phases, so the output at
    p does not depend on the input at p + d Z x d Z: the network is blind by its structure. This equals the published
    dilated, masked network (borders included) at a quarter of its attention work. Only channel attention with a global
    Gram matrix (``channel_attention="global"``, the published form) couples phases and makes it approximately blind.

    Parameters
    ----------
    config : TBSNConfig, optional
        Default: the published size with one Gram matrix per phase.

    Raises
    ------
    ValueError
        See :class:`TBSNConfig`.

    References
    ----------
    Li, Zhang, Zuo, "Rethinking Transformer-Based Blind-Spot Network for Self-Supervised Image Denoising", AAAI 2025,
    arXiv 2404.07846.

    Examples
    --------
    >>> import torch
    >>> small = TBSNConfig(channels=1, widths=(8, 16), blocks=(1, 1), refinement_blocks=0, mixers=("none", "window"),
    ...                    channel_heads=(1, 1), window_heads=(1, 1), overlaps=(0.5, 0.5))
    >>> TBSN(small)(torch.rand(2, 1, 37, 50)).shape
    torch.Size([2, 1, 37, 50])
    """

    config: TBSNConfig

    def __init__(self, config: TBSNConfig | None = None) -> None:
        super().__init__(config or TBSNConfig())

    def _block(self, width: int, level: int) -> AttentionBlock:
        return AttentionBlock(width, level, self.config)

    @classmethod
    def from_official(
        cls, state_dict: Mapping[str, Tensor], config: Mapping[str, Any], channel_attention: ChannelScope = "global"
    ) -> TBSN:
        """Network with published weights.

        Parameters
        ----------
        state_dict : mapping of str to Tensor
            Under the official keys; stored masks may be present or absent and are ignored.
        config : mapping
            Constructor arguments under their official names (``in_ch``, ``dim``, ``num_blocks`` ...); what is missing
            takes the official default, notes such as ``seed`` are ignored. ``out_ch`` may differ from ``in_ch``, for weights
            with extra input channels such as a noise map: the network then takes ``in_ch`` channels and gives ``out_ch``.
        channel_attention : {"global", "phase"}
            "global" reproduces the published numbers.

        Returns
        -------
        TBSN
            The network in eval mode, in the dtype of the weights, taking and returning values 0..255.

        Raises
        ------
        ValueError
            If keys or shapes do not fit; the first differences are named.
        """
        network = cls(TBSNConfig(**our_config(config), channel_attention=channel_attention))
        load_published(network, state_dict, our_key)
        network.head.clear_blind_taps()
        return network

    def set_channel_attention(self, scope: ChannelScope) -> None:
        """Change the scope of all channel attentions in place; the parameters stay the same.

        Parameters
        ----------
        scope : {"phase", "global"}
            "phase" mixes channels within each phase and is blind; "global" pools over all phases.
        """
        self.config = dataclasses.replace(self.config, channel_attention=scope)
        for module in self.modules():
            if isinstance(module, ChannelAttention):
                module.scope = scope
