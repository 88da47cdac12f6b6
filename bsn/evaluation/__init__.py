"""Protocols, metrics, tables and reports."""

from bsn.data import encode_png
from bsn.evaluation.protocol import PROTOCOLS, Protocol, Score, fit_affine, get_protocol, listed_protocols
from bsn.evaluation.report import HtmlReport
from bsn.evaluation.residual import ResidualStatistics, autocorrelation, residual_statistics
from bsn.evaluation.table import ScoreTable, environment, write_tables
from bsn.evaluation.validation import Denoise, ImagePair, Validation

__all__ = [
    "PROTOCOLS",
    "Denoise",
    "HtmlReport",
    "ImagePair",
    "Protocol",
    "ResidualStatistics",
    "Score",
    "ScoreTable",
    "Validation",
    "autocorrelation",
    "encode_png",
    "environment",
    "fit_affine",
    "get_protocol",
    "listed_protocols",
    "residual_statistics",
    "write_tables",
]
