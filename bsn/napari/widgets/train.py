"""The widget *Train*."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QDoubleSpinBox, QFileDialog, QFormLayout, QHBoxLayout, QLineEdit, QPushButton, QWidget

from bsn.data import DataError
from bsn.napari.known import KNOWN
from bsn.napari.layers import LayerImage, plane_at
from bsn.napari.training import Preview, TrainChoices, Trained, default_folder, preview_place, train_on
from bsn.napari.widgets.job import JobRow
from bsn.napari.widgets.layer_choice import AXES_TIP, LayerChoices, guessed_axes
from bsn.napari.widgets.parts import ModelChoice, RangeEdit, column, explained
from bsn.napari.widgets.results import add_beside, shown_point

if TYPE_CHECKING:
    import napari

__all__ = ["TrainWidget"]

_MINUTES, _LONGEST = 10.0, 24 * 60.0


class TrainWidget(QWidget):
    """Trains a network on layers, and shows in a layer what it has learned so far.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        The viewer.
    """

    def __init__(self, napari_viewer: napari.Viewer) -> None:
        super().__init__()
        self._viewer = napari_viewer
        self._preview: tuple[Any, tuple[slice, ...], Any] | None = None
        self._shown: list[Any] = []
        self.layers, self.axes, self.start = (
            LayerChoices(napari_viewer),
            QLineEdit(),
            ModelChoice("a new network"),
        )
        self.axes.setToolTip(AXES_TIP)
        self.minutes, self.range, self.folder = QDoubleSpinBox(), RangeEdit(), QLineEdit()
        self.minutes.setRange(0.1, _LONGEST)
        self.minutes.setValue(_MINUTES)
        self.minutes.setSuffix(" min")
        self.minutes.setToolTip("Length of the training. Ten minutes on two cores are enough for a first look.")
        self.start.setToolTip("A blind model that is trained on, or nothing for a new network.")
        self.folder.setToolTip("Folder of the run, with the model. If a training was stopped there, it goes on.")
        chooses, where = QPushButton("..."), QHBoxLayout()
        chooses.clicked.connect(lambda: self._choose_folder())
        where.addWidget(self.folder)
        where.addWidget(chooses)
        self.job = JobRow("Train", self._start, pauses=True)
        form = QFormLayout()
        form.addRow("layers", self.layers)
        form.addRow("axes", self.axes)
        form.addRow("begin with", self.start)
        form.addRow("length", self.minutes)
        form.addRow("range", self.range)
        form.addRow("folder", where)
        rows = column(self)
        rows.addWidget(explained("Train a denoiser on these noisy layers alone. No clean image is needed."))
        rows.addLayout(form)
        rows.addWidget(self.job)
        self.layers.changed.connect(lambda: self._show_layers())
        self._show_layers()

    def _show_layers(self) -> None:
        """Axes and folder of the chosen layers, as long as the user has not written others."""
        layers = self.layers.layers
        if layers == self._shown:
            return
        self._shown = layers
        self.axes.setEnabled(len(layers) <= 1)
        self.axes.setText(guessed_axes(layers))
        self._name_folder()

    def _name_folder(self) -> None:
        if not self.folder.isModified() and self._shown:
            self.folder.setText(str(default_folder(self._shown[0].name, Path.home() / "blindspot")))

    def _choose_folder(self) -> None:
        path = QFileDialog.getExistingDirectory(self, "Folder of the run", str(Path.home()))
        if path:
            self.folder.setText(path)
            self.folder.setModified(True)

    def _images(self) -> list[LayerImage]:
        layers = self.layers.layers
        stated = self.axes.text().strip() if len(layers) == 1 else ""
        return [LayerImage.of(layer, stated or None) for layer in layers]

    def _start(self) -> None:
        try:
            if not self.folder.text().strip():
                raise DataError("no folder", "the run needs one for its model", "name a folder")
            choices = TrainChoices(
                Path(self.folder.text()).expanduser(),
                self.minutes.value(),
                self.start.name or TrainChoices.start,
                self.range.value,
            )
            images = self._images()
            if not images:
                raise DataError("no layer", "there is nothing to learn from", "tick one image layer or more")
        except DataError as error:
            self.job.say(str(error), failed=True)
            return
        layer = self.layers.layers[0]
        place = preview_place(images[0], plane_at(images[0], shown_point(self._viewer, layer)))
        self._preview = layer, place, None
        self.job.run(
            lambda control: train_on(images, choices, control, place), self._finish, content=self._show_preview
        )

    def _show_preview(self, preview: Preview) -> None:
        if self._preview is None:
            return
        layer, place, shown = self._preview
        name = f"{layer.name} preview"
        if shown in self._viewer.layers:
            shown.data = preview.pixels
            shown.metadata = {**shown.metadata, "blindspot": {"step": preview.step}}
            return
        chosen = set(self._viewer.layers.selection)
        shown = add_beside(self._viewer, layer, preview.pixels, name, {"step": preview.step}, place, multiscale=False)
        self._viewer.layers.selection = chosen
        self._preview = layer, place, shown

    def _finish(self, found: Trained) -> None:
        KNOWN.add(found.model, f"{found.model.parent.name}" + ("" if found.finished else " (stopped)"))
        if found.finished:
            self._name_folder()
        going_on = "" if found.finished else " Train goes on with it."
        self.job.say(f"{found.text} It is the first among the models of Denoise.{going_on}")
