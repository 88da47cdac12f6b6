"""A clip that is written frame by frame, with the sound, the times and the tags of the clip that it comes from."""

import errno
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bsn.data.errors import DataError
from bsn.data.files.formats.clip_colours import ClipColours, to_frame
from bsn.data.files.formats.clip_frames import ClipFacts
from bsn.data.files.formats.extras import need

__all__ = ["CODECS", "ClipOutput"]


class Codec(NamedTuple):
    """How the video of one kind of file is stored.

    Attributes
    ----------
    container : str
        FFmpeg's name of the container.
    name : str
        FFmpeg's name of the codec.
    options : dict
        Its options.
    lossless : bool
        Whether it keeps all pixels.
    """

    container: str
    name: str
    options: dict[str, str]
    lossless: bool


_FFV1 = {"level": "3", "slicecrc": "1"}
_H264 = {"crf": "12", "preset": "medium"}
_VP9 = {"crf": "12", "b": "0"}
CODECS = {
    ".mkv": Codec("matroska", "ffv1", _FFV1, True),
    ".mp4": Codec("mp4", "libx264", _H264, False),
    ".m4v": Codec("mp4", "libx264", _H264, False),
    ".mov": Codec("mov", "libx264", _H264, False),
    ".webm": Codec("webm", "libvpx-vp9", _VP9, False),
}
"""Codecs by suffix: lossless where that is usual, else so that hardly anything is lost."""

# Formats that a codec lacks, and those that hold the same.
_LIKE = {
    "yuvj420p": "yuv420p",
    "yuvj422p": "yuv422p",
    "yuvj444p": "yuv444p",
    "nv12": "yuv420p",
    "nv16": "yuv422p",
    "rgb24": "bgr0",
    "bgr24": "bgr0",
    "rgba": "bgr0",
    "bgra": "bgr0",
    "gbrp": "bgr0",
    "p010le": "yuv420p10le",
    "gray10le": "gray16le",
}
_PLAIN_RATE = Fraction(25)
_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}


