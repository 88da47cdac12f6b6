"""The widgets in a viewer, as a user presses their buttons."""

import threading

import numpy as np
import pytest

import bsn
from bsn.napari.known import KNOWN
from tests.bsn.napari.conftest import needs_viewer

pytestmark = [needs_viewer, pytest.mark.slow]


def open_widget(viewer, name):
    return viewer.window.add_plugin_dock_widget("blindspot-denoising", name)[1]


@pytest.fixture
def denoise(viewer, model_file):
    model = KNOWN.add(model_file)
    widget = open_widget(viewer, "Denoise")
    widget.model.choose(model.name)
    return widget


def press(widget, until):
    widget.job.start_button.click()
    until(lambda: not widget.job.running)


def test_all_widgets_and_samples_are_listed_and_open(viewer):
    import npe2

    manifest = npe2.PluginManager.instance().get_manifest("blindspot-denoising")
    assert [w.display_name for w in manifest.contributions.widgets] == ["Inspect", "Denoise", "Train", "Verify"]
    for widget in manifest.contributions.widgets:
        open_widget(viewer, widget.display_name)
    for sample in manifest.contributions.sample_data:
        viewer.open_sample("blindspot-denoising", sample.key)
    photograph, film = viewer.layers
    assert photograph.rgb
    assert tuple(film.axis_labels) == ("t", "y", "x")
    assert str(film.units[0]) == "second"


STATE = {
    "scale": (2, 0.5, 0.25),
    "translate": (1, 2, 3),
    "units": ("second", "um", "um"),
    "axis_labels": ("t", "y", "x"),
    "colormap": "magma",
    "contrast_limits": (25000, 35000),
    "gamma": 0.7,
    "opacity": 0.5,
    "blending": "additive",
}


def assert_like(new, old):
    for what in ("units", "axis_labels", "gamma", "opacity", "blending", "contrast_limits", "rgb", "multiscale"):
        assert getattr(new, what) == getattr(old, what), what
    assert np.array_equal(new.scale, old.scale)
    assert new.colormap.name == old.colormap.name


def test_a_stack_is_denoised_beside_itself_with_all_that_its_layer_has(viewer, denoise, until, noisy, model_file):
    layer = viewer.add_image(noisy(), name="film", **STATE)
    assert denoise.axes.text() == "TYX"
    press(denoise, until)
    assert [shown.name for shown in viewer.layers] == ["film", "film denoised"]
    new = viewer.layers[1]
    assert_like(new, layer)
    assert np.array_equal(new.translate, layer.translate)
    assert np.array_equal(new.data, bsn.denoise(noisy(), model_file, axes="TYX"))
    assert np.array_equal(layer.data, noisy())
    assert new.metadata["blindspot"]["model"] == model_file
    assert denoise.layer.layer is layer


def test_the_plane_that_is_shown_lies_where_it_lay(viewer, denoise, until, noisy, model_file):
    layer = viewer.add_image(noisy(), name="film", **STATE)
    viewer.dims.set_current_step(0, 2)
    denoise.extent.setCurrentIndex(1)
    press(denoise, until)
    new = viewer.layers["film denoised t=2"]
    assert new.data.shape == (1, 40, 48)
    assert np.array_equal(new.data, bsn.denoise(noisy()[2:], model_file, axes="TYX"))
    assert np.allclose(new.data_to_world((0, 5, 6)), layer.data_to_world((2, 5, 6)))
    assert_like(new, layer)


def test_in_place_of_a_plane_and_back(viewer, denoise, until, noisy, model_file):
    layer = viewer.add_image(noisy(), name="film", **STATE)
    before = layer.data
    viewer.dims.set_current_step(0, 1)
    denoise.extent.setCurrentIndex(1)
    denoise.target.setCurrentIndex(1)
    press(denoise, until)
    assert len(viewer.layers) == 1
    expected = noisy()
    expected[1:2] = bsn.denoise(noisy()[1:2], model_file, axes="TYX")
    assert np.array_equal(layer.data, expected)
    assert np.array_equal(before, noisy())
    assert tuple(layer.contrast_limits) == STATE["contrast_limits"]
    denoise.undo.click()
    assert layer.data is before
    assert not denoise.undo.isVisible()


