"""What an exported file says of itself: its ends, how to cut tiles, and what the model was made for."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from bsn.data import atomic_output, writing
from bsn.inference import Tiling
from bsn.models import Model, network_name
from distill.export.shipped import Pixels

__all__ = ["CARD_FORMAT", "Precision", "card_of", "card_path", "made_for", "noise_of", "read_card", "write_card"]

CARD_FORMAT = "blindspot-card-1"
"""First entry of a card; it changes when the meaning of another entry does."""

Precision = Literal["float32", "float16", "int8"]

_TILING = (
    "Tiles start at multiples of `grid` and reach at least `halo` pixels beyond the part of the result that is taken from "
    "them, or to the edge of the image. The parts together are then the result of the whole image."
)
_KINDS = {"photo": "independent", "camera": "shared"}


def card_of(
    model: Model, pixels: Pixels, ends: tuple[str, str] = ("image", "denoised"), precision: Precision = "float32"
) -> dict[str, Any]:
    """Facts of an exported model as JSON values.

    Parameters
    ----------
    model : Model
        A student.
    pixels : {"float", "uint8"}
        Kind of pixels that the file takes, see :class:`distill.export.Shipped`.
    ends : tuple of str
        Names of input and output.
    precision : {"float32", "float16", "int8"}
        Numbers that the network computes with; its ends do not change.

    Returns
    -------
    dict of str to Any
        ``input`` and ``output`` (name, axes, dtype, range), ``tiles`` (halo, grid, tile in pixels, and the rule), ``made_for``,
        ``noise``, ``training_values``, provenance and terms.
    """
    network = model.network
    tiling = Tiling(network.size_multiple, network.halo)
    return {
        "card": CARD_FORMAT,
        "network": network_name(network),
        "parameters": sum(weights.numel() for weights in network.parameters()),
        "precision": precision,
        "made_for": made_for(model),
        "noise": noise_of(model),
        "input": _end(ends[0], model, pixels),
        "output": _end(ends[1], model, pixels),
        "values": "integer pixels divided by the largest value of their type; float pixels on the scale of the training images",
        "training_values": None if model.training_values is None else dataclasses.asdict(model.training_values),
        "tiles": {"halo": tiling.halo, "grid": tiling.grid, "tile": tiling.side, "rule": _TILING},
        "weights_licence": model.weights_licence,
        "provenance": model.provenance,
    }


def made_for(model: Model) -> str:
    """What a model was made for, in a phrase.

    Parameters
    ----------
    model : Model
        Any model.

    Returns
    -------
    str
    """
    about = _first(model.provenance)
    if "trained_for" in about:
        return str(about["trained_for"])
    if "training_pairs" in about:
        return "images degraded like the pairs that it was trained on"
    count = about.get("training_images")
    images = "the images" if count is None else f"the {count} image{'s' * (count != 1)}"
    return f"images with the same kind of noise as {images} that it was trained on"


def noise_of(model: Model) -> dict[str, Any]:
    """Noise that a model was made for, by what its training stored.

    Parameters
    ----------
    model : Model
        Any model. What a student's teacher was trained for counts for the student.

    Returns
    -------
    dict of str to Any
        ``kind``: "independent" from pixel to pixel, "shared" by neighbouring pixels, or "not stated"; ``model``: how its
        strength depends on the brightness, such as "poisson-gaussian", or None; ``hole`` and ``stride`` of the training, or
        None.
    """
    about = _first(model.provenance)
    hole, stride = about.get("hole"), about.get("stride")
    model_of_noise = about.get("noise")
    return {
        "kind": _noise_kind(about),
        "model": None if model_of_noise in (None, "none") else model_of_noise,
        "hole": hole,
        "stride": stride,
    }


def _noise_kind(about: Mapping[str, Any]) -> str:
    if about.get("kind") in _KINDS:
        return _KINDS[about["kind"]]
    hides_more = about.get("hole") not in (None, "none", "pixel") or (about.get("stride") or 1) > 1
    if hides_more:
        return "shared"
    return "independent" if "stride" in about else "not stated"


def _first(provenance: Mapping[str, Any]) -> Mapping[str, Any]:
    """Provenance of the model that learned from images: of a student, that of its first teacher."""
    while isinstance(teacher := provenance.get("teacher"), Mapping) and isinstance(teacher.get("provenance"), Mapping):
        provenance = teacher["provenance"]
    return provenance


def _end(name: str, model: Model, pixels: Pixels) -> dict[str, Any]:
    whole = pixels == "uint8"
    return {
        "name": name,
        "axes": "NYXC" if whole else "NCYX",
        "dtype": "uint8" if whole else "float32",
        "range": [0, 255] if whole else [0, 1],
        "channels": model.channels,
        "smallest": [1, 1],
    }


def read_card(path: str | Path) -> dict[str, Any]:
    """Card of an exported ONNX file, which lies in its metadata.

    Parameters
    ----------
    path : str or Path
        A file of :func:`distill.export.export_onnx` or :func:`distill.export.quantise_onnx`.

    Returns
    -------
    dict of str to Any
        :func:`card_of`, with ``file``, ``bytes`` and ``sha256`` of the file.

    Raises
    ------
    ValueError
        If the file has no card.
    """
    import onnx

    path = Path(path)
    content = path.read_bytes()
    metadata = {entry.key: entry.value for entry in onnx.load_model_from_string(content).metadata_props}
    if "card" not in metadata:
        raise ValueError(f"{path.name} has no card, as files of bsn export have; export the model again")
    facts = {"file": path.name, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    return {**json.loads(metadata["card"]), **facts}


def card_path(path: str | Path) -> Path:
    """Where the card of an exported file lies: ``student.card.json`` beside ``student.onnx``.

    Parameters
    ----------
    path : str or Path
        The exported file.

    Returns
    -------
    Path
    """
    return Path(path).with_suffix(".card.json")


def write_card(path: str | Path, *, overwrite: bool = False) -> Path:
    """Write the card of an exported ONNX file beside it.

    Parameters
    ----------
    path : str or Path
        The exported file.
    overwrite : bool
        Replace an existing card.

    Returns
    -------
    Path
        The card, see :func:`card_path`.

    Raises
    ------
    DataError
        If the card exists or cannot be written.
    ValueError
        If the file has no card.
    """
    target = card_path(path)
    with atomic_output(target, overwrite=overwrite) as temporary, writing(target):
        temporary.write_text(json.dumps(read_card(path), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return target
