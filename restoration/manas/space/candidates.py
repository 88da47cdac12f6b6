"""The attention operators that an edge can choose, by name: each is one class under :func:`register_candidate`.

A further one is a module of one argument, its number of channels; genotypes call it by its name.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, nn

__all__ = [
    "CBAM",
    "PUBLISHED_ORDER",
    "Candidate",
    "DilatedGate",
    "SeparableGate",
    "Skip",
    "SpatialDilatedGate",
    "SpatialSeparableGate",
    "SqueezeBothGate",
    "SqueezeGate",
    "Zero",
    "candidate",
    "candidate_names",
    "make_candidate",
    "register_candidate",
]

Module = TypeVar("Module", bound=nn.Module)

# Column i of the published edge parameters is candidate i; genotypes name them, so that more can be added behind.
PUBLISHED_ORDER = (
    "none",
    "skip_connect",
    "sep_conv_3x3",
    "dil_conv_3x3",
    "sep_conv_3x3_spatial",
    "dil_conv_3x3_spatial",
    "SE",
    "SE_A_M",
    "CBAM",
)


@dataclass(frozen=True)
class Candidate:
    """An operator that an edge of an attention block can choose.

    Parameters
    ----------
    name : str
        Name in genotypes.
    build : callable
        ``build(channels)`` gives a module that maps (N, channels, H, W) to the same shape.
    summary : str
        A few words for tables and drawings.
    reach : int
        Farthest pixel that can influence an output, pooling over the whole image aside.
    """

    name: str
    build: Callable[[int], nn.Module]
    summary: str
    reach: int


_candidates: dict[str, Candidate] = {}


def register_candidate(name: str, summary: str, reach: int = 0) -> Callable[[type[Module]], type[Module]]:
    """Class decorator: make a module of one argument, its number of channels, a candidate of the search.

    Parameters
    ----------
    name, summary : str
        Name of the candidate, and one line that describes it.
    reach : int
        See :class:`Candidate`.
    """

    def add(cls: type[Module]) -> type[Module]:
        _candidates[name] = Candidate(name, cls, summary, reach)
        return cls

    return add


def candidate_names() -> tuple[str, ...]:
    """Names of all candidates: the published ones in their order, then others in the order of their registration."""
    return PUBLISHED_ORDER + tuple(name for name in _candidates if name not in PUBLISHED_ORDER)


def candidate(name: str) -> Candidate:
    """Candidate of a name.

    Parameters
    ----------
    name : str
        Name of a candidate.

    Returns
    -------
    Candidate

    Raises
    ------
    ValueError
        If the name is unknown; the message lists near names.
    """
    if name not in _candidates:
        near = difflib.get_close_matches(name, candidate_names(), n=2) or candidate_names()
        raise ValueError(f"there is no candidate {name!r}; did you mean {' or '.join(near)}?")
    return _candidates[name]


def make_candidate(name: str, channels: int) -> nn.Module:
    """Fresh module of a candidate.

    Parameters
    ----------
    name : str
        Name of a candidate.
    channels : int
        Channels in and out.

    Returns
    -------
    nn.Module
    """
    return candidate(name).build(channels)


def plain_norm(channels: int) -> nn.BatchNorm2d:
    """Batch norm without factors and offsets, which a search would have to learn anew for every mixture.

    Parameters
    ----------
    channels : int
        Channels of the features.

    Returns
    -------
    nn.BatchNorm2d
    """
    return nn.BatchNorm2d(channels, affine=False)


class DilatedDepthwise(nn.Conv2d):
    """Depth-wise 3x3 convolution with dilation, in float32 on a CPU even where the network around it is in bfloat16.

    PyTorch's gradient of such weights on channels-last bfloat16 tensors is wrong, and reads and writes where it must not
    (found with 2.13; grouped and dilated convolutions only).

    Parameters
    ----------
    channels, dilation : int
        Channels in and out, and dilation in pixels.
    """

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__(channels, channels, 3, padding=dilation, dilation=dilation, groups=channels, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve each channel with dilation.

        Parameters
        ----------
        x : Tensor, shape (N, C, H, W)
            Features.

        Returns
        -------
        Tensor, shape (N, C, H, W)
        """
        if x.device.type != "cpu" or x.dtype == torch.float64:
            return super().forward(x)
        with torch.autocast("cpu", enabled=False):
            return self._conv_forward(x.float(), self.weight.float(), None).to(x.dtype)


