"""White noise in the finest details of blocks that are flat by their coarse ones.

A picture has most of its energy in coarse details, and white noise has as much in fine ones. So texture that covers a whole
photograph hardly reaches the finest details of its flattest blocks. The noise in fine and in coarse details is independent:
choosing blocks by the coarse ones does not choose those whose noise happens to be weak, and nothing has to be put right.
Correlated noise says nothing of its strength there; where neighbours share a twentieth of it, it is measured 5 % too low.
(After Donoho and Johnstone, who measure white noise in the finest wavelets, and Liu, Tanaka and Okutomi, "Single-image noise
level estimation for blind denoising", 2013, who do so where texture is weak.)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bsn.noise.measurement.dct_blocks import dct_basis
from bsn.noise.measurement.flat_blocks import FLAT, SIDE, FlatBlocks, flat_places

__all__ = ["FINE", "FineSettings", "find_flat_white"]


@dataclass(frozen=True)
class FineSettings:
    """Constants of the choice, as sums of the row and the column of a coefficient of a 16 x 16 block, 0 to 30.

    Tried on twelve free photographs with white noise of 3, 6 and 12 grey levels: 8 to 20 for `coarse`, 15 to 22 for `finest`.
    The error fell all the way; fewer coefficients than these make single images uncertain. To put right what neighbours share
    by their measured correlation was tried too: in textured pictures that is the correlation of texture, and the error grew.

    Parameters
    ----------
    coarse : int
        Largest sum of the details that choose the blocks.
    finest : int
        Smallest sum of those that tell the noise.
    fewest : int
        Blocks of a channel that are taken, if it has so many: a block holds 45 of the finest details, and forty blocks tell a
        standard deviation to 1.7 %.
    """

    coarse: int = 17
    finest: int = 22
    fewest: int = 40


FINE = FineSettings()

_SUM = np.add.outer(np.arange(SIDE), np.arange(SIDE))
_COARSE = (_SUM > 0) & (FINE.coarse >= _SUM)
_FINEST = FINE.finest <= _SUM


def find_flat_white(blocks: FlatBlocks) -> list[FlatBlocks]:
    """The tenth of the blocks in each range of intensities with the weakest coarse details; more of a small image.

    Parameters
    ----------
    blocks : FlatBlocks
        Blocks of an image or of a set, with white noise.

    Returns
    -------
    list of FlatBlocks
        One per range of intensities, from dark to bright. Their variances are those of the finest details.
    """
    basis = dct_basis(SIDE)
    squares = np.square(basis @ blocks.residual @ basis.T)
    coarse, finest = (squares[:, part].mean(1) for part in (_COARSE, _FINEST))
    share = max(FLAT.share, FINE.fewest / max(len(coarse), FINE.fewest))
    places = flat_places(FlatBlocks(blocks.mean, coarse, blocks.residual), share)
    measured = FlatBlocks(blocks.mean, finest, blocks.residual)
    return [measured[part] for part in places]