def test_a_lazy_layer_stays_lazy_and_does_not_hold_the_viewer(viewer, denoise, until, noisy, model_file):
    import dask.array
    from napari.settings import get_settings

    pixels, read = noisy((24, 40, 48)), []
    lazy = dask.array.from_array(pixels, chunks=(2, 20, 20)).map_blocks(
        lambda block: (read.append(1), block)[1], dtype=pixels.dtype, meta=pixels[:0]
    )
    layer = viewer.add_image(lazy, name="lazy", contrast_limits=(25000, 35000), axis_labels=("t", "y", "x"))
    read.clear()
    try:
        press(denoise, until)
        assert get_settings().experimental.async_
        new = viewer.layers["lazy denoised"]
        assert isinstance(new.data, dask.array.Array)
        until(lambda: new.loaded)
        assert len(read) < lazy.npartitions, (
            "the plane that is shown and small samples are read, and not the whole stack"
        )
        assert np.array_equal(np.asarray(new.data), bsn.denoise(pixels, model_file, axes="TYX"))
        assert_like(new, layer)
    finally:
        get_settings().experimental.async_ = False


def test_a_plane_in_place_of_a_lazy_layer_leaves_the_others_unread(viewer, denoise, until, noisy, model_file):
    import dask.array

    pixels = noisy((4, 40, 48))
    lazy = dask.array.from_array(pixels, chunks=(1, 40, 48))
    layer = viewer.add_image(lazy, name="lazy", contrast_limits=(25000, 35000))
    viewer.dims.set_current_step(0, 3)
    denoise.extent.setCurrentIndex(1)
    denoise.target.setCurrentIndex(1)
    press(denoise, until)
    assert isinstance(layer.data, dask.array.Array)
    expected = pixels.copy()
    expected[3:] = bsn.denoise(pixels[3:], model_file, axes="ZYX")
    assert np.array_equal(np.asarray(layer.data), expected)


def test_colours_with_opacity_and_several_resolutions(viewer, denoise, until, model_file):
    pixels = np.random.default_rng(0).integers(90, 110, (64, 80, 4), np.uint8)
    coarse = pixels.reshape(32, 2, 40, 2, 4).mean((1, 3)).astype(np.uint8)
    layer = viewer.add_image([pixels, coarse], name="slide", rgb=True, multiscale=True, scale=(0.5, 0.5))
    press(denoise, until)
    new = viewer.layers["slide denoised"]
    assert "3 channels are denoised one by one" in denoise.job.status.text()
    assert new.multiscale
    assert new.rgb
    assert [level.shape for level in new.data] == [(64, 80, 4), (32, 40, 4)]
    assert np.array_equal(new.data[0][..., 3], pixels[..., 3])
    means = new.data[0].reshape(32, 2, 40, 2, 4).mean((1, 3))
    assert np.abs(new.data[1] - means).max() <= 0.5
    assert np.array_equal(new.scale, layer.scale)