def separable(inputs: int, outputs: int, *, dilation: int = 1) -> list[nn.Module]:
    """Depth-wise 3x3 convolution, 1x1 convolution, norm; without biases, the size is kept.

    Parameters
    ----------
    inputs, outputs, dilation : int
        Channels in and out, and dilation of the depth-wise convolution in pixels.
    """
    depthwise = (
        DilatedDepthwise(inputs, dilation)
        if dilation > 1
        else nn.Conv2d(inputs, inputs, 3, padding=1, groups=inputs, bias=False)
    )
    return [
        depthwise,
        nn.Conv2d(inputs, outputs, 1, bias=False),
        plain_norm(outputs),
    ]


def channel_maps(x: Tensor) -> Tensor:
    """Largest and mean channel of every pixel.

    Parameters
    ----------
    x : Tensor, shape (N, C, H, W)
        Features.

    Returns
    -------
    Tensor, shape (N, 2, H, W)
    """
    return torch.cat([x.amax(1, keepdim=True), x.mean(1, keepdim=True)], 1)


def squeezed(channels: int, reduction: int, *, bias: bool) -> nn.Sequential:
    """Two linear layers around a bottleneck, for (N, channels).

    Parameters
    ----------
    channels, reduction : int
        The bottleneck has channels // reduction.
    bias : bool
        Whether the layers have offsets.
    """
    hidden = channels // reduction
    return nn.Sequential(nn.Linear(channels, hidden, bias=bias), nn.ReLU(), nn.Linear(hidden, channels, bias=bias))


@register_candidate("none", "no connection")
class Zero(nn.Module):
    """Zeros, whatever comes in.

    Parameters
    ----------
    channels : int
        Channels in and out.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()

    def forward(self, x: Tensor) -> Tensor:
        """Return zeros of the shape of the input.

        Parameters
        ----------
        x : Tensor, shape (N, C, H, W)
            Features.
        """
        return torch.zeros_like(x)


@register_candidate("skip_connect", "identity")
class Skip(nn.Module):
    """What comes in.

    Parameters
    ----------
    channels : int
        Channels in and out.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()

    def forward(self, x: Tensor) -> Tensor:
        """Return the input.

        Parameters
        ----------
        x : Tensor, shape (N, C, H, W)
            Features.
        """
        return x


@register_candidate("sep_conv_3x3", "gate of two separable convolutions", reach=2)
class SeparableGate(nn.Module):
    """x times a sigmoid of two separable convolutions with a ReLU between them.

    Parameters
    ----------
    channels : int
        Channels in and out.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.op = nn.Sequential(*separable(channels, channels), nn.ReLU(), *separable(channels, channels))

    def forward(self, x: Tensor) -> Tensor:
        """Weigh the features by a gate of separable convolutions.

        Parameters
        ----------
        x : Tensor, shape (N, C, H, W)
            Features.

        Returns
        -------
        Tensor, shape (N, C, H, W)
        """
        return x * torch.sigmoid(self.op(x))


@register_candidate("dil_conv_3x3", "gate of a dilated separable convolution", reach=2)
class DilatedGate(nn.Module):
    """x times a sigmoid of a separable convolution of dilation 2.

    Parameters
    ----------
    channels : int
        Channels in and out.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.op = nn.Sequential(*separable(channels, channels, dilation=2))

    def forward(self, x: Tensor) -> Tensor:
        """Weigh the features by a gate of dilated convolutions.

        Parameters
        ----------
        x : Tensor, shape (N, C, H, W)
            Features.

        Returns
        -------
        Tensor, shape (N, C, H, W)
        """
        return x * torch.sigmoid(self.op(x))


