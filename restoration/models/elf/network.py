"""ELF: association of rain removal and background recovery."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bsn.mirror import mirror_to_multiple
from bsn.models import load_published
from restoration.models.elf.attention import Branch, MultiInputAttention, TransformerBlock, halved
from restoration.models.elf.config import ELFConfig
from restoration.models.elf.official import our_config, our_key, our_tensors
from restoration.models.elf.pieces import (
    ConvBlock,
    Fuse,
    FuseFour,
    Resize,
    SeparableBlock,
    conv3x3,
    shuffle_up,
)
from restoration.networks import RestorationNetwork, zero

__all__ = ["ELF"]


class EncoderStage(nn.Module):
    """One level of the encoder.

    Parameters
    ----------
    channels : int
        Channels in and out.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.block, self.fuse = SeparableBlock(channels), Fuse(channels)

    def forward(self, x: Tensor, activation: nn.Module) -> Tensor:
        """Encode one level.

        Parameters
        ----------
        x : Tensor, shape (N, C, H, W)
            Features.
        activation : nn.Module
            The sub-network's, which shares one slope.

        Returns
        -------
        Tensor, shape (N, C, H, W)
        """
        return self.fuse(x, self.block(x, activation))


class DecoderStage(nn.Module):
    """One level of the decoder.

    Parameters
    ----------
    channels : int
        Channels in and out.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.join, self.block, self.fuse = FuseFour(channels), ConvBlock(channels), Fuse(channels)

    def forward(self, parts: tuple[Tensor, Tensor, Tensor, Tensor], activation: nn.Module) -> Tensor:
        """Join four sources and decode one level.

        Parameters
        ----------
        parts : tuple of 4 Tensor, each of shape (N, C, H, W)
            Features of the four sources.
        activation : nn.Module
            The sub-network's, which shares one slope.

        Returns
        -------
        Tensor, shape (N, C, H, W)
        """
        joined = self.join(*parts)
        return self.fuse(joined, self.block(joined, activation))


class EncoderDecoder(nn.Module):
    """Convolutional branch: three levels below its input, all of one width, all connected.

    Parameters
    ----------
    channels : int
        Channels in and out.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        n = channels
        self.down = nn.ModuleList(Resize(n, 0.5) for _ in range(3))
        self.encoder = nn.ModuleList(EncoderStage(n) for _ in range(3))
        self.up = nn.ModuleList(Resize(n, 2) for _ in range(3))
        self.decoder = nn.ModuleList(DecoderStage(n) for _ in range(3))
        self.down_23, self.down_13, self.down_12 = Resize(n, 0.5), Resize(n, 0.25), Resize(n, 0.5)
        self.up_32, self.up_21, self.up_31 = Resize(n, 2), Resize(n, 2), Resize(n, 4)

    def forward(self, x: Tensor, activation: nn.Module) -> Tensor:
        """Encode and decode.

        Parameters
        ----------
        x : Tensor, shape (N, C, H, W)
            H and W are multiples of 8.
        activation : nn.Module
            The sub-network's, which shares one slope.

        Returns
        -------
        Tensor, shape (N, C, H, W)
        """
        e1 = self.encoder[0](self.down[0](x), activation)
        e2 = self.encoder[1](self.down[1](e1), activation)
        e3 = self.encoder[2](self.down[2](e2), activation)
        d3 = self.decoder[2]((e3, e3, self.down_23(e2), self.down_13(e1)), activation)
        d2 = self.decoder[1]((self.up[2](d3), e2, self.down_12(e1), self.up_32(e3)), activation)
        d1 = self.decoder[0]((self.up[1](d2), e1, self.up_21(e2), self.up_31(e3)), activation)
        return self.up[0](d1)


