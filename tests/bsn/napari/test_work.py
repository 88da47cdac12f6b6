"""What the widgets start, without napari."""

import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import torch

import bsn
from bsn.data import DataError
from bsn.engine import Progress
from bsn.models import Model, create
from bsn.napari.certificate import certify, picture_of_sight
from bsn.napari.control import Cancelled, Control
from bsn.napari.denoising import DenoiseChoices, denoise_image, parse_range
from bsn.napari.drivers import keep_triton_out
from bsn.napari.judging import judge_layers
from bsn.napari.known import KnownModels, load_model
from bsn.napari.layers import LayerImage, plane_at
from bsn.napari.samples import noisy_photograph, noisy_time_lapse
from bsn.napari.training import TrainChoices, _Watcher, default_folder, preview_place, said_progress


@pytest.fixture(scope="module")
def model_file(tmp_path_factory):
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("model") / "tiny.safetensors"
    Model(create("phase-unet-tiny", channels=1)).save(path)
    return str(path)


def noisy(shape=(3, 40, 48), dtype=np.uint16):
    values = 30000 + 2000 * np.random.default_rng(0).standard_normal(shape)
    return np.clip(values, 0, 65535).astype(dtype)


def run(pixels, axes, model, *, place=None, whole=True, rgb=False, control=None, **choices):
    image = LayerImage("a", pixels, axes, rgb)
    place = plane_at(image, (0,) * len(axes)) if place is None else place
    return denoise_image(image, DenoiseChoices(model, **choices), control or Control(), place, whole=whole)


def test_all_planes_and_one_plane_are_what_bsn_denoise_gives(model_file):
    pixels = noisy()
    expected = bsn.denoise(pixels, model_file, axes="TYX")
    found = run(pixels, "TYX", model_file)
    assert found.pixels.dtype == pixels.dtype
    assert (found.pixels == expected).all()
    assert not (expected == pixels).all()
    assert found.about == {"model": model_file, "strength": 1.0, "axes": "TYX"}
    place = (slice(1, 2), slice(None), slice(None))
    one = run(pixels, "TYX", model_file, place=place, whole=False)
    assert (one.pixels == bsn.denoise(pixels[1:2], model_file, axes="TYX")).all()


def test_axes_in_any_order(model_file):
    pixels = noisy((40, 48, 2))
    found = run(pixels, "YXZ", model_file)
    assert (found.pixels == bsn.denoise(pixels.transpose(2, 0, 1), model_file, axes="ZYX").transpose(1, 2, 0)).all()


def test_a_lazy_layer_is_denoised_when_it_is_computed_to_the_same_bits(model_file):
    dask = pytest.importorskip("dask.array", reason="dask is not installed")
    pixels, read = noisy(), []
    whole = dask.from_array(pixels, chunks=(1, 40, 48))
    lazy = whole.map_blocks(lambda block: (read.append(block.shape), block)[1], dtype=pixels.dtype, meta=pixels[:0])
    found = run(lazy, "TYX", model_file)
    assert read == []
    assert isinstance(found.pixels, dask.Array)
    assert (np.asarray(found.pixels) == bsn.denoise(pixels, model_file, axes="TYX")).all()
    one = run(lazy, "TYX", model_file, place=(slice(2, 3), slice(None), slice(None)), whole=False)
    assert isinstance(one.pixels, np.ndarray)
    assert (one.pixels == bsn.denoise(pixels[2:], model_file, axes="TYX")).all()


def test_opacity_and_missing_pixels_stay(model_file):
    pytest.importorskip("dask.array", reason="dask is not installed")
    colours = np.random.default_rng(1).integers(0, 255, (40, 48, 4), np.uint8)
    with pytest.warns(UserWarning, match="channel"):
        found = run(colours, "YXC", model_file, rgb=True)
    assert (found.pixels[..., 3] == colours[..., 3]).all()
    assert found.pixels.shape == colours.shape
    holes = noisy((40, 48)).astype(np.float32) / 65535
    holes[5:8, 6] = np.nan
    clean = run(holes, "YX", model_file).pixels
    assert np.array_equal(np.isnan(clean), np.isnan(holes))