class ClipOutput:
    """A clip that is being written; boxes come frame after frame.

    Parameters
    ----------
    path : Path
        Where to write.
    target : Path
        What it will be called.
    shape : sequence of int
        (T, H, W) or (T, H, W, 3).
    dtype : numpy.dtype
        uint8 or uint16.
    facts : ClipFacts, optional
        The clip that it comes from.

    Raises
    ------
    DataError
        The kind of file cannot hold such frames, or the sound.
    """

    def __init__(
        self, path: Path, target: Path, shape: Sequence[int], dtype: np.dtype[Any], facts: ClipFacts | None
    ) -> None:
        self._av, self._target, self._facts = need("av", "av (PyAV)", str(target), "video"), target, facts
        self._shape, self._dtype = tuple(shape), dtype
        self._codec = CODECS[target.suffix.lower()]
        self._colours = self._settled(facts.colours if facts else None)
        self._pending: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        self._done = 0
        self._source: Any = None
        # Bit-exact: the same frames give the same file, without dates and random numbers.
        flags = {"fflags": "+bitexact"}
        self._container = self._av.open(str(path), "w", format=self._codec.container, container_options=flags)
        try:
            with self._told():
                self._video = self._add_video()
                self._copies = self._add_copies()
                self._container.start_encoding()
        except BaseException:
            self.close()
            raise
        self._sound = self._packets()
        self._waiting = next(self._sound, None)

    def write(self, starts: Sequence[int], box: np.ndarray) -> None:
        """Take a box; a frame is encoded once it is whole and a later one begins.

        Parameters
        ----------
        starts : sequence of int
            First index along each axis.
        box : ndarray
            Pixels.
        """
        for number, part in enumerate(box, starts[0]):
            if number not in self._pending:
                self._encode_before(number)
                frame = np.zeros(self._shape[1:], self._dtype)
                self._pending[number] = frame, np.zeros(self._shape[1:3], bool)
            frame, known = self._pending[number]
            inside = tuple(slice(start, start + size) for start, size in zip(starts[1:], part.shape, strict=True))
            frame[inside] = part
            known[inside[:2]] = True

    def finish(self) -> None:
        """Encode what is left, and make the file complete."""
        self._encode_before(self._shape[0])
        with self._told():
            self._mux(self._video.encode(None))
            self._copy_until(None)
            self._container.close()

    def close(self) -> None:
        """Let go of the files, complete or not; may follow `finish`."""
        with suppress(self._av.error.FFmpegError):  # of a file that was never finished
            self._container.close()
        if self._source is not None:
            self._source.close()

    def _encode_before(self, number: int) -> None:
        while self._done < number and self._done in self._pending and self._pending[self._done][1].all():
            pixels = self._pending.pop(self._done)[0]
            frame = to_frame(pixels, self._colours, str(self._target))
            frame.pts, frame.time_base = self._time(self._done), self._video.codec_context.time_base
            with self._told():
                self._copy_until(Fraction(frame.pts) * frame.time_base)
                self._mux(self._video.encode(frame))
            self._done += 1

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Say in a line what FFmpeg refuses; failures of the disk are told by the caller."""
        try:
            yield
        except self._av.error.FFmpegError as error:
            if isinstance(error, (FileNotFoundError, PermissionError)) or error.errno in _DISK:
                raise
            raise DataError(
                f"writing {self._target}",
                f"a {self._target.suffix} file cannot hold what the clip has ({' '.join(str(error.strerror).split())})",
                "write a .mkv file, which holds nearly everything",
            ) from error

    def _time(self, number: int) -> int:
        return self._facts.times[number] if self._facts else number

    def _settled(self, colours: ClipColours | None) -> ClipColours:
        """The colours of the source as this codec takes them."""
        if self._dtype not in (np.dtype(np.uint8), np.dtype(np.uint16)):
            raise DataError(
                f"{self._dtype} pixels for {self._target}",
                "a video holds 8 or 16 bits",
                "write uint8, uint16, or a TIFF file",
            )
        if colours is None:
            if not self._codec.lossless:
                raise DataError(
                    f"{self._target} of an image that is no video",
                    "its colours are not those of a video",
                    "write a .mkv file",
                )
            names = {(True, 1): "gray", (True, 2): "gray16le", (False, 1): "bgr0", (False, 2): "gbrp16le"}
            grey, size = len(self._shape) == 3, self._dtype.itemsize
            return ClipColours(names[grey, size], 8 * size, grey, not grey, False, 2, 0, 2, 2, self._shape[1])
        if colours.dtype != self._dtype:
            raise DataError(
                f"{self._dtype} pixels for {self._target}", f"the video has {colours.dtype}", "leave the type as it is"
            )
        known = {form.name for form in self._av.Codec(self._codec.name, "w").video_formats}
        name = colours.pix_fmt if colours.pix_fmt in known and not colours.alpha else _LIKE.get(colours.pix_fmt, "")
        if name not in known:
            name = _nearest(colours, known)
        if not name:
            raise DataError(
                f"{self._target}",
                f"{self._codec.name} cannot hold frames of the kind {colours.pix_fmt}",
                "write a .mkv file, which can",
            )
        sampled = name.startswith(("yuv420", "yuv422"))
        if self._codec.name == "libx264" and sampled and (self._shape[1] % 2 or self._shape[2] % 2):
            raise DataError(
                f"frames of {self._shape[1]} x {self._shape[2]} pixels for {self._target}",
                "H.264 needs even numbers of rows and columns where colours have fewer samples",
                "write a .mkv file, which does not",
            )
        return colours._replace(pix_fmt=name)

    def _add_video(self) -> Any:
        facts = self._facts
        stream = self._container.add_stream(self._codec.name, rate=facts.rate if facts else _PLAIN_RATE)
        context, colours = stream.codec_context, self._colours
        stream.width, stream.height, stream.pix_fmt = self._shape[2], self._shape[1], colours.pix_fmt
        context.time_base = facts.time_base if facts else 1 / _PLAIN_RATE
        context.options = dict(self._codec.options)
        context.colorspace, context.color_range = colours.space, colours.range
        context.color_primaries, context.color_trc = colours.primaries, colours.transfer
        if facts:
            context.sample_aspect_ratio = facts.aspect
        return stream

    def _add_copies(self) -> dict[int, Any]:
        """Streams of sound, by their numbers in the source."""
        if self._facts is None:
            return {}
        self._source = self._av.open(str(self._facts.path))
        self._container.metadata.update(self._source.metadata)
        copies = {}
        for stream in self._source.streams.audio:
            if stream.codec_context.name not in self._container.supported_codecs:
                raise DataError(
                    f"the sound of {self._facts.path.name} ({stream.codec_context.name})",
                    f"a {self._target.suffix} file cannot hold it",
                    "write a .mkv file, which can",
                )
            copies[stream.index] = self._container.add_stream_from_template(stream)
            copies[stream.index].metadata.update(stream.metadata)
        return copies

    def _packets(self) -> Any:
        if self._copies:
            streams = [self._source.streams[number] for number in self._copies]
            yield from (packet for packet in self._source.demux(streams) if packet.dts is not None)

    def _copy_until(self, seconds: Fraction | None) -> None:
        """Copy the sound up to a time, so that it lies beside its frames in the file."""
        while self._waiting is not None:
            packet = self._waiting
            if seconds is not None and packet.dts * packet.time_base > seconds:
                return
            packet.stream = self._copies[packet.stream.index]
            self._container.mux(packet)
            self._waiting = next(self._sound, None)

    def _mux(self, packets: Any) -> None:
        for packet in packets:
            self._container.mux(packet)


def _nearest(colours: ClipColours, known: set[str]) -> str:
    """The format of the fewest bits among those that hold all that the source has; empty where there is none."""
    kinds = ("gray",) if colours.grey else ("gbrp", "bgr0") if colours.rgb else ("yuv444p",)
    sampled = next((part for part in ("yuv420p", "yuv422p", "yuv440p") if colours.pix_fmt.startswith(part)), "")
    wanted = [f"{kind}{bits}" for kind in ((sampled, *kinds) if sampled else kinds) for bits in ("", *_DEPTHS)]
    return next((name for name in wanted if name in known and _bits(name) >= colours.bits), "")


_DEPTHS = ("9le", "10le", "12le", "14le", "16le")


def _bits(name: str) -> int:
    return next((int(depth[:-2]) for depth in reversed(_DEPTHS) if name.endswith(depth)), 8)
