"""Noisy pictures that come with the installed packages, to try the plugin on."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["noisy_photograph", "noisy_time_lapse"]

LayerData = tuple[np.ndarray, dict[str, Any], str]

_FRAMES, _SIDE, _STEP = 8, 256, 6
_GREYS = 4095


def noisy_photograph() -> list[LayerData]:
    """A photograph with the noise of bad light, RGB of 8 bits.

    Returns
    -------
    list of (ndarray, dict, str)
        Layer data as napari takes them.
    """
    from bsn.data.photographs import TEST_PHOTOGRAPH, noisy, photograph

    picture = noisy(photograph(TEST_PHOTOGRAPH), seed=0)
    pixels = np.clip(np.moveaxis(picture, 0, -1) * 255 + 0.5, 0, 255).astype(np.uint8)
    return [(pixels, {"name": "noisy photograph", "rgb": True}, "image")]


def noisy_time_lapse() -> list[LayerData]:
    """A view that moves over a picture of cells, with photon noise: eight frames of 12 bits in 16.

    Returns
    -------
    list of (ndarray, dict, str)
        Layer data as napari takes them.
    """
    from bsn.data.photographs import noisy, photograph

    picture = photograph("ihc.png").mean(0, keepdims=True)
    frames = []
    for frame in range(_FRAMES):
        top = left = frame * _STEP
        view = picture[:, top : top + _SIDE, left : left + _SIDE]
        frames.append(noisy(view, seed=frame)[0])
    pixels = np.clip(np.stack(frames) * _GREYS + 0.5, 0, _GREYS).astype(np.uint16)
    about = {"name": "noisy time-lapse", "scale": (2.0, 0.65, 0.65), "contrast_limits": (0, _GREYS)}
    return [(pixels, {**about, "axis_labels": ("t", "y", "x"), "units": ("second", "um", "um")}, "image")]