def test_a_zarr_slide_of_several_resolutions_stays_lazy_in_its_place(viewer, denoise, until, model_file):
    zarr = pytest.importorskip("zarr", reason="zarr is not installed")
    import dask.array

    pixels = np.random.default_rng(0).integers(90, 110, (2, 64, 80, 3), np.uint8)
    levels = []
    for step in (1, 2):
        part = np.ascontiguousarray(pixels[:, ::step, ::step])
        levels.append(zarr.create_array({}, shape=part.shape, dtype=part.dtype, chunks=(1, 16, 16, 3)))
        levels[-1][:] = part
    layer = viewer.add_image(levels, name="slide", rgb=True, multiscale=True, axis_labels=("t", "y", "x"))
    denoise.background.setChecked(False)
    denoise.target.setCurrentIndex(1)
    press(denoise, until)
    assert list(viewer.layers) == [layer]
    assert all(isinstance(level, dask.array.Array) for level in layer.data)
    expected = bsn.denoise(pixels, model_file, axes="TYXC")
    assert np.array_equal(np.asarray(layer.data[0]), expected)
    means = expected.reshape(2, 32, 2, 40, 2, 3).mean((2, 4))
    assert np.abs(np.asarray(layer.data[1]) - means).max() <= 0.5
    denoise.undo.click()
    assert [type(level) for level in layer.data] == [type(level) for level in levels]


def test_cancelling_changes_nothing_and_the_widget_works_again(viewer, denoise, until, noisy, monkeypatch):
    from bsn.inference import Denoiser

    go = threading.Event()
    original = Denoiser.bands

    def waiting(self, *args, **kwargs):
        for rows in original(self, *args, **kwargs):
            go.wait(30)
            yield rows

    monkeypatch.setattr(Denoiser, "bands", waiting)
    layer = viewer.add_image(noisy(), name="film")
    denoise.job.start_button.click()
    until(lambda: "denoising" in denoise.job.status.text())
    denoise.job.cancel_button.click()
    go.set()
    until(lambda: not denoise.job.running)
    assert denoise.job.status.text() == "Cancelled; nothing was changed."
    assert list(viewer.layers) == [layer]
    press(denoise, until)
    assert len(viewer.layers) == 2


def test_refusals_are_shown_in_a_line(viewer, denoise, until, noisy):
    press(denoise, until)
    assert "open an image" in denoise.job.status.text()
    viewer.add_image(noisy((8, 9)), name="small")
    denoise.axes.setText("TYX")
    press(denoise, until)
    assert "3 letters do not describe the 2 axes" in denoise.job.status.text()
    denoise.axes.setText("YX")
    denoise.range.setText("5, 1")
    press(denoise, until)
    assert "write it like 0, 4095" in denoise.job.status.text()
    assert len(viewer.layers) == 1


def test_a_layer_that_goes_while_it_is_denoised_leaves_a_result_of_its_own(viewer, denoise, until, noisy):
    viewer.add_image(noisy(), name="film")
    denoise.target.setCurrentIndex(1)
    denoise.job.start_button.click()
    viewer.layers.clear()
    until(lambda: not denoise.job.running)
    assert [layer.name for layer in viewer.layers] == ["film denoised"]
    assert "a layer of its own" in denoise.job.status.text()


def test_the_choice_of_layers_follows_the_viewer(viewer, denoise, noisy):
    first = viewer.add_image(noisy(), name="first")
    second = viewer.add_image(noisy((20, 24)), name="second")
    viewer.add_points(np.zeros((2, 2)), name="points")
    assert [denoise.layer.itemText(i) for i in range(denoise.layer.count())] == ["second", "first"]
    viewer.layers.selection.active = first
    assert denoise.layer.layer is first
    assert denoise.axes.text() == "ZYX"
    viewer.layers.selection.active = second
    assert denoise.axes.text() == "YX"
    first.name = "renamed"
    assert denoise.layer.itemText(1) == "renamed"
    viewer.layers.remove(second)
    assert denoise.layer.layer is first


def test_inspect_says_in_words_what_is_measured(viewer, until, noisy):
    viewer.add_image(noisy((2, 128, 128)), name="film")
    widget = open_widget(viewer, "Inspect")
    press(widget, until)
    text = widget.text.toPlainText()
    assert "A network can learn from these images alone." in text
    assert "standard deviation of the noise" in text


