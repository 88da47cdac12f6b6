"""Argument checks that several operators share; messages name the operator, what came, and what would be right."""

from __future__ import annotations

from torch import Tensor

__all__ = ["check_divisible", "check_image", "check_same_shape"]


def check_image(operator: str, x: Tensor, name: str = "x") -> None:
    """Refuse anything but a 4-d tensor N C H W.

    Parameters
    ----------
    operator : str
        Name that the message begins with.
    x : Tensor
        What the caller was given.
    name : str
        What the message calls `x`.

    Raises
    ------
    ValueError
        If `x` does not have four axes.
    """
    if x.ndim != 4:
        raise ValueError(f"{operator}: {name} has shape {tuple(x.shape)}, but an image batch (N, C, H, W) is needed")


def check_divisible(operator: str, x: Tensor, factor: int, what: str) -> None:
    """Refuse images whose sides are not multiples of `factor`, naming the next legal size.

    Parameters
    ----------
    operator : str
        Name that the message begins with.
    x : Tensor, shape (..., H, W)
        Image.
    factor : int
        H and W have to be multiples of this; 1 or more.
    what : str
        What the factor is, for the message.

    Raises
    ------
    ValueError
        If H or W is not a multiple, or if the factor is below 1.
    """
    h, w = x.shape[-2:]
    if factor < 1:
        raise ValueError(f"{operator}: {what} must be at least 1")
    if h % factor or w % factor:
        legal = (-(-h // factor) * factor, -(-w // factor) * factor)
        raise ValueError(f"{operator}: {h} x {w} pixels do not fit {what}; pad to {legal[0]} x {legal[1]}")


def check_same_shape(operator: str, **tensors: Tensor) -> None:
    """Refuse tensors of different shapes.

    Parameters
    ----------
    operator : str
        Name that the message begins with.
    **tensors : Tensor
        Tensors by the names that the message gives them.

    Raises
    ------
    ValueError
        If two shapes differ.
    """
    shapes = {name: tuple(t.shape) for name, t in tensors.items()}
    if len(set(shapes.values())) > 1:
        raise ValueError(f"{operator}: the shapes {shapes} differ, but must be equal")
