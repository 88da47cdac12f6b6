"""The widget *Verify*."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import Qt
from qtpy.QtGui import QImage, QPixmap
from qtpy.QtWidgets import QFileDialog, QFormLayout, QHBoxLayout, QLabel, QPushButton, QSpinBox, QTextBrowser, QWidget

from bsn.data import DataError, atomic_output
from bsn.napari.certificate import Certificate, certify, picture_of_sight
from bsn.napari.known import KNOWN
from bsn.napari.widgets.job import JobRow
from bsn.napari.widgets.parts import ModelChoice, column, explained, headline_as_html, list_as_html

if TYPE_CHECKING:
    import napari

    from bsn.blindness import Verdict

__all__ = ["VerifyWidget"]

_SIGHTED = (
    "This network is made to see the pixel, as models in the box and students are, and nothing else is claimed of it. "
    "Certificates are for networks that are trained on noisy images alone."
)


class VerifyWidget(QWidget):
    """Proves that a model does not see the pixel that it predicts, or shows where it does.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        The viewer; its layers stay as they are.
    """

    def __init__(self, napari_viewer: napari.Viewer) -> None:
        super().__init__()
        self.verdict: Verdict | None = None
        self.model, self.side = ModelChoice(automatic=""), QSpinBox()
        self.side.setRange(16, 512)
        self.side.setValue(64)
        self.side.setSuffix(" pixels")
        self.side.setToolTip("Side of the image of which every pixel is checked.")
        self.text, self.sight = QTextBrowser(), QLabel()
        self.sight.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.job = JobRow("Verify", self._start)
        self.picture, self.save = QPushButton("Show what a pixel sees"), QPushButton("Save the certificate ...")
        self.picture.clicked.connect(lambda: self._draw())
        self.save.clicked.connect(lambda: self._save())
        self.save.setEnabled(False)
        self.model.box.currentIndexChanged.connect(lambda _: self._clear())
        form, buttons = QFormLayout(), QHBoxLayout()
        form.addRow("model", self.model)
        form.addRow("size", self.side)
        buttons.addWidget(self.picture)
        buttons.addWidget(self.save)
        rows = column(self)
        rows.addWidget(explained("Does the model see the pixel that it predicts? A blind one cannot copy its noise."))
        rows.addLayout(form)
        rows.addWidget(self.job)
        rows.addWidget(self.text, 1)
        rows.addWidget(self.sight)
        rows.addLayout(buttons)

    def _start(self) -> None:
        name, size = self.model.name, self.side.value()
        if name is None:
            self.job.say("There is no model; train one, or open one.", failed=True)
            return
        self._clear()
        self.job.run(lambda control: certify(name, control, size=size), self._show)

    def _clear(self) -> None:
        """Show nothing of another model."""
        self.verdict = None
        self.text.clear()
        self.sight.clear()
        self.save.setEnabled(False)

    def _show(self, found: Certificate) -> None:
        self.verdict = found.verdict
        self.job.say(f"The checks took {found.verdict.seconds:.1f} s.")
        self.text.setHtml(said_as_html(found))
        self.save.setEnabled(True)

    def _draw(self) -> None:
        name = self.model.name
        if name is not None:
            self.job.run(lambda control: picture_of_sight(name), self._show_sight)

    def _show_sight(self, picture: np.ndarray) -> None:
        height, width, _ = picture.shape
        levels = np.ascontiguousarray(picture * 255 + 0.5, np.uint8).tobytes()
        image = QImage(levels, width, height, 3 * width, QImage.Format.Format_RGB888)
        self.sight.setPixmap(QPixmap.fromImage(image.copy()))
        self.job.say(
            "Grey: seen, the brighter the more. Blue: not seen. Green: the pixel itself, not seen. Red: itself, seen."
        )

    def _save(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, "Save the certificate", "certificate.json", "JSON (*.json)")
        if not path or self.verdict is None:
            return
        try:
            with atomic_output(Path(path), overwrite=True) as partial:
                partial.write_text(self.verdict.to_json(), encoding="utf-8")
        except (DataError, OSError) as error:
            self.job.say(str(error), failed=True)
        else:
            self.job.say(f"saved as {path}")


def said_as_html(found: Certificate) -> str:
    """Write a certificate as HTML.

    Parameters
    ----------
    found : Certificate
        What was found.

    Returns
    -------
    str
    """
    verdict = found.verdict
    headline = verdict.headline.replace(verdict.name, KNOWN.title_of(verdict.name), 1)
    lines = [str(verdict.leak.culprit)] if verdict.leak is not None and verdict.leak.culprit is not None else []
    marks = {True: "ok", False: "LEAK", None: "not run"}
    lines += [f"{marks[c.passed]}: {c.check}, {c.condition}. {c.detail}" for c in verdict.checks]
    note = "" if found.made_blind else f"<p>{_SIGHTED}</p>"
    return f"{headline_as_html(headline, good=verdict.blind)}{note}{list_as_html(lines)}"
