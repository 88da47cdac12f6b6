"""Two networks in one model: one for all noise, and one for colours with weak noise."""

from __future__ import annotations

import copy

from torch import Tensor, nn

from bsn.models.interface import ImageNetwork, image_network
from bsn.models.light.network import Light, LightConfig

__all__ = ["LightPair", "first_network"]


class LightPair(nn.Module):
    """A small network that knows all noise, and a second one of the same shape that knows less, and that better.

    Small networks gain much from a narrower task: for colour photographs with weak white noise the second one is 0.2 to 0.4 dB
    better. Called with images, the pair is its first network, which also is what is exported;
    :class:`bsn.inference.Denoiser` measures the noise of each image, and takes the second one where it fits
    (:mod:`bsn.inference.weak_noise`).

    Parameters
    ----------
    config : LightConfig
        Shape of each of the two.

    Attributes
    ----------
    every : Light
        Network for all images.
    weak : Light
        Network for colours with weak noise.

    Examples
    --------
    >>> import torch
    >>> pair = LightPair(LightConfig())
    >>> x = torch.rand(1, 3, 24, 40)
    >>> bool((pair(x) == pair.every(x)).all())
    True
    """

    global_statistics = False
    lattice = 0

    def __init__(self, config: LightConfig) -> None:
        super().__init__()
        self.config = config
        self.every, self.weak = Light(config), Light(config)

    @classmethod
    def of(cls, every: Light, weak: Light) -> LightPair:
        """Pair of two trained networks.

        Parameters
        ----------
        every, weak : Light
            Networks of one shape; their branches are merged.

        Returns
        -------
        LightPair

        Raises
        ------
        ValueError
            For networks of different shapes.
        """
        every, weak = every.merged(), weak.merged()
        if every.config != weak.config:
            raise ValueError(f"networks of {every.config} and {weak.config} make no pair; train them in one shape")
        pair = cls(every.config)
        pair.every, pair.weak = every, weak
        return pair

    @property
    def channels(self) -> int:
        """Channels of the image."""
        return self.config.channels

    @property
    def size_multiple(self) -> int:
        """Grid of tiles."""
        return self.every.size_multiple

    @property
    def halo(self) -> int:
        """Farthest input pixel that an output can depend on."""
        return self.every.halo

    def forward(self, x: Tensor) -> Tensor:
        """Denoise by the network for all images.

        Parameters
        ----------
        x : Tensor, shape (N, C, H, W)
            Any size.

        Returns
        -------
        Tensor, shape (N, C, H, W)
        """
        denoised: Tensor = self.every(x)
        return denoised

    def merged(self) -> LightPair:
        """Copy with one kernel per convolution, which gives the same images.

        Returns
        -------
        LightPair
        """
        return LightPair.of(copy.deepcopy(self.every), copy.deepcopy(self.weak))


def first_network(network: ImageNetwork) -> ImageNetwork:
    """The network that a training goes on with: of a pair the one for all images, whose training would leave the other behind.

    Parameters
    ----------
    network : ImageNetwork
        Network of a model.

    Returns
    -------
    ImageNetwork
        The network itself where it is no pair.
    """
    return image_network(network.every) if isinstance(network, LightPair) else network
