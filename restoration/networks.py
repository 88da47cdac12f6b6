"""What all restoration networks share: their base class, padding to the sizes they need, gradient checkpointing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["RestorationNetwork", "checkpointed", "known_options", "mirror", "mirror_to_multiple", "zero"]


class RestorationNetwork(nn.Module):
    """Image-to-image network that sees every pixel, its own included.

    Subclasses set `config` (with ``channels`` and ``checkpointing``), `size_multiple`, `halo` and `global_statistics`, see
    :class:`bsn.models.BlindSpotNetwork`.
    """

    lattice = 0
    config: Any

    @property
    def channels(self) -> int:
        """Channels of the image."""
        return int(self.config.channels)


def zero(layer: nn.Conv2d) -> None:
    """Set the weights and the bias of a convolution to zero."""
    nn.init.zeros_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


def known_options(official: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Official constructor arguments over their defaults; entries that are notes are left out."""
    return {**defaults, **{key: value for key, value in official.items() if key in defaults}}


def checkpointed(module: Callable[..., Tensor], *inputs: Tensor, enabled: bool) -> Tensor:
    """Call a module; with `enabled`, while training, its activations are computed again in the backward pass.

    Parameters
    ----------
    module : callable
    *inputs : Tensor
    enabled : bool
        Trades about a third more time for memory.
    """
    if enabled and torch.is_grad_enabled():
        from torch.utils.checkpoint import checkpoint

        return checkpoint(module, *inputs, use_reentrant=False)
    return module(*inputs)


def _mirror_indices(length: int, padded: int, repeat_edge: bool) -> Tensor:
    """Source index of every position of a mirrored axis, however many times it has to be mirrored."""
    period = 2 * length if repeat_edge else max(2 * length - 2, 1)
    position = torch.arange(padded) % period
    return torch.minimum(position, (period - 1 if repeat_edge else period) - position).clamp_min(0)


def mirror(x: Tensor, height: int, width: int, *, repeat_edge: bool = False) -> Tensor:
    """Mirror an image at its bottom and right until it has a size.

    Parameters
    ----------
    x : Tensor, shape (N, C, H, W)
        Any size from 1 x 1 on.
    height, width : int
        Not smaller than the image.
    repeat_edge : bool
        Whether the last row and column occur twice ("symmetric") or once ("reflect").

    Returns
    -------
    Tensor, shape (N, C, height, width)

    Examples
    --------
    >>> x = torch.arange(3.0).reshape(1, 1, 1, 3)
    >>> mirror(x, 1, 6)[0, 0, 0].tolist(), mirror(x, 1, 6, repeat_edge=True)[0, 0, 0].tolist()
    ([0.0, 1.0, 2.0, 1.0, 0.0, 1.0], [0.0, 1.0, 2.0, 2.0, 1.0, 0.0])
    """
    for axis, target in ((-2, height), (-1, width)):
        if x.shape[axis] != target:
            x = x.index_select(axis, _mirror_indices(x.shape[axis], target, repeat_edge).to(x.device))
    return x


def mirror_to_multiple(x: Tensor, multiple: int, *, repeat_edge: bool = False) -> Tensor:
    """Mirror an image (N, C, H, W) at its bottom and right to the next multiples of `multiple`."""
    h, w = x.shape[-2:]
    return mirror(x, -(-h // multiple) * multiple, -(-w // multiple) * multiple, repeat_edge=repeat_edge)
