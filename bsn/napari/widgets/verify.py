"""The widget *Verify*."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtGui import QFontDatabase
from qtpy.QtWidgets import QFileDialog, QFormLayout, QHBoxLayout, QLabel, QPlainTextEdit, QPushButton, QSpinBox, QWidget

from bsn.data import DataError, atomic_output
from bsn.napari.certificate import certify, picture_of_sight
from bsn.napari.widgets.job import JobRow
from bsn.napari.widgets.parts import ModelChoice, column, explained

if TYPE_CHECKING:
    import napari
    import numpy as np

    from bsn.blindness import Verdict

__all__ = ["VerifyWidget"]


class VerifyWidget(QWidget):
    """Proves that a model does not see the pixel that it predicts, or shows where it does.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        The viewer.
    """

    def __init__(self, napari_viewer: napari.Viewer) -> None:
        super().__init__()
        self._viewer = napari_viewer
        self.verdict: Verdict | None = None
        self.model, self.side = ModelChoice(automatic=""), QSpinBox()
        self.side.setRange(16, 512)
        self.side.setValue(64)
        self.side.setSuffix(" pixels")
        self.side.setToolTip("Side of the image of which every pixel is checked.")
        self.headline, self.text = QLabel(), QPlainTextEdit()
        self.headline.setWordWrap(True)
        self.text.setReadOnly(True)
        self.text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.job = JobRow("Verify", self._start)
        self.picture, self.save = QPushButton("Show what a pixel sees"), QPushButton("Save the certificate ...")
        self.picture.clicked.connect(lambda: self._draw())
        self.save.clicked.connect(lambda: self._save())
        self.save.setEnabled(False)
        form, buttons = QFormLayout(), QHBoxLayout()
        form.addRow("model", self.model)
        form.addRow("size", self.side)
        buttons.addWidget(self.picture)
        buttons.addWidget(self.save)
        rows = column(self)
        rows.addWidget(explained("Does the model see the pixel that it predicts? A blind one cannot copy its noise."))
        rows.addLayout(form)
        rows.addWidget(self.job)
        rows.addWidget(self.headline)
        rows.addWidget(self.text, 1)
        rows.addLayout(buttons)

    def _start(self) -> None:
        name, size = self.model.name, self.side.value()
        if name is None:
            self.job.say("There is no model; train one, or open one.", failed=True)
            return
        self.job.run(lambda control: certify(name, control, size=size), self._show)

    def _show(self, verdict: Verdict) -> None:
        self.verdict = verdict
        self.job.say(f"{verdict.seconds:.1f} s")
        self.headline.setText(verdict.headline)
        self.headline.setStyleSheet(f"font-weight: bold; color: {'#7ec87e' if verdict.blind else '#ff8a80'};")
        self.text.setPlainText("\n".join(str(verdict).splitlines()[1:]))
        self.save.setEnabled(True)

    def _draw(self) -> None:
        name = self.model.name
        if name is not None:
            self.job.run(lambda control: picture_of_sight(name), lambda picture: self._add(name, picture))

    def _add(self, name: str, picture: np.ndarray) -> None:
        self._viewer.add_image(picture, name=f"what a pixel of {Path(name).name} sees", rgb=True)
        self.job.say("Blue: not seen. Green: the pixel itself, not seen. Red: the pixel itself, seen.")

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
