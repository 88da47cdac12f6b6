"""The widget *Inspect*."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QFormLayout, QTextBrowser, QWidget

from bsn.data import DataError
from bsn.napari.judging import LayerJudgement, judge_layers
from bsn.napari.widgets.job import JobRow
from bsn.napari.widgets.layer_choice import AxesEdit, LayerChoice
from bsn.napari.widgets.parts import RangeEdit, column, explained, headline_as_html, list_as_html

if TYPE_CHECKING:
    import napari

__all__ = ["InspectWidget"]


class InspectWidget(QWidget):
    """Measures the noise of a layer, and says whether a network can learn from it and how.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        The viewer.
    """

    def __init__(self, napari_viewer: napari.Viewer) -> None:
        super().__init__()
        self.layer, self.axes, self.range = LayerChoice(napari_viewer), AxesEdit(), RangeEdit()
        self.job = JobRow("Inspect", self._start)
        self.text = QTextBrowser()
        form = QFormLayout()
        form.addRow("layer", self.layer)
        form.addRow("axes", self.axes)
        form.addRow("range", self.range)
        rows = column(self)
        rows.addWidget(explained("How strong is the noise, and can a network learn from these images alone?"))
        rows.addLayout(form)
        rows.addWidget(self.job)
        rows.addWidget(self.text, 1)
        self.layer.changed.connect(lambda: self.axes.show_layer(self.layer.layer))
        self.axes.show_layer(self.layer.layer)

    def _start(self) -> None:
        try:
            image, value_range = self.axes.image(), self.range.value
        except DataError as error:
            self.job.say(str(error), failed=True)
            return
        self.job.run(lambda control: judge_layers([image], control, value_range), self._show)

    def _show(self, found: LayerJudgement) -> None:
        self.job.say("")
        self.text.setHtml(said_as_html(found))


def said_as_html(found: LayerJudgement) -> str:
    """Write a judgement as HTML.

    Parameters
    ----------
    found : LayerJudgement
        The judgement.

    Returns
    -------
    str
    """
    rows = "".join(
        f"<tr><td>{html.escape(name)}</td><td>&nbsp;&nbsp;</td><td>{html.escape(value)}</td></tr>"
        for name, value in found.numbers
    )
    headline, reasons = headline_as_html(found.headline, good=found.suitable), list_as_html(found.reasons)
    return f"{headline}<table>{rows}</table><p>What training makes of it:</p>{reasons}"
