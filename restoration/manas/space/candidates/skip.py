"""Identity."""

from __future__ import annotations

from torch import Tensor, nn

from restoration.manas.space.candidates.registry import register_candidate

__all__ = ["Skip"]


@register_candidate("skip_connect", "identity")
class Skip(nn.Module):
    """What comes in.

    Parameters
    ----------
    channels : int
    """

    def __init__(self, channels: int) -> None:
        super().__init__()

    def forward(self, x: Tensor) -> Tensor:
        """Give back (N, C, H, W)."""
        return x
