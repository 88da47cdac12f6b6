"""The noise that the weights in the box are trained for: white for `photo`, that of cameras for `camera`, known for priors."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from bsn.data import Gaussian, PoissonGaussian, random_camera
from tools.bundled.drawn import cloth

__all__ = ["BlindNoise", "CameraNoise", "KnownNoise", "WhiteNoise"]

# Pixels at the edge of a photographed piece that know of its end: demosaicing, smoothing of colours, sharpening.
_MARGIN = 8
_SCALES = (0.6, 1.3)
_POOR_LIGHT = (6e-3, 3e-2)  # gains
_VIVID = (0.6, 3.0)  # factors of the saturation


@dataclass(frozen=True)
class WhiteNoise:
    """White noise of random strength.

    Parameters
    ----------
    largest : float
        Standard deviation of the strongest Gaussian noise, in grey levels of 255.
    photons : float
        Share of crops with Poisson-Gaussian instead of Gaussian noise.
    largest_photons : float
        Standard deviation of the strongest Poisson-Gaussian noise at mid-grey, in grey levels of 255.
    grey : float
        Share of crops turned grey before the noise, which is then the same in all channels: grey images are denoised by
        the same network.
    """

    largest: float = 60.0
    photons: float = 0.3
    largest_photons: float = 60.0
    grey: float = 0.3

    def drawn(self, rng: np.random.Generator) -> PoissonGaussian:
        """Draw the noise of a crop.

        Parameters
        ----------
        rng : numpy.random.Generator

        Returns
        -------
        PoissonGaussian
            Of a strength at mid-grey that is uniform up to the largest; photons have a share of its variance, or none.
        """
        strength = rng.random() / 255
        few = rng.random() < self.photons
        sigma = strength * (self.largest_photons if few else self.largest)
        share = rng.random() if few else 0.0
        return PoissonGaussian(gain=2 * share * sigma**2, read_noise=sigma * (1 - share) ** 0.5)


@dataclass(frozen=True)
class BlindNoise(WhiteNoise):
    """Random colours, random brightness, random white noise; see :class:`WhiteNoise`.

    Parameters
    ----------
    clipped : float
        Share of crops whose noisy values are cut at 0 and 1, as files hold them.
    clothed : float
        Share of crops that fine patterns are drawn on before the noise, see :func:`tools.bundled.drawn.cloth`.
    mixed : float
        Share of crops whose colours change places.
    vivid : float
        Share of crops whose colours are made stronger or weaker.
    darkest : float
        Crops are dimmed by a factor between this and 1.
    """

    photons: float = 0.4
    largest_photons: float = 90.0  # two photons at mid-grey
    clipped: float = 0.3
    clothed: float = 0.0
    mixed: float = 1.0
    vivid: float = 0.0
    darkest: float = 0.5

    def __call__(self, clean: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Make a noisy crop and its target.

        Parameters
        ----------
        clean : ndarray, shape (3, h, w), float32, range [0, 1]
        rng : numpy.random.Generator

        Returns
        -------
        noisy, target : ndarray, shape (3, h, w), float32
        """
        if self.clothed > 0 and rng.random() < self.clothed:
            clean = cloth(clean, rng)
        if self.vivid > 0 and rng.random() < self.vivid:
            clean = _vivid(clean, np.exp(rng.uniform(*np.log(_VIVID))))
        if self.mixed == 1 or rng.random() < self.mixed:
            clean = clean[rng.permutation(3)]
        target = clean * np.float32(rng.uniform(self.darkest, 1.0))
        if rng.random() < self.grey:
            target = target.mean(0, keepdims=True)
        noise = self.drawn(rng)
        # Gaussian noise is drawn in single precision: the weights in the box were trained on these numbers.
        drawn = noise if noise.gain > 0 else Gaussian(noise.read_noise)
        noisy = target + drawn.sample_like(target, rng)
        if rng.random() < self.clipped:
            noisy = np.clip(noisy, 0, 1)
        return np.broadcast_to(noisy, clean.shape), np.broadcast_to(target, clean.shape)


