"""Shape and size of the hole that noise of a measured correlation asks for.

A network that sees pixels whose noise is correlated with that of the pixel it predicts learns to predict that noise. How much
it can learn follows from the correlation: the best linear prediction of a pixel's noise from all pixels outside the hole
explains the *predictable share* of its variance. The hole for training is the one that leaves next to nothing
predictable; of all those, it is the one from whose outside a picture is predicted best. A network that was trained so has not
learned to use the correlation, so that a smaller hole, which keeps more detail, does little harm afterwards (AT-BSN calls this
asymmetry; Chen et al., CVPR 2024, arXiv 2303.16783). (The rule is ours.)
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bsn.hole import Hole
from bsn.noise.correlation_map import REACH, NoiseCorrelation

__all__ = ["HOLES", "HoleAdvice", "HoleSettings", "advise_use", "choose_hole", "predictable_share"]


@dataclass(frozen=True)
class HoleSettings:
    """Constants of the choice, set on synthetic correlated noise only: blurred, demosaicked, compressed, and in lines.

    Parameters
    ----------
    largest : int
        Largest size of a hole.
    significant : float
        Standard errors from which a measured correlation counts.
    apart : float
        The same for one that lies apart from all others.
    least : float
        Correlation below which a measured one does not count, however small its error.
    train, use : float
        Predictable share that the hole of training, and that of use, may leave.
    nugget : float
        Variance, relative to that of the noise, of what the picture adds to each pixel and no linear prediction of the noise
        can take off.
    diamond : float
        Loss of the picture by a diamond over that by a square that hides as much, up to which the diamond is taken.
    lines : float
        Size of a region over that of rows or columns that hide as much, from which these are taken.
    far : int
        Distance from which on correlation along a row counts as without end.
    endless : float
        Correlation there, more than across, that is taken for lines.
    contrast : float
        Correlation of neighbouring pixels of the picture, for the choice between shapes.
    unmeasured : tuple of str
        Holes for training and for use where the correlation cannot be measured: those of AT-BSN for the photographs of phones.
    """

    largest: int = 13
    significant: float = 3.5
    apart: float = 5.5
    least: float = 0.02
    train: float = 0.03
    use: float = 0.25
    nugget: float = 0.1
    diamond: float = 0.85
    lines: float = 3.0
    far: int = 5
    endless: float = 0.12
    contrast: float = 0.95
    unmeasured: tuple[str, str] = ("square:9", "square:3")


HOLES = HoleSettings()


@dataclass(frozen=True)
class HoleAdvice:
    """Holes that suit the noise.

    Parameters
    ----------
    train : Hole
        Hides the noise that neighbours share.
    use : Hole
        For denoising; of the same shape, and no larger.
    why : str
        One sentence for the reader.
    """

    train: Hole
    use: Hole
    why: str


def choose_hole(correlation: NoiseCorrelation | None) -> HoleAdvice:
    """Choose the holes for training and for use by the correlation of the noise.

    Parameters
    ----------
    correlation : NoiseCorrelation, optional
        Of the images, see :func:`bsn.noise.measure_correlation_map`. None where it could not be measured.

    Returns
    -------
    HoleAdvice
        Holes of one pixel where no correlation is significant.
    """
    if correlation is None:
        train, use = (Hole.parse(text) for text in HOLES.unmeasured)
        why = f"the correlation of the noise cannot be measured: {train} for training and {use} for denoising, as published"
        return HoleAdvice(train, use, why)
    endless = _without_end(correlation)
    if endless is not None:
        hole, along = endless
        why = f"the noise runs along {hole.shape} ({along:+.2f} far away in the same): {hole} hides the whole line"
        return HoleAdvice(hole, hole, why)
    covariance = _on_torus(_significant(correlation))
    left = {hole: _share(covariance, hole) for family in _candidates() for hole in family}
    family = _best_family(left)
    train, use = _hiding(family, left, HOLES.train), _hiding(family, left, HOLES.use)
    return HoleAdvice(train, use, _sentence(correlation, train, use, left))


def advise_use(correlation: NoiseCorrelation | None, train: Hole) -> Hole:
    """Choose the hole for denoising with a network that was trained with a given one.

    Parameters
    ----------
    correlation : NoiseCorrelation, optional
        Of the images; None where it could not be measured.
    train : Hole
        Hole of the training.

    Returns
    -------
    Hole
        Of the same shape, and no larger; without a measurement, of a third of the size.
    """
    if train.size <= 1:
        return train
    if correlation is None:
        size = max(train.size // 3, 1)
        return _hole(train.shape, size - (size % 2 == 0))
    covariance = _on_torus(_significant(correlation))
    smaller = [_hole(train.shape, size) for size in range(1, train.size, 2)]
    return next((hole for hole in smaller if _share(covariance, hole) <= HOLES.use), train)


def _hiding(family: Sequence[Hole], left: Mapping[Hole, float], limit: float) -> Hole:
    """The smallest hole of a shape that leaves at most that share predictable, else the largest."""
    return next((hole for hole in family if left[hole] <= limit), family[-1])


def _best_family(left: Mapping[Hole, float]) -> Sequence[Hole]:
    """The shape that hides the correlation with the least loss of the picture."""
    squares, diamonds, *lines = _candidates()
    square, diamond = (_hiding(family, left, HOLES.train) for family in (squares, diamonds))
    if left[diamond] <= HOLES.train and _blur(diamond) <= HOLES.diamond * _blur(square):
        best, region = diamond, diamonds
    else:
        best, region = square, squares
    for family in lines:
        line = _hiding(family, left, HOLES.train)
        if left[line] <= HOLES.train and HOLES.lines * line.size <= best.size:
            return family
    return region


def _without_end(correlation: NoiseCorrelation) -> tuple[Hole, float] | None:
    """Rows or columns that hide noise whose correlation does not end along them, and that correlation.

    A predictable share says little here: few rows of blocks share the noise of a whole image, so that what is measured between
    rows is uncertain.
    """
    far = slice(REACH + HOLES.far, None)
    found: list[tuple[float, Hole]] = []
    for shape, values, error in (
        ("rows", correlation.values, correlation.error),
        ("columns", correlation.values.T, correlation.error.T),
    ):
        along, across = values[REACH, far], values[far, REACH]
        least = max(HOLES.endless, HOLES.significant * float(error[REACH, far].mean()))
        if along.mean() - max(across.mean(), 0) < least or along.min() < values[REACH, REACH + 2] / 2:
            continue
        profile = values[REACH : REACH + (HOLES.largest + 1) // 2, far].mean(1)
        shared = np.flatnonzero(profile > profile[0] / 4)
        found.append((float(along.mean()), Hole(shape, 2 * int(shared.max()) + 1)))
    return max(found, key=lambda entry: entry[0])[::-1] if found else None


def predictable_share(correlation: NoiseCorrelation, hole: Hole) -> float:
    """Share of the noise's variance that the best linear prediction from outside a hole explains.

    Parameters
    ----------
    correlation : NoiseCorrelation
        Correlation of the noise; only what is significant counts.
    hole : Hole
        Offsets that the prediction does not see.

    Returns
    -------
    float
        0 for a hole that hides all correlation, up to 1.
    """
    return _share(_on_torus(_significant(correlation)), hole)


def _hole(shape: str, size: int) -> Hole:
    """A hole of that shape; squares and diamonds of one pixel are the pixel."""
    return Hole("pixel", 1) if size == 1 and shape in ("square", "diamond") else Hole(shape, size)


def _candidates() -> list[list[Hole]]:
    """Holes of each shape, from the smallest to the largest."""
    sizes = range(1, HOLES.largest + 1, 2)
    return [[_hole(shape, size) for size in sizes] for shape in ("square", "diamond", "rows", "columns")]


def _significant(correlation: NoiseCorrelation) -> np.ndarray:
    """Measured correlations that are not chance, less what chance adds to their squares; 0 elsewhere.

    Among so many lags chance makes some significant, so those apart from all others have to be more so.
    """
    from scipy.ndimage import binary_propagation

    values, error = correlation.values, correlation.error
    counted = np.abs(values) > np.maximum(HOLES.significant * error, HOLES.least)
    near = Hole("square", 5).mask(REACH).numpy()
    seeds = counted & (near | (np.abs(values) > HOLES.apart * error))
    counted = binary_propagation(seeds, np.ones((3, 3)), counted)
    kept: np.ndarray = np.where(counted, np.sign(values) * np.sqrt(np.maximum(values**2 - error**2, 0)), 0.0)
    kept[REACH, REACH] = 1.0
    return kept


def _on_torus(values: np.ndarray) -> np.ndarray:
    """The next possible correlation (no frequency of negative power), over lags on a torus wide enough for all pairs."""
    side = 6 * REACH
    torus = np.zeros((side, side))
    away = np.arange(-REACH, REACH + 1) % side
    torus[np.ix_(away, away)] = values
    power = np.maximum(np.fft.fft2(torus).real, 0)
    found: np.ndarray = np.fft.ifft2(power).real
    return found / found[0, 0]


@functools.cache
def _outside(hole: Hole) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the offsets that a prediction sees."""
    rows, columns = np.nonzero(~hole.mask(REACH).numpy())
    return rows - REACH, columns - REACH


