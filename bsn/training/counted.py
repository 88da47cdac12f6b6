"""Losses over the pixels that count: neither missing nor outliers.

There are two ways to leave pixels out. Losses that look at each pixel by itself may see other pixels in their place
(:func:`only_counted`). Losses of neighbourhoods need every pixel where it is; there the prediction is taken to be right where
nothing can be learned (:func:`agreeing_where_uncounted`).
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["agreeing_at_both_sizes", "agreeing_where_uncounted", "counted_places", "only_counted"]


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


def agreeing_where_uncounted(output: Tensor, target: Tensor, counted: Tensor) -> tuple[Tensor, Tensor]:
    """Let a prediction be its target where pixels do not count, so that no error and no gradient is left there.

    Parameters
    ----------
    output : Tensor, shape (N, K, H, W)
        What a network gives. Channels beyond those of the target are left as they are.
    target : Tensor, shape (N, C, H, W)
        Finite everywhere.
    counted : Tensor of bool, shape (N, H, W)
        Pixels that count.

    Returns
    -------
    output : Tensor, shape (N, K, H, W)
    factor : Tensor, shape (N,)
        Number of pixels by number of pixels that count: a mean over all pixels times this is the mean over those that count.
        0 for samples without any.
    """
    number, channels = counted.flatten(1).sum(1), target.shape[1]
    factor = torch.where(number > 0, counted[0].numel() / number.clamp_min(1), 0.0)
    agreeing = torch.where(counted[:, None], output[:, :channels], target)
    return torch.cat([agreeing, output[:, channels:]], 1), factor


def agreeing_at_both_sizes(outputs: tuple[Tensor, ...], target: Tensor, counted: Tensor) -> tuple[Tensor, ...]:
    """Do the same to a network's outputs of full and of half the size.

    Parameters
    ----------
    outputs : tuple of Tensor, shapes (N, C, H, W) and (N, C, H / 2, W / 2)
        The second may be missing; further ones stay as they are.
    target : Tensor, shape (N, C, H, W)
        Finite everywhere; bilinearly halved for the second output.
    counted : Tensor of bool, shape (N, H, W)
        Pixels that count. At half the size a pixel counts if all four pixels that it stands for do.

    Returns
    -------
    tuple of Tensor
    """
    whole, _ = agreeing_where_uncounted(outputs[0], target, counted)
    if len(outputs) == 1:
        return (whole,)
    halved = F.interpolate(target, scale_factor=0.5, mode="bilinear", align_corners=False)
    all_four = -F.max_pool2d(-counted[:, None].to(target.dtype), 2)[:, 0] > 0.5
    half, _ = agreeing_where_uncounted(outputs[1], halved, all_four)
    return (whole, half, *outputs[2:])
