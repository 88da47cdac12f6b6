"""Two networks in one model: one for all images, and one for photographs in colour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

from bsn.models.interface import ImageNetwork, image_network
from bsn.models.light.network import Light, LightConfig

__all__ = ["LightPair", "LightPairConfig", "first_network"]


@dataclass(frozen=True)
class LightPairConfig:
    """Shapes of a :class:`LightPair`.

    Parameters
    ----------
    every, colour : LightConfig
        Of its two networks, for as many channels.
    strongest : float
        Standard deviation of the strongest noise for which the second network is taken, network values.

    Raises
    ------
    ValueError
        For networks of different channels.
    """

    every: LightConfig = field(default_factory=LightConfig)
    colour: LightConfig = field(default_factory=LightConfig)
    strongest: float = 40 / 255

    def __post_init__(self) -> None:
        for name in ("every", "colour"):
            given: Any = getattr(self, name)
            if isinstance(given, Mapping):  # as model files hold it
                made: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in given.items()}
                object.__setattr__(self, name, LightConfig(**made))
        if self.every.channels != self.colour.channels:
            raise ValueError(
                f"networks for {self.every.channels} and {self.colour.channels} channels make no pair; give them the same"
            )


class LightPair(nn.Module):
    """A network for all images, and a second one that knows less, and that better.

    Small networks gain much from a narrower task: one that has learned nothing but photographs in colour denoises them 0.2
    to 0.4 dB better than one that also knows grey images, colours in any order, and noise of a few photons. Called with
    images, the pair is its first network, which also is what is exported; :class:`bsn.inference.Denoiser` looks at each
    image, and takes the second one where it fits (:mod:`bsn.inference.colour_network`).

    Parameters
    ----------
    config : LightPairConfig
        Shapes of the two.

    Attributes
    ----------
    every : Light
        Network for all images.
    colour : Light
        Network for photographs in colour.

    Examples
    --------
    >>> import torch
    >>> pair = LightPair(LightPairConfig())
    >>> x = torch.rand(1, 3, 24, 40)
    >>> bool((pair(x) == pair.every(x)).all())
    True
    """

    global_statistics = False
    lattice = 0

    def __init__(self, config: LightPairConfig) -> None:
        super().__init__()
        self.config = config
        self.every, self.colour = Light(config.every), Light(config.colour)

    @classmethod
    def of(cls, every: Light, colour: Light, strongest: float = 40 / 255) -> LightPair:
        """Pair of two trained networks.

        Parameters
        ----------
        every, colour : Light
            Their branches are merged in the pair.
        strongest : float
            See :class:`LightPairConfig`.

        Returns
        -------
        LightPair

        Raises
        ------
        ValueError
            For networks of different channels.
        """
        every, colour = every.merged(), colour.merged()
        pair = cls(LightPairConfig(every.config, colour.config, strongest))
        pair.every, pair.colour = every, colour
        return pair

    @property
    def channels(self) -> int:
        """Channels of the image."""
        return self.every.channels

    @property
    def size_multiple(self) -> int:
        """Grid of tiles."""
        return max(self.every.size_multiple, self.colour.size_multiple)

    @property
    def halo(self) -> int:
        """Farthest input pixel that an output of either network can depend on."""
        return max(self.every.halo, self.colour.halo)

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
        return LightPair.of(self.every, self.colour, self.config.strongest)


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
