"""The recorded stacks of the benchmark: how each is read, and what its results can be compared with."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

Scored = Literal["near-truth", "repeat", "held back", "refused"]


@dataclass(frozen=True, eq=False)
class Stack:
    """A recording.

    Parameters
    ----------
    name : str
        Its folder.
    frames : ndarray, shape (T, H, W), uint8 or uint16
        As recorded.
    axis : {"T", "Z"}
        What follows each other.
    scored : {"near-truth", "repeat", "held back", "refused"}
        What its results are compared with.
    peak : float
        Grey levels that a PSNR refers to.
    gap : int
        Frames farther away than this make the near-truth; no fewer than the largest context.
    repeat : ndarray, shape (T, H, W), optional
        A second recording.
    """

    name: str
    frames: np.ndarray
    axis: str
    scored: Scored
    peak: float = 255.0
    gap: int = 4
    repeat: np.ndarray | None = None

    @property
    def levels(self) -> float:
        """Grey level that stands for 1."""
        return float(np.iinfo(self.frames.dtype).max)

    @property
    def level_frames(self) -> np.ndarray:
        """Frames as floats, in grey levels."""
        return self.frames.astype(np.float64)


def _pictures(folder: Path) -> np.ndarray:
    from skimage.io import imread

    frames = np.stack([imread(path) for path in sorted(folder.iterdir()) if path.suffix in (".png", ".tif")])
    return frames[..., 0] if frames.ndim == 4 else frames


def _tiff(path: Path) -> np.ndarray:
    import tifffile

    return np.asarray(tifffile.imread(path))


def _steady(frames: np.ndarray) -> np.ndarray:
    """Frames of equal brightness: a recording in which nothing but that drifts; rounded, as it was."""
    drift = frames.mean((1, 2), keepdims=True) - frames.mean()
    return np.round(frames - drift).astype(frames.dtype)


def _nifti(path: Path) -> np.ndarray:
    """Array (T, Z, Y, X) of a NIfTI-1 file of int16 without scaling: all that this benchmark needs of the format."""
    raw = gzip.decompress(path.read_bytes())
    (kind,), (start,) = struct.unpack("<h", raw[70:72]), struct.unpack("<f", raw[108:112])
    if kind != 4:
        raise ValueError(f"{path.name} holds NIfTI type {kind}; this reader knows int16 (4) only")
    shape = struct.unpack("<8h", raw[40:56])
    values = np.frombuffer(raw, "<i2", offset=int(start))
    return values.reshape(shape[1 : shape[0] + 1][::-1])


def _pair(data: Path) -> Stack:
    first, second = _nifti(data / "mri_pair" / "example4d.nii.gz").clip(0).astype(np.uint16)
    return Stack("mri_pair", first, "Z", "repeat", 1162.0, repeat=second.astype(np.float64))


STACKS: dict[str, Callable[[Path], Stack]] = {
    "brightfield": lambda data: Stack("", _pictures(data / "brightfield"), "T", "near-truth"),
    "two_photon": lambda data: Stack("", _tiff(data / "two_photon/example.tif"), "T", "near-truth", 4094.0, 3),
    "stuck_beads": lambda data: Stack("", _steady(_tiff(data / "stuck_beads/stuck.tif")), "T", "near-truth", 576.0, 3),
    "mri_pair": _pair,
    "dna_paint": lambda data: Stack(
        "", np.fromfile(data / "dna_paint/testdata.raw", "<u2").reshape(100, 32, 32), "T", "held back"
    ),
    "confocal": lambda data: Stack("", _pictures(data / "confocal"), "T", "held back"),
    "sstem": lambda data: Stack("", _pictures(data / "sstem"), "Z", "held back"),
    "mri_banana": lambda data: Stack("", _pictures(data / "mri_banana"), "Z", "held back"),
    "bulk_water": lambda data: Stack("", _pictures(data / "bulk_water"), "T", "refused"),
}
"""Readers by name, given the folder that holds them all."""


def read_stack(name: str, data: Path) -> Stack:
    """One of :data:`STACKS`.

    Parameters
    ----------
    name : str
        Its key.
    data : Path
        The folder ``stacks`` of the data.
    """
    return replace(STACKS[name](data), name=name)
