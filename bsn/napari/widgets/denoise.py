"""The widget *Denoise*."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QCheckBox, QComboBox, QFormLayout, QPushButton, QWidget
from superqt import QLabeledSlider

from bsn.data import DataError
from bsn.napari.denoising import DenoiseChoices, DenoisedPixels, denoise_image
from bsn.napari.known import KNOWN
from bsn.napari.layers import LayerImage, finest, plane_at, plane_label
from bsn.napari.levels import is_lazy
from bsn.napari.widgets.job import JobRow
from bsn.napari.widgets.layer_choice import AxesEdit, LayerChoice
from bsn.napari.widgets.parts import ModelChoice, RangeEdit, column, explained
from bsn.napari.widgets.results import add_beside, draw_in_background, put_in_place, shown_point

if TYPE_CHECKING:
    import napari

__all__ = ["DenoiseWidget"]

_ALL, _PLANE = "all planes", "the plane that is shown"
_BESIDE, _IN_PLACE = "a layer beside it", "the layer itself"
_PERCENT = 100


class _Order(NamedTuple):
    """What was asked for when the button was pressed."""

    layer: Any
    data: Any
    image: LayerImage
    place: tuple[slice, ...]
    whole: bool
    in_place: bool


class DenoiseWidget(QWidget):
    """Denoises a layer, whole or the plane that is shown, in its place or beside it.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        The viewer.
    """

    def __init__(self, napari_viewer: napari.Viewer) -> None:
        super().__init__()
        self._viewer = napari_viewer
        self._before: tuple[Any, Any] | None = None
        self.layer, self.axes, self.model = LayerChoice(napari_viewer), AxesEdit(), ModelChoice()
        self.strength = QLabeledSlider(Qt.Orientation.Horizontal)
        self.strength.setRange(0, 150)
        self.strength.setValue(_PERCENT)
        self.strength.setToolTip(
            "How much noise is removed, in percent. Below 100, some of the noise is put back; above, more is removed than is "
            "there."
        )
        self.extent, self.target = QComboBox(), QComboBox()
        self.extent.addItems([_ALL, _PLANE])
        self.target.addItems([_BESIDE, _IN_PLACE])
        self.range = RangeEdit()
        self.background = QCheckBox("compute planes in the background when they are shown")
        self.background.setToolTip("Switches on napari's asynchronous rendering (Preferences, Experimental).")
        self.background.setChecked(True)
        self.job = JobRow("Denoise", self._start)
        self.undo = QPushButton("Put the noisy pixels back")
        self.undo.setToolTip("Undo the last result that took the place of its layer.")
        self.undo.clicked.connect(lambda: self._undo())
        form = QFormLayout()
        for name, field in (
            ("layer", self.layer),
            ("axes", self.axes),
            ("model", self.model),
            ("strength, %", self.strength),
            ("denoise", self.extent),
            ("result is", self.target),
            ("range", self.range),
        ):
            form.addRow(name, field)
        rows = column(self)
        rows.addWidget(explained("Remove the noise of a layer. Everything else of the layer stays."))
        rows.addLayout(form)
        rows.addWidget(self.background)
        rows.addWidget(self.job)
        rows.addWidget(self.undo)
        self.layer.changed.connect(lambda: self._show_layer())
        self._show_layer()
        self.undo.hide()

    def _show_layer(self) -> None:
        layer = self.layer.layer
        self.axes.show_layer(layer)
        self.background.setVisible(layer is not None and is_lazy(finest(layer)))

    def _start(self) -> None:
        try:
            order = self._order()
            choices = DenoiseChoices(self.model.name, self.strength.value() / _PERCENT, self.range.value)
        except DataError as error:
            self.job.say(str(error), failed=True)
            return
        self.job.run(
            lambda control: denoise_image(order.image, choices, control, order.place, whole=order.whole),
            lambda found: self._finish(order, found),
        )

    def _order(self) -> _Order:
        image, layer = self.axes.image(), self.layer.layer
        whole, in_place = self.extent.currentText() == _ALL, self.target.currentText() == _IN_PLACE
        place = plane_at(image, shown_point(self._viewer, layer))
        return _Order(layer, layer.data, image, place, whole, in_place)

    def _finish(self, order: _Order, found: DenoisedPixels) -> None:
        lazy = is_lazy(found.pixels)
        if lazy and self.background.isChecked():
            draw_in_background()
        place = None if order.whole else order.place
        same = order.layer in self._viewer.layers and order.layer.data is order.data
        if order.in_place and same:
            self._before = order.layer, put_in_place(order.layer, found.pixels, order.image, place)
            order.layer.metadata = {**order.layer.metadata, "blindspot": found.about}
            self.undo.show()
        else:
            label = "" if order.whole else plane_label(order.image, order.place)
            name = f"{order.image.name} denoised" + (f" {label}" if label else "")
            add_beside(self._viewer, order.layer, found.pixels, name, found.about, place)
            self.layer.choose(order.layer)
        self.job.say(_said(found, lazy=lazy, changed=order.in_place and not same))

    def _undo(self) -> None:
        if self._before is not None:
            layer, data = self._before
            layer.data = data
            layer.metadata = {key: value for key, value in layer.metadata.items() if key != "blindspot"}
            self._before = None
            self.undo.hide()
            self.job.say("The noisy pixels are back.")


def _said(found: DenoisedPixels, *, lazy: bool, changed: bool) -> str:
    title = KNOWN.title_of(found.about["model"])
    words = f"{title} denoises each plane when it is shown or saved." if lazy else f"Denoised with {title}."
    if changed:
        words += " The layer was changed meanwhile, so the result is a layer of its own."
    return words
