"""Students as files that run elsewhere."""

from distill.export.card import card_of, card_path, read_card, write_card
from distill.export.darktable import export_darktable
from distill.export.formats import FORMATS, ExportError, check_exportable
from distill.export.onnx import export_onnx
from distill.export.program import export_program
from distill.export.quantise import quantise_onnx
from distill.export.shipped import Shipped
from distill.export.web import check_page_target, export_page

__all__ = [
    "FORMATS",
    "ExportError",
    "Shipped",
    "card_of",
    "card_path",
    "check_exportable",
    "check_page_target",
    "export_darktable",
    "export_onnx",
    "export_page",
    "export_program",
    "quantise_onnx",
    "read_card",
    "write_card",
]
