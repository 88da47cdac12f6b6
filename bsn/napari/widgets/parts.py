"""Parts that the widgets share: what is said, and the choice of models and ranges."""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox, QFileDialog, QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from bsn.data.arrays.pixel_types import Range
from bsn.napari.denoising import parse_range
from bsn.napari.known import AUTOMATIC, KNOWN

__all__ = [
    "BAD",
    "GOOD",
    "ModelChoice",
    "RangeEdit",
    "column",
    "explained",
    "headline_as_html",
    "list_as_html",
]

GOOD, BAD = "#7ec87e", "#ff8a80"  # of words, readable in napari's dark theme


def explained(text: str) -> QLabel:
    """A sentence at the top of a widget.

    Parameters
    ----------
    text : str
        What the widget does.

    Returns
    -------
    QLabel
    """
    label = QLabel(text)
    label.setWordWrap(True)
    return label


def column(widget: QWidget) -> QVBoxLayout:
    """Lay the parts of a widget out from top to bottom.

    Parameters
    ----------
    widget : QWidget
        The widget.

    Returns
    -------
    QVBoxLayout
    """
    rows = QVBoxLayout(widget)
    rows.setAlignment(Qt.AlignmentFlag.AlignTop)
    return rows


def headline_as_html(text: str, *, good: bool) -> str:
    """Write a judgement as HTML.

    Parameters
    ----------
    text : str
        One sentence.
    good : bool
        Whether it is good news, which its colour shows.

    Returns
    -------
    str
    """
    return f'<p><b style="color: {GOOD if good else BAD}">{html.escape(text)}</b></p>'


def list_as_html(lines: Sequence[str]) -> str:
    """Write lines as a list of HTML.

    Parameters
    ----------
    lines : sequence of str
        Plain text.

    Returns
    -------
    str
    """
    return f"<ul>{''.join(f'<li>{html.escape(line)}</li>' for line in lines)}</ul>"


class RangeEdit(QLineEdit):
    """The pixel values that stand for black and white; an empty field leaves them to the type of the pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.setPlaceholderText("of the type of the pixels")
        self.setToolTip(
            "The pixel values that stand for black and white, such as 0, 4095. Needed for floats that are counts."
        )

    @property
    def value(self) -> Range | None:
        """The two values, or None; raises :class:`DataError` where something else is written."""
        return parse_range(self.text())


class ModelChoice(QWidget):
    """The choice of a model: by the noise, from the box, or a file.

    Parameters
    ----------
    automatic : str
        What stands first in the list and means no model.
    """

    def __init__(self, automatic: str = AUTOMATIC.title) -> None:
        super().__init__()
        self._automatic, self._names = automatic, list[str | None]()
        self.box, opens = QComboBox(), QPushButton("Open ...")
        self.box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.box.setToolTip("Models in the box, and those that were trained or opened here.")
        opens.setToolTip("Open a model file (.safetensors), such as final.safetensors in the folder of a run.")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.box, 1)
        row.addWidget(opens)
        opens.clicked.connect(lambda: self._open())
        KNOWN.listen(self._fill)
        fill = self._fill
        self.destroyed.connect(lambda: KNOWN.forget(fill))
        self._fill()

    @property
    def name(self) -> str | None:
        """Name or path of the chosen model; None for the automatic choice."""
        return self._names[max(self.box.currentIndex(), 0)] if self._names else None

    def choose(self, name: str | None) -> None:
        """Choose a model.

        Parameters
        ----------
        name : str or None
            One that is listed.
        """
        if name in self._names:
            self.box.setCurrentIndex(self._names.index(name))

    def _fill(self) -> None:
        before = self.name
        listed = KNOWN.listed()
        self._names = [*([None] if self._automatic else []), *(model.name for model in listed)]
        self.box.clear()
        self.box.addItems(([self._automatic] if self._automatic else []) + [model.title for model in listed])
        self.choose(before)

    def _open(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Open a model", str(Path.home()), "Models (*.safetensors)")
        if not path:
            return
        try:
            found = KNOWN.add(path)
        except ValueError as error:
            from napari.utils.notifications import show_error

            show_error(str(error))
        else:
            self.choose(found.name)
