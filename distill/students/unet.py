"""The published student: the U-Net of Noise2Noise and of Laine et al. (2019), distilled from TBSN."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bsn.mirror import mirror, mirror_to_multiple
from bsn.models import PublishedConfigError, load_published

__all__ = ["UNet", "UNetConfig"]

_LEVELS = 5
_GRID = 2**_LEVELS


@dataclass(frozen=True)
class UNetConfig:
    """Shape of a :class:`UNet`.

    Parameters
    ----------
    channels : int
        Channels of the image.
    width : int
        Features of the encoder; the decoder has twice as many. Published: 48.
    padding : {"multiple", "square"}
        Sizes that do not fit are reflected to the next multiple of 32; or, as published, in eval mode first to a square.

    Raises
    ------
    ValueError
        For numbers that make no network.
    """

    channels: int = 3
    width: int = 48
    padding: Literal["multiple", "square"] = "multiple"

    def __post_init__(self) -> None:
        if self.channels < 1 or self.width < 1:
            raise ValueError(f"channels and width start at 1, not {self.channels} and {self.width}")
        if self.padding not in ("multiple", "square"):
            raise ValueError(f"padding {self.padding!r} is unknown; use 'multiple' or 'square'")


class UNet(nn.Module):
    """Noisy image in, denoised image out; every pixel is seen, so it is not a blind-spot network.

    Parameters
    ----------
    config : UNetConfig
        Shape of the network.

    References
    ----------
    specs/tbsn.md, section 7.

    Examples
    --------
    >>> UNet(UNetConfig(width=8)).eval()(torch.zeros(1, 3, 40, 50)).shape
    torch.Size([1, 3, 40, 50])
    """

    global_statistics = False
    lattice = 0
    size_multiple = _GRID
    # Convolutions reach 2 + 2 + 4 + ... + 32 pixels down and 32 + 16 + ... + 2 up; a feature of the lowest level is met
    # from any pixel of its block of 32.
    halo = 126 + _GRID - 1

    def __init__(self, config: UNetConfig) -> None:
        super().__init__()
        self.config = config
        d, c = config.width, config.channels
        self.encode_block_1 = _convs(c, d, d)
        for level in range(2, _LEVELS + 2):
            self.add_module(f"encode_block_{level}", _convs(d, d))
        self.decode_block_5 = _convs(2 * d, 2 * d, 2 * d)
        for level in (4, 3, 2):
            self.add_module(f"decode_block_{level}", _convs(3 * d, 2 * d, 2 * d))
        self.decode_block_1 = _convs(2 * d + c, 2 * d, 2 * d)
        self.output_conv = nn.Conv2d(2 * d, c, 1)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw weights as published: Kaiming normal, biases zero."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                if module is self.output_conv:
                    nn.init.kaiming_normal_(module.weight, nonlinearity="linear")
                else:
                    nn.init.kaiming_normal_(module.weight, 0.1, nonlinearity="leaky_relu")
                assert module.bias is not None
                nn.init.zeros_(module.bias)

    @property
    def channels(self) -> int:
        """Channels of the image."""
        return self.config.channels

    def forward(self, x: Tensor) -> Tensor:
        """Denoise.

        Parameters
        ----------
        x : Tensor, shape (N, C, H, W)
            Any size.

        Returns
        -------
        Tensor, shape (N, C, H, W)
        """
        height, width = x.shape[-2:]
        if self.config.padding == "square" and not self.training:
            square = max(height, width)
            x = mirror(x, square, square)
        return self._body(mirror_to_multiple(x, _GRID))[..., :height, :width]

    def _body(self, x: Tensor) -> Tensor:
        skips = [x]
        y = x
        for level in range(1, _LEVELS + 1):
            y = F.max_pool2d(self._block("encode", level)(y), 2)
            skips.append(y)
        y = self._block("encode", _LEVELS + 1)(skips.pop())
        for level in range(_LEVELS, 0, -1):
            y = F.interpolate(y, scale_factor=2.0, mode="nearest")
            y = self._block("decode", level)(torch.cat([y, skips.pop()], 1))
        return self.output_conv(y)

    def _block(self, way: str, level: int) -> nn.Module:
        return self.get_submodule(f"{way}_block_{level}")

    @classmethod
    def from_official(cls, state_dict: Mapping[str, Any], config: Mapping[str, Any] | None = None) -> UNet:
        """Network with published weights, padding as published.

        Parameters
        ----------
        state_dict : mapping
            Official keys, possibly wrapped, see :func:`bsn.models.published.unwrap_state_dict`.
        config : mapping, optional
            Official constructor arguments: ``in_ch``, ``out_ch``, ``dim``.

        Raises
        ------
        PublishedConfigError, ValueError
            If the configuration or the weights do not fit.
        """
        official = dict(config or {})
        inputs, outputs = (int(official.pop(key, 3)) for key in ("in_ch", "out_ch"))
        width = int(official.pop("dim", 48))
        if inputs != outputs:
            raise PublishedConfigError(f"in_ch {inputs} and out_ch {outputs} differ, but a denoiser keeps the channels")
        if official:
            raise PublishedConfigError(
                f"the published U-Net has no argument {min(official)!r}; it has in_ch, out_ch, dim"
            )
        return load_published(cls(UNetConfig(inputs, width, "square")), state_dict, lambda key: key)


def _convs(*widths: int) -> nn.Sequential:
    """3 x 3 convolutions, each followed by a leaky ReLU."""
    layers: list[nn.Module] = []
    for inputs, outputs in itertools.pairwise(widths):
        layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.LeakyReLU(0.1)]
    return nn.Sequential(*layers)
