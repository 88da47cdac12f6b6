"""Students as files that run elsewhere."""

from distill.export.darktable import export_darktable
from distill.export.formats import FORMATS, ExportError, check_exportable
from distill.export.onnx import export_onnx
from distill.export.program import export_program
from distill.export.quantise import quantise_onnx
from distill.export.shipped import Shipped

__all__ = [
    "FORMATS",
    "ExportError",
    "Shipped",
    "check_exportable",
    "export_darktable",
    "export_onnx",
    "export_program",
    "quantise_onnx",
]
