"""Blocks of DRT, on windows stacked on the batch.

Within a residual layer every operator works on one token or one window, so the image is cut into windows once per layer,
not twice per block. Tensors are (N * windows, C, w, w), channels-last in memory: each window is a small image.
"""

from __future__ import annotations

import functools

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bsn.constants import device_constant
from bsn.ops import ChannelNorm, window_attention
from restoration.models.drt.config import DRTConfig
from restoration.networks import checkpointed

__all__ = ["Block", "Grid", "ResidualLayer", "merge_windows", "shift_mask", "split_windows"]

Grid = tuple[int, int]  # windows per column and per row of an image
CACHED_ELEMENTS = 1 << 19  # 2 MiB of float32 per tensor: larger shares reach the memory, smaller ones pay for the calls


def split_windows(x: Tensor, window: int) -> Tensor:
    """Cut images into windows, row by row.

    Parameters
    ----------
    x : Tensor, shape (N, C, H, W)
        H and W are multiples of `window`.
    window : int
        Side of a window in pixels.

    Returns
    -------
    Tensor, shape (N * windows, C, window, window)
    """
    n, c, h, w = x.shape
    pixels = x.permute(0, 2, 3, 1).reshape(n, h // window, window, w // window, window, c)
    return pixels.permute(0, 1, 3, 2, 4, 5).reshape(-1, window, window, c).permute(0, 3, 1, 2)


def merge_windows(x: Tensor, grid: Grid) -> Tensor:
    """Undo :func:`split_windows`.

    Parameters
    ----------
    x : Tensor, shape (N * windows, C, w, w)
        Features.
    grid : Grid
        Rows and columns of windows of an image.

    Returns
    -------
    Tensor, shape (N, C, H, W)
        Channels-last in memory.
    """
    _, c, window, _ = x.shape
    rows, columns = grid
    pixels = x.permute(0, 2, 3, 1).reshape(-1, rows, columns, window, window, c).permute(0, 1, 3, 2, 4, 5)
    return pixels.reshape(-1, rows * window, columns * window, c).permute(0, 3, 1, 2)


@device_constant(kept=8)
def shift_mask(grid: Grid, window: int, shift: int) -> Tensor:
    """Logit mask of cyclically shifted windows: -100 between positions that were not neighbours before the shift.

    Parameters
    ----------
    grid : tuple of int
        Rows and columns of windows.
    window, shift : int
        Side of a window and cyclic shift in pixels.

    Returns
    -------
    Tensor, shape (windows, window^2, window^2)
    """

    def regions(length: int) -> Tensor:
        position = torch.arange(length)
        return (position >= length - window).int() + (position >= length - shift).int()

    rows, columns = (regions(count * window) for count in grid)
    label = (3 * rows[:, None] + columns[None, :]).reshape(1, 1, grid[0] * window, grid[1] * window)
    flat = split_windows(label, window).flatten(1)
    return torch.where(flat[:, :, None] == flat[:, None, :], 0.0, -100.0)


def _pointwise(layer: nn.Linear, x: Tensor) -> Tensor:
    """Apply a linear layer to the channels of (N, C, H, W)."""
    return layer(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class Attention(nn.Module):
    """Window attention with a bias table, between linear projections.

    Parameters
    ----------
    channels, heads, window : int
        Channels in and out, number of heads, and side of a window in pixels.
    """

    def __init__(self, channels: int, heads: int, window: int) -> None:
        super().__init__()
        self.heads, self.window = heads, window
        self.bias_table = nn.Parameter(torch.zeros((2 * window - 1) ** 2, heads))
        self.qkv = nn.Linear(channels, 3 * channels)
        self.project_out = nn.Linear(channels, channels)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Attend within windows.

        Parameters
        ----------
        x : Tensor, shape (M, C, w, w) or (N, C, H, W)
            Windows, or images if a mask of their windows comes with them.
        mask : Tensor, optional
            Added to the logits of each window.

        Returns
        -------
        Tensor
            Features of the shape of `x`.
        """
        q, k, v = _pointwise(self.qkv, x).chunk(3, 1)
        out = window_attention(q, k, v, window=self.window, heads=self.heads, bias_table=self.bias_table, mask=mask)
        return _pointwise(self.project_out, out)


class MLP(nn.Module):
    """Two linear layers with an exact GELU between them.

    Parameters
    ----------
    channels, hidden : int
        Channels in and out, and hidden width.
    """

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(channels, hidden), nn.Linear(hidden, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Mix the channels of each pixel.

        Parameters
        ----------
        x : Tensor, shape (M, C, w, w)
            Features.

        Returns
        -------
        Tensor, shape (M, C, w, w)
        """
        return _pointwise(self.fc2, F.gelu(_pointwise(self.fc1, x)))


class Block(nn.Module):
    """Residual block: window attention, then an MLP, behind a norm each.

    Parameters
    ----------
    config : DRTConfig
        Configuration of the network.
    shift : int
        Rows and columns by which the windows are shifted cyclically; 0 as published.
    """

    def __init__(self, config: DRTConfig, shift: int = 0) -> None:
        super().__init__()
        width = config.width
        self.shift = shift
        self.norm1, self.norm2 = ChannelNorm(width, bias=True), ChannelNorm(width, bias=True)
        self.attn = Attention(width, config.heads, config.window)
        self.mlp = MLP(width, int(width * config.mlp_ratio))

    def forward(self, x: Tensor, grid: Grid) -> Tensor:
        """Apply attention and MLP to windows, each with its residual.

        Parameters
        ----------
        x : Tensor, shape (N * windows, C, w, w)
            Features.
        grid : Grid
            Rows and columns of windows of an image.

        Returns
        -------
        Tensor, shape (N * windows, C, w, w)
        """
        attended = self._shifted(self.norm1(x), grid) if self.shift else self.attn(self.norm1(x))
        x = x + attended
        return x + self.mlp(self.norm2(x))

    def _shifted(self, x: Tensor, grid: Grid) -> Tensor:
        image = merge_windows(x, grid).roll((-self.shift, -self.shift), (2, 3))
        mask = shift_mask(grid, x.shape[-1], self.shift, device=x.device, dtype=x.dtype)
        return split_windows(self.attn(image, mask).roll((self.shift, self.shift), (2, 3)), x.shape[-1])


class ResidualLayer(nn.Module):
    """Two blocks applied in turn several times, the layer's input added after each pass, then a 3x3 convolution.

    Parameters
    ----------
    config : DRTConfig
        Configuration of the network.
    """

    def __init__(self, config: DRTConfig) -> None:
        super().__init__()
        self.config = config
        self.block1 = Block(config)
        self.block2 = Block(config, config.window // 2 if config.shift else 0)
        self.conv = nn.Conv2d(config.width, config.width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the blocks recursively and add the input.

        Parameters
        ----------
        x : Tensor, shape (N, C, H, W)
            H and W are multiples of the window.

        Returns
        -------
        Tensor, shape (N, C, H, W)
        """
        window = self.config.window
        grid = (x.shape[-2] // window, x.shape[-1] // window)
        windows = split_windows(x, window)
        if self._windows_are_independent(x):
            # As far as the convolution, window for window: a share that stays in the cache takes all steps at once.
            shares = windows.split(max(1, CACHED_ELEMENTS // windows[0].numel()))
            y = torch.empty_like(windows)
            for source, target in zip(shares, y.split(len(shares[0])), strict=True):
                target.copy_(self._passes(source, grid))
        else:
            y = self._passes(windows, grid)
        return self.conv(merge_windows(y, grid))

    def _windows_are_independent(self, x: Tensor) -> bool:
        """Whether the work can go share by share without a gradient's intermediate results being kept."""
        eager = not (torch.compiler.is_compiling() or torch.compiler.is_exporting())
        return eager and x.device.type == "cpu" and not self.config.shift and not torch.is_grad_enabled()

    def _passes(self, windows: Tensor, grid: Grid) -> Tensor:
        y = windows
        for _ in range(self.config.recursions):
            y = checkpointed(functools.partial(self._pass, grid=grid), y, windows, enabled=self.config.checkpointing)
        return y

    def _pass(self, y: Tensor, first: Tensor, grid: Grid) -> Tensor:
        return self.block1(self.block2(y, grid), grid) + first
