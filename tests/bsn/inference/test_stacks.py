"""Stacks by models with context: windows made by hand, frames read once, all of them returned, blind ends included."""

import warnings

import numpy as np
import pytest
import tifffile
import torch

from bsn.blindness import stack_check
from bsn.data.files.regions import ImageReader
from bsn.frames import windows
from bsn.inference import Denoiser, DenoisingWarning, InferenceConfig, make_pipeline
from bsn.inference.neighbours import FrameRing, stacks_in
from bsn.models import InferenceDefaults, Model, NoiseModel, ValueScale
from bsn.noise import outputs_for_posterior
from tests.helpers.networks import randomise, small

TINY = {"widths": (4, 8), "blocks": (1, 1), "dilation": 2}


def model(channels=1, context=2, *, noise=None, axis="", stride=1, **options):
    outputs = None if noise is None else outputs_for_posterior(channels)
    network = randomise(
        small("phase-unet-tiny", channels=channels, context=context, outputs=outputs, **TINY, **options)
    )
    return Model(network, ValueScale(0.4, 0.3), InferenceDefaults(stride=stride, context_axis=axis), noise=noise)


def denoiser(of, **options):
    return Denoiser(of, InferenceConfig(device="cpu", outliers="ignore", keep_mean=False, **options))


@pytest.fixture
def stack():
    return np.random.default_rng(0).random((6, 40, 44)).astype(np.float32)


@pytest.mark.parametrize("channels", [1, 3])
def test_every_frame_is_that_of_the_network_on_its_window(channels):
    frames = np.random.default_rng(1).random((5, channels, 40, 44)).astype(np.float32)
    of = model(channels)
    found = denoiser(of)(frames, "TCYX")
    window, available = windows(torch.from_numpy(frames), 2)
    expected = of.predict(window, available)
    np.testing.assert_allclose(found, expected.numpy(), atol=2e-6)
    assert found.shape == frames.shape


def test_a_stride_takes_the_neighbours_along(stack):
    of = model(stride=2)
    stack = np.concatenate([stack, stack[..., :4]], 2)  # a multiple of the grid: nothing is padded
    found = denoiser(of)(stack, "TYX")
    window, available = windows(torch.from_numpy(stack)[:, None], 2)
    parts = [[window[..., r::2, c::2] for c in (0, 1)] for r in (0, 1)]
    for r in (0, 1):
        for c in (0, 1):
            expected = of.predict(parts[r][c].contiguous(), available)[:, 0]
            np.testing.assert_allclose(found[:, r::2, c::2], expected.numpy(), atol=2e-6)


def test_tiles_and_flips_work_on_whole_windows(stack):
    of = model()
    stack = np.tile(stack, (1, 2, 2))[:, :60, :56]
    whole = denoiser(of, tile=0)(stack, "TYX")
    np.testing.assert_allclose(denoiser(of, tile=44)(stack, "TYX"), whole, atol=2e-6)
    flipped = denoiser(of, ensemble=True)(stack[..., :40], "TYX")
    turned = denoiser(of, ensemble=True)(np.rot90(stack[..., :40], axes=(1, 2)).copy(), "TYX")
    np.testing.assert_allclose(np.rot90(flipped, axes=(1, 2)), turned, atol=5e-6)


def test_a_file_streams_to_the_same_result_and_each_frame_is_read_once(stack, tmp_path, monkeypatch):
    of = model()
    stack = np.tile(stack, (1, 2, 2))[:, :60, :56]
    hyper = np.stack([stack, stack[:, ::-1]], 1)  # T, Z
    tifffile.imwrite(tmp_path / "in.tif", hyper, imagej=True, metadata={"axes": "TZYX"})
    reads = []
    read = ImageReader.read

    def counted(self, plane, top, left, height, width):
        reads.append((plane, height))
        return read(self, plane, top, left, height, width)

    monkeypatch.setattr(ImageReader, "read", counted)
    seen = []
    tool = denoiser(of, tile=44)
    tool.frame_done = lambda done, total: seen.append((done, total))
    tool.denoise_file(tmp_path / "in.tif", tmp_path / "out.tif")
    monkeypatch.undo()
    found = tifffile.imread(tmp_path / "out.tif")
    for z in range(2):
        np.testing.assert_array_equal(found[:, z], denoiser(of, tile=44)(hyper[:, z].copy(), "TYX"))
    np.testing.assert_array_equal(found, denoiser(of, tile=44)(hyper, "TZYX"))
    looks = 4  # at the values of some planes, to compare them with those of the training
    assert reads[looks:] == [(plane, 60) for plane in (0, 2, 4, 6, 8, 10, 1, 3, 5, 7, 9, 11)]
    assert seen == [(n, 12) for n in range(1, 13)]


def test_the_ring_holds_no_more_than_a_window():
    alive, read = [], []

    class Frame:
        size, pixels = (1, 1), torch.zeros(1)

        def __init__(self, plane):
            alive.append(plane)
            self.plane = plane

        def __del__(self):
            alive.remove(self.plane)

    def held(plane):
        read.append(plane)
        return Frame(plane)

    ring = FrameRing([10, 20, 30, 40, 50, 60], 2, held)
    for position in range(6):
        window = ring.window(position)
        there = [None if frame is None else frame.plane for frame in window.neighbours]
        wanted = [position + offset for offset in (-2, -1, 1, 2)]
        assert there == [(at + 1) * 10 if 0 <= at < 6 else None for at in wanted]
        del window
        assert len(alive) <= 5
    assert read == [10, 20, 30, 40, 50, 60]


