"""Parts that the widgets share: the choice of layers, axes and models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from napari.layers import Image
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from bsn.data import DataError
from bsn.napari.known import AUTOMATIC, KNOWN
from bsn.napari.layers import LayerImage, guess_layer_axes

__all__ = ["AxesEdit", "LayerChoice", "LayerChoices", "ModelChoice", "explained", "follow_layers", "image_layers"]

AXES_TIP = (
    "What each axis is: T time, Z depth, C channels, Y rows, X columns; other letters for axes of another meaning. "
    "They are taken from the layer's axis labels or units, or guessed."
)


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


def image_layers(viewer: Any) -> list[Any]:
    """Image layers of a viewer, from the top of its list down.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.

    Returns
    -------
    list of napari.layers.Image
    """
    return [layer for layer in reversed(viewer.layers) if isinstance(layer, Image)]


def follow_layers(viewer: Any, widget: QWidget, changed: Callable[[], None]) -> None:
    """Call a function whenever layers come, go, or are renamed, as long as a widget lives.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    widget : QWidget
        The widget that shows the layers.
    changed : callable
        Called without arguments.
    """

    def listen(layer: Any) -> None:
        layer.events.name.connect(update)

    def inserted(event: Any) -> None:
        listen(event.value)
        changed()

    def update(_event: Any = None) -> None:
        changed()

    events = viewer.layers.events
    events.inserted.connect(inserted)
    events.removed.connect(update)
    events.reordered.connect(update)
    for layer in viewer.layers:
        listen(layer)

    def stop() -> None:
        events.inserted.disconnect(inserted)
        events.removed.disconnect(update)
        events.reordered.disconnect(update)
        for layer in viewer.layers:
            layer.events.name.disconnect(update)

    widget.destroyed.connect(stop)


class LayerChoice(QComboBox):
    """The choice of one image layer; it follows the layer that is selected in the viewer.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    """

    changed = Signal()

    def __init__(self, viewer: Any) -> None:
        super().__init__()
        self._viewer, self._layers = viewer, list[Any]()
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setToolTip("The image layer. A layer that is selected in the list of layers is chosen here, too.")
        follow_layers(viewer, self, self._fill)
        active = viewer.layers.selection.events.active
        active.connect(self._follow)
        self.destroyed.connect(lambda: active.disconnect(self._follow))
        self.currentIndexChanged.connect(lambda _: self.changed.emit())
        self._fill()
        self._follow()

    @property
    def layer(self) -> Any:
        """The chosen layer, or None where there is none."""
        index = self.currentIndex()
        return self._layers[index] if 0 <= index < len(self._layers) else None

    def choose(self, layer: Any) -> None:
        """Choose a layer.

        Parameters
        ----------
        layer : napari.layers.Image
            One of the viewer's.
        """
        if layer in self._layers:
            self.setCurrentIndex(self._layers.index(layer))

    def _fill(self) -> None:
        before = self.layer
        self.blockSignals(True)
        self.clear()
        self._layers = image_layers(self._viewer)
        self.addItems([layer.name for layer in self._layers])
        if before in self._layers:
            self.setCurrentIndex(self._layers.index(before))
        self.blockSignals(False)
        self.changed.emit()

    def _follow(self, _event: Any = None) -> None:
        self.choose(self._viewer.layers.selection.active)


class LayerChoices(QListWidget):
    """The choice of several image layers by boxes; those that are selected in the viewer are ticked at the beginning.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    """

    changed = Signal()

    def __init__(self, viewer: Any) -> None:
        super().__init__()
        self._viewer, self._layers = viewer, list[Any]()
        self._chosen = [layer for layer in image_layers(viewer) if layer in viewer.layers.selection]
        self.setToolTip("The image layers to learn from. They have to be of one kind: as many channels, the same type.")
        self.setMaximumHeight(96)
        follow_layers(viewer, self, self._fill)
        self.itemChanged.connect(self._ticked)
        self._fill()

    @property
    def layers(self) -> list[Any]:
        """The ticked layers."""
        return [layer for layer in self._layers if layer in self._chosen]

    def choose(self, layers: Sequence[Any]) -> None:
        """Tick layers, and no others.

        Parameters
        ----------
        layers : sequence of napari.layers.Image
            Layers of the viewer.
        """
        self._chosen = list(layers)
        self._fill()

    def _fill(self) -> None:
        self.blockSignals(True)
        self.clear()
        self._layers = image_layers(self._viewer)
        if len(self._layers) == 1 and not self._chosen:
            self._chosen = list(self._layers)
        for layer in self._layers:
            item = QListWidgetItem(layer.name)
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
            item.setCheckState(Qt.CheckState.Checked if layer in self._chosen else Qt.CheckState.Unchecked)
            self.addItem(item)
        self.blockSignals(False)
        self.changed.emit()

    def _ticked(self, _item: QListWidgetItem) -> None:
        checked = Qt.CheckState.Checked
        items = [self.item(row) for row in range(self.count())]
        self._chosen = [
            layer
            for layer, item in zip(self._layers, items, strict=True)
            if item is not None and item.checkState() == checked
        ]
        self.changed.emit()


class AxesEdit(QLineEdit):
    """The axes of a layer, guessed until the user writes others."""

    def __init__(self) -> None:
        super().__init__()
        self.setToolTip(AXES_TIP)
        self._layer: Any = None

    def show_layer(self, layer: Any) -> None:
        """Guess the axes of another layer.

        Parameters
        ----------
        layer : napari.layers.Image or None
            The layer.
        """
        if layer is self._layer:
            return
        self._layer = layer
        try:
            self.setText("" if layer is None else guess_layer_axes(layer))
        except DataError:
            self.setText("")

    def image(self) -> LayerImage:
        """The image of the layer, with these axes.

        Returns
        -------
        LayerImage

        Raises
        ------
        DataError
            There is no layer, or the axes do not fit it.
        """
        if self._layer is None:
            raise DataError("no layer", "there is no image to work on", "open an image, or choose an image layer")
        return LayerImage.of(self._layer, self.text().strip() or None)


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
