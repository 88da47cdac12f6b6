"""The way of a mosaic through a model for photographs: stabilised, denoised twice, mixed, and taken back.

1. The noise, gain and read noise, is what the file says of it, or is measured.
2. The generalised Anscombe transformation makes it the same everywhere; photographs look much like their sRGB values then.
3. The model denoises each half-size plane as a grey image; the two green ones are brought together.
4. The colour of that result is taken off the mosaic, and the model denoises what is left at full resolution.
5. Both results and the noisy mosaic are mixed by their estimated errors, and taken back to light without bias.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from bsn.data.files.formats.mosaic import joined, mosaic_in, planes_of
from bsn.data.sources.samples import middle
from bsn.inference.fitness import ImagePlanes
from bsn.inference.mosaic.chroma import chroma_of, with_equal_greens
from bsn.inference.mosaic.mixture import mixed, removed_share
from bsn.inference.parts import Part
from bsn.inference.results import FinishedRows, unchanged_rows
from bsn.models import OutlierTreatment
from bsn.noise.outliers import find_outliers, repair_outliers
from bsn.noise.report import REPORT
from bsn.noise.sensor import Stabiliser, find_sensor

__all__ = ["PROBED", "bands_of_mosaic"]

PROBED = 512  # side of the middle of the mosaic on which the share of the noise that is taken away is measured


class _Stabilised(NamedTuple):
    """A mosaic whose noise has standard deviation 1, and what divides it to values in [0, 1]."""

    planes: np.ndarray
    pattern: str
    span: float


def bands_of_mosaic(
    denoise: Callable[[np.ndarray], np.ndarray],
    image: ImagePlanes,
    strength: float,
    part: Part | None = None,
    *,
    outliers: OutlierTreatment = "keep",
) -> Iterator[FinishedRows]:
    """Denoise a mosaic.

    Parameters
    ----------
    denoise : callable
        Denoises grey images (N, H, W) with values in [0, 1].
    image : ImagePlanes
        The mosaic; its metadata say so.
    strength : float
        Share of what was removed that stays removed.
    part : Part, optional
        Rows of the planes; all are computed.
    outliers : {"keep", "repair", "ignore"}
        Hot pixels and point-like stars are replaced before all else, and given back or not; "ignore" does not look for them.

    Yields
    ------
    FinishedRows
        As it is where it has no noise, and one band otherwise.
    """
    facts = mosaic_in(getattr(image, "metadata", {}))
    assert facts is not None
    planes = image.read_unit(0, 0, 0, *image.size)
    top, left, height, width = middle(image.size, REPORT.side)  # as `bsn inspect` measures it
    noise = find_sensor(planes[:, top : top + height, left : left + width], facts).believed
    if not max(*noise.gain, *noise.constant) > 0:
        yield from unchanged_rows(image, part)
        return
    found = np.zeros(planes.shape, bool) if outliers == "ignore" else find_outliers(planes)
    original, planes = planes, repair_outliers(planes, found)
    stabiliser = Stabiliser(noise, float(planes.max()))
    values = stabiliser.forward(planes)
    clean = _denoised(denoise, _Stabilised(values, facts.pattern, max(float(values.max()), 1e-12)))
    result = stabiliser.inverse(clean)
    if outliers == "keep":
        result[found] = original[found]
    rows = slice(0, image.size[0]) if part is None else slice(*part.rows)
    yield FinishedRows(0, rows, result[:, rows], None).put_back(image, strength)


def _denoised(denoise: Callable[[np.ndarray], np.ndarray], noisy: _Stabilised) -> np.ndarray:
    def grey(images: np.ndarray) -> np.ndarray:
        return denoise(images / np.float32(noisy.span)) * np.float32(noisy.span)

    def at_half_size(planes: np.ndarray) -> np.ndarray:
        return with_equal_greens(grey(planes))

    def at_full_size(mosaic: np.ndarray, chroma: np.ndarray) -> np.ndarray:
        return grey((mosaic - chroma)[None])[0] + chroma

    mosaic = joined(noisy.planes, noisy.pattern)
    halves = at_half_size(noisy.planes)
    chroma = chroma_of(halves, noisy.pattern)
    full = at_full_size(mosaic, chroma)
    probed = _probed(mosaic.shape)
    in_planes = tuple(slice(s.start // 2, s.stop // 2) for s in probed)
    shares = (
        removed_share(lambda seen: at_full_size(seen, chroma[probed]), mosaic[probed]),
        removed_share(at_half_size, noisy.planes[:, *in_planes]),
    )
    return planes_of(mixed(mosaic, (full, joined(halves, noisy.pattern)), shares), noisy.pattern)


def _probed(size: tuple[int, ...]) -> tuple[slice, ...]:
    """The middle of a mosaic, beginning at a cell."""
    starts = [max(n - PROBED, 0) // 4 * 2 for n in size]
    return tuple(slice(start, start + min(n, PROBED)) for start, n in zip(starts, size, strict=True))
