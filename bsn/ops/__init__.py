"""Blind-spot-safe operators.

Each operator is a folder: the public function and its documentation in ``__init__.py``, the plain PyTorch computation in
``reference.py``, kernels beside it. All of them work on phase images (see :mod:`bsn.lattice`), where the blindness of
a network follows from its structure: the head masks the centre, and nothing behind it mixes phases.
"""

from bsn.coupling import Coupling
from bsn.lattice import merge_phases, pad_within_phases, split_phases
from bsn.ops.backend import BackendError, current_backend, use_backend
from bsn.ops.channel_attention import channel_attention
from bsn.ops.channel_attention.module import ChannelAttention, CrossChannelAttention
from bsn.ops.dilated_window_attention import check_dilated_window, dilated_window_attention, legal_overlaps
from bsn.ops.gated_depthwise import gated_depthwise_conv
from bsn.ops.layer_norm import ChannelNorm, layer_norm
from bsn.ops.masked_conv import MaskedConv2d, masked_conv
from bsn.ops.shuffle import phase_shuffle, phase_unshuffle
from bsn.ops.window_attention import window_attention

__all__ = [
    "BackendError",
    "ChannelAttention",
    "ChannelNorm",
    "Coupling",
    "CrossChannelAttention",
    "MaskedConv2d",
    "channel_attention",
    "check_dilated_window",
    "current_backend",
    "dilated_window_attention",
    "gated_depthwise_conv",
    "layer_norm",
    "legal_overlaps",
    "masked_conv",
    "merge_phases",
    "pad_within_phases",
    "phase_shuffle",
    "phase_unshuffle",
    "split_phases",
    "use_backend",
    "window_attention",
]
