"""What the toolkit asks of a blind-spot network."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from torch import Tensor

__all__ = ["BlindSpotNetwork", "main_output"]


def main_output(outputs: Tensor | tuple[Tensor, ...]) -> Tensor:
    """Result of a network: what it returns, or the first of several (the others serve its training)."""
    return outputs if isinstance(outputs, Tensor) else outputs[0]


@runtime_checkable
class BlindSpotNetwork(Protocol):
    """An image-to-image network with the facts that training, tiling and checks need.

    It takes images of any size. Where it returns several tensors, the first is the result.

    Attributes
    ----------
    config : frozen dataclass
        Arguments that rebuild the network.
    channels : int
        Of the image, in and out.
    lattice : int
        d: the output at p does not depend on the input at p + d Z x d Z. 0 for networks that are not blind.
    size_multiple : int
        Grid on which tiles have to start so that a tile is cut like the whole image.
    halo : int
        Farthest pixel that can influence an output other than through statistics of the whole image.
    global_statistics : bool
        True if some layer pools over the whole image.
    """

    config: Any

    @property
    def channels(self) -> int:
        """Channels of the image."""
        ...

    @property
    def lattice(self) -> int:
        """Side of the blind lattice."""
        ...

    @property
    def size_multiple(self) -> int:
        """Grid of tiles."""
        ...

    @property
    def halo(self) -> int:
        """Reach in pixels."""
        ...

    @property
    def global_statistics(self) -> bool:
        """Whether a layer pools over the image."""
        ...

    def __call__(self, x: Tensor) -> Tensor | tuple[Tensor, ...]: ...  # noqa: D102
