"""A pattern that all frames of a stack share, told from picture that stands still, as far as that can be told.

Both are in the mean of the frames. A detector's pattern is independent from pixel to pixel, or the same along a whole line. It
has the same strength everywhere, and it stays when the picture moves. Picture has passed optics: neighbouring pixels share it,
and its fine structure is not the same everywhere. So a pattern is taken from places where the mean holds nothing else, which
are flat or were blurred by motion. Elsewhere, and where the pattern looks like picture, it is kept: neighbouring frames will
confirm it, but nothing of the picture is lost. Smooth shading is always kept.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bsn.noise.stacks.blocks import SIDE, as_blocks, quiet_blocks
from bsn.noise.stacks.lines import UNRELATED, LineOffsets, find_lines
from bsn.noise.stacks.smooth import KERNELS, box, high_pass, kept_variance, white_correlation
from bsn.noise.stacks.sums import StackSums

__all__ = ["PATTERN", "FoundPattern", "PatternSettings", "find_pattern"]


@dataclass(frozen=True)
class PatternSettings:
    """When a pattern is told from picture; chosen on photographs that stand still and move, see the tests.

    Parameters
    ----------
    frames : int
        Fewest frames: of fewer, the mean holds too much noise.
    significant : float
        Share of the noise variance from which a pattern is taken off by itself.
    white : float
        Largest correlation of neighbouring pixels of a pattern.
    agreement : float
        Correlation with which both halves of an image tell the offsets of lines.
    strongest : float
        Largest variance of a pattern relative to the noise where the picture stands still; more is picture.
    moving : float
        Share of the picture that the mean still has, below which the picture moves.
    alike, other : float
        Energy of the mean around a pixel, relative to that of the pattern, up to which there is nothing but the pattern, and
        from which there is picture.
    surroundings : int
        Side of the square that is looked at around a pixel.
    hot : float
        Standard deviations of the pattern beyond which a pixel is a hot one.
    """

    frames: int = 8
    significant: float = 0.05
    white: float = 0.15
    agreement: float = 0.6
    strongest: float = 0.5
    moving: float = 0.7
    alike: float = 1.25
    other: float = 1.5
    surroundings: int = 17
    hot: float = 6.0


PATTERN = PatternSettings()

_ALONE = 4.0  # times the largest of the eight pixels around a hot one
_HOT_NOISE = 3.0  # standard deviations of the noise of one frame
_BESIDE = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]], bool)


@dataclass(frozen=True, eq=False)
class FoundPattern:
    """A pattern, and what is not certain of it.

    Parameters
    ----------
    offsets : ndarray, shape (C, H, W), float32
        What can be taken off every frame, in image values.
    share : float
        Share of the pattern in the variance of the noise, where it could be told.
    left : float
        What of that stays when the offsets are taken off.
    kinds : tuple of str
        What was found: "columns", "rows", "single pixels", "hot pixels".
    doubt : str
        Why something that all frames share is kept; empty if nothing is.
    """

    offsets: np.ndarray
    share: float = 0.0
    left: float = 0.0
    kinds: tuple[str, ...] = ()
    doubt: str = ""

    def said(self, what: str = "frames") -> str:
        """What was found, in a sentence.

        Parameters
        ----------
        what : str
            "frames" or "slices".

        Returns
        -------
        str
            Empty where nothing is shared that matters.
        """
        names = ", ".join(self.kinds)
        if self.significant:
            kept = (
                f"; a part ({self.left:.0%}) is kept, where the picture that stands still hides it"
                if self.left > 0.01
                else ""
            )
            return (
                f"all {what} share a pattern ({names}; {self.share:.0%} of the noise variance): it is measured on the mean of "
                f"the {what} and taken off them{kept}"
            )
        if self.left >= PATTERN.significant or (self.doubt and not self.share):
            return f"a pattern that all {what} share is not taken off: {self.doubt or 'too little of it is certain'}"
        return ""

    @property
    def significant(self) -> bool:
        """Whether enough of it can be taken off to be worth it."""
        return self.share - self.left >= PATTERN.significant


@dataclass
class _Channel:
    """What was found in one channel so far."""

    offsets: np.ndarray
    noise: float
    moves: bool
    found: float = 0.0
    removed: float = 0.0
    hot: bool = False
    kinds: tuple[str, ...] = ()
    doubt: str = ""


def find_pattern(sums: StackSums) -> FoundPattern:
    """Find the pattern of a stack.

    Parameters
    ----------
    sums : StackSums
        All of its frames.

    Returns
    -------
    FoundPattern
    """
    mean = sums.mean()
    nothing = np.zeros(mean.shape, np.float32)
    if min(mean.shape[-2:]) < 4 * SIDE or sums.frames < PATTERN.frames:
        few = f"{sums.frames} frames of {mean.shape[-2]} x {mean.shape[-1]} pixels are too few to tell a pattern from picture"
        return FoundPattern(nothing, doubt=few)
    variances = sums.noise_variance()
    intensity = as_blocks(mean[..., 1:-1, 1:-1]).mean(-1)
    channels = []
    for number, (even, odd) in enumerate(zip(*sums.halves(), strict=True)):
        quiet = quiet_blocks(variances[number], intensity[number])
        noise = float(variances[number, quiet].mean())
        frames, standing = sums.standing(noise)
        channel = _Channel(np.zeros_like(even), noise, _moves(frames, standing, noise))
        if noise > 0:
            _take_lines(channel, even, odd)
            _take_pixels(channel, even, odd)
        channels.append(channel)
    kinds = tuple(dict.fromkeys(kind for channel in channels for kind in channel.kinds))
    doubt = next((channel.doubt for channel in channels if channel.doubt), "")
    still_hot = any(channel.hot and not channel.moves for channel in channels)
    doubt = doubt or ("single bright pixels in a picture that stands still may belong to it" if still_hot else "")
    shares = [(c.found / (c.found + c.noise), (c.found - c.removed) / (c.found + c.noise)) for c in channels if c.noise]
    share, left = (max(values) for values in zip(*shares, strict=True)) if shares else (0.0, 0.0)
    return FoundPattern(np.stack([c.offsets for c in channels]).astype(np.float32), share, left, kinds, doubt)


def _moves(frames: np.ndarray, standing: np.ndarray, noise: float) -> bool:
    """Whether the mean has lost a good part of the picture that single frames have, in most places that have any."""
    pictured = frames > noise / SIDE
    return bool(pictured.any()) and float(np.median(standing[pictured] / frames[pictured])) < PATTERN.moving


def _take_lines(channel: _Channel, even: np.ndarray, odd: np.ndarray) -> None:
    for kind, turned in (("columns", False), ("rows", True)):
        lines = find_lines(even.T, odd.T) if turned else find_lines(even, odd)
        if lines.variance < PATTERN.significant / 4 * channel.noise or lines.agreement < PATTERN.agreement:
            continue
        if not channel.moves and _like_picture(lines, channel.noise):
            channel.doubt = f"offsets of {kind} may be picture that stands still"
            continue
        offsets = lines.offsets
        if not channel.moves:
            # What stands out of the lines of a picture that stands still may be an edge.
            offsets = np.where(np.abs(offsets) <= 4 * lines.variance**0.5, offsets, 0)
        spread = offsets[:, None] if turned else offsets[None]
        channel.offsets += spread
        even -= spread
        odd -= spread
        channel.found += lines.variance
        channel.removed += lines.variance
        channel.kinds += (kind,)


def _like_picture(lines: LineOffsets, noise: float) -> bool:
    return lines.variance > PATTERN.strongest * noise or abs(lines.smoothness - UNRELATED) > 2 * PATTERN.white


def _take_pixels(channel: _Channel, even: np.ndarray, odd: np.ndarray) -> None:
    hot = _hot_pixels((even + odd) / 2, channel.noise)
    channel.hot = bool(hot.any())
    if channel.hot:
        spikes = _spikes((even + odd) / 2)
        even, odd = (np.where(hot, half - _spikes(half), half) for half in (even, odd))
        if channel.moves:
            spikes = np.where(hot, spikes, 0)
            channel.offsets += spikes
            channel.found += float((spikes**2).mean())
            channel.removed += float((spikes**2).mean())
            channel.kinds += ("hot pixels",)
    window, rest, energy = _flattest_rest((even + odd) / 2)
    halves = [_of_window(half, window) for half in (even, odd)]
    places = _flat_places((even + odd) / 2)
    pattern = float((halves[0] * halves[1])[places].mean())
    noise = float(((halves[0] - halves[1]) ** 2)[places].mean()) / 4
    if pattern < PATTERN.significant / 4 * channel.noise or pattern < noise / 10:
        return
    level = pattern + noise
    weight = np.clip((PATTERN.other - energy / level) / (PATTERN.other - PATTERN.alike), 0, 1)
    channel.found += pattern
    if not _white(halves, window, places & (weight > 0), pattern):
        channel.doubt = (
            channel.doubt or "what all frames share is not independent from pixel to pixel: it may be picture"
        )
        return
    if not channel.moves and pattern > PATTERN.strongest * channel.noise:
        channel.doubt = channel.doubt or "what all frames share is too strong for a pattern: it may be picture"
        return
    channel.offsets += weight * rest * (pattern / level)
    channel.removed += pattern * float((weight * (2 - weight)).mean())
    channel.kinds += ("single pixels",)


def _spikes(image: np.ndarray) -> np.ndarray:
    from scipy.ndimage import median_filter

    spikes: np.ndarray = image - median_filter(image, 5, mode="mirror")
    return spikes


def _hot_pixels(image: np.ndarray, noise: float) -> np.ndarray:
    """Single pixels that stand far out of surroundings and noise, and alone: optics would have lit their neighbours."""
    from scipy.ndimage import maximum_filter

    spikes = np.abs(_spikes(image))
    usual = np.minimum(spikes, np.quantile(spikes, 0.99)) ** 2
    around = np.sqrt(np.maximum(box(usual, PATTERN.surroundings), 0))
    beside = maximum_filter(spikes, footprint=_BESIDE, mode="mirror")
    hot: np.ndarray = spikes > np.maximum(np.maximum(PATTERN.hot * around, _ALONE * beside), _HOT_NOISE * noise**0.5)
    return hot


def _flattest_rest(mean: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each pixel the window that leaves least, what it leaves, and its energy around the pixel as that of white noise."""
    rests = np.stack([high_pass(mean, window) for window in KERNELS.values()])
    kept = np.array([kept_variance(window) for window in KERNELS.values()])
    energies = np.stack([box(rest**2, PATTERN.surroundings) for rest in rests]) / kept[:, None, None]
    best = energies.argmin(0)[None]
    rest, energy = (np.take_along_axis(values, best, 0)[0] for values in (rests, energies))
    return best[0], rest, energy


