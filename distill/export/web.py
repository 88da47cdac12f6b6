"""A web page that denoises pictures in the browser: one folder, which any static server shows."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory

from bsn.data import DataError, put_in_place, writing
from bsn.models import Model
from distill.export.card import read_card
from distill.export.formats import ExportError
from distill.export.onnx import export_onnx
from distill.export.runtime import RUNTIME_FILES, RUNTIME_VERSION, read_runtime

__all__ = ["CARD", "check_page_target", "export_page"]

CARD = "model.card.json"
_MODEL = "model.onnx"
_PICTURES = (1, 3)

_NOTICE = f"""This page runs its network with onnxruntime-web {RUNTIME_VERSION}:

    Copyright (c) Microsoft Corporation. All rights reserved. Licensed under the MIT License.
    https://www.npmjs.com/package/onnxruntime-web, https://github.com/microsoft/onnxruntime

Its files, and their SHA-256:

{chr(10).join(f"    {digest}  {name}" for name, digest in RUNTIME_FILES.items())}

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation
files (the "Software"), to deal in the Software without restriction, including without limitation the rights to use, copy,
modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the
Software is furnished to do so, subject to the following conditions: The above copyright notice and this permission notice
shall be included in all copies or substantial portions of the Software. THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY
OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR
PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR
THE USE OR OTHER DEALINGS IN THE SOFTWARE.

The rest of the page is part of Blindspot (Apache-2.0). The terms of the weights stand in {CARD}.
"""


def export_page(
    model: Model,
    folder: str | Path,
    *,
    name: str = "student",
    runtime: str | Path | None = None,
    fp16: bool = False,
    overwrite: bool = False,
) -> float:
    """Write the page with a model in it, and compare the network in it with PyTorch.

    Parameters
    ----------
    model : Model
        A student for one or three channels.
    folder : str or Path
        Folder to write; it does not exist or is empty, or holds a page and `overwrite` is set.
    name : str
        Name of the model on the page.
    runtime : str or Path, optional
        Where onnxruntime-web lies, see :func:`distill.export.runtime.read_runtime`.
    fp16 : bool
        Store the layers in float16, for half the download.
    overwrite : bool
        Replace a page that is there.

    Returns
    -------
    float
        Largest difference found, in units of [0, 1].

    Raises
    ------
    ExportError
        If the model is not a student or is for other than one or three channels, onnxruntime-web or a package is missing, or
        the file gives other images than PyTorch.
    DataError
        If the folder holds other files, or cannot be written.
    """
    folder = Path(folder)
    check_page_target(folder, overwrite=overwrite)
    if model.channels not in _PICTURES:
        raise ExportError(
            f"browsers show grey and colour pictures, and this model has {model.channels} channels; export a model for 1 or 3"
        )
    content = {**_sources(), **read_runtime(runtime), "NOTICE.txt": _NOTICE.encode()}
    with TemporaryDirectory() as place:
        onnx = Path(place) / _MODEL
        worst = export_onnx(model, onnx, fp16=fp16)
        content[_MODEL] = onnx.read_bytes()
        content[CARD] = (json.dumps({"name": name, **read_card(onnx)}, indent=2, ensure_ascii=False) + "\n").encode()
    with writing(folder):
        _put(folder, content)
    return worst


def check_page_target(folder: Path, *, overwrite: bool) -> None:
    """Refuse a folder that a page must not be written to, before work is spent on it.

    Parameters
    ----------
    folder : Path
        The folder to be written.
    overwrite : bool
        Whether a page that is there may be replaced.

    Raises
    ------
    DataError
        It is a file, holds something else than a page, or a page that may not be replaced; or its parent does not exist.
    """
    if not folder.absolute().parent.is_dir():
        raise DataError(str(folder), "its parent folder does not exist", f"create {folder.absolute().parent} first")
    if folder.exists() and not folder.is_dir():
        raise DataError(str(folder), "is a file, and a page is a folder", "name a new folder")
    if not folder.is_dir() or not any(folder.iterdir()):
        return
    if not (folder / CARD).is_file():
        raise DataError(str(folder), "holds files that are not of a page", "name a new folder")
    if not overwrite:
        raise DataError(
            str(folder), "holds a page already and is not overwritten", "name a new folder or ask to overwrite"
        )


def _sources() -> dict[str, bytes]:
    """Our own part of the page."""
    return {
        source.name: source.read_bytes()
        for source in files("distill.export").joinpath("page").iterdir()
        if source.is_file()
    }


def _put(folder: Path, content: Mapping[str, bytes]) -> None:
    """Write beside the folder and rename, so that a page appears whole; files that someone added to an old page stay."""
    with TemporaryDirectory(prefix=".", dir=folder.absolute().parent) as place:
        made = Path(place) / "page"
        if folder.is_dir():
            shutil.copytree(folder, made)
        made.mkdir(exist_ok=True)
        for name, data in content.items():
            (made / name).write_bytes(data)
        put_in_place(made, folder)
