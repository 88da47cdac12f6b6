"""Standard deviation of a pixel about its surroundings, over intensity, with no regard for a few outliers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["LOCAL_NOISE", "LocalNoise", "LocalNoiseSettings", "measure_local_noise", "medians", "windows"]


@dataclass(frozen=True)
class LocalNoiseSettings:
    """Constants of the measurement; chosen on synthetic noise with outliers.

    Parameters
    ----------
    sites : int
        Places that are looked at along each axis at most.
    parts : int
        Ranges of intensities.
    fewest : int
        Places in each range, at least.
    left_out : float
        Share of the largest differences that does not count: as many pixels may be outliers.
    remaining : float
        Variance of a normal distribution of variance 1 without that share.
    """

    sites: int = 128
    parts: int = 8
    fewest: int = 512
    left_out: float = 0.02
    remaining: float = 0.857


LOCAL_NOISE = LocalNoiseSettings()


@dataclass(frozen=True)
class LocalNoise:
    """Variance of single pixels about the median of their surroundings: noise, and texture where there is nothing else.

    Parameters
    ----------
    intensities, variances : tuple of float
        Points of the curve; straight between them, constant beyond.
    gain : float
        Value by which one event (a photon, a grey level) may raise a pixel.
    darkest : float
        Smallest value that was seen.
    """

    intensities: tuple[float, ...]
    variances: tuple[float, ...]
    gain: float
    darkest: float

    @property
    def smallest(self) -> float:
        """Smallest standard deviation at any intensity."""
        return float(np.sqrt(min(self.variances)))

    def variance(self, intensity: np.ndarray) -> np.ndarray:
        """Variance at intensities, same shape.

        Parameters
        ----------
        intensity : ndarray, any shape
            Intensities in image values; beyond the measured range the nearest variance holds.

        Returns
        -------
        ndarray
            Variance in squared image values, of the shape of `intensity`.
        """
        return np.interp(intensity, self.intensities, self.variances)

    def variance_of_light(self, intensity: np.ndarray) -> np.ndarray:
        """Variance at intensities, as far as it can be that of noise, same shape.

        The brightest parts of a plane may be nothing but spots, whose slopes count as variance. No noise grows faster than in
        proportion to the light, as that of speckle does, so each point of the curve bounds the variance at all brighter ones.

        Parameters
        ----------
        intensity : ndarray, any shape
            Intensities in image values.

        Returns
        -------
        ndarray
            Variance in squared image values, at most :meth:`variance`.
        """
        bounded: np.ndarray = self.variance(intensity)
        light = intensity - self.darkest
        for known, variance in zip(self.intensities, self.variances, strict=True):
            dark = known - self.darkest
            if dark > 0:
                bounded = np.where(light > dark, np.minimum(bounded, variance * np.square(light / dark)), bounded)
        return bounded

    def stabilised(self, intensity: np.ndarray, excess: np.ndarray) -> np.ndarray:
        """Excess over intensities in standard deviations, in units in which Poisson-Gaussian noise is normal.

        Parameters
        ----------
        intensity, excess : ndarray, any shape
            Expected values, and measured minus expected values, in image values; the shapes broadcast.

        Returns
        -------
        ndarray
            ``2 / g (sqrt(v + g e + 3/8 g^2) - sqrt(v + 3/8 g^2))`` for gain g, variance v and excess e; e / sqrt(v) for g = 0.
        """
        variance = self.variance(intensity)
        if self.gain == 0:
            return excess / np.sqrt(variance)
        rest = 0.375 * self.gain**2
        root = np.sqrt(np.maximum(variance + self.gain * excess + rest, 0)) - np.sqrt(variance + rest)
        return 2 / self.gain * root


def measure_local_noise(plane: np.ndarray, grey_level: float = 0.0, missing: np.ndarray | None = None) -> LocalNoise:
    """Measure a plane, on a lattice of places.

    Parameters
    ----------
    plane : ndarray, shape (H, W), float
        Finite values.
    grey_level : float
        Distance of two values of the original dtype; 0 for floats.
    missing : ndarray of bool, shape (H, W), optional
        Pixels that were filled from their surroundings. They are smoother than the image, so they do not count.

    Returns
    -------
    LocalNoise
        Right for planes of which fewer than a fiftieth of the pixels are outliers.
    """
    rows, columns = _sites(plane.shape, missing)
    middle = medians(windows(plane, rows, columns, 2))
    seen = plane[rows, columns]
    squares = np.square(seen - middle, dtype=np.float64)
    order = np.argsort(middle, kind="stable")
    parts = np.array_split(order, max(1, min(LOCAL_NOISE.parts, len(order) // LOCAL_NOISE.fewest)))
    intensities = np.array([middle[part].mean(dtype=np.float64) for part in parts])
    step = max(grey_level, _smallest_step(seen))
    smallest = max((step / 2) ** 2, (1e-6 * float(np.ptp(intensities)) or 1e-12) ** 2)
    variances = np.array([max(_without_largest(squares[part]), smallest) for part in parts])
    darkest = float(seen.min())
    gain = max(_gain(intensities, variances, darkest), step)
    return LocalNoise(tuple(map(float, intensities)), tuple(map(float, variances)), gain, darkest)


def _sites(shape: tuple[int, ...], missing: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of places on a lattice, or, where few pixels are present, of as many of those."""
    steps = (np.arange(0, side, max(1, side // LOCAL_NOISE.sites)) for side in shape)
    rows, columns = (axis.ravel() for axis in np.meshgrid(*steps, indexing="ij"))
    if missing is None or not missing.any() or missing.all():
        return rows, columns
    present = ~missing[rows, columns]
    if np.count_nonzero(present) >= LOCAL_NOISE.parts * LOCAL_NOISE.fewest:
        return rows[present], columns[present]
    rows, columns = np.nonzero(~missing)
    apart = max(1, len(rows) // LOCAL_NOISE.sites**2)
    return rows[::apart], columns[::apart]


def _smallest_step(values: np.ndarray) -> float:
    """Distance of the closest two values that occur: one count in an image of counts, next to nothing in others."""
    steps = np.diff(np.unique(values))
    return float(steps.min()) if len(steps) else 0.0


def _without_largest(squares: np.ndarray) -> float:
    kept = max(round(len(squares) * (1 - LOCAL_NOISE.left_out)), 1)
    return float(np.partition(squares, kept - 1)[:kept].mean()) / LOCAL_NOISE.remaining


def _gain(intensity: np.ndarray, variance: np.ndarray, darkest: float) -> float:
    """Slope of the line through a curve, as far as it can be that of Poisson noise.

    Stars and texture make bright parts vary more than their noise does. But photons that raise the variance by the slope have
    also made what variance there is in the dark, above the darkest value.
    """
    centred = intensity - intensity.mean()
    power = float(np.square(centred).sum())
    slope = max(float((centred * variance).sum()) / power, 0.0) if power > 0 else 0.0
    above = float(intensity[0]) - darkest
    return min(slope, float(variance[0]) / above) if above > 0 else slope


def windows(plane: np.ndarray, rows: np.ndarray, columns: np.ndarray, reach: int = 3) -> np.ndarray:
    """Surroundings of places, mirrored at the edges.

    Parameters
    ----------
    plane : ndarray, shape (H, W)
        Plane to read from.
    rows, columns : ndarray of int, shape (K,)
        Places of the centres.
    reach : int
        Pixels to each side.

    Returns
    -------
    ndarray, shape (K, 2 reach + 1, 2 reach + 1)
    """
    # Views into a padded copy: gathering pixel by pixel takes three times as long.
    padded = np.pad(plane, reach, mode="reflect")
    seen: np.ndarray = np.lib.stride_tricks.sliding_window_view(padded, (2 * reach + 1,) * 2)[rows, columns]
    return seen


def medians(seen: np.ndarray) -> np.ndarray:
    """Median of each window.

    Parameters
    ----------
    seen : ndarray, shape (K, h, w), float
        Finite values of an odd number of pixels, such as those of :func:`windows`.

    Returns
    -------
    ndarray, shape (K,), dtype of `seen`
    """
    # One partition per window along the last axis has vector instructions, which numpy.median over two axes has not: a tenth
    # of the time.
    pixels = seen.reshape(len(seen), -1)
    half = pixels.shape[1] // 2
    middle: np.ndarray = np.partition(pixels, half, axis=1)[:, half]
    return middle
