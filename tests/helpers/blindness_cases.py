"""Networks that leak, each in one way that looks harmless, and networks that are blind in other ways than ours."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from bsn.ops import MaskedConv2d
from tests.helpers import literal_tbsn
from tests.helpers.literal_tbsn import LiteralTBSN, shuffle, unshuffle

WIDTH = 8


class Masked(nn.Conv2d):
    """3x3 convolution without its centre tap; `tap` is the one that is masked, `padding_mode` what lies outside."""

    def __init__(self, channels=1, width=WIDTH, tap=(1, 1), **options):
        super().__init__(channels, width, 3, padding=1, **options)
        self.tap = tap

    def forward(self, x):
        mask = torch.ones_like(self.weight)
        mask[..., self.tap[0], self.tap[1]] = 0
        return self._conv_forward(x, self.weight * mask, self.bias)


def dilated(dilation=2, width=WIDTH):
    return nn.Conv2d(width, width, 3, padding=dilation, dilation=dilation)


class Dilated(nn.Module):
    """Masked head, `body` among dilated convolutions, 1x1 output: blind on 2Z x 2Z unless the body leaks."""

    def __init__(self, body=None, head=None, channels=1):
        super().__init__()
        self.head = head or Masked(channels)
        self.before = nn.Sequential(nn.GELU(), dilated(), nn.GELU())
        self.body = body or nn.Identity()
        self.after = nn.Sequential(dilated(), nn.GELU())
        self.output = nn.Conv2d(WIDTH, channels, 1)

    def forward(self, x):
        x = self.before(self.head(x))
        return self.output(self.after(self.body(x)))


class UpAndDown(nn.Module):
    """Change of resolution and back, around 1x1 convolutions."""

    def __init__(self, down, up, width):
        super().__init__()
        self.down, self.mix, self.up = down, nn.Conv2d(width, width, 1), up

    def forward(self, x):
        return self.up(self.mix(self.down(x)))


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = Dilated()

    def forward(self, x):
        return self.net(x) + 0.1 * x


class FaintResidual(Residual):
    def forward(self, x):
        return self.net(x) + 1e-12 * x


class OddSizeOnly(Residual):
    """Reflects images to a multiple of 8 about a line between pixels: every reflected pixel neighbours its source."""

    def forward(self, x):
        height, width = x.shape[-2:]
        extra = -height % 8, -width % 8
        if any(extra):
            x = torch.cat([x, x[..., height - extra[0] :, :].flip(-2)], -2)
            x = torch.cat([x, x[..., width - extra[1] :].flip(-1)], -1)
        return self.net(x)[..., :height, :width]


class TrainingOnly(Residual):
    def forward(self, x):
        return self.net(x) + (1e-3 * x if self.training else 0)


class AutocastOnly(Residual):
    def forward(self, x):
        return self.net(x) + (x if torch.is_autocast_enabled("cpu") else 0)


class ChannelAttention(literal_tbsn.ChannelAttention):
    """Published channel attention, with one Gram matrix for the whole image."""

    def forward(self, x):
        return x + super().forward(x)


class Shifted(nn.Module):
    """3x3 convolution that sees its own row and the rows above."""

    def __init__(self, n_in, n_out):
        super().__init__()
        self.conv = nn.Conv2d(n_in, n_out, 3, padding=1)

    def forward(self, x):
        x = F.pad(x, (0, 0, 1, 0))[..., :-1, :]
        return F.leaky_relu(self.conv(x), 0.1)


class ShiftUNet(nn.Module):
    """Blind-spot U-Net of Laine et al. 2019: four rotations, convolutions that look up only, one shift by a row."""

    def __init__(self, channels=1, width=6, depth=2):
        super().__init__()
        self.first = Shifted(channels, width)
        self.down = nn.ModuleList(Shifted(width, width) for _ in range(depth))
        self.up = nn.ModuleList(Shifted(2 * width, width) for _ in range(depth))
        self.tail = nn.Sequential(nn.Conv2d(4 * width, 16, 1), nn.LeakyReLU(0.1), nn.Conv2d(16, channels, 1))

    def upward(self, x):
        skips = []
        x = self.first(x)
        for layer in self.down:
            skips.append(x)
            x = layer(F.max_pool2d(F.pad(x, (0, 0, 1, 0))[..., :-1, :], 2))
        for layer in self.up:
            x = layer(torch.cat([F.interpolate(x, scale_factor=2, mode="nearest"), skips.pop()], 1))
        return F.pad(x, (0, 0, 1, 0))[..., :-1, :]

    def forward(self, x):
        views = [torch.rot90(self.upward(torch.rot90(x, k, (2, 3))), -k, (2, 3)) for k in range(4)]
        return self.tail(torch.cat(views, 1))


class Donut(nn.Module):
    """One large kernel without its centre, then pixel by pixel."""

    def __init__(self, channels=2, width=12):
        super().__init__()
        self.around = nn.Conv2d(channels, width, 7, padding=3)
        self.mix = nn.Sequential(nn.ReLU(), nn.Conv2d(width, width, 1), nn.ReLU(), nn.Conv2d(width, channels, 1))
        mask = torch.ones(1, 1, 7, 7)
        mask[..., 3, 3] = 0
        self.register_buffer("mask", mask)

    def forward(self, x):
        return self.mix(F.conv2d(x, self.around.weight * self.mask, self.around.bias, padding=3))


def literal(window, ratio):
    config = {"in_ch": 1, "dim": 8, "num_blocks": [1, 0, 0], "num_refinement_blocks": 0, "channel_heads": [1, 1, 1]}
    config |= {"spatial_heads": [1, 1, 1], "spatial_dim_head": 4, "window_size": window, "overlap_ratio": [ratio] * 3}
    network = LiteralTBSN(config)
    for module in network.modules():  # the channel attention leaks by itself; here the windows are on trial
        if isinstance(module, literal_tbsn.Block):
            module.channel_attn = nn.Identity()
    return network


class Unshuffle(nn.Module):
    def forward(self, x):
        return unshuffle(x)


class Shuffle(nn.Module):
    def forward(self, x):
        return shuffle(x)


def _leaks():
    bilinear = UpAndDown(
        nn.Upsample(scale_factor=0.5, mode="bilinear"), nn.Upsample(scale_factor=2, mode="nearest"), WIDTH
    )
    pooled = UpAndDown(nn.MaxPool2d(2), nn.Upsample(scale_factor=2, mode="nearest"), WIDTH)
    shuffled = UpAndDown(nn.PixelUnshuffle(2), nn.PixelShuffle(2), 4 * WIDTH)
    return {
        "unmasked head": (Dilated(head=nn.Conv2d(1, WIDTH, 3, padding=1)), "head"),
        "mask off by one": (Dilated(head=Masked(tap=(1, 2))), "head"),
        "dilation 1 in the body": (Dilated(nn.Sequential(nn.GELU(), dilated(1))), "body.1"),
        "window (8, 0.25)": (literal(8, 0.25), "encoder_level1.0.spatial_attn"),
        "window (4, 0.5)": (literal(4, 0.5), "encoder_level1.0.spatial_attn"),
        "window (8, 0.75)": (literal(8, 0.75), "encoder_level1.0.spatial_attn"),
        "max-pooling 2 x 2": (Dilated(pooled), "body.down"),
        "pixel-unshuffle": (Dilated(shuffled), "body.down"),
        "bilinear resize": (Dilated(bilinear), "body.down"),
        "instance statistics": (Dilated(nn.InstanceNorm2d(WIDTH)), "body"),
        "batch statistics in train mode": (Dilated(nn.BatchNorm2d(WIDTH)), "body"),
        "global channel attention": (Dilated(ChannelAttention(WIDTH, 1, False)), "body"),
        "residual from the input": (Residual(), ""),
        "border only (replicate padding)": (Dilated(head=Masked(padding_mode="replicate")), "head"),
        "leak of 1e-12": (FaintResidual(), ""),
        "sizes off the window grid only": (OddSizeOnly(), None),
        "train mode only": (TrainingOnly(), ""),
        "bf16 autocast only": (AutocastOnly(), ""),
        "behind a weight that starts at zero": (Dilated(_zero_start()), "body.1"),
    }


def _zero_start():
    layer = dilated(1)
    with torch.no_grad():
        layer.weight[..., [0, 0, 0, 1, 1, 2, 2, 2], [0, 1, 2, 0, 2, 0, 1, 2]] = 0
    return nn.Sequential(nn.GELU(), layer)


def leaking_networks():
    """Name to (network, name of the module that leaks, None where it lies between modules), in eval mode."""
    torch.manual_seed(0)
    return {name: (network.eval(), culprit) for name, (network, culprit) in _leaks().items()}


def blind_networks():
    """Name to (network, channels, side of its blind lattice, None if only pixels by themselves can be certified)."""
    torch.manual_seed(0)
    return {
        "shift U-Net": (ShiftUNet().eval(), 1, None),
        "donut kernel": (Donut().eval(), 2, 4),
        "dilated": (Dilated().eval(), 1, 2),
        "patch-unshuffle": (Dilated(UpAndDown(Unshuffle(), Shuffle(), 4 * WIDTH)).eval(), 1, 2),
        "masked head of side 5": (
            nn.Sequential(MaskedConv2d(1, WIDTH, lattice=3), nn.GELU(), dilated(3), nn.Conv2d(WIDTH, 1, 1)).eval(),
            1,
            3,
        ),
    }