@register_candidate("sep_conv_3x3_spatial", "spatial gate of two separable convolutions", reach=2)
class SpatialSeparableGate(nn.Module):
    """x times a sigmoid of two separable convolutions of its largest and mean channel.

    Parameters
    ----------
    channels : int
        Channels in and out.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.op = nn.Sequential(*separable(2, 2), nn.ReLU(), *separable(2, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Weigh the pixels by a gate of separable convolutions.

        Parameters
        ----------
        x : Tensor, shape (N, C, H, W)
            Features.

        Returns
        -------
        Tensor, shape (N, C, H, W)
        """
        return x * torch.sigmoid(self.op(channel_maps(x)))


@register_candidate("dil_conv_3x3_spatial", "spatial gate of a dilated convolution", reach=2)
class SpatialDilatedGate(nn.Module):
    """x times a sigmoid of a full 3x3 convolution of dilation 2 of its largest and mean channel.

    Parameters
    ----------
    channels : int
        Channels in and out.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.op = nn.Sequential(
            nn.Conv2d(2, 1, 3, padding=2, dilation=2, bias=False), nn.Conv2d(1, 1, 1, bias=False), plain_norm(1)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Weigh the pixels by a gate of dilated convolutions.

        Parameters
        ----------
        x : Tensor, shape (N, C, H, W)
            Features.

        Returns
        -------
        Tensor, shape (N, C, H, W)
        """
        return x * torch.sigmoid(self.op(channel_maps(x)))


@register_candidate("SE", "channel gate of means")
class SqueezeGate(nn.Module):
    """Squeeze and excitation.

    Parameters
    ----------
    channels : int
        Channels in and out.
    reduction : int
        Divisor of the channels in the bottleneck.

    References
    ----------
    Hu et al., "Squeeze-and-Excitation Networks", CVPR 2018.
    """

    def __init__(self, channels: int, reduction: int = 4) -> None:
        super().__init__()
        self.fc = squeezed(channels, reduction, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Weigh the channels by their means over the image.

        Parameters
        ----------
        x : Tensor, shape (N, C, H, W)
            Features.

        Returns
        -------
        Tensor, shape (N, C, H, W)
        """
        return x * torch.sigmoid(self.fc(x.mean((2, 3))))[..., None, None]


@register_candidate("SE_A_M", "channel gate of means and maxima")
class SqueezeBothGate(nn.Module):
    """Squeeze and excitation of means and maxima with shared layers.

    Parameters
    ----------
    channels : int
        Channels in and out.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc = squeezed(channels, 4, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Weigh the channels by their means and maxima over the image.

        Parameters
        ----------
        x : Tensor, shape (N, C, H, W)
            Features.

        Returns
        -------
        Tensor, shape (N, C, H, W)
        """
        return x * torch.sigmoid(self.fc(x.mean((2, 3))) + self.fc(x.amax((2, 3))))[..., None, None]


@register_candidate("CBAM", "channel gate, then spatial gate", reach=3)
class CBAM(nn.Module):
    """Convolutional block attention module.

    Parameters
    ----------
    channels : int
        Channels in and out.

    References
    ----------
    Woo et al., "CBAM: Convolutional Block Attention Module", ECCV 2018.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channel = squeezed(channels, 4, bias=True)
        self.conv = nn.Conv2d(2, 1, 7, padding=3, bias=False)
        self.norm = nn.BatchNorm2d(1, momentum=0.01)

    def forward(self, x: Tensor) -> Tensor:
        """Weigh channels, then pixels.

        Parameters
        ----------
        x : Tensor, shape (N, C, H, W)
            Features.

        Returns
        -------
        Tensor, shape (N, C, H, W)
        """
        x = x * torch.sigmoid(self.channel(x.mean((2, 3))) + self.channel(x.amax((2, 3))))[..., None, None]
        return x * torch.sigmoid(self.norm(self.conv(channel_maps(x))))
