"""Losses over the pixels that count: neither missing nor outliers.

There are two ways to leave pixels out. Losses that look at each pixel by itself may see other pixels in their place
(:func:`only_counted`). Losses of neighbourhoods need every pixel where it is; there the prediction is taken to be right where
nothing can be learned (:func:`agreeing_where_uncounted`).
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["agreeing_where_uncounted", "counted_places", "only_counted"]

Outputs = TypeVar("Outputs", Tensor, tuple[Tensor, ...])


def counted_places(counted: np.ndarray) -> np.ndarray:
    """Pixels that count, for every pixel one: itself, or another one where it does not count.

    Parameters
    ----------
    counted : ndarray of bool, shape (N, H, W)
        True where a pixel counts.

    Returns
    -------
    ndarray of int64, shape (N, H W)
        Places in the flattened sample. Every pixel that counts is taken about equally often. -1 throughout a sample of which
        no pixel counts.
    """
    masks = counted.reshape(len(counted), -1)
    places = np.tile(np.arange(masks.shape[1]), (len(masks), 1))
    for row, mask in zip(places, masks, strict=True):
        kept, left_out = np.flatnonzero(mask), int((~mask).sum())
        row[~mask] = kept[np.arange(left_out) * len(kept) // left_out] if len(kept) else -1
    return places


def only_counted(places: Tensor, *images: Tensor) -> list[Tensor]:
    """Put pixels that count in the place of those that do not, so that means over all pixels are means over those that count.

    Losses and fits of the noise look at each pixel by itself, so its place does not matter.

    Parameters
    ----------
    places : Tensor of int64, shape (N, H W)
        See :func:`counted_places`. Samples of -1 are left as they are, without a gradient.
    *images : Tensor, shape (N, K, H, W)
        Rearranged alike.

    Returns
    -------
    list of Tensor
        In the order of `images`.
    """
    some = (places[:, :1] >= 0)[..., None, None]
    result = []
    for image in images:
        wide = places.clamp_min(0)[:, None].expand(-1, image.shape[1], -1)
        arranged = image.flatten(2).gather(2, wide).view(image.shape)
        result.append(torch.where(some, arranged, arranged.detach()))
    return result


def agreeing_where_uncounted(outputs: Outputs, target: Tensor, counted: Tensor) -> tuple[Outputs, Tensor]:
    """Let a prediction be its target where pixels do not count, so that no error and no gradient is left there.

    Parameters
    ----------
    outputs : Tensor, shape (N, K, H, W), or a tuple of it and the same at half the size
        What a network gives. Channels beyond those of the target are left as they are.
    target : Tensor, shape (N, C, H, W)
        Finite everywhere.
    counted : Tensor of bool, shape (N, H, W)
        Pixels that count.

    Returns
    -------
    outputs : as given
        At half the size a pixel counts if all four pixels that it stands for do.
    factor : Tensor, shape (N,)
        Number of pixels by number of pixels that count: a mean over all pixels times this is the mean over those that count.
        0 for samples without any.
    """
    number = counted.flatten(1).sum(1)
    factor = torch.where(number > 0, counted[0].numel() / number.clamp_min(1), 0.0)
    if isinstance(outputs, Tensor):
        return _agreeing(outputs, target, counted), factor
    halved = F.interpolate(target, scale_factor=0.5, mode="bilinear", align_corners=False)
    all_four = -F.max_pool2d(-counted[:, None].to(target.dtype), 2)[:, 0] > 0.5
    half = [_agreeing(output, halved, all_four) for output in outputs[1:2]]
    return (_agreeing(outputs[0], target, counted), *half, *outputs[2:]), factor


def _agreeing(output: Tensor, target: Tensor, counted: Tensor) -> Tensor:
    channels = target.shape[1]
    agreeing = torch.where(counted[:, None], output[:, :channels], target)
    return agreeing if output.shape[1] == channels else torch.cat([agreeing, output[:, channels:]], 1)
