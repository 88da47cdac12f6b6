"""Validation while training: PSNR of held-back pairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean

import numpy as np

from bsn.data import Image, ImageSource, split_pairs, write_image
from bsn.data.arrays.planes import from_unit
from bsn.evaluation import Protocol
from bsn.inference import Denoiser
from bsn.models import Model

__all__ = ["PairValidation", "ValidationPair", "validation_pairs"]


@dataclass(frozen=True)
class ValidationPair:
    """A degraded image and its truth, both (C, H, W), float32, range [0, 1]."""

    name: str
    degraded: np.ndarray
    clean: np.ndarray


def validation_pairs(source: ImageSource, indices: Sequence[int], crop: int) -> list[ValidationPair]:
    """Read pairs, or their middle parts.

    Parameters
    ----------
    source : ImageSource
        Of pairs, see :mod:`bsn.data.pairs.pair_source`.
    indices : sequence of int
    crop : int
        Side of the middle part; 0 for all.
    """
    pairs = []
    for index in indices:
        rows, columns = source.size(index)
        height, width = (min(crop, side) if crop else side for side in (rows, columns))
        pixels = source.crop(index, (rows - height) // 2, (columns - width) // 2, height, width)
        pairs.append(ValidationPair(source.name(index), *split_pairs(pixels)))
    return pairs


@dataclass
class PairValidation:
    """What is looked at while training.

    Parameters
    ----------
    pairs : sequence of ValidationPair
        Never trained on.
    protocol : Protocol
    """

    protocol: Protocol
    pairs: Sequence[ValidationPair] = field(default_factory=tuple)

    def run(self, model: Model, step: int, samples: Path) -> dict[str, float]:
        """Mean PSNR and SSIM of `pairs` (none: no numbers); a picture of the first goes to `samples`."""
        if not self.pairs:
            return {}
        device = str(next(model.network.parameters()).device)
        denoiser = Denoiser(model, device=device)
        scores = []
        for index, pair in enumerate(self.pairs):
            restored = np.asarray(denoiser(pair.degraded, "CYX"))
            scores.append(self.protocol.score(restored, pair.clean))
            if index == 0:
                _write_sample(samples / f"step_{step:07d}.png", pair, restored)
        return {"val_psnr": fmean(s.psnr for s in scores), "val_ssim": fmean(s.ssim for s in scores)}


def _write_sample(path: Path, pair: ValidationPair, restored: np.ndarray) -> None:
    """Degraded, restored and clean side by side."""
    row = np.concatenate([pair.degraded, restored, pair.clean], -1)
    pixels = from_unit(np.clip(row if len(row) in (1, 3) else row[:1], 0, 1), np.uint8)
    image = Image(pixels[0], "YX") if len(pixels) == 1 else Image(np.moveaxis(pixels, 0, -1), "YXC")
    write_image(path, image, overwrite=True)
