"""Export to a file of ``torch.export``."""

from __future__ import annotations

import json
from pathlib import Path

import torch

from bsn.data import atomic_output, writing
from bsn.models import Model
from distill.export.formats import check_exportable, facts
from distill.export.shipped import Pixels, Shipped, dynamic_shapes, example_input

__all__ = ["export_program", "traced"]


def traced(model: Model, pixels: Pixels) -> torch.export.ExportedProgram:
    """Graph of the shipped student with free batch, height and width.

    Parameters
    ----------
    model : Model
        A student.
    pixels : {"float", "uint8"}
        Kind of pixels that the graph takes, see :class:`Shipped`.

    Returns
    -------
    torch.export.ExportedProgram
    """
    check_exportable(model)
    module = Shipped(model, pixels).eval().float().cpu()
    example = example_input(model.channels, pixels)
    with torch.no_grad():
        return torch.export.export(module, (example,), dynamic_shapes=(dynamic_shapes(pixels),))


def export_program(model: Model, path: str | Path, *, pixels: Pixels = "float", overwrite: bool = False) -> None:
    """Write a ``.pt2`` file, which ``torch.export.load(path).module(check_guards=False)`` reads without this toolkit.

    (The guards are those of the layout of the example it was traced with; the graph holds for every size above the
    student's grid.)

    Parameters
    ----------
    model : Model
        A student.
    path : str or Path
        File to write.
    pixels : {"float", "uint8"}
        See :class:`Shipped`.
    overwrite : bool
        Replace an existing file.

    Raises
    ------
    ExportError
        If the model is not a student.
    DataError
        If the file cannot be written.
    """
    program = traced(model, pixels)
    path = Path(path)
    with atomic_output(path, overwrite=overwrite) as temporary, writing(path):
        about = {"blindspot.json": json.dumps({**facts(model), "pixels": pixels})}
        whole = temporary.with_suffix(".pt2")  # torch insists on the suffix
        try:
            torch.export.save(program, whole, extra_files=about)
            whole.replace(temporary)
        finally:
            whole.unlink(missing_ok=True)
