"""Frames of clips as pixels and back: brightness and colour differences as RGB, by the matrix and the range of the clip.

The conversion is our own in numbers of 32 bits, and the same matrix leads there and back, so that a clip whose tags are wrong
or missing keeps its colours.
"""

from typing import Any, NamedTuple

import numpy as np

from bsn.data.errors import DataError

# Weights of red and blue in the brightness, by the number of the matrix (ITU-T H.273, table 4).
_WEIGHTS = {
    1: (0.2126, 0.0722),
    4: (0.30, 0.11),
    5: (0.299, 0.114),
    6: (0.299, 0.114),
    7: (0.212, 0.087),
    9: (0.2627, 0.0593),
}
_UNKNOWN, _RGB = 2, 0
_FULL = 2
_HD = 720  # rows from which clips that do not tell their matrix have that of BT.709


class ClipColours(NamedTuple):
    """How a clip stores colours.

    Attributes
    ----------
    pix_fmt : str
        Pixel format, as FFmpeg names it.
    bits : int
        Bits of a value.
    grey, rgb, alpha : bool
        Whether it stores brightness alone, RGB, and opacity.
    space, range, primaries, transfer : int
        Matrix, range, primaries and transfer curve by their numbers in ITU-T H.273; 2 (range: 0) where the clip does not say.
    rows : int
        Rows of a frame.
    """

    pix_fmt: str
    bits: int
    grey: bool
    rgb: bool
    alpha: bool
    space: int
    range: int
    primaries: int
    transfer: int
    rows: int

    @classmethod
    def of(cls, frame: Any, codec: Any) -> "ClipColours":
        """Read them from a frame and its decoder.

        Parameters
        ----------
        frame : av.VideoFrame
            The first frame.
        codec : av.CodecContext
            Its decoder.

        Returns
        -------
        ClipColours
        """
        form = frame.format
        names = [part.is_alpha for part in form.components]
        return cls(
            form.name,
            max(part.bits for part in form.components),
            len(form.components) - sum(names) == 1,
            form.is_rgb,
            any(names),
            int(frame.colorspace),
            int(frame.color_range) or _FULL * form.name.startswith("yuvj"),
            int(codec.color_primaries or _UNKNOWN),
            int(codec.color_trc or _UNKNOWN),
            frame.height,
        )

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of its pixels: 8 or 16 bits."""
        return np.dtype(np.uint8 if self.bits <= 8 else np.uint16)

    @property
    def _full(self) -> bool:
        return self.range == _FULL

    @property
    def between(self) -> str:
        """Pixel format through which frames come and go, without loss of values."""
        if self.grey:
            return "gray" if self.bits <= 8 else "gray16le"
        if self.rgb:
            return "rgb24" if self.bits <= 8 else "rgb48le"
        if self.bits <= 8:
            return "yuvj444p" if self._full else "yuv444p"
        return "yuv444p16le"

    def weights(self, given: str) -> tuple[float, float]:
        """Weights of red and blue in the brightness.

        Parameters
        ----------
        given : str
            The clip, for the message.

        Returns
        -------
        red, blue : float

        Raises
        ------
        DataError
            For matrices that are no weighted sums, such as YCgCo.
        """
        space = self.space if self.space not in (_UNKNOWN, _RGB) else 1 if self.rows >= _HD else 6
        if space not in _WEIGHTS:
            raise DataError(
                given, f"its colours have a matrix that is not known (number {space})", "convert it to BT.709"
            )
        return _WEIGHTS[space]


def to_pixels(frame: Any, colours: ClipColours, given: str) -> np.ndarray:
    """Pixels of a frame.

    Parameters
    ----------
    frame : av.VideoFrame
        A decoded frame.
    colours : ClipColours
        Those of the clip.
    given : str
        The clip, for messages.

    Returns
    -------
    ndarray, shape (H, W) or (H, W, 3), uint8 or uint16
        Brightness, or RGB.
    """
    # Smooth colours between brightness of single pixels leave the range of RGB less often than colours that are repeated.
    values = frame.reformat(format=colours.between, interpolation="BICUBIC", **_same_range(colours)).to_ndarray()
    if colours.grey or colours.rgb:
        return np.ascontiguousarray(values)
    planes = values if colours.bits <= 8 else np.moveaxis(values, -1, 0)  # PyAV puts the parts of 16 bits last
    luma, blue, red = _from_stored(planes.astype(np.float32), colours)
    kr, kb = colours.weights(given)
    r, b = luma + 2 * (1 - kr) * red, luma + 2 * (1 - kb) * blue
    g = (luma - kr * r - kb * b) / (1 - kr - kb)
    largest = np.iinfo(colours.dtype).max
    return np.clip(np.rint(np.stack([r, g, b], -1) * largest), 0, largest).astype(colours.dtype)


def to_frame(pixels: np.ndarray, colours: ClipColours, given: str) -> Any:
    """Frame of pixels, in the pixel format of the clip.

    Parameters
    ----------
    pixels : ndarray
        What :func:`to_pixels` gives.
    colours, given
        See there.

    Returns
    -------
    av.VideoFrame
    """
    import av

    values = np.ascontiguousarray(pixels)
    if not (colours.grey or colours.rgb):
        kr, kb = colours.weights(given)
        r, g, b = np.moveaxis(pixels.astype(np.float32) / np.iinfo(colours.dtype).max, -1, 0)
        luma = kr * r + (1 - kr - kb) * g + kb * b
        parts = np.stack([luma, (b - luma) / (2 * (1 - kb)), (r - luma) / (2 * (1 - kr))])
        planes = _to_stored(parts, colours)
        values = planes if colours.bits <= 8 else np.ascontiguousarray(np.moveaxis(planes, 0, -1))
    frame = av.VideoFrame.from_ndarray(values, format=colours.between)
    frame.colorspace, frame.color_range = colours.space, colours.range
    found = frame.reformat(format=colours.pix_fmt, interpolation="AREA", **_same_range(colours))
    found.colorspace, found.color_range = colours.space, colours.range
    return found


def _same_range(colours: ClipColours) -> dict[str, int]:
    return {"src_color_range": colours.range, "dst_color_range": colours.range} if colours.range else {}


def _limits(colours: ClipColours) -> tuple[float, float, float, float]:
    """Stored values of black and of the range of brightness, of no colour and of the range of colour differences."""
    unit = 2.0 ** (8 * colours.dtype.itemsize - 8)
    largest = float(np.iinfo(colours.dtype).max)
    if colours._full:
        return 0.0, largest, 128 * unit, largest
    return 16 * unit, 219 * unit, 128 * unit, 224 * unit


def _from_stored(values: np.ndarray, colours: ClipColours) -> np.ndarray:
    black, light, neutral, colour = _limits(colours)
    return np.stack([(values[0] - black) / light, (values[1] - neutral) / colour, (values[2] - neutral) / colour])


def _to_stored(parts: np.ndarray, colours: ClipColours) -> np.ndarray:
    black, light, neutral, colour = _limits(colours)
    values = np.stack([parts[0] * light + black, parts[1] * colour + neutral, parts[2] * colour + neutral])
    return np.clip(np.rint(values), 0, np.iinfo(colours.dtype).max).astype(colours.dtype)
