"""Frames of a clip: how many there are and when they are shown, and any of them."""

import functools
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bsn.data.errors import DataError
from bsn.data.files.formats.clip_colours import ClipColours, to_pixels
from bsn.data.files.formats.extras import need

_HELD = 4
_SHORT = Fraction(1, 2)  # seconds by which a clip may end before its header says so
_COPY = "copy it again, or repair it, for example with ffmpeg"


class ClipFacts(NamedTuple):
    """What is known of a clip beside its pixels.

    Attributes
    ----------
    path : Path
        The file.
    times : tuple of int
        When each frame is shown, in units of `time_base`; rising.
    time_base : Fraction
        Seconds.
    rate : Fraction
        Frames per second, on average.
    colours : ClipColours
        How colours are stored.
    size : tuple of int
        Rows and columns of the frames as they are shown.
    aspect : Fraction
        Width of a pixel over its height, as shown.
    quarters : int
        Quarter turns to the left by which stored frames are shown.
    """

    path: Path
    times: tuple[int, ...]
    time_base: Fraction
    rate: Fraction
    colours: ClipColours
    size: tuple[int, int]
    aspect: Fraction
    quarters: int

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape (T, H, W) or (T, H, W, 3)."""
        shape = (len(self.times), *self.size)
        return shape if self.colours.grey else (*shape, 3)


def facts_of(path: Path) -> ClipFacts:
    """Look through a clip: all of its frames are decoded once, so that damage is found before any work.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    ClipFacts

    Raises
    ------
    DataError
        No video, a damaged or unfinished file, frames of different sizes.
    """
    found = path.stat()
    return _facts(path, found.st_mtime_ns, found.st_size)


@functools.lru_cache(maxsize=64)
def _facts(path: Path, _changed: int, _size: int) -> ClipFacts:
    with _opened(path) as (container, stream):
        times: list[int] = []
        first: Any = None
        for frame in _decoded(container, stream, path):
            if first is None:
                first, colours = frame, ClipColours.of(frame, stream.codec_context)
                colours.weights(str(path))
            elif (frame.height, frame.width, frame.format.name) != (first.height, first.width, first.format.name):
                raise DataError(
                    str(path),
                    f"frame {len(times)} has {frame.height} x {frame.width} pixels ({frame.format.name}), the first "
                    f"{first.height} x {first.width} ({first.format.name})",
                    "cut it where the size changes",
                )
            times.append(_rising(frame.pts, times, stream))
        if first is None:
            raise DataError(str(path), "its video has no frame that can be decoded", _COPY)
        _refuse_unfinished(path, stream, times)
        quarters = round(first.rotation / 90) % 4
        size, aspect = (first.height, first.width), Fraction(stream.sample_aspect_ratio or 1) or Fraction(1)
        if quarters % 2:
            size, aspect = size[::-1], 1 / aspect
        rate = Fraction(stream.average_rate or stream.guessed_rate or 25)
        return ClipFacts(path, tuple(times), Fraction(stream.time_base), rate, colours, size, aspect, quarters)


def _rising(time: int | None, times: Sequence[int], stream: Any) -> int:
    """Time of a frame; where the clip does not tell it, or not in order, that of its number."""
    step = max(1, round(1 / (Fraction(stream.time_base) * Fraction(stream.average_rate or 25))))
    if time is None:
        return times[-1] + step if times else 0
    return max(time, times[-1] + 1) if times else time


def _refuse_unfinished(path: Path, stream: Any, times: Sequence[int]) -> None:
    stated = _stated_seconds(stream)
    ends = Fraction(times[-1]) * stream.time_base + 1 / Fraction(stream.average_rate or 25)
    counted = "mov" in stream.container.format.name  # others count packets without a frame, too
    missing = counted and stream.frames and len(times) < stream.frames - 1
    if missing or (stated is not None and ends < stated - _SHORT):
        told = f"{stream.frames} frames" if missing else f"{float(stated or 0):.1f} s"
        raise DataError(str(path), f"it ends after {len(times)} frames, and its header tells of {told}", _COPY)


def _stated_seconds(stream: Any) -> Fraction | None:
    """End of the video by its header, where that tells it (Matroska)."""
    words = stream.metadata.get("DURATION", "").split(":")
    try:
        hours, minutes, seconds = words
        return Fraction(hours) * 3600 + Fraction(minutes) * 60 + Fraction(seconds)
    except ValueError:
        return None


@contextmanager
def _opened(path: Path) -> Iterator[tuple[Any, Any]]:
    """The container and its video, cover pictures left out."""
    av = need("av", "av (PyAV)", str(path), "video")
    try:
        container = av.open(str(path))
    except av.error.FFmpegError as error:
        raise DataError(str(path), f"cannot be read as a video ({error.strerror})", _COPY) from error
    with container:
        videos = [s for s in container.streams.video if "attached_pic" not in (s.disposition.name or "")]
        if not videos:
            kinds = ", ".join(sorted({s.type for s in container.streams})) or "nothing"
            raise DataError(str(path), f"there is no video in it, but {kinds}", "name a file with a video")
        videos[0].thread_type = "AUTO"
        yield container, videos[0]


def _decoded(container: Any, stream: Any, path: Path) -> Iterator[Any]:
    """Frames from where the container stands; damage is told with the number of the frame."""
    av = need("av", "av (PyAV)", str(path), "video")
    number = 0
    try:
        for frame in container.decode(stream):
            if frame.is_corrupt:
                raise DataError(str(path), f"its video is damaged at frame {number}", _COPY)
            yield frame
            number += 1
    except av.error.FFmpegError as error:
        raise DataError(str(path), f"its video is damaged after {number} frames ({error.strerror})", _COPY) from error


class ClipBoxes:
    """Boxes of a clip (T, H, W) or (T, H, W, 3); a few frames are held, those that follow each other are decoded once.

    Parameters
    ----------
    facts : ClipFacts
        The clip.
    """

    def __init__(self, facts: ClipFacts) -> None:
        self.facts = facts
        self._held: OrderedDict[int, np.ndarray] = OrderedDict()
        self._numbers = {time: number for number, time in enumerate(facts.times)}
        self._opened: Any = None
        self._next = 0
        self._frames: Iterator[Any] = iter(())

    def read(self, starts: Sequence[int], sizes: Sequence[int]) -> np.ndarray:
        """Read a box.

        Parameters
        ----------
        starts, sizes : sequence of int
            First index and length along each axis.

        Returns
        -------
        ndarray, shape `sizes`

        Raises
        ------
        DataError
            The clip has changed, or is damaged.
        """
        inside = tuple(slice(start, start + size) for start, size in zip(starts[1:], sizes[1:], strict=True))
        return np.stack([self._frame(starts[0] + number)[inside] for number in range(sizes[0])])

    def close(self) -> None:
        """Close the file."""
        self._frames = iter(())
        self._held.clear()
        if self._opened is not None:
            self._opened.__exit__(None, None, None)
            self._opened = None

    def _frame(self, number: int) -> np.ndarray:
        if number in self._held:
            self._held.move_to_end(number)
            return self._held[number]
        if self._opened is None or number < self._next or number > self._next + 100:
            self._go_to(number)
        for frame in self._frames:
            at = self._numbers.get(frame.pts, self._next)
            self._next = at + 1
            if at == number:
                self._held[number] = np.rot90(
                    to_pixels(frame, self.facts.colours, str(self.facts.path)), self.facts.quarters
                )
                while len(self._held) > _HELD:
                    self._held.popitem(last=False)
                return self._held[number]
        raise DataError(
            str(self.facts.path), f"frame {number} is not there any more", "leave the file alone while it is read"
        )

    def _go_to(self, number: int) -> None:
        """Decode on from a key frame before a frame, or from the start."""
        self.close()
        opened = _opened(self.facts.path)
        container, stream = opened.__enter__()
        self._opened, self._next = opened, 0
        if number > 100:
            container.seek(self.facts.times[number], stream=stream)
            self._frames = _decoded(container, stream, self.facts.path)
            first = next(self._frames)
            at = self._numbers.get(first.pts)
            if at is not None and at <= number:
                self._next = at
                self._frames = _then(first, self._frames)
                return
            # The index of the file is of no use: from the start, then.
            self.close()
            self._opened = _opened(self.facts.path)
            container, stream = self._opened.__enter__()
            self._next = 0
        self._frames = _decoded(container, stream, self.facts.path)


def _then(first: Any, rest: Iterator[Any]) -> Iterator[Any]:
    yield first
    yield from rest
