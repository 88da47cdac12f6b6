"""The Charbonnier loss: squared error where it is small, absolute error where it is large."""

from torch import Tensor

from bsn.selfsup import register_loss


@register_loss("charbonnier")
def charbonnier_loss(prediction: Tensor, target: Tensor) -> Tensor:
    """Mean of sqrt(error^2 + 0.001^2), one value per sample; both arguments have the shape (N, C, H, W)."""
    return ((prediction - target).square() + 1e-6).sqrt().flatten(1).mean(1)
