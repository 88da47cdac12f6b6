"""Benchmark sets, laid out exactly as they were published; one file each."""

from bsn.data.layouts.dnd import DndPictures, bundle_dnd_submission, write_dnd_crop
from bsn.data.layouts.sidd_blocks import (
    SiddBlocks,
    open_sidd_benchmark,
    open_sidd_validation,
    write_sidd_submission,
)
from bsn.data.layouts.sidd_medium import SiddPair, SiddScene, parse_sidd_scene, read_sidd_medium

__all__ = [
    "DndPictures",
    "SiddBlocks",
    "SiddPair",
    "SiddScene",
    "bundle_dnd_submission",
    "open_sidd_benchmark",
    "open_sidd_validation",
    "parse_sidd_scene",
    "read_sidd_medium",
    "write_dnd_crop",
    "write_sidd_submission",
]
