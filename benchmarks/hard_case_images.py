"""The pictures of the hard cases: parts of free photographs, and drawn ones whose truth is known exactly."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont
from scipy.ndimage import gaussian_filter

from bsn.data.photographs import photograph

__all__ = ["HardCase", "hard_cases"]

SIDE = 256
_WORDS = (
    "The quick brown fox jumps over the lazy dog, 0123456789.",
    "Sphinx of black quartz, judge my vow: 3.14159265 (mod 7)",
    "illicit minimum il1I|! rn m vv w cl d 5S 8B 0O 2Z 6G",
)


@dataclass(frozen=True)
class HardCase:
    """A clean picture, and what may go wrong with it.

    Parameters
    ----------
    name : str
    clean : ndarray, shape (3, 256, 256), float32, range [0, 1]
    credit : str
        Title, author and licence; "drawn" for synthetic ones.
    stars : list of tuple
        Row and column of each star, and its height above the sky.
    smooth : bool
        A picture without any detail, in which bands would show.
    """

    name: str
    clean: np.ndarray
    credit: str
    stars: list[tuple[int, int, float]] = field(default_factory=list)
    smooth: bool = False


def hard_cases(free: Path) -> list[HardCase]:
    """All hard cases, photographs first.

    Parameters
    ----------
    free : Path
        Folder of the free photographs.

    Returns
    -------
    list of HardCase
    """
    stars, places = _starry()
    return [
        HardCase("skin and hair", photograph("astronaut.png")[:, :SIDE, 96 : 96 + SIDE], "NASA, public domain"),
        HardCase(
            "fur",
            _part(free, "gb82-dog.webp", 40, 130),
            "Golden retriever, Gianni Rosato and contributors, CC0-1.0",
        ),
        HardCase(
            "saturated red",
            _part(free, "lomiri-picture-0b.webp", 80, 190),
            'Fig in a red bowl, Trevor "Freespace", CC-BY-4.0, cropped',
        ),
        HardCase(
            "night",
            _part(free, "gb82-prudential.webp", 90, 130),
            "Prudential tower at night, Gianni Rosato and contributors, CC0-1.0",
        ),
        HardCase("brick", photograph("brick.png")[:, :SIDE, :SIDE], "CC0Textures, CC0-1.0"),
        HardCase("text", _text(), "drawn"),
        HardCase("stars", stars, "drawn", stars=places),
        HardCase("sky", _sky(), "drawn", smooth=True),
        HardCase("edges", _edges(), "drawn"),
    ]


def _part(free: Path, file: str, top: int, left: int) -> np.ndarray:
    with Pillow.open(free / "photos" / file) as picture:
        pixels = np.asarray(picture.convert("RGB"), np.float32) / 255
    return np.ascontiguousarray(np.moveaxis(pixels[top : top + SIDE, left : left + SIDE], -1, 0))


def _text() -> np.ndarray:
    """Lines of several sizes, dark on paper and bright on blue."""
    page = Pillow.new("RGB", (SIDE, SIDE), (244, 240, 230))
    pen = ImageDraw.Draw(page)
    pen.rectangle((0, SIDE // 2, SIDE, SIDE), fill=(24, 44, 92))
    for half, colour in ((0, (30, 30, 34)), (1, (250, 220, 120))):
        row = half * SIDE // 2 + 4
        for number, size in enumerate((8, 9, 10, 11, 12, 14, 18)):
            pen.text((5, row), _WORDS[number % len(_WORDS)], fill=colour, font=ImageFont.load_default(size))
            row += size + 5
    return np.ascontiguousarray(np.moveaxis(np.asarray(page, np.float32) / 255, -1, 0))


def _starry() -> tuple[np.ndarray, list[tuple[int, int, float]]]:
    """A dark sky with a faint glow, and stars of all brightnesses and some colours at least eight pixels apart."""
    rng = np.random.default_rng(5)
    rows, columns = np.mgrid[:SIDE, :SIDE] / SIDE
    glow = 0.02 * np.exp(-((columns - 0.3) ** 2 + (rows - 0.7) ** 2) / 0.05)
    picture = np.stack([0.035 + 0.9 * glow, 0.04 + glow, 0.06 + 1.2 * glow])
    places: list[tuple[int, int, float]] = []
    while len(places) < 160:
        row, column = (int(place) for place in rng.integers(8, SIDE - 8, 2))
        if all(np.hypot(row - r, column - c) >= 12 for r, c, _ in places):
            places.append((row, column, float(10 ** rng.uniform(-1.3, -0.1))))
    for row, column, height in places:
        spot = np.zeros((SIDE, SIDE))
        spot[row, column] = 1
        spot = gaussian_filter(spot, rng.uniform(0.7, 1.1))
        tint = np.array([1, 1, 1]) - rng.uniform(0, 0.25) * np.eye(3)[rng.integers(3)]
        picture += height * tint[:, None, None] * spot / spot.max()
    return np.clip(picture, 0, 1).astype(np.float32), places


def _sky() -> np.ndarray:
    """An evening sky without a cloud."""
    rows, columns = np.mgrid[:SIDE, :SIDE] / (SIDE - 1)
    low, high = np.array([0.78, 0.62, 0.52]), np.array([0.22, 0.34, 0.56])
    share = np.clip(rows + 0.15 * columns, 0, 1.15) / 1.15
    return (high[:, None, None] + (low - high)[:, None, None] * share).astype(np.float32)


def _edges() -> np.ndarray:
    """Flat surfaces of strong and weak contrast that meet at sharp edges, straight and round."""
    drawn = Pillow.new("RGB", (4 * SIDE, 4 * SIDE), (128, 128, 128))
    pen = ImageDraw.Draw(drawn)
    pen.polygon([(0, 0), (620, 0), (300, 1024), (0, 1024)], fill=(36, 40, 48))
    pen.ellipse((420, 80, 940, 600), fill=(226, 222, 214))
    pen.ellipse((560, 220, 800, 460), fill=(190, 40, 36))
    pen.rectangle((480, 680, 960, 960), fill=(146, 140, 134))
    pen.rectangle((80, 120, 220, 900), fill=(58, 120, 70))
    small = drawn.resize((SIDE, SIDE), Pillow.Resampling.BOX)
    return np.ascontiguousarray(np.moveaxis(np.asarray(small, np.float32) / 255, -1, 0))
