"""Further passes over a first result, at full resolution."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor

from bsn.data.arrays.geometry import transform
from bsn.inference.position_noise import position_uniform
from bsn.inference.stages import Estimate, Network, Place
from bsn.selfsup import random_replacement_refinement

__all__ = ["Refinement", "SecondPass"]


@dataclass(frozen=True)
class Refinement:
    """Random-replacement refinement at full resolution.

    Parameters
    ----------
    passes : int
        Number of passes whose results are averaged.
    probability : float
        Share of noisy pixels mixed into each pass.
    seed : int
        Seed of the random replacement.
    margin : int
        Mirrored around the image before each pass, and cut off after it (AP-BSN).
    """

    passes: int
    probability: float
    seed: int
    margin: int

    def __call__(self, network: Network, x: Tensor, first: Estimate, place: Place, view: int) -> Estimate:
        """Refine a first result.

        Parameters
        ----------
        network : callable
        x : Tensor, shape (N, C, H, W)
            Noisy, in network values.
        first : Estimate
        place : Place
            Plane and position of the region, so that tiles draw the same numbers as the whole image.
        view : int
            Number of the flip or turn in which the region is seen.
        """
        return Estimate(
            random_replacement_refinement(
                lambda mixed: self._full_resolution(network, mixed),
                x,
                first.mean,
                passes=self.passes,
                probability=self.probability,
                uniforms=self.uniforms(x, place, view),
            )
        )

    def uniforms(self, x: Tensor, place: Place, view: int) -> Iterator[Tensor]:
        """Random numbers of each pass, for the pixels of `x`.

        Parameters
        ----------
        x : Tensor, shape (N, C, H, W)
            Images whose shape, device and dtype the numbers take.
        place : Place
            Plane and position of the region, which the numbers depend on.
        view : int
            Number of the flip or turn under which `x` is seen.

        Returns
        -------
        iterator of Tensor
            One tensor in [0, 1) for each pass.
        """
        height, width = x.shape[-2:] if view % 2 == 0 else (x.shape[-1], x.shape[-2])
        for index in range(self.passes):
            key = (self.seed, place.plane, view, index)
            field = position_uniform(key, x.shape[1], place.top, place.left, height, width)
            yield transform(field, view).to(device=x.device, dtype=x.dtype)

    def _full_resolution(self, network: Network, x: Tensor) -> Tensor:
        margin = self.margin
        if not margin:
            return network(x).to(x.dtype)
        padded = network(F.pad(x, (margin,) * 4, mode="reflect")).to(x.dtype)
        return padded[..., margin:-margin, margin:-margin]


@dataclass(frozen=True)
class SecondPass:
    """The network sees its result again, which removes what noise is left in it, and some of the picture.

    Parameters
    ----------
    again : Refinement
        One pass at full resolution that mixes nothing in.
    share : float
        Weight of the second result, 0 to 1; the first has the rest.
    """

    again: Refinement
    share: float

    def __call__(self, network: Network, x: Tensor, first: Estimate, place: Place, view: int) -> Estimate:
        """Denoise a first result once more.

        Parameters
        ----------
        network : callable
            One pass at full resolution.
        x : Tensor, shape (N, C, H, W)
            Noisy, in network values.
        first : Estimate
            The first result.
        place : Place
            Plane and position of the region.
        view : int
            Number of the flip or turn in which the region is seen.
        """
        second = self.again(network, x, first, place, view).mean
        return Estimate(first.mean + self.share * (second - first.mean), first.variance)
