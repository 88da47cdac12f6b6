"""Self-contained HTML reports: one file with text, tables, pictures and before/after sliders."""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bsn.data import encode_png

__all__ = ["HtmlReport"]

_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 1080px; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2rem; }
table { border-collapse: collapse; margin: 1rem 0; } th, td { padding: .3rem .9rem; border-bottom: 1px solid #8886; }
td:not(:first-child), th:not(:first-child) { text-align: right; font-variant-numeric: tabular-nums; }
tr.best td { font-weight: 600; }
figure { margin: 1rem 0; } figcaption { font-size: .9rem; opacity: .8; }
.row { display: flex; flex-wrap: wrap; gap: 1rem; } .row figure { flex: 1 1 280px; margin: 0; }
img { max-width: 100%; height: auto; display: block; image-rendering: auto; }
.slider { position: relative; max-width: 100%; overflow: hidden; touch-action: pan-y; }
.slider:focus-within { outline: 3px solid Highlight; outline-offset: 2px; }
.slider img { width: 100%; }
.slider .after { position: absolute; inset: 0; clip-path: inset(0 0 0 var(--cut, 50%)); }
.slider .line { position: absolute; top: 0; bottom: 0; left: var(--cut, 50%); width: 2px; background: #fff;
  box-shadow: 0 0 4px #000; pointer-events: none; }
.slider input { position: absolute; inset: 0; width: 100%; height: 100%; opacity: 0; cursor: ew-resize; margin: 0; }
.pixels img { image-rendering: pixelated; }
.warning { border-left: 4px solid #c60; padding: .2rem .8rem; }
.slider span { position: absolute; top: .5rem; padding: .1rem .5rem; background: #000a; color: #fff; font-size: .85rem; }
.slider .left { left: .5rem; } .slider .right { right: .5rem; }
"""


def _source(image: NDArray[np.floating]) -> str:
    return "data:image/png;base64," + base64.b64encode(encode_png(image)).decode()


class HtmlReport:
    """Builder of a report.

    Parameters
    ----------
    title : str
        Title of the page.

    Examples
    --------
    >>> report = HtmlReport("Two numbers")
    >>> report.table(["method", "PSNR"], [["a", "30.0"], ["b", "31.0"]], best=1)
    >>> "31.0" in report.render()
    True
    """

    def __init__(self, title: str) -> None:
        self.title = title
        self._parts: list[str] = []

    def heading(self, text: str) -> None:
        """Add a section heading.

        Parameters
        ----------
        text : str
            Plain text; signs that HTML uses are escaped.
        """
        self._parts.append(f"<h2>{html.escape(text)}</h2>")

    def paragraph(self, text: str) -> None:
        """Add a paragraph of plain text.

        Parameters
        ----------
        text : str
            Plain text; signs that HTML uses are escaped.
        """
        self._parts.append(f"<p>{html.escape(text)}</p>")

    def warning(self, text: str) -> None:
        """Add a paragraph that stands out.

        Parameters
        ----------
        text : str
            Plain text; signs that HTML uses are escaped.
        """
        self._parts.append(f'<p class="warning"><strong>Warning:</strong> {html.escape(text)}</p>')

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]], *, best: int | None = None) -> None:
        """Add a table.

        Parameters
        ----------
        columns : sequence of str
            Headings.
        rows : sequence of sequence of str
            Cells of each row, as many as columns.
        best : int, optional
            Number of the row that is set in bold.
        """
        head = "".join(f"<th>{html.escape(column)}</th>" for column in columns)
        body = "".join(
            f"<tr{' class=best' if index == best else ''}>"
            + "".join(f"<td>{html.escape(cell)}</td>" for cell in row)
            + "</tr>"
            for index, row in enumerate(rows)
        )
        self._parts.append(f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>")

    def slider(
        self,
        before: NDArray[np.floating],
        after: NDArray[np.floating],
        labels: tuple[str, str],
        caption: str,
        *,
        zoom: int | None = None,
    ) -> None:
        """Add two pictures of equal size, one over the other, with a divider to drag.

        Parameters
        ----------
        before, after : ndarray, see :func:`bsn.data.encode_png`
            The picture on the left of the divider, and the one on its right.
        labels : tuple of str
            Names of the two pictures.
        caption : str
            Text below the pictures.
        zoom : int, optional
            Side of a pixel on the screen, where there is room; without it the pictures are as wide as they are, or 512 pixels.
        """
        left, right = map(html.escape, labels)
        width = max(before.shape[-1], 512) if zoom is None else zoom * before.shape[-1]
        kind = "slider" if zoom is None else "slider pixels"
        self._parts.append(
            f'<figure><div class="{kind}" style="width:{width}px"><img src="{_source(before)}" alt="{left}">'
            f'<img class="after" src="{_source(after)}" alt="{right}"><div class="line"></div>'
            f'<span class="left">{left}</span><span class="right">{right}</span>'
            f'<input type="range" min="0" max="100" value="50" step="0.5" aria-label="divider between {left} and {right}" '
            "oninput=\"this.parentNode.style.setProperty('--cut', this.value + '%')\"></div>"
            f"<figcaption>{html.escape(caption)}</figcaption></figure>"
        )

    def pictures(self, items: Sequence[tuple[NDArray[np.floating], str]]) -> None:
        """Add pictures side by side, each with a caption.

        Parameters
        ----------
        items : sequence of (ndarray, str)
            Pictures of shape (C, H, W) in [0, 1], and their captions.
        """
        figures = "".join(
            f'<figure><img src="{_source(image)}" alt="{html.escape(caption)}">'
            f"<figcaption>{html.escape(caption)}</figcaption></figure>"
            for image, caption in items
        )
        self._parts.append(f'<div class="row">{figures}</div>')

    def render(self) -> str:
        """Return the whole page."""
        title = html.escape(self.title)
        return (
            f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<style>{_STYLE}</style></head><body><h1>{title}</h1>{''.join(self._parts)}</body></html>\n"
        )
