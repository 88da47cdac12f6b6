"""Images of any supported type to float32 planes in [0, 1] and back.

Unsigned integers are divided by the largest value of their type (255 or 65535), so the range of every integer image is
[0, 1]; floating-point images keep their values. A stated value range (two pixel values that stand for 0 and 1) takes the
place of both. The way back multiplies, rounds half up and clips integers to what their type holds.
"""

import dataclasses
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from bsn.data.arrays.axes import Channels, PlaneIndex, guess_axes
from bsn.data.errors import DataError

if TYPE_CHECKING:
    import torch

#: The pixel values that stand for 0 and 1.
Range = tuple[float, float]
#: What becomes of pixels that are NaN or infinite: refused, or kept as missing values.
Missing = Literal["refuse", "keep"]

_SUPPORTED = ("uint8", "uint16", "float16", "float32", "float64")
_NEAREST = {
    "b": "convert it with array.astype(numpy.uint8) * 255",
    "u": "convert it to uint16 if its values fit in 0..65535, else to float32",
    "i": "convert it to uint16 if its values lie in 0..65535, else to float32",
    "c": "take its magnitude or its real part as float32",
}


def check_dtype(dtype: Any, given: str) -> np.dtype[Any]:
    """Refuse pixel types that have no agreed range.

    Parameters
    ----------
    dtype : numpy.dtype or what numpy takes for one
        The pixel type.
    given : str
        What has that type, for the message.

    Returns
    -------
    numpy.dtype
        The type in native byte order: uint8, uint16, float16, float32 or float64.

    Raises
    ------
    DataError
        For any other type, with the nearest one that works.

    Examples
    --------
    >>> check_dtype(">u2", "a file")
    dtype('uint16')
    """
    dtype = np.dtype(dtype)
    if dtype.name not in _SUPPORTED:
        remedy = _NEAREST.get(dtype.kind, "convert it to float32")
        raise DataError(f"{given} of type {dtype.name}", f"pixels must be one of {', '.join(_SUPPORTED)}", remedy)
    return dtype.newbyteorder("=")


def check_finite(pixels: np.ndarray, given: str, nan: Missing = "refuse") -> None:
    """Refuse NaN and infinite pixels.

    Parameters
    ----------
    pixels : ndarray
        Any shape; integers pass at once.
    given : str
        What has those pixels, for the message.
    nan : {"refuse", "keep"}
        With "keep" they are missing values, and nothing is refused.

    Raises
    ------
    DataError
        With how many there are and where the first one is.
    """
    if pixels.dtype.kind != "f" or nan == "keep":
        return
    finite = np.isfinite(pixels)
    if not finite.all():
        first = tuple(int(i) for i in np.unravel_index(int(finite.argmin()), pixels.shape))
        count = int(pixels.size - np.count_nonzero(finite))
        raise DataError(
            given,
            f"{count} of {pixels.size} pixels are NaN or infinite, the first at {first}",
            'keep them as missing values with --nan keep (nan="keep" in Python), or replace them',
        )


def to_unit(pixels: np.ndarray, value_range: Range | None = None) -> np.ndarray:
    """Convert pixels to float32, integers to the range [0, 1].

    Parameters
    ----------
    pixels : ndarray, any shape
        uint8, uint16, float16, float32 or float64.
    value_range : tuple of float, optional
        The pixel values that become 0 and 1; values outside become negative or larger than 1.

    Returns
    -------
    ndarray, float32, same shape
        A new array (never a view). Without a range, integers divided by 255 or 65535, floats as they are.

    Raises
    ------
    DataError
        Another dtype.

    Examples
    --------
    >>> to_unit(np.array([0, 51, 255], dtype=np.uint8)).tolist()
    [0.0, 0.20000000298023224, 1.0]
    """
    dtype = check_dtype(pixels.dtype, "an array")
    if value_range is not None:
        low, high = value_range
        shifted = np.subtract(pixels, low, dtype=np.float64)
        return np.divide(shifted, high - low, out=shifted).astype(np.float32)
    if dtype.kind == "u":
        return np.divide(pixels, np.float32(np.iinfo(dtype).max), dtype=np.float32)
    return pixels.astype(np.float32)


