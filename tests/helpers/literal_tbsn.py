"""TBSN in its literal, published form: dilated convolutions, masked windows, one Gram matrix for the whole image.

Written from the specification, with the official state-dict keys, so that golden weights load without translation. It
stands for the published program wherever results or speed are compared with it.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import nn

from tests.helpers import literal_ops

OFFICIAL = {
    "in_ch": 3,
    "out_ch": 3,
    "dim": 48,
    "num_blocks": [4, 4, 4],
    "num_refinement_blocks": 4,
    "channel_heads": [1, 2, 4],
    "spatial_heads": [2, 2, 3],
    "overlap_ratio": [0.5, 0.5, 0.5],
    "window_size": 8,
    "spatial_dim_head": 16,
    "bias": False,
    "ffn_expansion_factor": 1,
    "LayerNorm_type": "BiasFree",
}


class LayerNorm(nn.Module):
    def __init__(self, dim, kind):
        super().__init__()
        self.body = nn.Module()
        self.body.weight = nn.Parameter(torch.ones(dim))
        self.body.bias = None if kind == "BiasFree" else nn.Parameter(torch.zeros(dim))

    def forward(self, x):
        return literal_ops.layer_norm(x, self.body.weight, self.body.bias)


class ChannelAttention(nn.Module):
    def __init__(self, dim, heads, bias):
        super().__init__()
        self.heads = heads
        self.temperature = nn.Parameter(torch.ones(heads, 1, 1))
        self.qkv = nn.Conv2d(dim, 3 * dim, 1, bias=bias)
        self.qkv_dwconv = nn.Conv2d(3 * dim, 3 * dim, 3, padding=2, dilation=2, groups=3 * dim, bias=bias)
        self.project_out = nn.Conv2d(dim, dim, 1, bias=bias)

    def forward(self, x):
        q, k, v = self.qkv_dwconv(self.qkv(x)).chunk(3, 1)
        return self.project_out(literal_ops.channel_attention(q, k, v, self.temperature, self.heads, "global"))


class WindowAttention(nn.Module):
    def __init__(self, dim, heads, head_dim, window, ratio, bias):
        super().__init__()
        self.heads, self.window, self.key_window = heads, window, window + int(window * ratio)
        self.qkv = nn.Conv2d(dim, 3 * heads * head_dim, 1, bias=bias)
        self.rel_pos_emb = nn.Module()
        for name in ("rel_height", "rel_width"):
            table = torch.randn(2 * self.key_window - 1, head_dim) * head_dim**-0.5
            setattr(self.rel_pos_emb, name, nn.Parameter(table))
        self.fixed_pos_emb = nn.Module()
        mask = literal_ops.window_mask(self.window, self.key_window)[None].clone()
        self.fixed_pos_emb.attention_mask = nn.Parameter(mask, requires_grad=False)
        self.project_out = nn.Conv2d(heads * head_dim, dim, 1, bias=bias)

    def forward(self, x):
        tables = self.rel_pos_emb
        out = literal_ops.window_attention(
            *self.qkv(x).chunk(3, 1),
            tables.rel_height,
            tables.rel_width,
            self.window,
            self.key_window,
            self.heads,
            mask=self.fixed_pos_emb.attention_mask,
        )
        return self.project_out(out)


class FeedForward(nn.Module):
    def __init__(self, dim, expansion, bias):
        super().__init__()
        hidden = int(dim * expansion)
        self.project_in = nn.Conv2d(dim, hidden, 3, padding=2, dilation=2, bias=bias)
        self.project_out = nn.Conv2d(hidden, dim, 3, padding=2, dilation=2, bias=bias)

    def forward(self, x):
        return self.project_out(F.gelu(self.project_in(x)))


class Block(nn.Module):
    def __init__(self, dim, level, c):
        super().__init__()
        self.channel_attn = ChannelAttention(dim, c["channel_heads"][level], c["bias"])
        self.channel_ffn = FeedForward(dim, c["ffn_expansion_factor"], c["bias"])
        self.spatial_attn = WindowAttention(
            dim,
            c["spatial_heads"][level],
            c["spatial_dim_head"],
            c["window_size"],
            c["overlap_ratio"][level],
            c["bias"],
        )
        self.spatial_ffn = FeedForward(dim, c["ffn_expansion_factor"], c["bias"])
        for i in range(1, 5):
            setattr(self, f"norm{i}", LayerNorm(dim, c["LayerNorm_type"]))

    def forward(self, x):
        x = x + self.channel_attn(self.norm1(x))
        x = x + self.channel_ffn(self.norm2(x))
        x = x + self.spatial_attn(self.norm3(x))
        return x + self.spatial_ffn(self.norm4(x))


def unshuffle(x):
    return rearrange(x, "n c (y sy py) (x sx px) -> n (c sy sx) (y py) (x px)", sy=2, sx=2, py=2, px=2)


def shuffle(x):
    return rearrange(x, "n (c sy sx) (y py) (x px) -> n c (y sy py) (x sx px)", sy=2, sx=2, py=2, px=2)


class Projection(nn.Module):
    def __init__(self, dim_in, dim_out):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(dim_in, dim_out, 1, bias=False))

    def forward(self, x):
        return self.body(x)


class LiteralTBSN(nn.Module):
    """Published network; `config` holds official constructor arguments."""

    def __init__(self, config=None):
        super().__init__()
        c = {**OFFICIAL, **(config or {})}
        d, blocks = c["dim"], c["num_blocks"]

        def stage(dim, level, count):
            return nn.Sequential(*(Block(dim, level, c) for _ in range(count)))

        self.patch_embed = nn.Module()
        self.patch_embed.proj = nn.Conv2d(c["in_ch"], d, 3, padding=1, bias=False)
        mask = torch.ones(d, c["in_ch"], 3, 3)
        mask[..., 1, 1] = 0
        self.patch_embed.proj.register_buffer("mask", mask)
        self.encoder_level1 = stage(d, 0, blocks[0])
        self.down1_2 = Projection(d, d // 2)
        self.encoder_level2 = stage(2 * d, 1, blocks[1])
        self.down2_3 = Projection(2 * d, d)
        self.latent = stage(4 * d, 2, blocks[2])
        self.up3_2 = Projection(4 * d, 8 * d)
        self.reduce_chan_level2 = nn.Conv2d(4 * d, 2 * d, 1, bias=c["bias"])
        self.decoder_level2 = stage(2 * d, 1, blocks[1])
        self.up2_1 = Projection(2 * d, 4 * d)
        self.decoder_level1 = stage(2 * d, 0, blocks[0])
        self.refinement = stage(2 * d, 0, c["num_refinement_blocks"])
        self.output = nn.Conv2d(2 * d, c["out_ch"], 1, bias=c["bias"])

    def forward(self, x):
        head = self.patch_embed.proj
        e1 = self.encoder_level1(F.conv2d(x, head.weight * head.mask, padding=1))
        e2 = self.encoder_level2(unshuffle(self.down1_2(e1)))
        latent = self.latent(unshuffle(self.down2_3(e2)))
        d2 = self.decoder_level2(self.reduce_chan_level2(torch.cat([shuffle(self.up3_2(latent)), e2], 1)))
        d1 = self.decoder_level1(torch.cat([shuffle(self.up2_1(d2)), e1], 1))
        return self.output(self.refinement(d1))
