"""What networks with context share: how the neighbouring frames enter, and how a window is taken apart."""

from bsn.models.context.neighbours import NeighbourHead, deep_projection, linear_projection
from bsn.models.context.window import split_window

__all__ = ["NeighbourHead", "deep_projection", "linear_projection", "split_window"]
