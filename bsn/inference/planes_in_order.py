"""The planes of an image in the order in which they are denoised: mended, and with their neighbours for models with context."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from bsn.inference.fitness import ImagePlanes, channel_groups
from bsn.inference.mending import MendedPlane, PlaneReader
from bsn.inference.neighbours import FrameRing, HeldFrame, stacks_in
from bsn.inference.pattern_free import plane_order
from bsn.models import Model, OutlierTreatment, is_blind

__all__ = ["PlanesInOrder"]

ReadPlane = Callable[[int, int, int, int, int], np.ndarray]


@dataclass(frozen=True)
class PlanesInOrder:
    """How the planes of images are read for a model.

    Parameters
    ----------
    model : Model
        Model that is to denoise them.
    device : torch.device
        Where the network computes.
    outliers : {"keep", "repair", "ignore"}, optional
        What is done with outliers; None: what the model was trained for.
    """

    model: Model
    device: torch.device
    outliers: OutlierTreatment | None

    def each(
        self, image: ImagePlanes, grey_level: float, wanted: Collection[int] | None = None
    ) -> Iterator[tuple[int, Sequence[PlaneReader], Tensor | None]]:
        """Prepare plane after plane, of models with context stack after stack.

        Parameters
        ----------
        image : ImagePlanes
            The image.
        grey_level : float
            Distance of two values of its dtype, in image values; 0 for floats.
        wanted : collection of int, optional
            Numbers of the planes; all of them where it is left out.

        Yields
        ------
        plane : int
            Number of the plane.
        readers : sequence of PlaneReader
            One for each group of channels.
        available : Tensor or None
            Which neighbours there are; None for models without context.
        """
        planes = [plane for plane in plane_order(image) if wanted is None or plane in wanted]
        groups = channel_groups(image, self.model)
        if self.model.context:
            yield from self._windows(image, groups, grey_level, planes)
            return
        for plane in planes:
            yield plane, [self.mended(image.read_unit, image.size, plane, g, grey_level) for g in groups], None

    def mended(
        self, read: ReadPlane, size: tuple[int, int], plane: int, group: slice, grey_level: float
    ) -> MendedPlane:
        """Prepare some channels of a plane.

        Parameters
        ----------
        read : callable
            Gives a region of a plane, see :meth:`ImagePlanes.read_unit`.
        size : tuple of int
            (H, W) of the plane.
        plane : int
            Its number.
        group : slice
            The channels.
        grey_level : float
            See :meth:`each`.

        Returns
        -------
        MendedPlane
        """

        def pixels(top: int, left: int, height: int, width: int) -> np.ndarray:
            return read(plane, top, left, height, width)[group]

        return MendedPlane(
            pixels,
            size,
            self.device,
            self.outliers or self.model.inference.outliers,
            grey_level,
            spots=self.model.inference.cut_spots,
            noisy_fill=not is_blind(self.model.network),
        )

    def _windows(
        self, image: ImagePlanes, groups: Sequence[slice], grey_level: float, planes: Collection[int]
    ) -> Iterator[tuple[int, Sequence[PlaneReader], Tensor | None]]:
        """Every plane with its neighbours, stack after stack; each frame is read once."""

        def held(group: slice, plane: int) -> HeldFrame:
            whole = image.read_unit(plane, 0, 0, *image.size)

            def read(_: int, top: int, left: int, height: int, width: int) -> np.ndarray:
                return whole[:, top : top + height, left : left + width]

            return HeldFrame(self.mended(read, image.size, plane, group, grey_level))

        wanted = set(planes)
        for stack in stacks_in(image.stacked, image.planes, self.model.inference.context_axis):
            rings = [FrameRing(stack, self.model.context, functools.partial(held, group)) for group in groups]
            for position, plane in enumerate(stack):
                if plane not in wanted:
                    continue
                windows = [ring.window(position) for ring in rings]
                yield plane, windows, windows[0].available
