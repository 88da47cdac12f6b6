"""The holes at which a half-plane network teaches."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from bsn.hole import Hole
from bsn.models import Model, image_network, network_name

__all__ = ["can_teach_by_holes", "holes_between", "settle_holes", "with_hole"]

_MOST = 6


def holes_between(use: Hole, train: Hole) -> tuple[str, ...]:
    """Holes from one below that of use up to that of training, at most six.

    The smaller ones keep what the large ones lose, the large ones are free of the noise that the small ones let through. TM-BSN
    takes five holes about that of its training, AT-BSN seven from none on.

    Parameters
    ----------
    use : Hole
        Hole that suits denoising; its size counts.
    train : Hole
        Hole that the network was trained with; its shape counts.

    Returns
    -------
    tuple of str
        In rising order; two at least, unless the network was trained with a hole of one pixel.

    Examples
    --------
    >>> holes_between(Hole("square", 5), Hole("square", 9))
    ('square:3', 'square:5', 'square:7', 'square:9')
    >>> holes_between(Hole("pixel", 1), Hole("diamond", 3))
    ('pixel', 'diamond:3')
    """
    smallest = max(min(use.size, train.size) - 2, 1)
    sizes = list(range(smallest, train.size + 1, 2))
    if len(sizes) < 2:
        sizes = list(range(max(train.size - 2, 1), train.size + 1, 2))
    while len(sizes) > _MOST:
        del sizes[-2]  # those that differ least from their neighbours
    # One pixel is a hole of every shape but lines.
    of_a_pixel = "pixel" if train.shape in ("square", "diamond", "pixel") else f"{train.shape}:1"
    return tuple(of_a_pixel if size == 1 else f"{train.shape}:{size}" for size in sizes)


def can_teach_by_holes(model: Model) -> bool:
    """Whether a model gives several pictures by holes of several sizes.

    Parameters
    ----------
    model : Model
        Any model.

    Returns
    -------
    bool
        True for half-plane networks that were trained with a hole wider than a pixel.
    """
    trained = getattr(model.network, "hole", None)
    return isinstance(trained, Hole) and trained.size > 1


def settle_holes(model: Model, holes: Sequence[str]) -> tuple[str, ...]:
    """Holes of a teacher, "auto" replaced by those that suit it.

    Parameters
    ----------
    model : Model
        The teacher.
    holes : sequence of str
        Holes in text form, or "auto" alone.

    Returns
    -------
    tuple of str

    Raises
    ------
    ValueError
        If the network has no hole that can be chosen.
    """
    trained = getattr(model.network, "hole", None)
    if not isinstance(trained, Hole):
        raise ValueError(
            f"the teacher is a network {network_name(model.network)!r}, whose hole cannot be chosen; leave the holes out and "
            "give several strides, or take a half-plane network"
        )
    if tuple(holes) != ("auto",):
        return tuple(str(Hole.parse(hole)) for hole in holes)
    advised = model.inference.hole
    return holes_between(trained if advised is None else Hole.parse(advised), trained)


def with_hole(model: Model, hole: str) -> Model:
    """The same model with another hole, for training of students.

    Parameters
    ----------
    model : Model
        A half-plane network.
    hole : str
        Hole in text form.

    Returns
    -------
    Model
        A copy of the network, with the same weights, that is also used with this hole.

    Raises
    ------
    ValueError
        For holes that its half-planes cannot open.
    """
    network = model.network
    other = type(network)(dataclasses.replace(network.config, hole=hole))
    other.load_state_dict(network.state_dict())
    other = other.to(next(network.parameters()).dtype).eval()
    inference = dataclasses.replace(model.inference, hole=hole)
    return dataclasses.replace(model, network=image_network(other), inference=inference)