class RainNetwork(nn.Module):
    """Predict the rain at half the size, and with it a coarse background (DSNet).

    Parameters
    ----------
    config : ELFConfig
        Configuration of the network.
    """

    def __init__(self, config: ELFConfig) -> None:
        super().__init__()
        n, channels = config.width, config.channels
        self.activation = nn.PReLU()
        self.embed, self.embed_quadrants = conv3x3(channels, n), conv3x3(4 * channels, n)
        self.block1, self.block2 = ConvBlock(n), ConvBlock(n)
        self.former = TransformerBlock(config, config.rain_heads)
        self.join = conv3x3(2 * n, n)
        self.branch, self.convolutional = Branch(config), EncoderDecoder(n)
        self.fuse = Fuse(n)
        self.tail = conv3x3(n, channels)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Separate rain and background at half size.

        Parameters
        ----------
        x : Tensor, shape (N, C, H, W)
            H and W are multiples of 16.

        Returns
        -------
        rain, background : Tensor, shape (N, C, H / 2, W / 2)
        """
        half = halved(x)
        a = self.block1(self.embed(half), self.activation)
        b = self.former(self.block2(self.embed_quadrants(quadrants(x)), self.activation))
        f = self.join(torch.cat([a, b], 1))
        rain = self.tail(self.fuse(self.branch(f), self.convolutional(f, self.activation)))
        return rain, half - rain


class BackgroundNetwork(nn.Module):
    """Restore the image at full size with rain and coarse background as priors (SSNet).

    Parameters
    ----------
    config : ELFConfig
        Configuration of the network.
    """

    def __init__(self, config: ELFConfig) -> None:
        super().__init__()
        n = config.width
        self.config = config
        self.activation = nn.PReLU()
        self.stem = MultiInputAttention(config)
        self.former = TransformerBlock(config, config.background_heads)
        self.branch, self.convolutional = Branch(config), EncoderDecoder(n)
        self.fuse = Fuse(n)
        self.expand = conv3x3(n, 2 * n)
        self.tail = conv3x3(n // 2, config.channels)

    def forward(self, image: Tensor, rain: Tensor, background: Tensor) -> Tensor:
        """Restore the image.

        Parameters
        ----------
        image : Tensor, shape (N, C, H, W)
            Rainy images.
        rain, background : Tensor, shape (N, C, H / 2, W / 2)
            Predicted rain and the background without it, at half the size.

        Returns
        -------
        Tensor, shape (N, C, H, W)
        """
        features = self.stem(image, rain, background)
        if self.config.block_position == "before":
            features = self.former(features)
        features = self.fuse(self.branch(features), self.convolutional(features, self.activation))
        if self.config.block_position == "after":
            features = self.former(features)
        detail = self.tail(shuffle_up(self.expand(features)))
        prior = rain if self.config.topology == "residual" else background
        out = detail + F.interpolate(prior, scale_factor=2, mode="bilinear", align_corners=False)
        return image - out if self.config.topology == "residual" else out


def quadrants(x: Tensor) -> Tensor:
    """Stack the four quarters of an image on its channels: top left, top right, bottom left, bottom right.

    Parameters
    ----------
    x : Tensor, shape (N, C, H, W), even sides
        Features.

    Returns
    -------
    Tensor, shape (N, 4 C, H / 2, W / 2)
        Each pixel holds four distant places of the image.
    """
    return torch.cat([part for half in x.chunk(2, -2) for part in half.chunk(2, -1)], 1)


class ELF(RestorationNetwork):
    """Efficient deraining by association of rain removal and background recovery.

    A first network predicts the rain at half the size. A second one restores the image at full size and takes rain and
    coarse background as priors: in its multi-input attention the rain picks channels of the image.

    Parameters
    ----------
    config : ELFConfig, optional
        Default: the published size.

    References
    ----------
    Jiang et al., "Magic ELF: Image Deraining Meets Association Learning and Transformer", ACM MM 2022, arXiv 2207.10455.

    Examples
    --------
    >>> full, half = ELF(ELFConfig(width=8, branch_blocks=1))(torch.rand(1, 3, 37, 50))
    >>> full.shape, half.shape
    (torch.Size([1, 3, 37, 50]), torch.Size([1, 3, 19, 25]))
    """

    global_statistics = True
    size_multiple = 16

    def __init__(self, config: ELFConfig | None = None) -> None:
        super().__init__()
        self.config: ELFConfig = config or ELFConfig()
        self.rain, self.background = RainNetwork(self.config), BackgroundNetwork(self.config)
        if self.config.start_at_identity:
            zero(self.background.tail)
            with torch.no_grad():  # not zero: the attention normalises features of the predicted rain
                self.rain.tail.weight.mul_(0.1)

    @classmethod
    def from_official(cls, state_dict: Mapping[str, Any], config: Mapping[str, Any]) -> ELF:
        """Network with published weights.

        Parameters
        ----------
        state_dict : mapping of str to Tensor
            Under the official keys, bare or wrapped. The slope that the published code shares is stored under many names;
            they have to be equal.
        config : mapping
            ``n_feat``, ``orb_blocks``, heads, ``ffn_act``, ``topology``, ``ss_former_position``. Widths, blocks, heads and
            activation follow from the weights where they are missing; the topology does not, and is "background" then.

        Returns
        -------
        ELF
            The network in eval mode, in the dtype of the weights, for images in [0, 1].

        Raises
        ------
        ValueError
            If keys or shapes do not fit, or tied slopes differ.
        """
        tensors = our_tensors(state_dict)
        network = cls(ELFConfig(**our_config(config, tensors)))
        keep_slopes = network.config.activation == "prelu"
        return load_published(network, tensors, lambda key: our_key(key, slopes=keep_slopes))

    @property
    def halo(self) -> int:
        """Farthest pixel that can influence an output, statistics of the whole image aside.

        Quadrants couple a pixel with places half an image away, so there is no smaller reach than the training crop's.
        """
        return 256

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Restore a batch.

        Parameters
        ----------
        x : Tensor, shape (N, C, H, W)
            Any size, values nominally in [0, 1].

        Returns
        -------
        restored : Tensor, shape (N, C, H, W)
            Not clipped.
        background : Tensor, shape (N, C, ceil(H / 2), ceil(W / 2))
            The coarse background; its difference from the halved image is the predicted rain.
        """
        height, width = x.shape[-2:]
        x = mirror_to_multiple(x, self.size_multiple).contiguous(memory_format=torch.channels_last)
        rain, background = self.rain(x)
        restored = self.background(x, rain, background)
        half = background[..., : -(-height // 2), : -(-width // 2)]
        return restored[..., :height, :width].contiguous(), half.contiguous()
