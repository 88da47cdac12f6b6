"""Convolutional pieces of the multi-scale network: stem and transitions. All convolutions are without biases."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

__all__ = ["Bottleneck", "Stem", "Transition", "conv_norm", "halving"]

EXPANSION = 4


def conv_norm(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> list[nn.Module]:
    """Convolution and batch norm.

    Parameters
    ----------
    inputs, outputs, kernel, stride : int
        Channels in and out, side of the kernel and stride in pixels.
    """
    conv = nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=kernel // 2, bias=False)
    return [conv, nn.BatchNorm2d(outputs)]


def halving(inputs: int, outputs: int, count: int, *, last_relu: bool) -> nn.Sequential:
    """Convolutions of stride 2, one behind the other; only the last changes the width.

    Parameters
    ----------
    inputs, outputs, count : int
        Channels in and out, and number of convolutions.
    last_relu : bool
        Whether the last has a ReLU, as all others do.
    """
    steps = []
    for number in range(count):
        last = number == count - 1
        layers = conv_norm(inputs, outputs if last else inputs, stride=2)
        steps.append(nn.Sequential(*layers, *([] if last and not last_relu else [nn.ReLU()])))
    return nn.Sequential(*steps)


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 convolution around a shortcut; four times as wide at the end.

    Parameters
    ----------
    inputs, width : int
        Channels in, and channels of the 3x3 convolution.
    """

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        outputs = EXPANSION * width
        self.conv1, self.bn1 = conv_norm(inputs, width, 1)
        self.conv2, self.bn2 = conv_norm(width, width)
        self.conv3, self.bn3 = conv_norm(width, outputs, 1)
        self.downsample = nn.Sequential(*conv_norm(inputs, outputs, 1)) if inputs != outputs else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Apply the bottleneck and add its input.

        Parameters
        ----------
        x : Tensor, shape (N, inputs, H, W)
            Features.

        Returns
        -------
        Tensor, shape (N, 4 width, H, W)
        """
        y = self.bn1(self.conv1(x)).relu()
        y = self.bn2(self.conv2(y)).relu()
        return (self.bn3(self.conv3(y)) + self.downsample(x)).relu()


class Stem(nn.Sequential):
    """Bottlenecks at full resolution.

    Parameters
    ----------
    channels : int
        Channels of the image.
    width : int
        The result has 4 width channels.
    blocks : int
        Number of bottlenecks.
    """

    def __init__(self, channels: int, width: int, blocks: int) -> None:
        super().__init__(*(Bottleneck(EXPANSION * width if n else channels, width) for n in range(blocks)))


class Transition(nn.Module):
    """Branches of one cell to those of the next: widths adapted, new scales made from the coarsest.

    Parameters
    ----------
    before, after : sequence of int
        Widths of the branches, from full resolution down.
    """

    def __init__(self, before: Sequence[int], after: Sequence[int]) -> None:
        super().__init__()
        self.old = len(before)
        self.paths = nn.ModuleList()
        for branch, width in enumerate(after):
            if branch >= self.old:
                self.paths.append(halving(before[-1], width, branch + 1 - self.old, last_relu=True))
            elif before[branch] == width:
                self.paths.append(nn.Identity())
            else:
                self.paths.append(nn.Sequential(*conv_norm(before[branch], width), nn.ReLU()))

    def forward(self, branches: Sequence[Tensor]) -> list[Tensor]:
        """Adapt branches, and open new ones, for the next cell.

        Parameters
        ----------
        branches : sequence of Tensor
            Entry i has the shape (N, before[i], H / 2^i, W / 2^i).

        Returns
        -------
        list of Tensor
            Features with ``after`` channels each.
        """
        return [path(branches[min(number, self.old - 1)]) for number, path in enumerate(self.paths)]
