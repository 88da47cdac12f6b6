"""Denoising with a trained model: pixel-shuffle downsampling, refinement, self-ensemble, tiles, files."""

from bsn.inference.config import InferenceConfig
from bsn.inference.denoiser import Denoiser, FileReport, denoise, output_path
from bsn.inference.pipeline import Pipeline

__all__ = [
    "Denoiser",
    "FileReport",
    "InferenceConfig",
    "Pipeline",
    "denoise",
    "output_path",
]
