"""Where kernels were measured, and whether they were faster than plain operators there: "auto" never takes the slower one.

The numbers lie in ``measured.json``, which ``python -m benchmarks.kernel_choice`` writes from the stored benchmarks. They
hold for classes of shapes:

=======  ===================================================================================================
width    channels that a kernel holds at once: of a pixel (norm), a head (windows), a group (channel
         attention), a half (gate); bounds of the classes: :data:`WIDTHS`
pixels   N H W of the images; bounds of the classes: :data:`PIXELS`
bytes    of a value: 2 or 4
train    whether the backward pass follows
=======  ===================================================================================================

A class that was not measured counts as the nearest one that was. A kernel without any measurement counts as faster than plain
operators; the backend "products", which is made of plain operators, counts as slower until it was measured.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

__all__ = ["PIXELS", "WIDTHS", "class_of", "slower_kernel", "slower_where_measured"]

WIDTHS = (16, 32, 64, 128, 256)
PIXELS = (2**14, 2**16, 2**18, 2**20)

_FILE = Path(__file__).with_name("measured.json")

Class = tuple[int, int, int, bool]  # numbers of the classes of width and pixels, bytes of a value, with gradients
Ratios = dict[Class, float]
Verdicts = dict[Class, bool]


def class_of(width: int, pixels: int) -> tuple[int, int]:
    """Number of the class of a shape along each axis.

    Parameters
    ----------
    width, pixels : int
        See the table at the top.

    Returns
    -------
    tuple of 2 int

    Examples
    --------
    >>> class_of(96, 4 * 256 * 256)
    (3, 2)
    """
    # Comparisons only: a compiler can follow them with sizes that it does not know yet.
    return sum(width > bound for bound in WIDTHS), sum(pixels > bound for bound in PIXELS)


def _verdicts(rows: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], Verdicts]:
    """For each operator and backend, whether plain operators or another backend are faster in each class."""
    measured: dict[tuple[str, str], Ratios] = {}
    for row in rows:
        point = (*class_of(row["width"], row["pixels"]), int(row["bytes"]), bool(row["train"]))
        ratios = measured.setdefault((row["operator"], row["backend"]), {})
        ratios[point] = min(ratios.get(point, float("inf")), row["ratio"])
    everywhere = {key: _everywhere(ratios) for key, ratios in measured.items()}
    return {
        key: {point: own < _best(everywhere, key, point) for point, own in everywhere[key].items()}
        for key in everywhere
    }


def _best(everywhere: Mapping[tuple[str, str], Ratios], key: tuple[str, str], point: Class) -> float:
    """Ratio of the fastest other way to compute an operator; 1 is that of plain operators."""
    return max([1.0, *(ratios[point] for other, ratios in everywhere.items() if other[0] == key[0] and other != key)])


def _everywhere(ratios: Ratios) -> Ratios:
    """Ratio in each class: that of the nearest measured class."""
    classes = itertools.product(range(len(WIDTHS) + 1), range(len(PIXELS) + 1), (2, 4), (False, True))

    def distance(one: Class, other: Class) -> tuple[int, int]:
        # Precision and gradients change what is computed; among those the nearest shape.
        kind = 2 * (one[3] != other[3]) + (one[2] != other[2])
        return kind, abs(one[0] - other[0]) + abs(one[1] - other[1])

    # Of equally near ones the worst: the promise is never to take the slower one.
    return {point: ratios[min(ratios, key=lambda other: (*distance(point, other), ratios[other]))] for point in classes}


_VERDICTS = _verdicts(json.loads(_FILE.read_text(encoding="utf-8"))["rows"])


def slower_kernel(operator: str, backend: str, width: int, x: Tensor, *, train: bool) -> bool:
    """Whether a backend was measured slower than plain operators, or than another backend, for such a shape.

    Parameters
    ----------
    operator : str
        Name in the table.
    backend : str
        Such as "triton".
    width : int
        See the table at the top.
    x : Tensor, shape (N, C, H, W)
        One of the images of the call.
    train : bool
        Whether the backward pass follows.

    Returns
    -------
    bool
        Without any measurement, False for kernels and True for the backend "products".
    """
    verdicts = _VERDICTS.get((operator, backend))
    if verdicts is None:
        return backend == "products"
    pixels = x.shape[0] * x.shape[2] * x.shape[3]
    return verdicts[(*class_of(width, pixels), 2 if x.element_size() <= 2 else 4, train)]


def slower_where_measured(
    operator: str, width: Callable[..., int], image: int = 0, backend: str = "triton"
) -> Callable[..., bool]:
    """Answer to "is it slower on a GPU for these arguments?", for :class:`bsn.ops.backend.Implementation`.

    Parameters
    ----------
    operator : str
        Name in the table.
    width : callable
        Takes the operator's arguments, gives the width of the table at the top.
    image : int
        Which argument is an image.
    backend : str
        The backend in question.

    Returns
    -------
    callable
        Takes the operator's arguments, returns a bool. On a processor "products" counts as slower: it is taken by name only.
    """

    def slower(*args: Any) -> bool:
        if backend == "products" and not args[image].is_cuda:
            return True
        train = torch.is_grad_enabled() and any(isinstance(t, Tensor) and t.requires_grad for t in args)
        return slower_kernel(operator, backend, width(*args), args[image], train=train)

    return slower
