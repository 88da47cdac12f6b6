"""Networks and presets by name.

A *network* is a class with a frozen configuration; a *preset* a named configuration of one. Other packages add theirs with
the same two calls, through the entry-point group ``bsn.networks`` (a module that registers on import).
"""

from __future__ import annotations

import dataclasses
import difflib
import typing
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from torch import nn

from bsn.models.interface import ImageNetwork, image_network
from bsn.plugins import import_group

__all__ = [
    "OldNameWarning",
    "Preset",
    "UnknownModelError",
    "build",
    "create",
    "current_name",
    "presets",
    "register_network",
    "register_old_form",
    "register_old_name",
    "register_preset",
]

Network = TypeVar("Network", bound=nn.Module)


class UnknownModelError(ValueError):
    """No network or preset of that name; near names are listed."""


class OldNameWarning(FutureWarning):
    """A preset or a network was asked for by a name it no longer has; it was found all the same."""


@dataclass(frozen=True)
class Preset:
    """A named configuration of a registered network.

    Parameters
    ----------
    name : str
        Name by which users choose it.
    network : str
        Registry name of the network class.
    config : frozen dataclass
        Configuration of the network.
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
_old_names: dict[str, str] = {}

OldForm = Callable[[Mapping[str, Any]], tuple[str, Mapping[str, Any]] | None]
_old_forms: dict[str, OldForm] = {}


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
    """Make a preset available to :func:`create` and to ``bsn models``.

    Parameters
    ----------
    preset : Preset
        Name, network and configuration. An equal name is replaced.

    Returns
    -------
    Preset
        The same.
    """
    _presets[preset.name] = preset
    return preset


def register_old_name(old: str, name: str) -> None:
    """Let a preset be found by a name that was published once, too.

    Parameters
    ----------
    old, name : str
        The former name, and that of the preset.
    """
    _old_names[old] = name


def register_old_form(network: str, upgrade: OldForm) -> None:
    """Let model files of a former program version be read.

    Parameters
    ----------
    network : str
        Registry name that the files hold.
    upgrade : callable
        Gets the stored configuration and returns today's registry name and configuration; None for files of today.
    """
    _old_forms[network] = upgrade


def current_name(name: str) -> str:
    """Today's name of a preset.

    Parameters
    ----------
    name : str
        A preset, or what one was called once; other names are returned as they are.

    Returns
    -------
    str

    Warns
    -----
    OldNameWarning
        If the preset has another name today.
    """
    if name not in _old_names:
        return name
    warnings.warn(f"the model {name} is called {_old_names[name]} now", OldNameWarning, stacklevel=3)
    return _old_names[name]


_GROUP = "bsn.networks"


def presets() -> Mapping[str, Preset]:
    """All presets, by name."""
    import_group(_GROUP)
    return _presets


def _find(table: Mapping[str, Any], name: str, kind: str) -> Any:
    import_group(_GROUP)
    if name not in table:
        found = difflib.get_close_matches(name, [*table, *_old_names], n=3)
        near = dict.fromkeys(_old_names.get(match, match) for match in found) or sorted(table)
        raise UnknownModelError(f"there is no {kind} {name!r}; did you mean {', '.join(near)}?{_where_it_may_be()}")
    return table[name]


def _where_it_may_be() -> str:
    """End of a message about an unknown name, where a package with networks is missing."""
    missing = import_group(_GROUP)
    return f" It may be missing because {'; '.join(missing)}" if missing else ""


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
        If the name is unknown; the message lists near names.
    ValueError
        If a field does not exist or its value does not fit.

    Examples
    --------
    >>> import bsn.models
    >>> bsn.models.create("phase-unet-tiny", channels=1).channels
    1
    """
    name = current_name(name)
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
    upgraded = _old_forms[network](config) if network in _old_forms else None
    if upgraded is not None:
        warnings.warn(f"what this file calls {network} is the network {upgraded[0]} now", OldNameWarning, stacklevel=3)
        network, config = upgraded
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

    Parameters
    ----------
    network : nn.Module
        Network of a registered class.

    Returns
    -------
    str

    Raises
    ------
    UnknownModelError
        If the class is not registered.
    """
    import_group(_GROUP)
    for name, (cls, _) in _networks.items():
        if type(network) is cls:
            return name
    raise UnknownModelError(f"{type(network).__name__} is not registered; decorate it with bsn.models.register_network")