def test_the_model_is_chosen_by_the_noise_where_none_is(monkeypatch):
    seen = []
    monkeypatch.setattr(
        "bsn.inference.boxed.choose_for_planes", lambda image, level: (seen.append(image.size), None)[1]
    )
    run(noisy((2, 40, 48)), "TYX", None, strength=0.0)
    assert seen == [(40, 48)]


def test_a_model_with_neighbours_gives_one_plane_as_it_gives_it_in_the_stack(tmp_path):
    pytest.importorskip("dask.array", reason="dask is not installed")
    torch.manual_seed(0)
    path = str(tmp_path / "context.safetensors")
    Model(create("phase-unet-tiny", channels=1, context=1)).save(path)
    pixels = noisy((4, 40, 48))
    place = (slice(2, 3), slice(None), slice(None))
    one = run(pixels, "TYX", path, place=place, whole=False).pixels
    assert np.array_equal(one, bsn.denoise(pixels, path, axes="TYX")[2:3])


def test_cancelling_ends_the_work_and_progress_is_told(model_file):
    shares = []
    control = Control(lambda told: shares.append(told.share))
    run(noisy(), "TYX", model_file, control=control)
    assert shares[-1] == 1.0
    assert [s for s in shares if s] == sorted(s for s in shares if s)
    stopping = Control(lambda told: told.share and stopping.cancel())
    with pytest.raises(Cancelled):
        run(noisy(), "TYX", model_file, control=stopping)


def test_a_paused_job_waits_and_ends_when_its_window_closes():
    control = Control()
    control.pause()
    threading.Timer(0.05, control.go_on).start()
    control.look()
    assert not control.paused
    control.pause()
    control.also_cancelled_by(lambda: True)
    with pytest.raises(Cancelled):
        control.look()


@pytest.mark.parametrize(
    ("text", "value"), [("", None), ("0, 4095", (0, 4095)), (" -1  1 ", (-1, 1)), ("0..1.5", (0, 1.5))]
)
def test_ranges_that_users_type(text, value):
    assert parse_range(text) == value


@pytest.mark.parametrize("text", ["1", "5, 1", "a b", "0, inf", "1 2 3"])
def test_ranges_that_are_none(text):
    with pytest.raises(DataError, match="two numbers, the smaller one first; write it like 0, 4095"):
        parse_range(text)


def test_noise_is_judged_in_words_and_in_the_units_of_the_layer():
    pixels = np.clip(1000 + 40 * np.random.default_rng(0).standard_normal((2, 128, 128)), 0, 4095).astype(np.uint16)
    found = judge_layers([LayerImage("a", pixels, "ZYX")], Control())
    assert found.suitable
    assert abs(float(dict(found.numbers)["standard deviation of the noise"]) - 40) < 1
    assert any("independent" in reason for reason in found.reasons)
    ranged = judge_layers([LayerImage("a", pixels, "ZYX")], Control(), (0, 4095))
    assert abs(float(dict(ranged.numbers)["standard deviation of the noise"]) - 40) < 1
    small = judge_layers([LayerImage("a", pixels[:1, :4, :4], "ZYX")], Control())
    assert not small.suitable
    assert "too small" in small.headline


def test_the_certificate_of_a_model_and_the_picture_of_what_it_sees(model_file):
    told = []
    found = certify(model_file, Control(lambda t: told.append(t.text)), size=16)
    assert found.verdict.blind
    assert found.made_blind
    assert told
    before = torch.get_rng_state()
    picture = picture_of_sight(model_file, size=16)
    assert torch.equal(before, torch.get_rng_state())
    assert picture.shape == (64, 64, 3)
    green = picture[34, 34]
    assert green[1] == green.max() > green[0]
    stopping = Control(lambda t: stopping.cancel())
    with pytest.raises(Cancelled):
        certify(model_file, stopping, size=16)


