"""What may teach: anything that denoises a plane band by band."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

from torch import Tensor, nn

from bsn.inference import Denoiser, Filled, HasMissing, denoise_bands
from bsn.models import Model, ValueScale, image_network, is_blind, load, network_name, stored_config
from distill.config import TeacherInference
from distill.holes import settle_holes, with_hole

__all__ = ["ModelTeacher", "Region", "Teacher"]

Region = Callable[[int, int, int, int], Tensor]


class Teacher(Protocol):
    """Something that answers a noisy plane with `layers` images of its size.

    Attributes
    ----------
    channels : int
        Channels of the images.
    layers : int
        Images per answer.
    gives_spread : bool
        The last layer is not a target but the standard deviation of the answer, in image values.
    blind : bool
        Whether it predicts a pixel without seeing it.
    scale : ValueScale
        Range it works on; students may work on the same.
    about : dict
        Where it comes from. JSON values.
    """

    @property
    def channels(self) -> int:
        """Channels of the images."""
        ...

    @property
    def layers(self) -> int:
        """Images per answer."""
        ...

    @property
    def gives_spread(self) -> bool:
        """Whether the last layer is a standard deviation."""
        ...

    @property
    def blind(self) -> bool:
        """Whether it predicts a pixel without seeing it."""
        ...

    @property
    def scale(self) -> ValueScale:
        """Range of values it works on."""
        ...

    @property
    def about(self) -> dict[str, Any]:
        """Where it comes from."""
        ...

    def digest(self) -> str:
        """SHA-256 over everything of the teacher itself that changes its answers, weights above all."""
        ...

    def options(self) -> dict[str, Any]:
        """How it is asked: whatever else changes its answers. JSON values."""
        ...

    def on(self, device: str) -> Teacher:
        """Return the same teacher on another device.

        Parameters
        ----------
        device : str
            Such as "cpu" or "cuda:1".

        Returns
        -------
        Teacher
        """
        ...

    def answer(self, read: Region, size: tuple[int, int], plane: int) -> Iterator[tuple[int, int, Tensor]]:
        """Answer one plane.

        Parameters
        ----------
        read : callable
            ``read(top, left, height, width)`` gives a region, shape (1, C, h, w), image values.
        size : tuple of int
            (H, W).
        plane : int
            Number of the image (seeds what is random).

        Yields
        ------
        layer, top : int
        rows : Tensor, shape (C, h, W)
            Rows of a layer from `top` on, each row once.
        """
        ...


class ModelTeacher:
    """A model of this toolkit, with its full inference, tile by tile.

    Parameters
    ----------
    model : Model, nn.Module, str or Path
        See :class:`bsn.inference.Denoiser`.
    inference : TeacherInference, optional
        How the teacher answers; the defaults if left out.
    device : str
        Device that computes, such as "cpu" or "cuda:1".
    """

    def __init__(
        self, model: Model | nn.Module | str | Path, inference: TeacherInference | None = None, device: str = "auto"
    ) -> None:
        self.inference = inference or TeacherInference()
        self.source = os.path.abspath(model) if isinstance(model, (str, Path)) else type(model).__name__
        loaded = load(model) if isinstance(model, (str, Path)) else model
        self.model = loaded if isinstance(loaded, Model) else Model(image_network(loaded))
        configs = self.inference.configs(device)
        if self.inference.holes:
            holes = settle_holes(self.model, self.inference.holes)
            self.inference = dataclasses.replace(self.inference, holes=holes)
            self._denoisers = [Denoiser(with_hole(self.model, hole), configs[0]) for hole in holes]
        else:
            self._denoisers = [Denoiser(self.model, config) for config in configs]

    @property
    def channels(self) -> int:
        """Channels of the images."""
        return self.model.channels

    @property
    def gives_spread(self) -> bool:
        """Whether the model has a posterior; its spread at the first stride is the last layer."""
        return self.model.noise is not None

    @property
    def layers(self) -> int:
        """One per stride or hole, and the spread if there is one."""
        return len(self._denoisers) + self.gives_spread

    @property
    def blind(self) -> bool:
        """Whether the network has a blind lattice or a hole."""
        return is_blind(self.model.network)

    @property
    def scale(self) -> ValueScale:
        """Of the model."""
        return self.model.scale

    @property
    def about(self) -> dict[str, Any]:
        """Provenance and terms of the model."""
        return {
            "network": network_name(self.model.network),
            "provenance": self.model.provenance,
            "weights_licence": self.model.weights_licence,
        }

    def digest(self) -> str:
        """SHA-256 over network, configuration, value scale and weights."""
        model = self.model
        facts = [
            network_name(model.network),
            stored_config(model.network),
            dataclasses.asdict(model.scale),
            model.inference.stored(),
            *([dataclasses.asdict(model.noise)] if model.noise else []),
        ]
        found = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
        for name, value in sorted(model.network.state_dict().items()):
            found.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
            found.update(value.detach().cpu().contiguous().numpy().tobytes())
        return found.hexdigest()

    def options(self) -> dict[str, Any]:
        """Settings of the inference."""
        return self.inference.stored()

    def on(self, device: str) -> ModelTeacher:
        """Return the same teacher on another device.

        Parameters
        ----------
        device : str
            Such as "cpu" or "cuda:1".

        Returns
        -------
        ModelTeacher
        """
        return ModelTeacher(self.model, self.inference, device)

    def answer(self, read: Region, size: tuple[int, int], plane: int) -> Iterator[tuple[int, int, Tensor]]:
        """Answer one plane, see :meth:`Teacher.answer`.

        Parameters
        ----------
        read : callable
            ``read(top, left, height, width)`` gives a region, shape (1, C, h, w), in image values.
        size : tuple of int
            (H, W) of the plane.
        plane : int
            Number of the plane, which its random numbers depend on.

        Returns
        -------
        iterator of (int, int, Tensor)
            Layer, first row and pixels of each finished band.
        """
        for layer, denoiser in enumerate(self._denoisers):

            def region(top: int, left: int, height: int, width: int, device: Any = denoiser.device) -> Tensor:
                return read(top, left, height, width).to(device)

            known = Filled(region, read.missing) if isinstance(read, HasMissing) else region
            spread = self.gives_spread and layer == 0
            for band in denoise_bands(denoiser.pipeline, known, size, plane=plane, deviation=spread):
                yield layer, band.top, band.image
                if band.deviation is not None:
                    yield len(self._denoisers), band.top, band.deviation
