"""A genotype as a picture: modules and attention blocks along the branches, as SVG text."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from restoration.manas.genotype.genotype import Genotype

__all__ = ["draw_genotype"]

_MODULE, _ATTENTION, _GAP, _ROW, _BOX, _TOP = 54, 190, 26, 96, 64, 46
_COLOURS = {"parallel": "#dbe9f6", "fusion": "#fde0c5", "attention": "#e3f1de", "plain": "#eeeeee"}


def draw_genotype(genotype: Genotype) -> str:
    """Draw a genotype.

    Parameters
    ----------
    genotype : Genotype
        What is drawn.

    Returns
    -------
    str
        An SVG document. A row per scale; P a parallel, F a fusion module; in the green boxes the candidate on each edge of the
        attention block.
    """
    parts, width = [], 0
    for part, right in _elements(genotype):
        parts.append(part)
        width = max(width, right)
    height = _TOP + _ROW * len(genotype.widths)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width + _GAP} {height}" width="{width + _GAP}" '
        f'height="{height}" font-family="sans-serif" font-size="11">'
    )
    title = f"<title>{escape(_title(genotype))}</title>"
    ground = f'<rect width="{width + _GAP}" height="{height}" fill="white"/>'
    return "\n".join([head, title, ground, *parts, "</svg>"]) + "\n"


def _title(genotype: Genotype) -> str:
    letters = " ".join("".join(name[0].upper() for name in cell) for cell in genotype.modules)
    return f"genotype {letters}, widths {', '.join(map(str, genotype.widths))}"


def _elements(genotype: Genotype) -> Iterator[tuple[str, int]]:
    """Pieces of the picture from left to right, each with its right edge."""
    left = 70
    for scale, width in enumerate(genotype.widths):
        size = "full" if scale == 0 else f"1/{2**scale}"
        yield _text(8, _middle(scale), f"{size}, {width}", anchor="start"), left
    start = f"stem × {genotype.stem_blocks}" if genotype.stem else "image"
    yield _box(left, 0, _MODULE, start, "plain"), left + _MODULE
    left, before = left + _MODULE, 1
    for cell, (modules, attention) in enumerate(zip(genotype.modules, genotype.edges, strict=True)):
        branches = genotype.shape.branches(cell)
        yield _text(left + _GAP, 20, f"cell {cell + 1}", anchor="start", weight="bold"), left
        for number, name in enumerate(modules):
            incoming = before if number == 0 else branches
            exchange = name == "fusion" and number > 0
            yield _lines(left, left + _GAP, incoming, branches, exchange=exchange), left
            left += _GAP
            yield "\n".join(_box(left, row, _MODULE, name[0].upper(), name) for row in range(branches)), left + _MODULE
            left += _MODULE
        yield _lines(left, left + _GAP, branches, branches), left
        left += _GAP
        names = genotype.shape.edge_names()
        yield (
            "\n".join(
                _box(left, row, _ATTENTION, "\n".join(map(" ".join, zip(names, edges, strict=True))), "attention")
                for row, edges in enumerate(attention)
            ),
            left + _ATTENTION,
        )
        left, before = left + _ATTENTION, branches
    yield _lines(left, left + _GAP, before, 1, exchange=True), left
    yield _box(left + _GAP, 0, _MODULE, "image", "plain"), left + _GAP + _MODULE


def _middle(row: int) -> int:
    return _TOP + row * _ROW + _BOX // 2


def _text(x: int, y: int, text: str, *, anchor: str = "middle", weight: str = "normal") -> str:
    return f'<text x="{x}" y="{y + 4}" text-anchor="{anchor}" font-weight="{weight}">{escape(text)}</text>'


def _box(left: int, row: int, width: int, text: str, kind: str) -> str:
    lines = text.split("\n")
    top = _TOP + row * _ROW
    shape = f'<rect x="{left}" y="{top}" width="{width}" height="{_BOX}" rx="6" fill="{_COLOURS[kind]}" stroke="#666"/>'
    step = min(16, (_BOX - 8) // len(lines))
    first = _middle(row) - step * (len(lines) - 1) // 2
    size = f' style="font-size:{min(11, step)}px"' if len(lines) > 1 else ""
    return (
        f"<g{size}>"
        + shape
        + "".join(_text(left + width // 2, first + step * n, t) for n, t in enumerate(lines))
        + "</g>"
    )


def _lines(left: int, right: int, before: int, after: int, *, exchange: bool = False) -> str:
    """Connections: every branch to itself, new ones from the coarsest old one, or all with all."""
    pairs = {(min(row, before - 1), row) for row in range(after)}
    if exchange:
        pairs |= {(source, target) for source in range(before) for target in range(after)}
    return "".join(
        f'<line x1="{left}" y1="{_middle(a)}" x2="{right}" y2="{_middle(b)}" stroke="#888"/>' for a, b in sorted(pairs)
    )