def test_models_are_listed_with_those_of_this_session_first(model_file, tmp_path):
    known, calls = KnownModels(), []
    known.listen(lambda: calls.append(1))
    known.add(model_file)
    assert known.listed()[0].name == model_file
    known.add(model_file, "again")
    assert [m.title for m in known.listed()].count("again") == 1
    assert len(calls) == 2
    with pytest.raises(ValueError, match="there is no model"):
        known.add(tmp_path / "none.safetensors")
    assert load_model(model_file) is load_model(model_file)


def progress(step, total=604, save=lambda path: None):
    return Progress(step, total, step / 2, 2.0, {"first_loss": 0.5, "learning_rate": 0.1}, {}, save)


def test_a_training_tells_where_it_stands_and_stops_with_its_model(tmp_path):
    assert said_progress(progress(4)) == "step 4 of 604, loss 0.5, 2 steps/s, 5 min left"
    assert said_progress(progress(4, None)).endswith("measuring the speed")
    saved, control = [], Control()
    image = LayerImage("a", noisy((40, 48)), "YX")
    watcher = _Watcher(TrainChoices(tmp_path), control, image, None)
    assert watcher(progress(1, save=saved.append)) is False
    control.cancel()
    assert watcher(progress(2, save=saved.append)) is True
    assert saved == [tmp_path / "stopped.safetensors"]


def test_the_preview_is_the_middle_of_the_plane_with_the_model_of_the_moment(tmp_path, model_file, monkeypatch):
    pixels = noisy((3, 300, 40))
    image, told = LayerImage("a", pixels, "TYX"), []
    place = preview_place(image, (slice(1, 2), slice(None), slice(None)))
    assert place == (slice(1, 2), slice(22, 278), slice(0, 40))
    monkeypatch.setattr("bsn.napari.training._FIRST_PREVIEW", 0.0)
    watcher = _Watcher(TrainChoices(tmp_path), Control(lambda t: told.append(t.content)), image, place)
    watcher(progress(5, save=lambda path: path.write_bytes(Path(model_file).read_bytes())))
    preview = told[-1]
    assert preview.step == 5
    assert (preview.pixels == bsn.denoise(pixels[place], model_file, axes="TYX")).all()
    assert list(tmp_path.iterdir()) == []


def test_folders_of_runs_have_plain_names_and_are_new(tmp_path):
    first = default_folder("../cells <b>", tmp_path)
    assert first.parent == tmp_path
    assert set(first.name) <= set("abcdefghijklmnopqrstuvwxyz-")
    first.mkdir()
    assert default_folder("../cells <b>", tmp_path) == tmp_path / f"{first.name}-2"
    assert default_folder("//", tmp_path).name == "layer"


def test_samples_are_layers_of_napari():
    ((pixels, about, kind),) = noisy_photograph()
    assert (pixels.shape, pixels.dtype, about["rgb"], kind) == ((512, 512, 3), np.uint8, True, "image")
    ((pixels, about, kind),) = noisy_time_lapse()
    assert pixels.ndim == len(about["scale"]) == len(about["units"]) == len(about["axis_labels"])
    assert pixels.max() <= 4095


def test_triton_is_kept_out_of_a_process_that_has_another_llvm(tmp_path, monkeypatch):
    maps = tmp_path / "maps"
    assert keep_triton_out(maps) is False
    maps.write_text("7f00-7f01 r-xp 0 08:01 1 /usr/lib/libGL.so.1\n")
    monkeypatch.delitem(sys.modules, "triton", raising=False)
    assert keep_triton_out(maps) is False
    maps.write_text("7f00-7f01 r-xp 0 08:01 1 /usr/lib/x86_64-linux-gnu/libLLVM-15.so.1\n")
    monkeypatch.setitem(sys.modules, "triton", sys)
    assert keep_triton_out(maps) is False
    monkeypatch.delitem(sys.modules, "triton")
    assert keep_triton_out(maps) is True
    with pytest.raises(ImportError):
        import triton  # noqa: F401