def test_stacks_follow_the_axis_of_the_model():
    from bsn.data import PlaneIndex

    index = PlaneIndex("TZYX", (2, 3, 8, 8))
    assert stacks_in(index, 6) == [[0, 3], [1, 4], [2, 5]]
    assert stacks_in(index, 6, "Z") == [[0, 1, 2], [3, 4, 5]]
    assert stacks_in(PlaneIndex("QYX", (3, 8, 8)), 3) == [[0], [1], [2]]


def test_the_posterior_sees_the_frame_itself(stack):
    of = model(noise=NoiseModel(0.0, 0.01))
    tool = denoiser(of, wiener=False, calibrate=False)
    found = tool.with_deviation(stack, "TYX")
    with pytest.warns(DenoisingWarning, match="single frame"):
        single = tool.with_deviation(stack[:1], "TYX")
    assert found.image.shape == found.deviation.shape == stack.shape
    assert (found.deviation > 0).all()
    assert not np.allclose(found.image[0], single.image[0])
    prior = denoiser(of, posterior=False)(stack, "TYX")
    # The posterior lies between what the surroundings say and the noisy pixel.
    low, high = np.minimum(prior, stack) - 1e-5, np.maximum(prior, stack) + 1e-5
    assert ((found.image >= low) & (found.image <= high)).all()


def test_noise_fitted_to_each_image_and_the_filter_run_over_windows(stack):
    of = model(noise=NoiseModel(0.0, 0.01, per_image=True))
    assert denoiser(of)(stack[:3], "TYX").shape == (3, 40, 44)
    big = np.random.default_rng(2).random((2, 64, 64)).astype(np.float32)
    assert denoiser(model(), wiener=True)(big, "TYX").shape == big.shape


def test_what_stood_out_of_a_frame_comes_back_in_that_frame_only(stack):
    stack = 0.5 + 0.02 * (stack - 0.5)
    stack[2, 7, 9] = 3.0
    stack[3, 5, 5] = np.nan
    tool = Denoiser(model(context=1), InferenceConfig(device="cpu", outliers="keep", keep_mean=False))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DenoisingWarning)
        found = tool(stack, "TYX", nan="keep")
    assert found[2, 7, 9] == 3.0
    assert np.isnan(found[3, 5, 5])
    assert np.isnan(found).sum() == 1
    assert (np.delete(found[:, 7, 9], 2) < 2).all()


def test_the_whole_program_is_blind_at_the_ends_and_inside():
    tool = denoiser(model(context=1), posterior=False, calibrate=False)

    def run(frames):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DenoisingWarning)
            return torch.from_numpy(tool(frames.float().numpy(), "TCYX")).double()

    for count in (1, 2, 4):
        check = stack_check(run, (count, 1, 12, 12), lattice=2, dtype=torch.float32)
        assert check.blind, check.leaks


@pytest.mark.parametrize(
    ("image", "axes", "said"),
    [
        (np.zeros((40, 44), np.float32), "YX", "there is a single frame"),
        (np.zeros((1, 40, 44), np.float32), "TYX", "there is a single frame"),
        (np.zeros((6, 40, 44), np.float32), None, "state the axes, with T or Z"),
        (np.zeros((6, 40, 44), np.float32), "QYX", "state the axes, with T or Z"),
    ],
)
def test_frames_without_known_neighbours_are_denoised_alone_and_it_is_said(image, axes, said):
    of = model()
    with pytest.warns(DenoisingWarning, match=said):
        found = denoiser(of)(image, axes)
    assert found.shape == image.shape
    alone = of.predict(torch.zeros(1, 1, 40, 44))[0, 0].numpy()
    np.testing.assert_allclose(found.reshape(-1, 40, 44)[0], alone, atol=1e-6)


def test_a_half_plane_network_filters_windows_without_the_guard_of_single_images():
    network = randomise(small("halfplane-cells", channels=1, context=1))
    of = Model(network, ValueScale(0.4, 0.3), InferenceDefaults(wiener=True), {"training_images": 3})
    big = np.random.default_rng(2).random((2, 64, 64)).astype(np.float32)
    found = denoiser(of)(big, "TYX")
    plain = denoiser(of, wiener=False)(big, "TYX")
    assert found.shape == big.shape
    assert not np.allclose(found, plain)


def test_options_for_single_images_are_refused():
    for options in ({"r3_passes": 1}, {"mix": "check"}):
        with pytest.raises(ValueError, match="takes 2 neighbouring frames on each side; leave it out"):
            make_pipeline(model(), InferenceConfig(device="cpu", **options))
    with pytest.raises(ValueError, match="turns 3 channels into 1"):
        make_pipeline(Model(small("phase-unet-tiny", channels=3, outputs=1, **TINY)), InferenceConfig(device="cpu"))
