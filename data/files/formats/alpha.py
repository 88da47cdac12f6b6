"""The alpha channel (opacity) of a picture: put aside when the picture is read, put back when the result is written.

It is no colour, so nothing denoises it or learns from it, and it comes back bit by bit. The colours of pixels that are wholly
transparent are nobody's: they are whatever the program that saved the picture left there. They are treated like all others,
so they change, and may colour a seam of a few pixels on the visible side.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bsn.data.arrays.axes import PlaneIndex
from bsn.data.files.formats.decoded import ArrayBoxes, BoxReader
from bsn.data.files.formats.losses import Outline

#: The key of `Image.metadata` under which readers leave the alpha channel: an array with the axes of the image but the
#: channels, or an `AlphaInFile`.
ALPHA = "alpha"
#: Its neighbour, where the colours are multiplied by it.
PREMULTIPLIED = "alpha_premultiplied"


class SampleBoxes:
    """Boxes of some samples of an image that has more.

    Parameters
    ----------
    boxes : BoxReader
        The whole image.
    axis : int
        Its axis of samples.
    first, count : int
        The samples.
    keep : bool
        Whether the axis stays; it is dropped for a single sample.
    """

    def __init__(self, boxes: BoxReader, axis: int, first: int, count: int, *, keep: bool) -> None:
        self.boxes, self.axis, self.first, self.count, self.keep = boxes, axis, first, count, keep

    def read(self, starts: Sequence[int], sizes: Sequence[int]) -> np.ndarray:
        """Read a box.

        Parameters
        ----------
        starts, sizes : sequence of int
            First index and length along each axis that is left.

        Returns
        -------
        ndarray, shape `sizes`
            The pixels.
        """
        begin, length = list(starts), list(sizes)
        if self.keep:
            begin[self.axis] += self.first
            return self.boxes.read(begin, length)
        begin.insert(self.axis, self.first)
        length.insert(self.axis, self.count)
        return self.boxes.read(begin, length).squeeze(self.axis)

    def close(self) -> None:
        """Close the file."""
        self.boxes.close()


class AlphaInFile:
    """An alpha channel that is left in its file, and can be read as long as the image is open.

    Parameters
    ----------
    boxes : BoxReader
        Gives it.
    shape : tuple of int
        Its shape.
    dtype : numpy.dtype
        Its type.
    """

    def __init__(self, boxes: BoxReader, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.boxes, self.shape, self.dtype = boxes, shape, dtype

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """Read it whole."""
        return self.boxes.read([0] * len(self.shape), self.shape).astype(dtype or self.dtype, copy=False)


def split_alpha(pixels: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Part colours and opacity.

    Parameters
    ----------
    pixels : ndarray
        The last sample is the opacity.
    axis : int
        The axis of samples.

    Returns
    -------
    colours : ndarray
        Without the axis where one sample is left.
    alpha : ndarray
        Without the axis.
    """
    colours, alpha = np.split(pixels, [pixels.shape[axis] - 1], axis=axis)
    return colours.squeeze(axis) if colours.shape[axis] == 1 else colours, alpha.squeeze(axis)


def split_boxes(
    boxes: BoxReader, shape: tuple[int, ...], dtype: np.dtype[Any], axis: int
) -> tuple[BoxReader, AlphaInFile]:
    """Part colours and opacity of an image that is left in its file.

    Parameters
    ----------
    boxes : BoxReader
        The image; its last sample is the opacity.
    shape : tuple of int
        Its shape.
    dtype : numpy.dtype
        Its type.
    axis : int
        Its axis of samples.

    Returns
    -------
    colours : BoxReader
        Without the axis where one sample is left.
    alpha : AlphaInFile
        Without the axis.
    """
    colours = shape[axis] - 1
    alpha = SampleBoxes(boxes, axis, colours, 1, keep=False)
    rest = (*shape[:axis], *shape[axis + 1 :])
    return SampleBoxes(boxes, axis, 0, colours, keep=colours > 1), AlphaInFile(alpha, rest, dtype)


def find_alpha(metadata: Mapping[str, Any], index: PlaneIndex, dtype: np.dtype[Any]) -> BoxReader | None:
    """Find the alpha channel that belongs to an image.

    Parameters
    ----------
    metadata : mapping
        See `bsn.data.files.images.Image`.
    index : PlaneIndex
        Axes and shape of the image.
    dtype : numpy.dtype
        Type of its pixels.

    Returns
    -------
    BoxReader or None
        Boxes with the axes of the image but the channels; None where there is no alpha channel, or it has another size or
        type than the image.
    """
    alpha = metadata.get(ALPHA)
    shape = tuple(n for a, n in zip(index.axes, index.shape, strict=True) if a != index.channel_axis)
    if alpha is None or tuple(alpha.shape) != shape or alpha.dtype != dtype:
        return None
    return alpha.boxes if isinstance(alpha, AlphaInFile) else ArrayBoxes(np.asarray(alpha))


def alpha_lost(outline: Outline) -> list[str]:
    """Name an alpha channel that does not belong to the image that is written.

    Parameters
    ----------
    outline : Outline
        The image.

    Returns
    -------
    list of str
        Empty where there is none, or it is written.
    """
    present = outline.metadata.get(ALPHA) is not None
    fits = present and find_alpha(outline.metadata, PlaneIndex(outline.axes, outline.shape), outline.dtype) is not None
    return ["alpha channel (opacity)"] if present and not fits else []


class Joining:
    """How the alpha channel of an image comes back as the last sample of its pixels.

    Parameters
    ----------
    index : PlaneIndex
        Axes and shape of the image.
    alpha : BoxReader
        Its alpha channel, see `find_alpha`.

    Attributes
    ----------
    axes : str
        Axes of the joined image: those of the image, the channels last.
    shape : tuple of int
        Shape of the joined image.
    """

    def __init__(self, index: PlaneIndex, alpha: BoxReader) -> None:
        self.alpha = alpha
        self.kept = [i for i, axis in enumerate(index.axes) if axis != index.channel_axis]
        self.channel = index.axes.index(index.channel_axis) if index.channel_axis else None
        self.axes = "".join(index.axes[i] for i in self.kept) + (index.channel_axis or "C")
        self.shape = (*(index.shape[i] for i in self.kept), index.depth + 1)

    @classmethod
    def of(
        cls, axes: str, shape: tuple[int, ...], dtype: np.dtype[Any], metadata: Mapping[str, Any]
    ) -> "Joining | None":
        """Find what is to be joined.

        Parameters
        ----------
        axes, shape, dtype, metadata
            The image, see `Outline`.

        Returns
        -------
        Joining or None
            None for an image without an alpha channel.
        """
        index = PlaneIndex(axes, shape)
        alpha = find_alpha(metadata, index, dtype)
        return None if alpha is None else cls(index, alpha)

    def join(self, box: np.ndarray, starts: Sequence[int]) -> tuple[list[int], np.ndarray]:
        """Join a part of the image.

        Parameters
        ----------
        box : ndarray
            Colours, all channels, in the axes of the image.
        starts : sequence of int
            Where the part begins in the image.

        Returns
        -------
        starts : list of int
            Where it begins in the joined image.
        box : ndarray
            With the alpha channel, in the axes of the joined image.
        """
        begin = [starts[i] for i in self.kept]
        opacity = self.alpha.read(begin, [box.shape[i] for i in self.kept])
        colours = box[..., None] if self.channel is None else np.moveaxis(box, self.channel, -1)
        return [*begin, 0], np.concatenate([colours, opacity[..., None]], axis=-1)
