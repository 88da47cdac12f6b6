"""What all published checkpoints have in common: the wrappers around their weights, and loading with clear errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from torch import Tensor, nn

__all__ = ["PublishedConfigError", "load_published", "unwrap_state_dict"]

Network = TypeVar("Network", bound=nn.Module)

_CONTAINERS = ("model_weight", "denoiser", "state_dict", "params_ema", "params", "model", "network")
_PREFIXES = ("module.", "bsn.", "denoiser.", "network.")


class PublishedConfigError(ValueError):
    """A published configuration asks for something that the network class does not have."""


def unwrap_state_dict(content: Mapping[str, Any]) -> dict[str, Tensor]:
    """State dict inside the wrappers of common training frameworks.

    Parameters
    ----------
    content : mapping
        A bare state dict, or one inside ``model_weight`` / ``denoiser`` (AP-BSN), ``state_dict``, ``params``,
        ``params_ema`` ..., keys carrying ``module.`` (DataParallel), ``bsn.`` or ``denoiser.``.

    Returns
    -------
    dict of str to Tensor

    Raises
    ------
    ValueError
        If there are no tensors in it.
    """
    state: Any = content
    for _ in range(4):
        inner = next((state[name] for name in _CONTAINERS if isinstance(state.get(name), Mapping)), None)
        if inner is None:
            break
        state = inner
    tensors = {key: value for key, value in state.items() if isinstance(value, Tensor)}
    if not tensors:
        raise ValueError(f"no weights found in a checkpoint with the entries {', '.join(map(str, list(content)[:6]))}")
    stripped = True
    while stripped:
        stripped = False
        for prefix in _PREFIXES:
            if all(key.startswith(prefix) for key in tensors):
                tensors = {key.removeprefix(prefix): value for key, value in tensors.items()}
                stripped = True
    return tensors


def load_published(network: Network, state_dict: Mapping[str, Any], rename: Callable[[str], str | None]) -> Network:
    """Load official weights into one of our networks.

    Parameters
    ----------
    network : nn.Module
        Takes the dtype of the weights.
    state_dict : mapping of str to Tensor
        Possibly wrapped, see :func:`unwrap_state_dict`.
    rename : callable
        Our key of an official one, None if it is to be ignored; KeyError for foreign keys.

    Returns
    -------
    nn.Module
        `network`, in eval mode.

    Raises
    ------
    ValueError
        If keys or shapes do not fit; the first three differences are named.
    """
    ours, foreign = {}, []
    for key, value in unwrap_state_dict(state_dict).items():
        try:
            name = rename(key)
        except KeyError:
            foreign.append(key)
            continue
        if name is not None:
            ours[name] = value
    expected = network.state_dict()
    problems = [f"unknown key {key}" for key in foreign]
    problems += [f"unknown key {key}" for key in ours if key not in expected]
    problems += [f"missing {key}" for key in expected if key not in ours]
    problems += [
        f"{key} has shape {tuple(ours[key].shape)} instead of {tuple(expected[key].shape)}"
        for key in ours
        if key in expected and ours[key].shape != expected[key].shape
    ]
    if problems:
        more = f" and {len(problems) - 3} more" if len(problems) > 3 else ""
        raise ValueError(
            f"the weights do not fit {type(network).__name__}: {'; '.join(problems[:3])}{more}; "
            "check the model name and its configuration"
        )
    dtypes = {value.dtype for value in ours.values() if value.is_floating_point()}
    network.to(next(iter(dtypes)) if len(dtypes) == 1 else None)
    network.load_state_dict(ours)
    return network.eval()
