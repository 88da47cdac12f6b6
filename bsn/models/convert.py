"""Published checkpoint files to model files."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from bsn.models.dbsnl import DBSNl
from bsn.models.halfplane import ATBSN, TMBSN
from bsn.models.interface import image_network
from bsn.models.model import InferenceDefaults, Model, ModelFileError
from bsn.models.tbsn import TBSN
from bsn.noise.value_scale import ValueScale
from bsn.plugins import import_group

__all__ = ["Converter", "convert", "converters", "register_converter"]


@dataclass(frozen=True)
class Converter:
    """How published weights of one architecture become a model.

    Parameters
    ----------
    build : callable
        ``build(state_dict, official_config, **options)`` returns the network.
    inference : InferenceDefaults
        Inference that the weights were made for.
    licence : str
        What is known of the terms of the published weights.
    scale : ValueScale
        Range that the published network works on.
    read : callable, optional
        ``read(path)`` gives the content of a published file, without running anything in it; default: :func:`read_published`.
    """

    build: Callable[..., nn.Module]
    inference: InferenceDefaults
    licence: str
    scale: ValueScale = field(default_factory=ValueScale.eight_bit)
    read: Callable[[str | Path], Mapping[str, Any]] | None = None


_UNIT_SCALE = ValueScale(0.0, 1.0)
_converters = {
    "tbsn": Converter(
        TBSN.from_official, InferenceDefaults(2, None, 128), "GPL-3.0 project (TBSN release); ask its authors"
    ),
    "dbsnl": Converter(
        DBSNl.from_official, InferenceDefaults(2, 2, 120), "MIT project (AP-BSN release); ask its authors"
    ),
    "at-bsn": Converter(
        ATBSN.from_official, InferenceDefaults(), "AT-BSN release without a stated licence; ask its authors"
    ),
    "tm-bsn": Converter(
        TMBSN.from_official,
        InferenceDefaults(),
        "TM-BSN release without a stated licence; ask its authors",
        _UNIT_SCALE,
    ),
}


def register_converter(name: str, converter: Converter) -> None:
    """Make published weights of an architecture convertible; for packages of the group ``bsn.networks``.

    Parameters
    ----------
    name : str
        Name of the architecture, as ``bsn convert --model`` takes it.
    converter : Converter
        How a checkpoint of this architecture becomes a model, see `Converter`.
    """
    _converters[name] = converter


def converters() -> Mapping[str, Converter]:
    """All converters, by the name of the published architecture."""
    import_group("bsn.networks")
    return _converters


def read_published(path: str | Path) -> Mapping[str, Any]:
    """Content of a published checkpoint; code in a pickle is never run.

    Parameters
    ----------
    path : str or Path
        A PyTorch file (.pth, .pt, .ckpt) or safetensors.

    Raises
    ------
    ModelFileError
        If it is missing, broken, or holds objects other than tensors.
    """
    path = Path(path)
    if not path.is_file():
        raise ModelFileError(f"there is no file {path}; give a published checkpoint (.pth)")
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise ModelFileError(
            f"{path} is a pickle with code or objects in it, which could run anything, and is not loaded; "
            "save its bare state dict in the program that made it"
        ) from None
    except Exception as error:  # torch and safetensors raise many types on damaged files
        raise ModelFileError(f"{path} is not a readable checkpoint ({' '.join(str(error).split())[:120]})") from None
    if not isinstance(content, Mapping):
        raise ModelFileError(f"{path} holds a {type(content).__name__}, not a state dict; save the weights themselves")
    return content


def convert(path: str | Path, model: str, config: Mapping[str, Any] | None = None, **options: Any) -> Model:
    """Model of a published checkpoint.

    Parameters
    ----------
    path : str or Path
        The published file.
    model : str
        One of :func:`converters`.
    config : mapping, optional
        Official constructor arguments, where they differ from the official defaults.
    **options
        Options of the network's ``from_official``, such as ``channel_attention="phase"``.

    Returns
    -------
    Model
        Takes and returns image values; a range of the network's own, such as 0..255, is applied inside.

    Raises
    ------
    ModelFileError, ValueError
        If the file cannot be read or the weights do not fit.
    """
    known = converters()
    if model not in known:
        raise ValueError(f"published weights of {model!r} are unknown; choose one of {', '.join(known)}")
    converter = known[model]
    network = converter.build((converter.read or read_published)(path), dict(config or {}), **options)
    provenance = {"converted_from": Path(path).name, "model": model, "official_config": dict(config or {}), **options}
    return Model(image_network(network.float()), converter.scale, converter.inference, provenance, converter.licence)
