"""Validation while training: what a denoiser makes of images that are never trained on.

The denoiser is a function from image to image. Nothing here knows what computes it, so every training validates by the same
rules.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import numpy as np

from bsn.data import Image, write_image
from bsn.evaluation.protocol import Protocol
from bsn.evaluation.residual import autocorrelation

__all__ = ["Denoise", "ImagePair", "Validation"]

Denoise = Callable[[np.ndarray], np.ndarray]
"""Maps an image (C, H, W), float32, image values, to its result of the same shape."""


@dataclass(frozen=True, eq=False)
class ImagePair:
    """An image and, where it is known, its truth.

    Parameters
    ----------
    name : str
        Name of the image.
    image : ndarray, shape (C, H, W), float32, image values
        What is denoised or restored.
    target : ndarray, shape (C, H, W), float32, optional
        The truth, in image values.
    kind : str
        Kind of image that is scored by itself, too; empty for none.
    """

    name: str
    image: np.ndarray
    target: np.ndarray | None = None
    kind: str = ""


@dataclass(frozen=True)
class Validation:
    """Images that a training looks at.

    Parameters
    ----------
    pairs : sequence of ImagePair
        All with their truth, or all without it.
    protocol : Protocol, optional
        How results are compared with the truth.

    Raises
    ------
    ValueError
        If there is truth but no protocol, or truth for a part of the images only.
    """

    pairs: Sequence[ImagePair] = ()
    protocol: Protocol | None = None

    def __post_init__(self) -> None:
        known = sum(pair.target is not None for pair in self.pairs)
        if known not in (0, len(self.pairs)):
            raise ValueError(
                f"{known} of {len(self.pairs)} validation images have a truth; give it for all or for none"
            )
        if known and self.protocol is None:
            raise ValueError("validation images with a truth need a protocol that compares them; give one")

    @property
    def has_truth(self) -> bool:
        """True if there are images, and their truth is known."""
        return bool(self.pairs) and self.pairs[0].target is not None

    def run(self, denoise: Denoise, sample: Path) -> dict[str, float]:
        """Denoise all images and score the results.

        Parameters
        ----------
        denoise : callable
            Maps an image (C, H, W) in image values to one of the same shape.
        sample : Path
            A picture of the first image is written here: image, result, and truth or residual side by side.

        Returns
        -------
        dict of str to float
            With truth, the means of ``val_psnr`` and ``val_ssim``, and ``val_psnr_KIND`` of each kind of image. Without it, the
            means of ``val_residual_lag1_x`` and ``val_residual_lag1_y``, the autocorrelation of image - result between
            neighbours: positive values tell that correlated noise is learned, values far from the noise's own that the picture
            is removed. Empty without images.
        """
        if not self.pairs:
            return {}
        results = [denoise(pair.image) for pair in self.pairs]
        _write_sample(sample, self.pairs[0], results[0])
        return self._scores(results) if self.has_truth else self._residuals(results)

    def untouched(self) -> dict[str, float]:
        """Scores of the images as they are, with the names of :meth:`run`; empty where there is no truth."""
        return self._scores([pair.image for pair in self.pairs]) if self.has_truth else {}

    def _scores(self, results: Sequence[np.ndarray]) -> dict[str, float]:
        assert self.protocol is not None
        scores = [
            self.protocol.score(result, pair.target)
            for pair, result in zip(self.pairs, results, strict=True)
            if pair.target is not None
        ]
        means = {"val_psnr": fmean(s.psnr for s in scores), "val_ssim": fmean(s.ssim for s in scores)}
        kinds: dict[str, list[float]] = {}
        for pair, score in zip(self.pairs, scores, strict=True):
            kinds.setdefault(pair.kind, []).append(score.psnr)
        return means | {f"val_psnr_{kind}": fmean(found) for kind, found in kinds.items() if kind}

    def _residuals(self, results: Sequence[np.ndarray]) -> dict[str, float]:
        left = [pair.image - result for pair, result in zip(self.pairs, results, strict=True)]
        return {
            "val_residual_lag1_x": fmean(autocorrelation(residual, 1, -1) for residual in left),
            "val_residual_lag1_y": fmean(autocorrelation(residual, 1, -2) for residual in left),
        }


def _write_sample(path: Path, pair: ImagePair, result: np.ndarray) -> None:
    """Image, result, and truth or residual (around mid-grey), all stretched by the image's percentiles."""
    present = pair.image[np.isfinite(pair.image)]
    low, high = np.percentile(present, (1, 99.5)) if present.size else (0.0, 1.0)
    span = max(float(high - low), 1e-12)
    third = 0.5 + (pair.image - result) / span if pair.target is None else (pair.target - low) / span
    row = np.concatenate([(pair.image - low) / span, (result - low) / span, third], -1)
    shown = np.nan_to_num(row if len(row) in (1, 3) else row[:1], nan=0.0, posinf=1.0, neginf=0.0)
    pixels = (np.clip(shown, 0, 1) * 255 + 0.5).astype(np.uint8)
    image = Image(pixels[0], "YX") if len(pixels) == 1 else Image(np.moveaxis(pixels, 0, -1), "YXC")
    write_image(path, image, overwrite=True)
