"""The published students of the half-plane networks: U-Nets that see the noisy pixel."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bsn.mirror import mirror_to_multiple
from bsn.models import PublishedConfigError, load_published, unwrap_state_dict

__all__ = ["NBSN", "NBSNConfig"]

_SLOPE = 0.1
_DECODER = {"1": "decoders", "2": "last"}  # first and second convolution of a level


@dataclass(frozen=True)
class NBSNConfig:
    """Shape of an :class:`NBSN`.

    Parameters
    ----------
    channels : int
        Channels of the image.
    width : int
        F, features of the encoder; the decoder has twice as many. Published: 48.
    form : {"at-bsn", "tm-bsn"}
        AT-BSN's student hands the pooled features and, at full resolution, the image to its decoder; TM-BSN's hands over the
        features before the pooling, and its last layer is linear.
    levels : int
        Number of halvings of the resolution. Published: 5.

    Raises
    ------
    ValueError
        For numbers and forms that make no network.
    """

    channels: int = 3
    width: int = 48
    form: Literal["at-bsn", "tm-bsn"] = "at-bsn"
    levels: int = 5

    def __post_init__(self) -> None:
        if min(self.channels, self.width, self.levels) < 1:
            raise ValueError(
                f"channels {self.channels}, width {self.width} and levels {self.levels} cannot be built; use 1 or more"
            )
        if self.form not in ("at-bsn", "tm-bsn"):
            raise ValueError(f"the form {self.form!r} is unknown; use 'at-bsn' or 'tm-bsn'")


class NBSN(nn.Module):
    """Noisy image in, denoised image out; every pixel is seen, so it is not blind.

    Parameters
    ----------
    config : NBSNConfig, optional
        Shape of the network.

    References
    ----------
    specs/halfplane.md, sections 3 and 4; Chen et al., CVPR 2024; TM-BSN, CVPR 2026.

    Examples
    --------
    >>> NBSN(NBSNConfig(width=8)).eval()(torch.zeros(1, 3, 40, 50)).shape
    torch.Size([1, 3, 40, 50])
    """

    global_statistics = False
    lattice = 0

    def __init__(self, config: NBSNConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or NBSNConfig()
        f, c, at_bsn = config.width, config.channels, config.form == "at-bsn"
        self.intro = nn.Conv2d(c, f, 3, padding=1) if at_bsn else None
        self.encoders = nn.ModuleList(
            nn.Conv2d(c if level == 0 and not at_bsn else f, f, 3, padding=1) for level in range(config.levels + 1)
        )
        into = [self._into(level) for level in range(config.levels)]
        self.decoders = nn.ModuleList(nn.Conv2d(n, 2 * f, 3, padding=1) for n in into)
        self.last = nn.ModuleList(
            nn.Conv2d(2 * f, c if level == 0 else 2 * f, 3, padding=1) for level in range(config.levels)
        )
        self.reset_parameters()

    def _into(self, level: int) -> int:
        """Channels that the decoder of a level gets: from the level below, and from the encoder."""
        f, at_bsn = self.config.width, self.config.form == "at-bsn"
        below = f if level == self.config.levels - 1 else 2 * f
        return below + (self.config.channels if at_bsn and level == 0 else f)

    def reset_parameters(self) -> None:
        """He-normal weights for leaky ReLUs, biases of zero."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, a=_SLOPE, nonlinearity="leaky_relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    @property
    def channels(self) -> int:
        """Channels of the image."""
        return self.config.channels

    @property
    def size_multiple(self) -> int:
        """Grid on which tiles have to start: the cells of the coarsest level."""
        return 2**self.config.levels

    @property
    def halo(self) -> int:
        """Farthest pixel that can influence an output."""
        grid = self.size_multiple
        # Encoder: 1 + 1 + 2 + ... + 2^levels pixels and the cells; decoder: two convolutions on each level.
        return 2 * grid + 2 * (grid - 1) + grid - 1

    def forward(self, x: Tensor) -> Tensor:
        """Denoise a batch.

        Parameters
        ----------
        x : Tensor, shape (N, C, H, W)
            Any size, in the value range the weights were trained on.

        Returns
        -------
        Tensor, shape (N, C, H, W)
        """
        height, width = x.shape[-2:]
        x = mirror_to_multiple(x, self.size_multiple)
        coarse, skips = self._encode(x)
        return self._decode(coarse, skips)[..., :height, :width]

    def _encode(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        skips = [x] if self.intro is not None else []
        features = x if self.intro is None else F.leaky_relu(self.intro(x), _SLOPE)
        for encoder in self.encoders[:-1]:
            features = F.leaky_relu(encoder(features), _SLOPE)
            if self.intro is None:
                skips.append(features)
            features = F.max_pool2d(features, 2)
            if self.intro is not None:
                skips.append(features)
        return F.leaky_relu(self.encoders[-1](features), _SLOPE), skips

    def _decode(self, features: Tensor, skips: list[Tensor]) -> Tensor:
        for level in reversed(range(self.config.levels)):
            features = F.interpolate(features, scale_factor=2.0, mode="nearest")
            features = F.leaky_relu(self.decoders[level](torch.cat([features, skips[level]], 1)), _SLOPE)
            features = self.last[level](features)
            if level or self.config.form == "at-bsn":
                features = F.leaky_relu(features, _SLOPE)
        return features

    @classmethod
    def from_official(cls, state_dict: Mapping[str, Any], config: Mapping[str, Any] | None = None) -> NBSN:
        """Network with published weights of either student; the keys tell which.

        Parameters
        ----------
        state_dict : mapping of str to Tensor
            Official keys, possibly wrapped, see :func:`bsn.models.published.unwrap_state_dict`.
        config : mapping, optional
            AT-BSN: ``n_channels``, ``mid_channels``, ``n_output``. TM-BSN: ``in_channels``, ``feat_channels``. What is missing
            takes the official default.

        Raises
        ------
        PublishedConfigError, ValueError
            If the configuration or the weights do not fit.
        """
        official = dict(config or {})
        channels = int(official.get("n_channels", official.get("in_channels", 3)))
        outputs = int(official.get("n_output", official.get("out_channels", channels)))
        if channels != outputs:
            raise PublishedConfigError(
                f"the published student has {channels} channels in and {outputs} out, but a denoiser keeps the channels; "
                "use weights of a denoiser"
            )
        width = int(official.get("mid_channels", official.get("feat_channels", 48)))
        weights = unwrap_state_dict(state_dict)
        form: Literal["at-bsn", "tm-bsn"] = "at-bsn" if any("intro" in key for key in weights) else "tm-bsn"
        return load_published(cls(NBSNConfig(channels, width, form)), weights, _our_key)


def _our_key(key: str) -> str:
    key = key.removeprefix("unet.")
    if match := re.fullmatch(r"intro\.conv\.(weight|bias)", key):
        return f"intro.{match[1]}"
    if match := re.fullmatch(r"enc(\d)(?:\.conv1)?\.conv\.(weight|bias)", key):
        return f"encoders.{int(match[1]) - 1}.{match[2]}"
    if match := re.fullmatch(r"dec(\d)\.conv(\d)\.conv\.(weight|bias)", key):
        return f"{_DECODER[match[2]]}.{int(match[1]) - 1}.{match[3]}"
    # TM-BSN counts the two convolutions of a level downwards: _2 comes first.
    if match := re.fullmatch(r"dec(\d)_([12])(?:\.conv)?\.(weight|bias)", key):
        return f"{_DECODER[{'2': '1', '1': '2'}[match[2]]]}.{int(match[1]) - 1}.{match[3]}"
    raise KeyError(key)
