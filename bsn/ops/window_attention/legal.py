"""Which windows stay inside their phases, so that attention in them cannot see the pixel itself."""

from __future__ import annotations

__all__ = ["check_dilated_window", "legal_overlaps"]


def legal_overlaps(window: int, dilation: int = 2) -> list[float]:
    """Overlap ratios up to 1 that keep a window inside its phases.

    Parameters
    ----------
    window : int
        Side of the query window in pixels.
    dilation : int
        Distance of neighbouring pixels of a phase.

    Returns
    -------
    list of float
        Ratios r with ``r * window / 2``, the halo, a multiple of `dilation`. Empty if `window` itself is not one.

    Examples
    --------
    >>> legal_overlaps(8)
    [0.0, 0.5, 1.0]
    """
    if window < 1 or window % dilation:
        return []
    return [extra / window for extra in range(0, window + 1, 2 * dilation)]


def check_dilated_window(window: int, key_window: int, dilation: int = 2) -> None:
    """Refuse windows whose keys would belong to other phases than the queries.

    Parameters
    ----------
    window, key_window : int
        Sides in pixels of the full image. The halo ``(key_window - window) / 2`` and `window` must be multiples of
        `dilation`. With an odd halo a mask over patch indices lets a query attend to the diagonally opposite phase and
        the network silently is not blind any more.
    dilation : int
        Distance of neighbouring pixels of a phase.

    Raises
    ------
    ValueError
        If the windows do not fit; the message names the nearest legal values.
    """
    if window < dilation or window % dilation:
        lower = max(window // dilation, 1) * dilation
        raise ValueError(
            f"window {window} is not a multiple of the dilation {dilation}, so phases would have unequal windows; "
            f"use {lower} or {lower + dilation}"
        )
    extra = key_window - window
    if extra < 0 or extra % (2 * dilation):
        overlap = extra / window
        ratios = sorted(legal_overlaps(window, dilation), key=lambda ratio: abs(ratio - overlap))
        nearest = " or ".join(f"{ratio:g}" for ratio in sorted(ratios[:2]))
        halo = f"{extra / 2:g}"
        raise ValueError(
            f"window {window} with overlap {overlap:g} gives a halo of {halo}, which is not a multiple of the dilation "
            f"{dilation} and would mix phases; use an overlap of {nearest}"
        )