@dataclass(frozen=True)
class KnownNoise(WhiteNoise):
    """White noise whose variance is told, on photographs made to resemble all sorts of images; see :class:`WhiteNoise`.

    Parameters
    ----------
    bent : float
        Share of crops whose tones are bent by a power, from faint ones on a bright ground to bright ones on a dark ground,
        as microscopes show them.
    darkest : float
        Crops are dimmed by a factor between this and 1.
    """

    photons: float = 0.5
    grey: float = 0.5
    bent: float = 0.5
    darkest: float = 0.3

    def __call__(self, clean: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Make a noisy crop, its target, and the variance of its noise.

        Parameters
        ----------
        clean : ndarray, shape (3, h, w), float32, range [0, 1]
        rng : numpy.random.Generator

        Returns
        -------
        noisy : ndarray, shape (3, h, w), float32
        known : ndarray, shape (2, 3, h, w), float32
            Target, and variance of the noise at each of its pixels.
        """
        target = clean[rng.permutation(3)]
        if rng.random() < self.bent:
            target = target ** np.float32(2 ** rng.uniform(-0.7, 1.6))
        target = target * np.float32(rng.uniform(self.darkest, 1.0))
        if rng.random() < self.grey:
            target = target.mean(0, keepdims=True)
        noise = self.drawn(rng)
        variance = noise.gain * target + noise.read_noise**2
        noisy = target + noise.sample_like(target, rng)
        shape = clean.shape
        known = np.stack([np.broadcast_to(target, shape), np.broadcast_to(variance, shape)]).astype(np.float32)
        return np.broadcast_to(noisy, shape), known


@dataclass(frozen=True)
class CameraNoise:
    """A camera drawn at random photographs each piece; some pieces have white noise instead.

    Parameters
    ----------
    white : float
        Share of pieces with the noise of `BlindNoise`, so that it, too, is known.
    grey : float
        Share of photographs turned grey after the camera.
    mixed : float
        Share of pieces whose colours change places before they are photographed.
    darkest : float
        Pieces are dimmed by a factor between this and 1, three times out of ten.
    strong : float
        Share of photographs taken in poor light, with much noise; among the others it is rare.
    """

    white: float = 0.12
    grey: float = 0.06
    mixed: float = 0.2
    darkest: float = 0.3
    strong: float = 0.25
    blind: BlindNoise = field(default_factory=BlindNoise)

    @staticmethod
    def piece(crop: int) -> int:
        """Side of the clean pieces that give a crop of a side, however much the camera reduces them."""
        return int(np.ceil((crop + 2 * _MARGIN) / _SCALES[0]))

    def __call__(self, clean: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Make a noisy photograph and what it would be without noise.

        Parameters
        ----------
        clean : ndarray, shape (3, h, w), float32, range [0, 1]
        rng : numpy.random.Generator

        Returns
        -------
        noisy, target : ndarray, shape (3, h', w'), float32
            Of another size than `clean`: what the edges of the piece have touched is cut off, and cameras resize.
        """
        if rng.random() < self.white:
            return self.blind(clean, rng)
        if rng.random() < self.mixed:
            clean = clean[rng.permutation(3)]
        if rng.random() < 0.3:
            clean = clean * np.float32(rng.uniform(self.darkest, 1.0))
        poor_light = self.strong > 0 and rng.random() < self.strong
        camera = random_camera(rng, _SCALES, _POOR_LIGHT) if poor_light else random_camera(rng, _SCALES)
        pair = camera.pair(clean, rng)
        if rng.random() < self.grey:
            pair = (_grey(pair[0]), _grey(pair[1]))
        inner = (slice(None), slice(_MARGIN, -_MARGIN), slice(_MARGIN, -_MARGIN))
        return pair[0][inner], pair[1][inner]


def _vivid(image: np.ndarray, factor: float) -> np.ndarray:
    """Colours so many times as far from grey, cut at 0 and 1."""
    grey = image.mean(0, keepdims=True)
    found: np.ndarray = np.clip(grey + np.float32(factor) * (image - grey), 0, 1)
    return found


def _grey(image: np.ndarray) -> np.ndarray:
    """Luminance of ITU-R BT.601, as files of grey photographs hold it, three times."""
    luminance = np.tensordot(np.array([0.299, 0.587, 0.114], np.float32), image, 1)
    return np.broadcast_to(luminance, image.shape)
