"""Window attention with its projections, as a block of a blind-spot network uses it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bsn.coupling import Coupling
from bsn.ops.window_attention import window_attention
from bsn.ops.window_attention.legal import check_dilated_window

__all__ = ["WindowAttention"]


class WindowAttention(nn.Module):
    """Overlapping window attention on phase images: 1x1 projection to q, k, v, attention, 1x1 projection back.

    Window, overlap and tables are those of the full image (as published); on phases of dilation d the network runs
    window / d, key window / d and every d-th row of the tables.

    Parameters
    ----------
    channels : int
        Channels in and out.
    heads, head_dim : int
        The inner width is ``heads * head_dim``.
    window : int
        Side of the query window in pixels of the full image.
    overlap : float
        ``key_window = window + int(window * overlap)``.
    dilation : int
        Phases per axis; 1 for ordinary images.
    bias : bool
        Whether there are offsets in the projections.

    Raises
    ------
    ValueError
        For windows that would mix phases.
    """

    coupling = Coupling.WITHIN_PHASE

    def __init__(
        self,
        channels: int,
        *,
        heads: int,
        head_dim: int = 16,
        window: int = 8,
        overlap: float = 0.5,
        dilation: int = 2,
        bias: bool = False,
    ) -> None:
        super().__init__()
        key_window = window + int(window * overlap)
        check_dilated_window(window, key_window, dilation)
        self.heads, self.dilation = heads, dilation
        self.window, self.key_window = window // dilation, key_window // dilation
        inner = heads * head_dim
        self.qkv = nn.Conv2d(channels, 3 * inner, 1, bias=bias)
        self.rel_height = nn.Parameter(torch.empty(2 * key_window - 1, head_dim))
        self.rel_width = nn.Parameter(torch.empty(2 * key_window - 1, head_dim))
        self.project_out = nn.Conv2d(inner, channels, 1, bias=bias)
        self.reset_tables()

    def reset_tables(self) -> None:
        """Draw the position tables from a normal distribution of standard deviation head_dim^-1/2."""
        for table in (self.rel_height, self.rel_width):
            nn.init.normal_(table, std=table.shape[1] ** -0.5)

    @property
    def reach(self) -> int:
        """Largest distance, in pixels of the phase image, from a query to a key of its patch."""
        return self.window - 1 + (self.key_window - self.window) // 2

    def forward(self, x: Tensor) -> Tensor:
        """Attend within the windows of phase images.

        Parameters
        ----------
        x : Tensor, shape (N, C, h, w)
            Sides are multiples of window / dilation.

        Returns
        -------
        Tensor, shape (N, C, h, w)
        """
        q, k, v = self.qkv(x).chunk(3, 1)
        step = slice(self.dilation - 1, None, self.dilation)
        out = window_attention(
            q,
            k,
            v,
            self.rel_height[step],
            self.rel_width[step],
            window=self.window,
            key_window=self.key_window,
            heads=self.heads,
        )
        return self.project_out(out)