def _of_window(mean: np.ndarray, window: np.ndarray) -> np.ndarray:
    """What the windows leave of another mean, with the variance of white noise kept."""
    rests = [high_pass(mean, size) / kept_variance(size) ** 0.5 for size in KERNELS.values()]
    return np.choose(window, rests)


def _flat_places(mean: np.ndarray) -> np.ndarray:
    """The quarter of the places with the least picture, by squares in which single pixels hardly count."""
    coarse = box(mean, 4)
    contrast = box(coarse**2, SIDE) - box(coarse, SIDE) ** 2
    flat: np.ndarray = contrast <= np.quantile(contrast, 0.25)
    return flat


def _white(halves: list[np.ndarray], window: np.ndarray, places: np.ndarray, pattern: float) -> bool:
    """Whether the pattern is independent from pixel to pixel, at places that were looked at through one window."""
    sizes = list(KERNELS.values())
    counts = [int((places & (window == number)).sum()) for number in range(len(sizes))]
    number = int(np.argmax(counts))
    if counts[number] < SIDE**2:
        return False
    chosen = places & (window == number)
    expected = white_correlation(sizes[number]) / kept_variance(sizes[number])
    for rows, columns in ((0, 1), (1, 0), (1, 1), (0, 2), (2, 0)):
        second = np.roll(halves[1], (-rows, -columns), (0, 1))
        found = float((halves[0] * second)[chosen].mean()) / pattern
        if abs(found - expected[rows, columns]) > PATTERN.white:
            return False
    return True
