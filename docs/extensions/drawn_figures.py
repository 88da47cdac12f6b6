"""Sphinx: the drawings of ``docs/drawings`` are made before the pages are read.

Each module there has one function ``draw() -> Figure``; its picture is ``_drawn/<module>.svg`` (``.png`` where the module
sets ``RASTER = True``).
"""

from __future__ import annotations

import importlib
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.util import logging

_STYLE = {
    "font.size": 13,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.facecolor": "white",
    "svg.fonttype": "path",
    "svg.hashsalt": "blindspot",
}


def draw_all(app: Sphinx) -> None:
    """Draw what is missing or older than its module."""
    import matplotlib as mpl

    mpl.use("Agg")
    folder = Path(app.srcdir, "_drawn")
    folder.mkdir(exist_ok=True)
    for source in sorted(Path(app.srcdir, "drawings").glob("[a-z]*.py")):
        module = importlib.import_module(f"drawings.{source.stem}")
        target = folder / f"{source.stem}.{'png' if getattr(module, 'RASTER', False) else 'svg'}"
        if target.exists() and target.stat().st_mtime > source.stat().st_mtime:
            continue
        logging.getLogger(__name__).info("drawing %s", target.name)
        with mpl.rc_context(_STYLE):
            figure = module.draw()
            figure.savefig(
                target, dpi=160, bbox_inches="tight", metadata={"Date": None} if target.suffix == ".svg" else None
            )


def setup(app: Sphinx) -> dict[str, bool]:
    """Draw before the sources are read."""
    app.connect("builder-inited", draw_all)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
