"""What the toolkit asks of a blind-spot network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, cast, runtime_checkable

from torch import Tensor, nn

from bsn.hole import Hole

__all__ = ["BlindSpotNetwork", "ImageNetwork", "image_network", "is_blind", "main_output", "merged"]

_FACTS = ("config", "channels", "lattice", "size_multiple", "halo", "global_statistics")


def main_output(outputs: Tensor | tuple[Tensor, ...]) -> Tensor:
    """Result of a network: what it returns, or the first of several (the others serve its training).

    Parameters
    ----------
    outputs : Tensor or tuple of Tensor
        What the network returned.

    Returns
    -------
    Tensor
    """
    return outputs if isinstance(outputs, Tensor) else outputs[0]


@runtime_checkable
class BlindSpotNetwork(Protocol):
    """An image-to-image network with the facts that training, tiling and checks need.

    It takes images of any size. Where it returns several tensors, the first is the result. A network with neighbouring frames
    has the attributes ``context`` (int) and ``context_hole`` (bool), too, and takes windows of :func:`bsn.frames.windows`
    together with ``available``; others are called with images alone.

    Attributes
    ----------
    config : frozen dataclass
        Arguments that rebuild the network.
    channels : int
        Channels of the image, in and out.
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

    def __call__(self, x: Tensor, *, available: Tensor | None = None) -> Tensor | tuple[Tensor, ...]: ...  # noqa: D102


if TYPE_CHECKING:

    class ImageNetwork(nn.Module, BlindSpotNetwork):
        """A module that fulfils :class:`BlindSpotNetwork`: what a :class:`bsn.models.Model` holds.

        Networks need not inherit from it; :func:`image_network` recognises them by what they have.
        """

else:
    ImageNetwork = nn.Module


def image_network(module: nn.Module) -> ImageNetwork:
    """Check that a module states the facts of an image network.

    Parameters
    ----------
    module : nn.Module
        Module to check.

    Returns
    -------
    ImageNetwork
        The module itself.

    Raises
    ------
    TypeError
        If attributes are missing; the message names them.
    """
    missing = sorted(name for name in _FACTS if not hasattr(module, name))
    if missing:
        raise TypeError(
            f"{type(module).__name__} lacks {', '.join(missing)} and cannot be used as an image network; see "
            "bsn.models.BlindSpotNetwork"
        )
    return cast("ImageNetwork", module)


def merged(network: ImageNetwork) -> ImageNetwork:
    """The network as it is shipped: with branches merged, if it has a method ``merged`` for that.

    Parameters
    ----------
    network : ImageNetwork
        Network as it was trained.

    Returns
    -------
    ImageNetwork
        A copy that gives the same images, or the network itself.
    """
    merge = getattr(network, "merged", None)
    return network if merge is None else image_network(merge())


def is_blind(network: ImageNetwork) -> bool:
    """Whether a network predicts a pixel without seeing it, by what it says of itself.

    Parameters
    ----------
    network : ImageNetwork
        Its lattice counts, or the hole that it is used with.

    Returns
    -------
    bool
    """
    hole = getattr(network, "hole", None)
    return network.lattice > 0 or (isinstance(hole, Hole) and hole.size > 0)
