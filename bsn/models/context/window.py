"""The input of a network with context, taken apart."""

from __future__ import annotations

from torch import Tensor

__all__ = ["split_window"]


def split_window(x: Tensor, channels: int, context: int) -> tuple[Tensor, Tensor | None]:
    """Frame and neighbours of a batch of windows.

    Parameters
    ----------
    x : Tensor, shape (N, C, H, W) or (N, (2 k + 1) C, H, W)
        Frames alone, or windows of :func:`bsn.frames.windows`.
    channels : int
        Channels C of a frame.
    context : int
        Neighbours k on each side.

    Returns
    -------
    own : Tensor, shape (N, C, H, W)
        The frames themselves.
    neighbours : Tensor, shape (N, 2 k C, H, W), or None
        None where the frames come alone.

    Raises
    ------
    ValueError
        For another number of channels.
    """
    if x.shape[1] == channels:
        return x, None
    if x.shape[1] != (2 * context + 1) * channels:
        raise ValueError(
            f"an input of {x.shape[1]} channels is neither a frame of {channels} channels nor a window of "
            f"{2 * context + 1} frames; give {channels} or {(2 * context + 1) * channels} channels"
        )
    return x[:, :channels], x[:, channels:]
