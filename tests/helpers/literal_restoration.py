"""DDSA and DRT in their literal, published form, under their official state-dict keys.

Written from the specifications for reading, not for speed; they stand for the published programs wherever speed or memory
are compared. ELF differs from ours in its attention, norms and gates only: :func:`literal_elf` exchanges those.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import nn

from bsn.ops import ChannelNorm
from bsn.ops.channel_attention.module import ChannelAttention, CrossChannelAttention
from restoration.models.elf.attention import GatedFeedForward
from tests.helpers import literal_ops


class Norm(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.body = nn.Module()
        self.body.weight, self.body.bias = nn.Parameter(torch.ones(dim)), nn.Parameter(torch.zeros(dim))

    def forward(self, x):
        return literal_ops.layer_norm(x, self.body.weight, self.body.bias)


class DualAttention(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads = heads
        self.temperature = nn.Parameter(torch.ones(heads, 1, 1))
        self.attn, self.attn1 = nn.Parameter(torch.tensor([0.2])), nn.Parameter(torch.tensor([0.2]))
        self.qkv = nn.Conv2d(dim, 3 * dim, 1, bias=False)
        self.qkv_dwconv = nn.Conv2d(3 * dim, 3 * dim, 3, padding=1, groups=3 * dim, bias=False)
        self.project_out = nn.Conv2d(dim, dim, 1, bias=False)

    def forward(self, x):
        q, k, v = self.qkv_dwconv(self.qkv(x)).chunk(3, 1)
        mix, ratios = (self.attn, self.attn1), ((1, 1), (7, 10))
        return self.project_out(literal_ops.dual_channel_attention(q, k, v, self.temperature, self.heads, ratios, mix))


class FeedForward(nn.Module):
    def __init__(self, dim, expansion=2.66):
        super().__init__()
        hidden = int(dim * expansion)
        self.conv1x1_in = nn.Conv2d(dim, 3 * hidden, 1, bias=False)
        self.dwconv3x3 = nn.Conv2d(hidden, hidden, 3, padding=1, groups=hidden, bias=False)
        self.project_out = nn.Conv2d(3 * hidden, dim, 1, bias=False)
        self.SAlayer = nn.Module()
        self.SAlayer.conv_sa = nn.Sequential(
            nn.Conv2d(2, 1, 3, padding=1, bias=False), nn.BatchNorm2d(1, momentum=0.01)
        )

    def forward(self, x):
        a, b, c = self.conv1x1_in(x).chunk(3, 1)
        y1 = F.relu(self.dwconv3x3(a))
        y2 = F.relu(self.dwconv3x3(y1 + b))
        y3 = F.relu(self.dwconv3x3(y2 + c))
        z = self.project_out(torch.cat([y1, y2, y3], 1))
        pooled = torch.cat([z.max(1, keepdim=True)[0], z.mean(1, keepdim=True)], 1)
        return z * torch.sigmoid(self.SAlayer.conv_sa(pooled))


class DDSABlock(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.norm1, self.attn, self.norm2, self.ffn = Norm(dim), DualAttention(dim, heads), Norm(dim), FeedForward(dim)

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.ffn(self.norm2(x))


def _body(*layers):
    module = nn.Module()
    module.body = nn.Sequential(*layers)
    return module


class LiteralDDSA(nn.Module):
    def __init__(self, dim=48, blocks=(4, 6, 6, 8), refinement=4, heads=(1, 2, 4, 8)):
        super().__init__()
        d = dim
        self.patch_embed = nn.Module()
        self.patch_embed.proj = nn.Conv2d(3, d, 3, padding=1, bias=False)

        def stage(width, level, count):
            return nn.Sequential(*(DDSABlock(width, heads[level]) for _ in range(count)))

        def down(n):
            return _body(nn.Conv2d(n, n // 2, 3, padding=1, bias=False), nn.PixelUnshuffle(2))

        def up(n):
            return _body(nn.Conv2d(n, 2 * n, 3, padding=1, bias=False), nn.PixelShuffle(2))

        self.refinement0 = stage(d, 0, refinement)
        self.encoder_level1, self.encoder_level2 = stage(d, 0, blocks[0]), stage(2 * d, 1, blocks[1])
        self.encoder_level3, self.latent = stage(4 * d, 2, blocks[2]), stage(8 * d, 3, blocks[3])
        self.down1_2, self.down2_3, self.down3_4 = down(d), down(2 * d), down(4 * d)
        self.up4_3, self.up3_2, self.up2_1 = up(8 * d), up(4 * d), up(2 * d)
        self.reduce_chan_level3 = nn.Conv2d(8 * d, 4 * d, 1, bias=False)
        self.reduce_chan_level2 = nn.Conv2d(4 * d, 2 * d, 1, bias=False)
        self.decoder_level3, self.decoder_level2 = stage(4 * d, 2, blocks[2]), stage(2 * d, 1, blocks[1])
        self.decoder_level1, self.refinement = stage(2 * d, 0, blocks[0]), stage(2 * d, 0, refinement)
        self.output = nn.Conv2d(2 * d, 3, 3, padding=1, bias=False)

    def forward(self, x):
        e1 = self.encoder_level1(self.refinement0(self.patch_embed.proj(x)))
        e2 = self.encoder_level2(self.down1_2.body(e1))
        e3 = self.encoder_level3(self.down2_3.body(e2))
        y = self.up4_3.body(self.latent(self.down3_4.body(e3)))
        y = self.decoder_level3(self.reduce_chan_level3(torch.cat([y, e3], 1)))
        y = self.decoder_level2(self.reduce_chan_level2(torch.cat([self.up3_2.body(y), e2], 1)))
        y = self.decoder_level1(torch.cat([self.up2_1.body(y), e1], 1))
        return self.output(self.refinement(y)) + x


class Attention(nn.Module):
    def __init__(self, dim, heads, window):
        super().__init__()
        self.heads = heads
        self.relative_position_bias_table = nn.Parameter(torch.randn((2 * window - 1) ** 2, heads) * 0.02)
        axis = torch.arange(window)
        offsets = axis[:, None] - axis[None, :] + window - 1
        index = offsets[:, None, :, None] * (2 * window - 1) + offsets[None, :, None, :]
        self.register_buffer("relative_position_index", index.reshape(window**2, window**2))
        self.qkv, self.proj = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)

    def forward(self, x):
        n = x.shape[1]
        q, k, v = rearrange(self.qkv(x), "b n (t h c) -> t b h n c", t=3, h=self.heads)
        bias = self.relative_position_bias_table[self.relative_position_index.flatten()].view(n, n, -1)
        logits = (q * q.shape[-1] ** -0.5) @ k.transpose(-2, -1) + bias.permute(2, 0, 1)
        return self.proj(rearrange(logits.softmax(-1) @ v, "b h n c -> b n (h c)"))


class TransformerBlock(nn.Module):
    def __init__(self, dim, heads, window):
        super().__init__()
        self.window = window
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attn = Attention(dim, heads, window)
        self.mlp = nn.Module()
        self.mlp.fc1, self.mlp.fc2 = nn.Linear(dim, dim), nn.Linear(dim, dim)

    def forward(self, x, height):
        w = self.window
        windows = rearrange(self.norm1(x), "n (y a x b) c -> (n y x) (a b) c", a=w, b=w, y=height // w)
        y = rearrange(self.attn(windows), "(n y x) (a b) c -> n (y a x b) c", a=w, y=height // w, n=len(x))
        x = x + y
        return x + self.mlp.fc2(F.gelu(self.mlp.fc1(self.norm2(x))))


class LiteralDRT(nn.Module):
    def __init__(self, dim=96, layers=6, recursions=3, heads=2, window=7):
        super().__init__()
        self.recursions = recursions
        mean, spread = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
        self.register_buffer("mean", mean.view(-1, 1, 1), persistent=False)
        self.register_buffer("spread", spread.view(-1, 1, 1), persistent=False)
        self.patch_embed, self.patch_unembed = nn.Module(), nn.Module()
        self.patch_embed.proj = nn.Conv2d(3, dim, 1)
        self.patch_unembed.proj = nn.Conv2d(dim, 3, 3, padding=1)
        self.recursive_layers = nn.ModuleList()
        for _ in range(layers):
            layer = nn.Module()
            layer.block1, layer.block2 = nn.Module(), nn.Module()
            layer.block1.transformer = TransformerBlock(dim, heads, window)
            layer.block2.transformer = TransformerBlock(dim, heads, window)
            layer.conv_out = nn.Conv2d(dim, dim, 3, padding=1)
            self.recursive_layers.append(layer)

    def forward(self, x):
        height = x.shape[2]
        n = (x - self.mean) / self.spread
        e = z = self.patch_embed.proj(n).flatten(2).transpose(1, 2)
        for layer in self.recursive_layers:
            s = z
            for _ in range(self.recursions):
                z = layer.block1.transformer(layer.block2.transformer(z, height), height) + s
            z = layer.conv_out(rearrange(z, "n (h w) c -> n c h w", h=height)).flatten(2).transpose(1, 2)
        y = self.patch_unembed.proj(rearrange(z + e, "n (h w) c -> n c h w", h=height)) + n
        return (y + self.mean) * self.spread


def _literal_channel(self, q, k, v):
    return self.project_out(literal_ops.channel_attention(q, k, v, self.temperature, self.heads, "global"))


class LiteralSelf(nn.Module):
    def __init__(self, ours):
        super().__init__()
        self.__dict__.update(ours.__dict__)

    def forward(self, x):
        return _literal_channel(self, *self.qkv_dwconv(self.qkv(x)).chunk(3, 1))


class LiteralCross(LiteralSelf):
    def forward(self, query, key, value):
        return _literal_channel(self, self.q(query), self.k(key), self.v(value))


class LiteralNorm(LiteralSelf):
    def forward(self, x):
        return literal_ops.layer_norm(x, self.weight, self.bias)


class LiteralFeedForward(LiteralSelf):
    def forward(self, x):
        u, v = self.depthwise(self.project_in(x)).chunk(2, 1)
        return self.project_out(self.activation(u) * v)


def literal_elf(network):
    """The same ELF with every attention, norm and gate exchanged for its literal form, in place."""
    forms = {
        ChannelAttention: LiteralSelf, CrossChannelAttention: LiteralCross, ChannelNorm: LiteralNorm,
        GatedFeedForward: LiteralFeedForward,
    }  # fmt: skip
    for module in list(network.modules()):
        for name, child in list(module.named_children()):
            if type(child) in forms:
                setattr(module, name, forms[type(child)](child))
    return network
