"""The choice of layers and of their axes, which follows the viewer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from napari.layers import Image
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QComboBox, QLineEdit, QListWidget, QListWidgetItem, QWidget

from bsn.data import DataError
from bsn.napari.layers import LayerImage, guess_layer_axes

__all__ = ["AXES_TIP", "AxesEdit", "LayerChoice", "LayerChoices", "follow_layers", "guessed_axes", "image_layers"]

AXES_TIP = (
    "What each axis is: T time, Z depth, C channels, Y rows, X columns; other letters for axes of another meaning. "
    "They are taken from the layer's axis labels or units, or guessed."
)


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


def guessed_axes(layers: Sequence[Any]) -> str:
    """Guess the axes of layers.

    Parameters
    ----------
    layers : sequence of napari.layers.Image
        The layers.

    Returns
    -------
    str
        The different ones with commas between them; empty where one of them has no rows and columns.
    """
    try:
        return ",".join(dict.fromkeys(guess_layer_axes(layer) for layer in layers))
    except DataError:
        return ""


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
        self.setText(guessed_axes([] if layer is None else [layer]))

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
