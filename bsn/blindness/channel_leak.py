"""How much noise can global channel attention copy? A rule from measured data, cheap enough for the start of a training."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["MEASURED_LEAKS", "ChannelLeak", "channel_leak"]

# (channels, heads): {positions: share of fresh noise that one global layer learned to copy}. Study of the published
# network (one layer behind a masked head, trained to predict noise from itself); `python -m benchmarks.blindness
# --checks learnability` measures rows of the same table with this package.
MEASURED_LEAKS: dict[tuple[int, int], dict[int, float]] = {
    (64, 1): {16: 0.40, 64: 0.21, 256: 0.080, 1024: 0.022},
    (64, 4): {16: 0.43, 64: 0.22, 256: 0.081, 1024: 0.022},
    (192, 1): {16: 0.47, 64: 0.29, 256: 0.14},
    (192, 4): {16: 0.62, 64: 0.42, 256: 0.17},
}

RISKY = 0.05


@dataclass(frozen=True)
class ChannelLeak:
    """Predicted leak of one global channel attention.

    Parameters
    ----------
    channels, heads, positions : int
        Sizes of the layer: its channels, its groups, and the pixels of its feature map, all phases together.
    copied : float
        Share of independent noise that it can learn to copy, from 0 to 1.
    safe_positions : int
        Positions from which on the prediction is below the 5 % taken for risky.
    """

    channels: int
    heads: int
    positions: int
    copied: float
    safe_positions: int

    @property
    def risky(self) -> bool:
        """True if 5 % or more can be copied."""
        return self.copied >= RISKY


def channel_leak(channels: int, heads: int, positions: int) -> ChannelLeak:
    """Predict how much noise a global channel attention can learn to copy.

    Parameters
    ----------
    channels, heads : int
        Number of channels and of groups of the layer.
    positions : int
        Pixels of its feature map during training, all phases together: at the deepest level of the published network
        (crop / 4)^2.

    Returns
    -------
    ChannelLeak

    Raises
    ------
    ValueError
        For numbers below 1.

    Notes
    -----
    Log-odds are interpolated linearly in log(positions) and, between the measured widths, in log(channels); they go on with
    the last slope beyond the table, but with at least the 1/positions that was measured at initialisation. More groups do
    not help: the row with the nearest number of channels per group is used, and the finer groups leak more.

    Examples
    --------
    >>> round(channel_leak(192, 4, 64).copied, 2), channel_leak(192, 4, 64).risky
    (0.42, True)
    >>> channel_leak(48, 1, 128 * 128).risky
    False
    """
    if min(channels, heads, positions) < 1:
        raise ValueError(f"{channels} channels, {heads} heads and {positions} positions: all must be 1 or more")
    safe = 1
    while _copied(channels, heads, safe) >= RISKY:
        safe *= 2
    return ChannelLeak(channels, heads, positions, _copied(channels, heads, positions), safe)


def _copied(channels: int, heads: int, positions: int) -> float:
    narrow, wide = (_log_odds(_nearest(width, channels // heads), positions) for width in (64, 192))
    share = (math.log(channels) - math.log(64)) / (math.log(192) - math.log(64))
    return 1 / (1 + math.exp(-(narrow + (wide - narrow) * min(max(share, 0.0), 1.5))))


def _nearest(width: int, group: int) -> dict[int, float]:
    rows = {key: row for key, row in MEASURED_LEAKS.items() if key[0] == width}
    return rows[min(rows, key=lambda key: abs(math.log(key[0] / key[1] / max(group, 1))))]


def _log_odds(row: dict[int, float], positions: int) -> float:
    at = [math.log(count) for count in row]
    odds = [math.log(share / (1 - share)) for share in row.values()]
    here = math.log(positions)
    if here >= at[-1]:
        slope = min((odds[-1] - odds[-2]) / (at[-1] - at[-2]), -1.0)
        return odds[-1] + slope * (here - at[-1])
    below = max([i for i, value in enumerate(at) if value <= here], default=0)
    slope = (odds[below + 1] - odds[below]) / (at[below + 1] - at[below])
    return odds[below] + slope * (here - at[below])
