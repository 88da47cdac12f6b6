"""Export to ONNX, checked by running the file."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from bsn.data import atomic_output, writing
from bsn.models import Model
from distill.export.card import card_of
from distill.export.formats import ExportError, check_exportable, facts
from distill.export.half import halved
from distill.export.program import traced
from distill.export.shipped import Pixels, Shipped, example_input

__all__ = ["check_onnx", "export_onnx", "session"]

_OPSET = 18
_CHECKED = ((64, 64, 1), (97, 61, 2), (33, 150, 1))
_TOLERANCE = {"float32": 1e-5, "float16": 2e-3}  # of sixteen-bit floats: half a grey level of eight bits
_GREY_LEVEL = 1.001 / 255


def export_onnx(
    model: Model,
    path: str | Path,
    *,
    pixels: Pixels = "float",
    check: bool = True,
    overwrite: bool = False,
    ends: tuple[str, str] = ("image", "denoised"),
    fp16: bool = False,
) -> float:
    """Write an ONNX file with free batch, height and width, and compare it with PyTorch at three sizes.

    Parameters
    ----------
    model : Model
        A student.
    path : str or Path
        File to write.
    pixels : {"float", "uint8"}
        See :class:`Shipped`.
    check : bool
        Run the file with onnxruntime.
    overwrite : bool
        Replace an existing file.
    ends : tuple of str
        Names of input and output.
    fp16 : bool
        Store and compute the layers in float16, for half the size; input and output stay as they are. Processors without such
        arithmetic compute in float32 with the rounded weights.

    Returns
    -------
    float
        Largest difference found, in units of [0, 1]; 0 if not checked. At most 1e-5, and 2e-3 with `fp16`.

    Raises
    ------
    ExportError
        If the model is not a student, a package is missing, or the file gives other images than PyTorch.
    DataError
        If the file cannot be written.
    """
    check_exportable(model)
    _require("onnx", "onnxscript", *(["onnxruntime"] if check or fp16 else []))
    path = Path(path)
    program = traced(model, pixels)
    with _quiet():
        made = torch.onnx.export(program, dynamo=True, opset_version=_OPSET, verbose=False)
    assert made is not None
    proto = made.model_proto
    _name_ends(proto, *ends)
    precision: Literal["float16", "float32"] = "float16" if fp16 else "float32"
    proto = halved(proto) if fp16 else proto
    card = json.dumps(card_of(model, pixels, ends, precision))
    for key, value in {**facts(model), "pixels": pixels, "card": card}.items():
        proto.metadata_props.add(key=key, value=value)
    with atomic_output(path, overwrite=overwrite) as temporary, writing(path):
        temporary.write_bytes(proto.SerializeToString())
        return check_onnx(temporary, model, pixels, precision) if check else 0.0


def check_onnx(
    path: str | Path,
    model: Model,
    pixels: Pixels = "float",
    precision: Literal["float32", "float16"] = "float32",
) -> float:
    """Compare the images of an exported file with PyTorch's at three sizes.

    Parameters
    ----------
    path : str or Path
        The exported file.
    model : Model
        The student that was exported.
    pixels : {"float", "uint8"}
        Kind of pixels that the file takes.
    precision : {"float32", "float16"}
        Numbers that the file computes with.

    Returns
    -------
    float
        Largest difference, in units of [0, 1].

    Raises
    ------
    ExportError
        If it is above 1e-5 (2e-3 for float16; one grey level for uint8, where rounding may fall either way), or results are
        not finite.
    """
    running = session(path)
    module = Shipped(model, pixels).eval()
    worst = 0.0
    for height, width, batch in _CHECKED:
        x = example_input(model.channels, pixels, height, width, batch)
        with torch.no_grad():
            expected = module(x).numpy()
        found = running.run(None, {running.get_inputs()[0].name: x.numpy()})[0]
        if found.shape != expected.shape or found.dtype != expected.dtype:
            raise ExportError(
                f"the exported file gives {found.dtype} {found.shape} for {expected.dtype} {expected.shape}"
            )
        unit = 255 if pixels == "uint8" else 1
        differences = np.abs(found.astype(np.float64) - expected) / unit
        worst = max(worst, float(np.nan_to_num(differences, nan=np.inf).max()))
    allowed = _TOLERANCE[precision] if pixels == "float" else _GREY_LEVEL
    if worst > allowed:
        remedy = "please report it" if precision == "float32" else "export it without fp16"
        raise ExportError(f"the exported file differs from PyTorch by {worst:.2g}, more than {allowed:.2g}; {remedy}")
    return worst


def session(path: str | Path, threads: int = 0) -> Any:
    """Open a file with onnxruntime on the CPU.

    Parameters
    ----------
    path : str or Path
        The exported file.
    threads : int
        0: as many as onnxruntime likes.
    """
    _require("onnxruntime")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _name_ends(proto: Any, image: str, denoised: str) -> None:
    """Rename input and output."""
    graph = proto.graph
    names = {graph.input[0].name: image, graph.output[0].name: denoised}
    graph.input[0].name, graph.output[0].name = image, denoised
    for node in graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]


def _require(*packages: str) -> None:
    import importlib.util

    missing = [package for package in packages if importlib.util.find_spec(package) is None]
    if missing:
        raise ExportError(f"this needs {', '.join(missing)}; install it with pip install 'blindspot-denoising[export]'")


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the exporter's progress and advice."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
