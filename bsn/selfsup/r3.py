"""Random-replacement refinement (R3): average of passes over the result mixed with some noisy pixels.

=========  =================
paper      here
=========  =================
T          ``passes``
p          ``probability``
=========  =================
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import torch
from torch import Tensor

__all__ = ["random_replacement_refinement"]


def _draws(like: Tensor, passes: int, generator: torch.Generator | None) -> Iterator[Tensor]:
    for _ in range(passes):
        yield torch.rand(like.shape, generator=generator, dtype=like.dtype, device=like.device)


def random_replacement_refinement(
    network: Callable[[Tensor], Tensor],
    noisy: Tensor,
    denoised: Tensor,
    *,
    passes: int = 8,
    probability: float = 0.16,
    generator: torch.Generator | None = None,
    uniforms: Iterable[Tensor] | None = None,
) -> Tensor:
    """Denoise `passes` mixtures of a first result and the noisy image, and average.

    In each pass every element (pixel and channel) is the noisy one with the given probability, else the denoised one.
    The mean is kept as a running sum, so memory does not grow with `passes`.

    Parameters
    ----------
    network : callable
        Maps (N, C, H, W) to the same shape; called at full resolution.
    noisy, denoised : Tensor, shape (N, C, H, W)
        The images before and after denoising, in the network's value range.
    passes : int
        T, at least 1. ``passes=1, probability=0`` is a plain second pass, the published target of distillation.
    probability : float
        p in [0, 1].
    generator : torch.Generator, optional
        Source of the random numbers; None uses torch's global one.
    uniforms : iterable of Tensor, optional
        `passes` tensors of shape (N, C, H, W) with values in [0, 1) that replace the draws (for tests, and for tiles of
        one image that must agree).

    Returns
    -------
    Tensor, shape (N, C, H, W)

    Raises
    ------
    ValueError
        For ``passes < 1`` or a probability outside [0, 1].

    References
    ----------
    Lee, Son, Lee, "AP-BSN", CVPR 2022, section 3.4; the replacement there is per element, as here.
    """
    if passes < 1 or not 0 <= probability <= 1:
        raise ValueError(f"R3 needs at least 1 pass and a probability in [0, 1], not {passes} and {probability}")
    source = _draws(noisy, passes, generator) if uniforms is None else iter(uniforms)
    total = torch.zeros_like(noisy)
    for _ in range(passes):
        mixed = torch.where(next(source) < probability, noisy, denoised)
        total += network(mixed)
    return total / passes
