"""Blindspot: denoising of images when no clean image exists, with networks that cannot see the pixel they predict.

==============  ===========================================================================================
``denoise``     clean one array with a model; ``denoise_lazy`` a Dask array
``Denoiser``    the same for many arrays and files
``load``        read a model file, the folder of a run, or a model in the box
``train``       train on noisy images alone
``ops``         blind-spot-safe operators                        ``models``      networks, presets, files
``selfsup``     pure functions of the method                     ``engine``      the training loop
``training``    the blind-spot task and its recipes              ``inference``   tiles, refinement, files
``evaluation``  protocols, tables, reports                       ``blindness``   proofs that a network is blind
``data``        images in and out, crops                          ``noise``       measured, modelled, used
==============  ===========================================================================================

Names are imported when they are first used.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bsn.inference import Denoised, Denoiser, denoise, denoise_lazy, denoise_with_deviation
    from bsn.models.bundled import load
    from bsn.training import train

_HOME = {
    "Denoised": "bsn.inference",
    "Denoiser": "bsn.inference",
    "denoise": "bsn.inference",
    "denoise_lazy": "bsn.inference",
    "denoise_with_deviation": "bsn.inference",
    "load": "bsn.models.bundled",
    "train": "bsn.training",
}
_PACKAGES = ("blindness", "data", "engine", "evaluation", "inference", "models", "noise", "ops", "selfsup", "training")

__all__ = ["Denoised", "Denoiser", "denoise", "denoise_lazy", "denoise_with_deviation", "load", "train"]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), name)
    if name in _PACKAGES:
        return importlib.import_module(f"bsn.{name}")
    raise AttributeError(f"module 'bsn' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*_HOME, *_PACKAGES])
