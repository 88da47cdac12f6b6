"""A larger network that begins as a smaller one that is trained."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bsn.models import Light, LightConfig, MergedConv

__all__ = ["grown"]


@torch.no_grad()
def grown(small: Light, config: LightConfig) -> Light:
    """Make a wider and deeper network that computes what a trained one computes.

    Parameters
    ----------
    small : Light
        Trained network.
    config : LightConfig
        Shape of the larger network: at each level of the small one at least as wide, with at least as many blocks on each
        of its two sides; it may have one level more. The levels above the last one of the small network must have blocks
        on both sides.

    Returns
    -------
    Light
        Network of `config`; until it is trained it gives the images of `small`.

    Raises
    ------
    ValueError
        For a shape that has no room for the small network.

    Notes
    -----
    The features of the small network are the first of the larger one, and read nothing of the new ones (weights 0), while
    the new ones read all. New blocks add 0, and so does the new level (Net2Net, Chen, Goodfellow, Shlens, ICLR 2016).
    """
    large = Light(config)
    levels, more = len(small.config.widths), len(config.widths) - len(small.config.widths)
    if (
        more not in (0, 1)
        or config.channels != small.config.channels
        or (config.bias, small.config.bias) != (False, False)
    ):
        raise ValueError(
            f"{config} cannot begin as {small.config}; give the same channels, no biases, and the same levels or one more"
        )
    merged = small.merged()
    _embed(large.head, merged.head)
    _embed(large.tail, merged.tail)
    for level in range(levels - 1):
        _embed_row(large.encoder[level], merged.encoder[level])
        _embed_row(large.decoder[level], merged.decoder[level])
        _embed(large.down[level], merged.down[level])
        _embed(large.up[level], merged.up[level], transposed=True)
    if more:
        before = len(list(large.encoder[levels - 1].children()))
        _embed_row(large.encoder[levels - 1], merged.bottom[:before])
        _embed_row(large.decoder[levels - 1], merged.bottom[before:])
        _weight(large.up[levels - 1]).zero_()
    else:
        _embed_row(large.bottom, merged.bottom)
    return large


def _embed_row(large: nn.Module, small: nn.Module) -> None:
    blocks, trained = list(large.children()), list(small.children())
    if len(trained) > len(blocks):
        raise ValueError(f"{len(trained)} blocks have no room in {len(blocks)}; give the level more blocks")
    for block, source in zip(blocks, trained, strict=False):
        for convolution in ("first", "second"):
            _embed(block.get_submodule(convolution), source.get_submodule(convolution))
    for block in blocks[len(trained) :]:
        last = block.get_submodule("second")
        _zero_branches(last)
        _weight(last).zero_()


def _embed(large: nn.Module, small: nn.Module, *, transposed: bool = False) -> None:
    _zero_branches(large)
    new, old = _weight(large), _weight(small)
    if transposed:
        new, old = new.transpose(0, 1), old.transpose(0, 1)
    outputs, inputs = old.shape[:2]
    if outputs > new.shape[0] or inputs > new.shape[1]:
        raise ValueError(f"weights of {tuple(old.shape)} have no room in {tuple(new.shape)}; make the network wider")
    new[:outputs].zero_()
    new[:outputs, :inputs] = old


def _weight(module: nn.Module) -> Tensor:
    return module.get_parameter("conv.weight" if isinstance(module, MergedConv) else "weight")


def _zero_branches(module: nn.Module) -> None:
    if isinstance(module, MergedConv) and module.point is not None:
        module.point.zero_()
