"""What cameras do to a developed picture: smooth its colours, blur, sharpen, resize."""

import numpy as np

__all__ = ["blurred", "resized", "sharpened", "smooth_colours"]

_LUMINANCE = np.array([0.25, 0.5, 0.25], np.float32)[:, None, None]


def smooth_colours(image: np.ndarray, width: int) -> np.ndarray:
    """Replace colours, but not the luminance (r + 2 g + b) / 4, by their means over squares.

    Parameters
    ----------
    image : ndarray, shape (..., 3, H, W), float32
        Red, green and blue.
    width : int
        Side of the squares, odd; 1 changes nothing.

    Returns
    -------
    ndarray, same shape
    """
    if width == 1:
        return image
    luminance = (image * _LUMINANCE).sum(-3, keepdims=True)
    return luminance + _mean(image - luminance, width)


def blurred(image: np.ndarray, neighbour: float) -> np.ndarray:
    """Mix each pixel with its neighbours.

    Parameters
    ----------
    image : ndarray, shape (..., H, W), float32
        Any number of pictures and colours.
    neighbour : float
        Weight of the neighbours above, below, left and right against 1 of the pixel itself; the diagonal ones have its
        square. 0 changes nothing.

    Returns
    -------
    ndarray, same shape
    """
    if neighbour == 0:
        return image
    return _separable(image, np.array([neighbour, 1, neighbour]) / (1 + 2 * neighbour))


def sharpened(image: np.ndarray, amount: float) -> np.ndarray:
    """Add what distinguishes each pixel from the mean of the 3 x 3 around it.

    Parameters
    ----------
    image : ndarray, shape (..., H, W), float32
        Any number of pictures and colours.
    amount : float
        0 changes nothing.

    Returns
    -------
    ndarray, same shape
    """
    return image if amount == 0 else image + np.float32(amount) * (image - _mean(image, 3))


def resized(image: np.ndarray, factor: float) -> np.ndarray:
    """Resize by cubic interpolation, which averages where it reduces.

    Parameters
    ----------
    image : ndarray, shape (..., H, W), float32
        Any number of pictures and colours.
    factor : float
        Positive; 1 changes nothing.

    Returns
    -------
    ndarray, shape (..., rounded factor H, rounded factor W)
    """
    if factor == 1:
        return image
    from PIL import Image

    height, width = (max(1, round(factor * size)) for size in image.shape[-2:])
    planes = [
        np.asarray(Image.fromarray(plane).resize((width, height), Image.Resampling.BICUBIC))
        for plane in np.ascontiguousarray(image, np.float32).reshape(-1, *image.shape[-2:])
    ]
    return np.stack(planes).reshape(*image.shape[:-2], height, width)


def _mean(image: np.ndarray, width: int) -> np.ndarray:
    return _separable(image, np.full(width, 1 / width))


def _separable(image: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Correlate rows and columns with the same weights; the picture is mirrored beyond its edges."""
    from scipy.ndimage import correlate1d

    rows = correlate1d(image, weights, axis=-2, mode="mirror")
    result: np.ndarray = correlate1d(rows, weights, axis=-1, mode="mirror")
    return result
