"""Packages for darktable's neural restore module (darktable 5.6 and later): ``.dtmodel`` files.

Such a file is a zip archive of one folder, named as the model, with ``config.json`` and ``model.onnx``. The network takes and
gives float32 RGB of shape (1, 3, H, W) in [0, 1], sRGB encoded. Source: github.com/darktable-org/darktable-ai (README of the
models and packages of its release 5.6.0). darktable itself was not at hand; what it accepts beyond that was not tried.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from bsn.data import atomic_output, writing
from bsn.models import Model
from distill.export.card import made_for
from distill.export.formats import ExportError
from distill.export.onnx import export_onnx

__all__ = ["export_darktable"]

_COLOURS = 3
_WHEN = (2026, 1, 1, 0, 0, 0)  # the same model gives the same file


def export_darktable(model: Model, path: str | Path, *, overwrite: bool = False) -> float:
    """Write a ``.dtmodel`` file, and compare the network in it with PyTorch.

    Parameters
    ----------
    model : Model
        A student for three channels.
    path : str or Path
        File to write. Its name without the ending becomes the name of the model in darktable.
    overwrite : bool
        Replace an existing file.

    Returns
    -------
    float
        Largest difference found, in units of [0, 1].

    Raises
    ------
    ExportError
        If the model is not a student or has other channels than three, a package is missing, or the file gives other images
        than PyTorch.
    DataError
        If the file cannot be written.
    """
    path = Path(path)
    if model.channels != _COLOURS:
        raise ExportError(f"darktable denoises RGB, and this model has {model.channels} channels; export a model for 3")
    name = path.stem
    folder = "denoise-" + (re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "blindspot")
    with TemporaryDirectory() as place:
        onnx = Path(place) / "model.onnx"
        worst = export_onnx(model, onnx, ends=("input", "output"))
        files = {"config.json": _config(model, name, folder), "model.onnx": onnx.read_bytes()}
    with atomic_output(path, overwrite=overwrite) as temporary, writing(path):
        _pack(temporary, {f"{folder}/{file}": content for file, content in files.items()})
    return worst


def _config(model: Model, name: str, identifier: str) -> bytes:
    content = {
        "id": identifier,
        "name": name,
        "description": f"Blindspot, made for {made_for(model)}. Weights: {model.weights_licence}",
        "task": "denoise",
        "backend": "onnx",
        "version": "1.0",
        "type": "single",
        "tiling": True,
    }
    return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()


def _pack(path: Path, files: Mapping[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, _WHEN)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(entry, content)
