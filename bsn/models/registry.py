"""Networks and presets by name.

A *network* is a class with a frozen configuration; a *preset* a named configuration of one. Other packages add theirs with
the same two calls, through the entry-point group ``bsn.networks`` (a module that registers on import).
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from torch import nn

from bsn.models.interface import ImageNetwork, image_network

__all__ = [
    "Preset",
    "UnknownModelError",
    "build",
    "create",
    "load_plugins",
    "presets",
    "register_network",
    "register_preset",
]

Network = TypeVar("Network", bound=nn.Module)


class UnknownModelError(ValueError):
    """No network or preset of that name; near names are listed."""


@dataclass(frozen=True)
class Preset:
    """A named configuration of a registered network.

    Parameters
    ----------
    name : str
    network : str
        Registry name of the network class.
    config : frozen dataclass
    summary : str
        One line for ``bsn models``.
    blind : bool
        True if the network claims to be strictly blind; the tests prove it.
    """

    name: str
    network: str
    config: Any
    summary: str
    blind: bool = True


_networks: dict[str, tuple[type[nn.Module], type[Any]]] = {}
_presets: dict[str, Preset] = {}


def register_network(name: str, config: type[Any]) -> Callable[[type[Network]], type[Network]]:
    """Class decorator: make a network loadable from model files.

    Parameters
    ----------
    name : str
        Stored in model files.
    config : frozen dataclass type
        The constructor's only argument.
    """

    def add(cls: type[Network]) -> type[Network]:
        _networks[name] = (cls, config)
        return cls

    return add


def register_preset(preset: Preset) -> Preset:
    """Make a preset available to :func:`create` and to ``bsn models``."""
    _presets[preset.name] = preset
    return preset


@functools.cache
def load_plugins() -> None:
    """Import the modules of the entry-point group ``bsn.networks`` once, so that their networks are registered."""
    from importlib.metadata import entry_points

    for point in entry_points(group="bsn.networks"):
        point.load()


def presets() -> Mapping[str, Preset]:
    """All presets, by name."""
    load_plugins()
    return _presets


def _find(table: Mapping[str, Any], name: str, kind: str) -> Any:
    load_plugins()
    if name not in table:
        near = difflib.get_close_matches(name, table, n=3) or sorted(table)
        raise UnknownModelError(f"there is no {kind} {name!r}; did you mean {', '.join(near)}?")
    return table[name]


def create(name: str, *, channels: int | None = None, **overrides: Any) -> ImageNetwork:
    """Network of a preset, freshly initialised.

    Parameters
    ----------
    name : str
        See ``bsn models``.
    channels : int, optional
        Channels of the images; default: the preset's (3).
    **overrides
        Other fields of the network's configuration.

    Returns
    -------
    ImageNetwork

    Raises
    ------
    UnknownModelError
        With near names.
    ValueError
        If a field does not exist or its value does not fit.

    Examples
    --------
    >>> import bsn.models
    >>> bsn.models.create("tbsn-tiny", channels=1).channels
    1
    """
    preset: Preset = _find(_presets, name, "model")
    if channels is not None:
        overrides["channels"] = channels
    known = {field.name for field in dataclasses.fields(preset.config)}
    unknown = sorted(set(overrides) - known)
    if unknown:
        raise ValueError(f"model {name!r} has no option {unknown[0]!r}; its options are {', '.join(sorted(known))}")
    cls, _ = _networks[preset.network]
    return image_network(cls(dataclasses.replace(preset.config, **overrides)))


def build(network: str, config: Mapping[str, Any]) -> ImageNetwork:
    """Network from what a model file stores.

    Parameters
    ----------
    network : str
        Name given to :func:`register_network`.
    config : mapping
        Fields of its configuration as JSON holds them (lists for tuples).

    Raises
    ------
    UnknownModelError, ValueError
    """
    cls, config_type = _find(_networks, network, "network")
    hints = typing.get_type_hints(config_type)
    fields = {f.name for f in dataclasses.fields(config_type)}
    unknown = sorted(set(config) - fields)
    if unknown:
        raise ValueError(
            f"the stored configuration has {unknown[0]!r}, which {network!r} does not know; update the program"
        )
    values = {k: tuple(v) if typing.get_origin(hints[k]) is tuple else v for k, v in config.items()}
    return image_network(cls(config_type(**values)))


def network_name(network: nn.Module) -> str:
    """Registry name of a network's class.

    Raises
    ------
    UnknownModelError
        If the class is not registered.
    """
    load_plugins()
    for name, (cls, _) in _networks.items():
        if type(network) is cls:
            return name
    raise UnknownModelError(f"{type(network).__name__} is not registered; decorate it with bsn.models.register_network")
