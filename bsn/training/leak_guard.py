"""Warn at the start of a training when global channel attention could learn to copy the noise."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

from torch import nn

from bsn.blindness import ChannelLeak, channel_leak
from bsn.models import TBSNConfig

__all__ = ["ChannelLeakWarning", "predicted_leaks", "warn_of_leaks"]


class ChannelLeakWarning(UserWarning):
    """Global channel attention over so few positions that it can learn to copy noise."""


def predicted_leaks(network: nn.Module, crop: int) -> Iterator[tuple[int, ChannelLeak]]:
    """Leak of the global channel attention at each level of a network that has one.

    Parameters
    ----------
    network : nn.Module
        Others than TBSN, and those with one Gram matrix per phase, have none.
    crop : int
        Side in pixels of what the network sees in training.

    Yields
    ------
    level : int
    leak : ChannelLeak
    """
    config = getattr(network, "config", None)
    if not isinstance(config, TBSNConfig) or config.channel_attention != "global":
        return
    padded = -(-crop // config.size_multiple) * config.size_multiple
    for level, mixer in enumerate(config.mixers):
        if "channel" in mixer:
            yield level, channel_leak(config.widths[level], config.channel_heads[level], (padded >> level) ** 2)


def warn_of_leaks(network: nn.Module, crop: int) -> None:
    """Warn if a level can learn to copy 5 % or more of the noise.

    Parameters
    ----------
    network : nn.Module
        Network that is to be trained.
    crop : int
        Side of the crops in pixels.

    Warns
    -----
    ChannelLeakWarning
        If a level can leak; the message has the level, the numbers, and what to do.
    """
    risky = [(level, leak) for level, leak in predicted_leaks(network, crop) if leak.risky]
    if not risky:
        return
    level, leak = max(risky, key=lambda entry: entry[1].copied)
    enough = max(int(entry.safe_positions**0.5) << at for at, entry in risky)
    warnings.warn(
        f"global channel attention at level {level} pools only {leak.positions} positions for {leak.channels} channels: one "
        f"such layer can learn to copy about {leak.copied:.0%} of independent noise, and more heads do not help. Use "
        f"channel_attention='phase', which has the same parameters and cannot leak, or crops of {enough} pixels and more",
        ChannelLeakWarning,
        stacklevel=3,
    )
