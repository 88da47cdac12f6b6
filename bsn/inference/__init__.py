"""Denoising with a trained model: pixel-shuffle downsampling, refinement, self-ensemble, tiles, files."""

from bsn.inference.config import InferenceConfig
from bsn.inference.denoiser import Denoised, Denoiser, FileReport, denoise, denoise_with_deviation, output_path
from bsn.inference.pipeline import Pipeline
from bsn.inference.plan import make_pipeline

__all__ = [
    "Denoised",
    "Denoiser",
    "FileReport",
    "InferenceConfig",
    "Pipeline",
    "denoise",
    "denoise_with_deviation",
    "make_pipeline",
    "output_path",
]
