"""Cameras drawn at random: what a network for the files of any camera has to know."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from bsn.data.synthetic.camera.bayer import Demosaicing
from bsn.data.synthetic.camera.pipeline import Camera, Matrix
from bsn.data.synthetic.camera.tone import ToneCurve
from bsn.data.synthetic.jpeg import Sampling
from bsn.data.synthetic.log_uniform import log_uniform

__all__ = ["random_camera"]

T = TypeVar("T")


def random_camera(
    rng: np.random.Generator, scales: tuple[float, float] = (0.6, 1.3), gains: tuple[float, float] = (1e-4, 2.5e-2)
) -> Camera:
    """Draw a camera and its settings.

    The read-out noise follows the gain as it does over the ISO settings of real sensors: Brooks et al. (CVPR 2019, equation
    and figure of the noise levels) fit log(read variance) = 2.18 log(gain) + 1.2 to photographs of the Darmstadt set. We
    draw more widely, since telephones differ more.

    Parameters
    ----------
    rng : numpy.random.Generator
        All settings are drawn from it.
    scales : tuple of float
        Smallest and largest factor by which one camera of three resizes its pictures; the others leave their size.
    gains : tuple of float
        Smallest and largest gain, between which its logarithm is uniform: variance of the photon noise of a pixel that is
        full. The smallest is that of a good camera in daylight, the largest that of a telephone in a dark room.

    Returns
    -------
    Camera
    """
    gain = log_uniform(rng, *gains)
    variance = min(float(np.exp(2.18 * np.log(gain) + 1.2 + rng.normal(0, 0.6))), 2e-3)
    kinds: list[Demosaicing | None] = ["bilinear", "malvar", "malvar", "directed", "directed", None]
    return Camera(
        gain=gain,
        read_noise=float(np.sqrt(variance)) * (0.5 if rng.random() < 0.5 else 1.0),
        white_balance=(float(rng.uniform(1.2, 2.4)), float(rng.uniform(1.2, 2.2))),
        matrix=_matrix(rng),
        exposure=log_uniform(rng, 0.35, 1.3),
        tone=ToneCurve(
            exponent=float(rng.uniform(1.9, 2.6)),
            offset=log_uniform(rng, 0.02, 0.12),
            contrast=float(rng.uniform(0, 0.7)) if rng.random() < 0.5 else 0.0,
        ),
        demosaicing=_one_of(rng, kinds),
        phase=(int(rng.integers(2)), int(rng.integers(2))),
        colour_width=_one_of(rng, [1, 1, 1, 3, 5, 7]),
        blur=float(rng.uniform(0.1, 0.6)) if rng.random() < 0.25 else 0.0,
        sharpening=float(rng.uniform(0, 1.0)) if rng.random() < 0.35 else 0.0,
        scale=1.0 if rng.random() < 2 / 3 else float(rng.uniform(*scales)),
        quality=int(rng.integers(70, 101)) if rng.random() < 0.6 else None,
        sampling=_one_of(rng, list[Sampling](["4:4:4", "4:2:2", "4:2:0"])),
    )


def _matrix(rng: np.random.Generator) -> Matrix:
    """Draw a matrix that makes colours more vivid and keeps grey: rows of sum 1, mostly negative beside the diagonal."""
    rows = rng.uniform(-0.45, 0.05, (3, 3))
    np.fill_diagonal(rows, 0)
    np.fill_diagonal(rows, 1 - rows.sum(1))
    first, second, third = ((float(a), float(b), float(c)) for a, b, c in rows)
    return first, second, third


def _one_of(rng: np.random.Generator, choices: Sequence[T]) -> T:
    return choices[int(rng.integers(len(choices)))]