def _share(covariance: np.ndarray, hole: Hole) -> float:
    rows, columns = _outside(hole)
    between = covariance[np.subtract.outer(rows, rows), np.subtract.outer(columns, columns)]
    shared = covariance[rows, columns]
    if not np.any(np.abs(shared) > 1e-9):
        return 0.0
    between[np.diag_indices_from(between)] += HOLES.nugget
    return float(shared @ np.linalg.solve(between, shared))


@functools.cache
def _blur(hole: Hole) -> float:
    """Error of predicting a picture from outside a hole, relative to its variance."""
    rows, columns = _outside(hole)
    away = np.hypot(np.subtract.outer(rows, rows), np.subtract.outer(columns, columns))
    shared = HOLES.contrast ** np.hypot(rows, columns)
    return float(1 - shared @ np.linalg.solve(HOLES.contrast**away, shared))


def _sentence(correlation: NoiseCorrelation, train: Hole, use: Hole, left: dict[Hole, float]) -> str:
    strongest = max(correlation.values[REACH, REACH + 1], correlation.values[REACH + 1, REACH], key=abs)
    if train.size == 1 and train.shape == "pixel":
        return f"the noise of neighbours is independent ({strongest:+.2f} side by side): a hole of one pixel"
    smaller = f", {use} keeps more detail in denoising" if use != train else ""
    return (
        f"the noise of neighbours is correlated ({strongest:+.2f} side by side): the hole {train} hides "
        f"{1 - left[train]:.0%} of it in training{smaller}"
    )
