"""A network's own range of values, kept with its weights and applied where no caller sees it."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

__all__ = ["ValueScale"]


@dataclass(frozen=True)
class ValueScale:
    """Affine map between image values ([0, 1] for integer images) and the values a network works on.

    ::

        network value = (image value - offset) / scale

    Parameters
    ----------
    offset, scale : float
        Offset and scale in image values. Published TBSN and DBSNl work on 0..255: offset 0, scale 1/255.

    Raises
    ------
    ValueError
        If `scale` is not positive or a value is not finite.

    Examples
    --------
    >>> import torch
    >>> ValueScale(offset=0.5, scale=0.25).to_network(torch.tensor([0.5, 1.0]))
    tensor([0., 2.])
    """

    offset: float = 0.0
    scale: float = 1.0

    def __post_init__(self) -> None:
        if not (0 < self.scale < float("inf")) or not abs(self.offset) < float("inf"):
            raise ValueError(f"offset {self.offset} and scale {self.scale} are not a range; scale must be positive")

    @classmethod
    def eight_bit(cls) -> ValueScale:
        """Scale of networks trained on 0..255."""
        return cls(0.0, 1 / 255)

    def to_network(self, x: Tensor) -> Tensor:
        """Map image values to network values.

        Parameters
        ----------
        x : Tensor, any shape
            Image values.

        Returns
        -------
        Tensor
            ``(x - offset) / scale``.
        """
        return (x - self.offset) / self.scale

    def to_image(self, x: Tensor) -> Tensor:
        """Map network values to image values.

        Parameters
        ----------
        x : Tensor, any shape
            Network values.

        Returns
        -------
        Tensor
            ``x * scale + offset``.
        """
        return x * self.scale + self.offset