def unit_span(dtype: Any, value_range: Range | None = None) -> float:
    """Say how far 0 and 1 lie apart in an image's own values: 255, 65535, 1 for floats, or the length of a stated range.

    Parameters
    ----------
    dtype : dtype or str
        Type of the stored values.
    value_range : tuple of float, optional
        Stated values of black and white.

    Returns
    -------
    float
    """
    if value_range is not None:
        return value_range[1] - value_range[0]
    dtype = np.dtype(dtype)
    return float(np.iinfo(dtype).max) if dtype.kind == "u" else 1.0


def from_unit(values: np.ndarray, dtype: Any, value_range: Range | None = None) -> np.ndarray:
    """Convert values back to a pixel type: the inverse of `to_unit`.

    Parameters
    ----------
    values : ndarray, float, any shape
        Range [0, 1] for the integer types; values outside are clipped there.
    dtype : numpy.dtype or what numpy takes for one
        The wanted type: uint8, uint16, float16, float32 or float64.
    value_range : tuple of float, optional
        The pixel values that 0 and 1 become, as in `to_unit`.

    Returns
    -------
    ndarray, `dtype`, same shape
        Integers rounded half up.

    Raises
    ------
    DataError
        Another dtype, or NaN where integers are wanted.

    Examples
    --------
    >>> from_unit(np.array([-0.1, 0.5, 1.0]), np.uint8).tolist()
    [0, 128, 255]
    """
    dtype = check_dtype(dtype, "an output")
    low = 0.0 if value_range is None else value_range[0]
    span = unit_span(dtype, value_range)
    if dtype.kind == "f":
        return values.astype(dtype) if value_range is None else (values.astype(np.float64) * span + low).astype(dtype)
    if np.isnan(values).any():
        raise DataError(f"values for {dtype.name} pixels", "some are NaN", "find out what produced them")
    top = float(np.iinfo(dtype).max)
    # float64, since adding one half to a float32 just below it rounds up to one
    scaled = np.multiply(values, span, dtype=np.float64)
    scaled += low + 0.5
    np.floor(scaled, out=scaled)
    return np.clip(scaled, 0.0, top, out=scaled).astype(dtype)


