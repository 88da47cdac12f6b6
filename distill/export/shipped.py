"""A student with everything around it: what goes into an exported graph."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor, nn

from bsn.models import Model, main_output, merged

__all__ = ["Pixels", "Shipped", "example_input"]

Pixels = Literal["float", "uint8"]


class Shipped(nn.Module):
    """Image in, image out: value scale, padding to a legal size and cropping are inside.

    Parameters
    ----------
    model : Model
        A student; its branches are merged.
    pixels : {"float", "uint8"}
        What the caller feeds and gets: (N, C, H, W) float32 in [0, 1], or (N, H, W, C) uint8 as image libraries give it.
    """

    def __init__(self, model: Model, pixels: Pixels = "float") -> None:
        super().__init__()
        self.network = merged(model.network)
        self.scale = model.scale
        self.pixels = pixels

    def forward(self, image: Tensor) -> Tensor:
        """Denoise images of any size.

        Parameters
        ----------
        image : Tensor, shape (N, C, H, W) or (N, H, W, C), see `pixels`
            Noisy images.

        Returns
        -------
        Tensor
            The denoised images, with the same shape and dtype.
        """
        if self.pixels == "float":
            return self._denoise(image)
        x = image.permute(0, 3, 1, 2).to(torch.float32) / 255
        y = (255 * self._denoise(x)).clamp(0, 255).round()
        return y.to(torch.uint8).permute(0, 2, 3, 1)

    def _denoise(self, image: Tensor) -> Tensor:
        return self.scale.to_image(main_output(self.network(self.scale.to_network(image))))


def example_input(channels: int, pixels: Pixels, height: int = 71, width: int = 102, batch: int = 2) -> Tensor:
    """Random image in the layout of the pixels.

    Parameters
    ----------
    channels : int
        Channels of the image.
    pixels : {"float", "uint8"}
        Kind of pixels that the graph takes, see :class:`Shipped`.
    height, width, batch : int
        Sides of the image in pixels, and number of images.

    Returns
    -------
    Tensor
    """
    generator = torch.Generator().manual_seed(0)
    if pixels == "float":
        return torch.rand(batch, channels, height, width, generator=generator)
    return torch.randint(0, 256, (batch, height, width, channels), generator=generator, dtype=torch.uint8)


def dynamic_shapes(pixels: Pixels) -> dict[int, Any]:
    """Axes of an input whose size is free.

    Parameters
    ----------
    pixels : {"float", "uint8"}
        Kind of pixels that the graph takes, see :class:`Shipped`.

    Returns
    -------
    dict of int to Any
    """
    from torch.export import Dim

    rows, columns = (2, 3) if pixels == "float" else (1, 2)
    return dict.fromkeys((0, rows, columns), Dim.DYNAMIC)