def test_train_shows_a_preview_pauses_stops_and_offers_its_model(viewer, until, noisy, tmp_path, monkeypatch):
    monkeypatch.setattr("bsn.napari.training._FIRST_PREVIEW", 0.0)
    monkeypatch.setattr("bsn.napari.training._PREVIEW_EVERY", 0.5)
    layer = viewer.add_image(noisy((2, 96, 96)), name="film", scale=(1, 2, 2))
    widget = open_widget(viewer, "Train")
    assert widget.layers.layers == [layer]
    widget.minutes.setValue(20)
    widget.folder.setText(str(tmp_path / "run"))
    widget.job.start_button.click()
    until(lambda: "film preview" in viewer.layers, 120)
    preview = viewer.layers["film preview"]
    assert preview.data.shape == (1, 96, 96)
    assert np.array_equal(preview.scale, layer.scale)
    assert viewer.layers.selection.active is layer
    until(lambda: "steps/s" in widget.job.status.text())
    widget.job.pause_button.click()
    assert widget.job.status.text().startswith("paused: step")
    widget.job.pause_button.click()
    step = preview.metadata["blindspot"]["step"]
    until(lambda: viewer.layers["film preview"].metadata["blindspot"]["step"] > step, 120)
    widget.job.cancel_button.click()
    until(lambda: not widget.job.running, 120)
    assert "Stopped after step" in widget.job.status.text()
    model = tmp_path / "run" / "stopped.safetensors"
    assert KNOWN.listed()[0].name == str(model)
    assert bsn.denoise(noisy((1, 96, 96)), model, axes="TYX").shape == (1, 96, 96)
    assert widget.folder.text() == str(tmp_path / "run"), "a run that was stopped goes on in its folder"
    said = widget.job.status.text()
    widget.job.start_button.click()
    until(lambda: "steps/s" in widget.job.status.text(), 120)
    widget.job.cancel_button.click()
    until(lambda: not widget.job.running, 120)
    first, again = (int(text.split("step ")[1].split(".")[0]) for text in (said, widget.job.status.text()))
    assert again > first
    assert not (tmp_path / "run" / "preview.safetensors").exists()


def test_closing_the_viewer_stops_a_training(make_napari_viewer, until, noisy, tmp_path):
    from napari.qt.threading import FunctionWorker

    viewer = make_napari_viewer()
    viewer.add_image(noisy((2, 96, 96)), name="film")
    widget = open_widget(viewer, "Train")
    widget.minutes.setValue(20)
    widget.folder.setText(str(tmp_path / "run"))
    widget.job.start_button.click()
    until(lambda: "steps/s" in widget.job.status.text(), 120)
    control = widget.job._control
    viewer.close()
    FunctionWorker.await_workers(msecs=60_000)
    assert control.cancelled
    assert (tmp_path / "run" / "last.ckpt").is_file()


def test_verify_shows_the_certificate_and_what_a_pixel_sees(viewer, until, model_file, tmp_path, monkeypatch):
    model = KNOWN.add(model_file, "tiny")
    widget = open_widget(viewer, "Verify")
    widget.model.choose(model.name)
    widget.side.setValue(16)
    press(widget, until)
    text = widget.text.toPlainText()
    assert text.startswith("tiny is BLIND, exactly, for all 256 pixels")
    assert "perturbation" in text
    widget.picture.click()
    until(lambda: not widget.job.running)
    assert widget.sight.pixmap().width() == 256
    assert len(viewer.layers) == 0
    target = tmp_path / "certificate.json"
    monkeypatch.setattr(
        "bsn.napari.widgets.verify.QFileDialog.getSaveFileName", staticmethod(lambda *args: (str(target), ""))
    )
    widget.save.click()
    assert '"blind": true' in target.read_text()
    widget.model.choose("photo-tiny")
    assert widget.text.toPlainText() == ""
    assert not widget.save.isEnabled()
    press(widget, until)
    assert "photo-tiny LEAKS" in widget.text.toPlainText()
    assert "made to see the pixel" in widget.text.toPlainText()
