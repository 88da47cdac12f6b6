"""The order of the stages: from a noisy region to a clean one."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from bsn.data.arrays.geometry import inverse, transform
from bsn.inference.colour_network import ColourNetwork
from bsn.inference.guard import Guard
from bsn.inference.judged_plane import JudgedPlane, JudgedRegions
from bsn.inference.local_mean import REACH, keep_local_mean
from bsn.inference.measuring import Measurement, Region, region_of
from bsn.inference.mixing.check import Check
from bsn.inference.mixing.choosing import SHORT_TRAINING
from bsn.inference.mixing.mixer import Mixing
from bsn.inference.polish_choice import PolishChoice
from bsn.inference.polishing import Polish
from bsn.inference.refinement import Refinement, SecondPass
from bsn.inference.stages import (
    WHOLE,
    Downsampling,
    Estimate,
    Filter,
    Frame,
    Measured,
    Network,
    Place,
    Posterior,
)
from bsn.inference.tiling import Tiling
from bsn.inference.tones import measure_tones

__all__ = ["Pipeline"]

_WHY_MIXED = "the network was trained too briefly for such strong noise; "
_POLISHED = "; second pass by the model in the box for cameras"
_AVERAGED = "; averaged with the result of the model in the box for cameras, which removes far less"


@dataclass(frozen=True)
class Pipeline:
    """Everything that is done to a region; :func:`bsn.inference.plan.make_pipeline` makes one for a model.

    Parameters
    ----------
    frame : Frame
        First and last stage, which hold the value scale.
    views : sequence of int
        Flips and turns over which the result is averaged; ``(0,)`` for the image as it is.
    downsamplings : tuple of Downsampling
        The result is the mean over them.
    network : callable
        Maps (N, C, H, W) in network values to the network's outputs. That of a network with context also takes ``available``.
    posterior : Posterior
        Stage that weighs the noisy pixel in.
    refinement : Refinement, optional
        Stage of random-replacement refinement; None leaves it out.
    filter : Filter, optional
        Stage of the Wiener filter; None leaves it out.
    polish : Polish, optional
        Stage of the second pass by a model in the box; None leaves it out.
    polish_choice : PolishChoice, optional
        Decides for each plane whether it gets that second pass; None gives it to all. The result is then the mean of two: of
        this one, and of what the model in the box makes of the noisy image itself, see :mod:`bsn.inference.polish_choice`.
    strong_noise : callable, optional
        Whether noise is strong, by some regions of a plane; the tones of its result are corrected then, see
        :mod:`bsn.inference.tones`. None leaves all tones as they are.
    measurement : Measurement
        What has to be known of a plane beforehand.
    tiling : Tiling
        How large planes are cut.
    keep_mean : bool
        The result gets the local mean of the region, see :meth:`keeping_mean`.
    second : SecondPass, optional
        Stage of the second pass; None leaves it out.
    guard : Guard, optional
        Judges the result by what it removes, and may put another one in its place; None leaves it out.
    colour : ColourNetwork, optional
        Second network of the model, for photographs in colour; None leaves all to the first.
    strong : Pipeline, optional
        The same model with a mixture, for planes whose noise is strong; None leaves them as others are.
    mixing : Mixing or Check, optional
        Last stage: the network's results are mixed with those of other denoisers, or compared with them; None leaves it
        out.
    """

    frame: Frame
    views: Sequence[int]
    downsamplings: tuple[Downsampling, ...]
    network: Callable[..., Tensor]
    posterior: Posterior
    refinement: Refinement | None
    filter: Filter | None
    measurement: Measurement
    tiling: Tiling
    keep_mean: bool = False
    second: SecondPass | None = None
    polish: Polish | None = None
    polish_choice: PolishChoice | None = None
    strong_noise: Callable[[JudgedRegions], bool] | None = None
    guard: Guard | None = None
    colour: ColourNetwork | None = None
    strong: Pipeline | None = None
    mixing: Mixing | Check | None = None

    def with_neighbours(self, available: Tensor) -> Pipeline:
        """Copy that takes windows: regions of a frame with those of its neighbours, see :mod:`bsn.frames`.

        Parameters
        ----------
        available : Tensor, shape (1, 2 k)
            1 for the neighbours that are there, 0 for the others.

        Returns
        -------
        Pipeline
        """
        frame = dataclasses.replace(self.frame, context=available.shape[1] // 2)
        network: Network = functools.partial(self.network, available=available)
        measurement = dataclasses.replace(self.measurement, frame=frame, network=network)
        return dataclasses.replace(self, frame=frame, network=network, measurement=measurement)

    def keeping_mean(self) -> Pipeline:
        """Copy whose results have the local mean of the noisy image, see :mod:`bsn.inference.local_mean`."""
        tiling = dataclasses.replace(self.tiling, halo=self.tiling.halo + REACH)
        return dataclasses.replace(self, keep_mean=True, tiling=tiling)

    @property
    def checks_once(self) -> bool:
        """Whether what holds of the first plane of a stack is taken to hold of all: the check, not the mixture."""
        return isinstance(self.mixing, Check)

    def measure(self, read: Region, size: tuple[int, int], grey_level: float = 0.0) -> Measured:
        """Measure a plane, and settle what its result is a mixture of.

        Parameters
        ----------
        read : callable
            See :data:`bsn.inference.measuring.Region`.
        size : tuple of int
            (H, W) of the plane.
        grey_level : float
            Distance of two values of the image's dtype, in image values; 0 for floats.

        Returns
        -------
        Measured

        Raises
        ------
        data.DataError
            If the image is too small for a Wiener filter that was asked for.
        """
        plane = JudgedPlane(read, self.frame.own, size)
        measured = self._settled(read, plane, grey_level)
        if self.strong_noise is None or (measured.verdict is not None and measured.verdict.instead is not None):
            return measured
        if not self.strong_noise(plane.judged(self.tiling.grid)):
            return measured
        sample = plane.spread(self.tiling.grid)
        results = sample.results(lambda region, place: self(region, place, measured)[0])
        return dataclasses.replace(measured, tones=measure_tones(sample.noisy, results))

    def _settled(self, read: Region, plane: JudgedPlane, grey_level: float) -> Measured:
        """What a result is made of, but for its tones."""
        size = plane.size
        measured = self.measurement(read, size)
        if self.colour is not None:
            measured = dataclasses.replace(measured, colour=self.colour.fits(plane))
        if self.polish_choice is not None:
            plain = dataclasses.replace(measured, polished=False)
            polished = self.polish_choice(plane, lambda region, place: self.estimate(region, place, plain).mean)
            measured = dataclasses.replace(measured, polished=polished)
        if self.guard is not None:
            verdict = self.guard.settle(
                plane, lambda region, place: self.estimate(region, place, measured).mean, grey_level
            )
            strong = None if verdict is None or verdict.removal.noise < SHORT_TRAINING.strong else self.strong
            mixed = None if strong is None else strong.measure(read, size, grey_level)
            if strong is not None and mixed is not None and mixed.mixture is not None:
                polished, told = self._polishes(strong, mixed, plane), mixed.mixture.explanation
                told = dataclasses.replace(told, preface=_WHY_MIXED, afterwards=self._said(polished))
                mixture = dataclasses.replace(mixed.mixture, explanation=told)
                return dataclasses.replace(mixed, mixture=mixture, polished=polished)
            return dataclasses.replace(measured, verdict=verdict)
        if self.mixing is None:
            return measured
        return dataclasses.replace(measured, mixture=self.mixing.settle(read, size, measured, grey_level))

    def _polishes(self, strong: Pipeline, mixed: Measured, plane: JudgedPlane) -> bool:
        """Whether a mixture gets the second pass."""
        if self.polish_choice is None:
            return False
        return self.polish_choice(plane, lambda region, place: strong(region, place, mixed)[0])

    def _said(self, polished: bool) -> str:
        """What is done to a mixture, in words."""
        if self.polish_choice is None:
            return ""
        return _POLISHED if polished else _AVERAGED

    @torch.no_grad()
    def __call__(
        self, noisy: Tensor, place: Place = WHOLE, measured: Measured | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """Denoise a region.

        Parameters
        ----------
        noisy : Tensor, shape (1, C, H, W), image values
            C is the network's, or 1 for a network of several channels. A window where there are neighbours.
        place : Place
            Its rows and columns are multiples of the tiling's grid.
        measured : Measured, optional
            What was measured on the plane; None measures this region.

        Returns
        -------
        image : Tensor, shape (1, C, H, W)
        deviation : Tensor or None, shape (1, C, H, W)
            Standard deviation of the posterior; None without one.

        Raises
        ------
        ValueError
            If the region is smaller than the lattice.
        """
        if measured is None:
            measured = self.measure(region_of(noisy), (noisy.shape[-2], noisy.shape[-1]))
        own, mixture, estimate = self.frame.own(noisy), measured.mixture, None
        if measured.verdict is not None and measured.verdict.instead is not None:
            instead = measured.verdict.instead(own)
            return keep_local_mean(own, instead) if self.keep_mean else instead, None
        if self.strong is not None and mixture is not None:
            image, deviation = self.strong(noisy, place, dataclasses.replace(measured, tones=None))
            if self.polish_choice is not None and self.polish is not None:
                image = self.polish(image) if measured.polished else (image + self.polish(own)) / 2
        else:
            mixed = self.mixing is not None and mixture is not None and mixture.changes
            if not mixed or self.posterior.noise is not None:
                estimate = self.estimate(noisy, place, measured)
            image = self._mixed(noisy, place, measured) if estimate is None or mixed else estimate.mean
            deviation = None if estimate is None else self.frame.deviation(estimate)
            if self.polish_choice is not None and self.polish is not None:
                image = (image + self.polish(own)) / 2
        image = image if measured.tones is None else measured.tones(image)
        return (keep_local_mean(own, image) if self.keep_mean else image), deviation

    def _mixed(self, noisy: Tensor, place: Place, measured: Measured) -> Tensor:
        assert self.mixing is not None
        assert measured.mixture is not None
        return self.mixing(noisy, place, measured, measured.mixture)

    def _once(self, network: Network, x: Tensor) -> Tensor:
        """One pass at full resolution, of a network that does not weigh the noisy pixel in."""
        return self.posterior(network(x), x).mean

    def estimate(self, noisy: Tensor, place: Place, measured: Measured) -> Estimate:
        """Denoise a region by all stages but the last ones, the mixture and the local mean.

        Parameters
        ----------
        noisy, place, measured
            See :meth:`__call__`.

        Returns
        -------
        Estimate
            Its mean in image values, its variance in network values.

        Raises
        ------
        ValueError
            If the region is smaller than the lattice.
        """
        x, noisy = self.frame.enter(noisy), self.frame.own(noisy)
        network = self.colour.network if self.colour is not None and measured.colour else self.network
        total: Estimate | None = None
        for view in self.views:
            seen = transform(x, view)
            passes = []
            for downsampling in self.downsamplings:
                parts = downsampling.split(seen)
                found = self.posterior(network(parts), self.frame.own(parts), measured.noise)
                passes.append(downsampling.join(found, (seen.shape[-2], seen.shape[-1])))
            estimate = Estimate.average(passes)
            if self.refinement is not None:
                estimate = self.refinement(network, seen, estimate, place, view)
            # Where a spectrum was measured, it is raised in place of a second pass.
            if self.second is not None and measured.spectrum is None:
                estimate = self.second(functools.partial(self._once, network), seen, estimate, place, view)
            estimate = estimate.map(functools.partial(inverse, index=view))
            total = estimate if total is None else total.plus(estimate)
        assert total is not None
        estimate = self.frame.leave(total.map(lambda part: part / len(self.views)), noisy)
        if self.filter is not None:
            estimate = self.filter(noisy, estimate, measured)
        if self.polish is not None and measured.polished:
            estimate = Estimate(self.polish(estimate.mean), estimate.variance)
        return estimate
