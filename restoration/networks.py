"""What all restoration networks share: their base class, padding to the sizes they need, gradient checkpointing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["RestorationNetwork", "checkpointed", "known_options", "zero"]


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
    """Set the weights and the bias of a convolution to zero.

    Parameters
    ----------
    layer : nn.Conv2d
        Changed in place.
    """
    nn.init.zeros_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


def known_options(official: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Official constructor arguments over their defaults; entries that are notes are left out.

    Parameters
    ----------
    official : mapping of str to Any
        Official constructor arguments, possibly with notes among them.
    defaults : mapping of str to Any
        Official defaults; their keys are the arguments that are known.

    Returns
    -------
    dict of str to Any
    """
    return {**defaults, **{key: value for key, value in official.items() if key in defaults}}


def checkpointed(module: Callable[..., Tensor], *inputs: Tensor, enabled: bool) -> Tensor:
    """Call a module; with `enabled`, while training, its activations are computed again in the backward pass.

    Parameters
    ----------
    module : callable
        Module or function to call.
    *inputs : Tensor
        Its arguments.
    enabled : bool
        Trades about a third more time for memory.
    """
    if enabled and torch.is_grad_enabled():
        from torch.utils.checkpoint import checkpoint

        return checkpoint(module, *inputs, use_reentrant=False)
    return module(*inputs)