@dataclass(frozen=True)
class PlaneLayout:
    """What `to_planes` must remember to be undone.

    Attributes
    ----------
    index : PlaneIndex
        Axes and shape of the original array.
    dtype : str
        Name of its numpy dtype.
    device : str or None
        Its torch device; None for a numpy array.
    value_range : tuple of float or None
        The pixel values that became 0 and 1, where they were stated.
    """

    index: PlaneIndex
    dtype: str
    device: str | None
    value_range: Range | None = None

    @property
    def axes(self) -> str:
        """Axes of the original array."""
        return self.index.axes

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the original array."""
        return self.index.shape

    def restore(self, planes: "np.ndarray | torch.Tensor") -> "np.ndarray | torch.Tensor":
        """Bring processed planes back to the axes, size, dtype and container of the original.

        Parameters
        ----------
        planes : ndarray or torch.Tensor, shape (N, C, H, W), float
            Any floating type, bfloat16 included. The shape that `to_planes` gave. [0, 1] for integer originals; values
            outside are clipped there.

        Returns
        -------
        ndarray or torch.Tensor
            What the original was, with its shape and dtype; integers rounded half up.

        Raises
        ------
        DataError
            The shape differs, or a value is NaN where integers are wanted.
        """
        expected = (self.index.count, self.index.depth, *self.index.size)
        if tuple(planes.shape) != expected:
            raise DataError(
                f"planes of shape {tuple(planes.shape)}", f"the image had {expected}", "restore planes of that shape"
            )
        values = _numpy_view(planes)
        pixels = np.empty(expected, self.dtype)
        for target, plane in zip(pixels, values, strict=True):
            target[...] = from_unit(
                plane, self.dtype, self.value_range
            )  # One at a time: its float64 is eight times as large as 8 bits
        letters = self.index.leading + self.index.channel_axis + "YX"
        ordered = pixels.reshape([self.index.length(a) for a in letters])
        restored = np.ascontiguousarray(ordered.transpose(np.argsort(self.index.order)))
        if self.device is None:
            return restored
        import torch

        return torch.from_numpy(restored).to(self.device)


def to_planes(
    array: "np.ndarray | torch.Tensor",
    axes: str | None = None,
    *,
    channels: Channels = "joint",
    nan: Missing = "refuse",
    value_range: Range | None = None,
) -> tuple[np.ndarray, PlaneLayout]:
    """Convert an image or stack to float32 planes.

    Parameters
    ----------
    array : ndarray or torch.Tensor
        uint8, uint16, float16, float32 or float64; two axes or more. Not changed.
    axes : str, optional
        One letter per axis, see `bsn.data.arrays.axes`; guessed from the shape where left out.
    channels : {"joint", "separate"}
        ``"separate"`` makes every channel a plane of its own, for channels whose noise has nothing in common.
    nan : {"refuse", "keep"}
        Whether NaN and infinite pixels are refused, or kept as missing values.
    value_range : tuple of float, optional
        The pixel values that become 0 and 1, as in `to_unit`.

    Returns
    -------
    planes : ndarray, shape (N, C, H, W), float32
        Integers in [0, 1], floats as they are, unless a range is stated. N counts all axes but channel, Y and X, in
        their order in `axes`.
    layout : PlaneLayout
        Undoes the conversion: ``layout.restore(planes)``.

    Raises
    ------
    DataError
        Wrong type, empty array, axes that do not fit, NaN or infinite pixels.

    Examples
    --------
    >>> image = np.zeros((32, 48, 3), dtype=np.uint8)
    >>> planes, layout = to_planes(image, "YXC")
    >>> planes.shape, layout.restore(planes).dtype
    ((1, 3, 32, 48), dtype('uint8'))
    """
    native, layout = native_planes(array, axes, channels=channels)
    check_finite(native, f"image of shape {layout.shape} as planes (N, C, H, W)", nan)
    return to_unit(native, value_range), dataclasses.replace(layout, value_range=value_range)


def native_planes(
    array: "np.ndarray | torch.Tensor", axes: str | None = None, *, channels: Channels = "joint"
) -> tuple[np.ndarray, PlaneLayout]:
    """Reorder an image or stack to planes, in its own dtype.

    Parameters
    ----------
    array, axes, channels
        As in `to_planes`.

    Returns
    -------
    planes : ndarray, shape (N, C, H, W), dtype of the array
        A view where possible.
    layout : PlaneLayout
        Undoes the conversion.

    Raises
    ------
    DataError
        Wrong type, empty array, axes that do not fit.
    """
    if not isinstance(array, np.ndarray) and not _is_torch(array):
        raise DataError(
            f"a {type(array).__name__}", "is not an image array", "pass a numpy array or a torch tensor of pixels"
        )
    dtype = _dtype_name(array)
    check_dtype(dtype, "an array")
    shape = tuple(int(n) for n in array.shape)
    if 0 in shape:
        raise DataError(f"an array of shape {shape}", "it has no pixels", "pass at least one pixel")
    index = PlaneIndex(axes if axes is not None else guess_axes(shape), shape, channels)
    ordered = _numpy_view(array).transpose(index.order)
    planes = ordered.reshape(index.count, index.depth, *index.size)
    return planes, PlaneLayout(index, dtype, None if isinstance(array, np.ndarray) else str(array.device))


def _is_torch(array: Any) -> bool:
    # torch is looked up, not imported: who passes a tensor has imported it already.
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(array, torch.Tensor)


def _dtype_name(array: "np.ndarray | torch.Tensor") -> str:
    if isinstance(array, np.ndarray):
        return array.dtype.name
    name = str(array.dtype).removeprefix("torch.")
    if name == "bfloat16":
        raise DataError("a tensor of type bfloat16", "numpy has no such type", "convert it with tensor.float()")
    return name


def _numpy_view(array: "np.ndarray | torch.Tensor") -> np.ndarray:
    if isinstance(array, np.ndarray):
        return array
    tensor = array.detach().cpu()
    return (tensor.float() if str(tensor.dtype) == "torch.bfloat16" else tensor).numpy()
