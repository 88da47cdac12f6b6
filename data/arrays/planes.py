"""Images of any supported type to float32 planes and back.

Which values an image has inside is decided by its type, see `bsn.data.arrays.pixel_types`: integers of 8 and 16 bits are
divided by the largest value of their type, everything else keeps its values. The way back multiplies, rounds half up and
clips to what the type holds.
"""

import dataclasses
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NoReturn

import numpy as np

from bsn.data.arrays.axes import Channels, PlaneIndex, guess_axes
from bsn.data.arrays.pixel_types import Range, check_dtype, from_unit, to_unit
from bsn.data.errors import DataError

if TYPE_CHECKING:
    import torch

#: What becomes of pixels that are NaN or infinite: refused, or kept as missing values.
Missing = Literal["refuse", "keep"]


def check_finite(pixels: np.ndarray, given: str, nan: Missing = "refuse") -> None:
    """Refuse NaN and infinite pixels.

    Parameters
    ----------
    pixels : ndarray
        Any shape; integers pass at once.
    given : str
        What has those pixels, for the message.
    nan : {"refuse", "keep"}
        What to do with NaN and infinite pixels. With "keep" they are missing values, and nothing is refused.

    Raises
    ------
    DataError
        If there are such pixels; the message says how many, and where the first one is.
    """
    if pixels.dtype.kind != "f" or nan == "keep":
        return
    finite = np.isfinite(pixels)
    if not finite.all():
        first = tuple(int(i) for i in np.unravel_index(int(finite.argmin()), pixels.shape))
        count = int(pixels.size - np.count_nonzero(finite))
        refuse_missing(given, f"{count} of {pixels.size} pixels", f", the first at {first}")


def refuse_missing(given: str, which: str, where: str = "") -> NoReturn:
    """Refuse pixels that are NaN or infinite, and name the option that keeps them.

    Parameters
    ----------
    given : str
        What has those pixels.
    which : str
        How many they are.
    where : str
        Where they are, with a comma before it.

    Raises
    ------
    DataError
        Always.
    """
    raise DataError(
        given,
        f"{which} are NaN or infinite{where}",
        'keep them as missing values with --nan keep (nan="keep" in Python), or replace them',
    )


@dataclass(frozen=True)
class PlaneLayout:
    """What `to_planes` must remember to be undone.

    Attributes
    ----------
    index : PlaneIndex
        Axes and shape of the original array.
    dtype : str
        Its numpy dtype: the name, or ``">u2"`` and the like where the byte order is not the machine's.
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

    def restore(self, planes: "np.ndarray | torch.Tensor", *, dtype: Any = None) -> "np.ndarray | torch.Tensor":
        """Bring processed planes back to the axes, size, dtype and container of the original.

        Parameters
        ----------
        planes : ndarray or torch.Tensor, shape (N, C, H, W), float
            Any floating type, bfloat16 included. The shape that `to_planes` gave. In the range inside; what lies outside
            the wanted type is clipped to it.
        dtype : numpy.dtype or what numpy takes for one, optional
            Another type for the result, which keeps the values of the original: float32 keeps the fractions of counts that
            an integer would round away.

        Returns
        -------
        ndarray or torch.Tensor
            What the original was, with its shape and dtype (or `dtype`); integers rounded half up.

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
        wanted = np.dtype(self.dtype if dtype is None else dtype)
        pixels = np.empty(expected, wanted)
        for target, plane in zip(pixels, values, strict=True):
            # One at a time: its float64 is eight times as large as 8 bits.
            target[...] = from_unit(plane, wanted, self.value_range, of=self.dtype)
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
        bool, integers of 8 to 64 bits, float16, float32 or float64; two axes or more. Not changed.
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
        Integers of 8 and 16 bits in [0, 1] or [-1, 1], other types as they are, unless a range is stated; see
        `bsn.data.arrays.pixel_types`. N counts all axes but channel, Y and X, in their order in `axes`.
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
        See `to_planes`.

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
            f"an object of type {type(array).__name__}",
            "is not an image array",
            "pass a numpy array or a torch tensor of pixels",
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
        return array.dtype.name if array.dtype.isnative else array.dtype.str
    name = str(array.dtype).removeprefix("torch.")
    if name == "bfloat16":
        raise DataError("a tensor of type bfloat16", "numpy has no such type", "convert it with tensor.float()")
    return name


def _numpy_view(array: "np.ndarray | torch.Tensor") -> np.ndarray:
    if isinstance(array, np.ndarray):
        return array
    tensor = array.detach().cpu()
    return (tensor.float() if str(tensor.dtype) == "torch.bfloat16" else tensor).numpy()
