"""Adaptation of a model in the box to one image."""

import functools
import warnings

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from bsn.data import Gaussian, PoissonGaussian
from bsn.inference import Denoiser, DenoisingWarning
from bsn.inference.adapting import ADAPTING, Adaptation, fit_curves
from bsn.inference.tone_curve import ToneCurve
from bsn.inference.whole_planes import denoise_whole
from bsn.models import Model, create
from bsn.noise import used_range


def _blobs(side=128, seed=0):
    """Few bright spots on a dark ground, as microscopes show them; (1, H, W)."""
    rng = np.random.default_rng(seed)
    spots = gaussian_filter((rng.random((side, side)) < 0.01) * rng.random((side, side)), 2)
    return (0.02 + 0.9 * spots / spots.max())[None].astype(np.float32)


def _smooth(plane):
    """A denoiser for noise of one level: strong where values are high, too strong where they are low."""
    return np.stack([gaussian_filter(channel, 1.2) for channel in plane]).astype(np.float32)


@pytest.fixture(scope="module")
def tiny():
    """The small model in the box, on planes in memory."""
    return functools.partial(denoise_whole, Denoiser("photo-tiny", device="cpu"))


def test_a_curve_is_undone():
    curve, values = ToneCurve(0.1, 0.5, 0.02, 0.35), np.linspace(0.1, 0.8, 50, dtype=np.float32)
    np.testing.assert_allclose(curve.inverse(curve.forward(values)), values, atol=1e-5)
    assert curve.forward(np.array([0.1, 0.6]))[1] == pytest.approx(1)


def test_the_square_root_evens_photon_noise():
    """Anscombe (1948): the standard deviation of the roots of counts is half a root of their unit, whatever their mean."""
    rng, spreads = np.random.default_rng(0), []
    for mean in (10, 40, 160):
        counts = rng.poisson(mean, 100_000) / 200
        spreads.append(ToneCurve(0, 1, 0.375 / 200, 0.5).forward(counts).std())
    assert max(spreads) / min(spreads) < 1.02


def test_the_range_leaves_out_few_pixels_and_missing_ones():
    image = np.linspace(2, 4, 10_000, dtype=np.float32)
    image[0], image[1] = 1000, np.nan
    low, span = used_range(image)
    assert low == pytest.approx(2, abs=0.01)
    assert span == pytest.approx(2, abs=0.02)


def test_photon_noise_asks_for_a_curve_that_lowers_the_error(tiny):
    clean = _blobs()
    noisy = PoissonGaussian(0.05, 0.005)(clean, np.random.default_rng(1))
    found = fit_curves(noisy, tiny, tiny)
    assert found.curves
    assert {curve.power for curve in found.curves} <= {0.35, 0.5, 0.7}
    errors = [((way - clean) ** 2).mean() for way in (tiny(noisy), found(noisy, tiny, tiny))]
    assert errors[1] < 0.9 * errors[0]
    assert "held-back pixels are predicted with" in found.explanation.line()
    _, rows = found.explanation.table()
    relative = {name: float(error) for name, error, _ in rows}
    assert rows[0][0] == "no curve"
    assert relative["no curve"] == 1
    used = [name for name, _, weight in rows if float(weight) > 0]
    assert used == [curve.words() for curve in sorted(found.curves, key=lambda c: (-c.power, c.offset))]
    assert min(relative, key=relative.__getitem__) in used
    assert all(relative[name] < 1 for name in used)


def test_the_mean_stays():
    noisy = PoissonGaussian(0.2, 0.0)(_blobs(), np.random.default_rng(1))
    curves = (ToneCurve(0.0, 1.0, 0.005, 0.35),)
    adapted = Adaptation(curves, fit_curves(noisy, _smooth, _smooth).explanation)
    bent_back = curves[0].inverse(_smooth(curves[0].forward(noisy)))
    assert bent_back.mean() < 0.9 * noisy.mean(), "without the shift much would be lost"
    assert adapted(noisy, _smooth, _smooth).mean() == pytest.approx(noisy.mean(), rel=1e-5)


def test_linear_denoisers_and_gaussian_noise_are_left_alone():
    noisy = Gaussian(0.1)(np.full((1, 128, 128), 0.5, np.float32), np.random.default_rng(1))
    found = fit_curves(noisy, _smooth, _smooth)
    assert found.curves == ()
    assert "not adapted: no tone curve" in found.explanation.line()
    assert np.array_equal(found(noisy, _smooth, lambda plane: plane + 1), noisy + 1), "the plain way"


@pytest.mark.parametrize(
    ("image", "why"),
    [
        (np.ones((1, 128, 128), np.float32), "same value"),
        (np.full((1, 128, 128), np.nan, np.float32), "missing"),
        (np.random.default_rng(0).random((1, 40, 200), np.float32), "fewer than 64 pixels"),
        (
            gaussian_filter(np.random.default_rng(0).standard_normal((128, 128)), 1)[None].astype(np.float32) + 4,
            "correlated between neighbours",
        ),
    ],
)
def test_where_nothing_can_be_found_out_nothing_is_adapted(image, why):
    found = fit_curves(image, _smooth, _smooth)
    assert found.curves == ()
    assert why in found.explanation.line()
    assert found.explanation.table()[1] == []


def test_a_hot_pixel_changes_no_choice(tiny):
    """However hot, it is left out; the choice is that of the image without it, where it was no narrow one."""
    noisy = PoissonGaussian(0.05, 0.005)(_blobs(), np.random.default_rng(2))
    assert (5 - 1) % ADAPTING.cell == 0  # held back, in the fourth row and column of cells

    def chosen(value):
        hot = noisy.copy()
        hot[0, 5, 9] = value
        return [(c.offset, c.power) for c in fit_curves(hot, tiny, tiny).curves]

    assert chosen(noisy[0, 5, 9]) == chosen(5) == chosen(500) != []


@pytest.fixture(scope="module")
def noisy_cells():
    return PoissonGaussian(0.05, 0.005)(_blobs(), np.random.default_rng(1))[0]


def test_the_model_in_the_box_is_adapted(noisy_cells):
    clean = _blobs()[0]
    adapted = Denoiser("photo-tiny", adapt=True, device="cpu")
    plain, whole = (run(noisy_cells, "YX") for run in (Denoiser("photo-tiny", device="cpu"), adapted))
    assert ((whole - clean) ** 2).mean() < 0.9 * ((plain - clean) ** 2).mean()
    half = Denoiser("photo-tiny", adapt=True, strength=0.5, device="cpu")(noisy_cells, "YX")
    np.testing.assert_allclose(half, (whole + noisy_cells) / 2, atol=1e-5)
    assert "adapted by the tone curve" in adapted.explanations[0].line()


def test_channels_and_planes_of_a_stack_and_missing_pixels(noisy_cells):
    """Two channels that are no colours have their own curves; a missing pixel stays missing."""
    image = np.stack([np.stack([noisy_cells, 100 * noisy_cells])] * 2)
    image[0, 0, 7, 7] = np.nan
    adapted = Denoiser("photo-tiny", adapt=True, device="cpu")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DenoisingWarning)
        result = adapted(image, "TCYX", nan="keep")
    assert len(adapted.explanations) == 2
    assert np.isnan(result[0, 0, 7, 7])
    assert np.isfinite(result).sum() == result.size - 1
    np.testing.assert_allclose(result[1, 1], 100 * result[1, 0], rtol=2e-3, atol=1e-2)


@pytest.mark.filterwarnings("ignore:.*no frames that follow each other")
@pytest.mark.parametrize("keep_mean", [None, True, False])
def test_counts_of_few_photons_keep_their_mean(keep_mean):
    """A frame that is denoised as a whole plane, with curves or neighbours, keeps what it keeps by itself."""
    counts = 0.1 * np.random.default_rng(0).poisson(0.5, (1, 80, 80)).astype(np.float32)
    alone, whole, bent = (
        Denoiser("photo-tiny", keep_mean=keep_mean, device="cpu", **more)(counts, "TYX")
        for more in ({}, {"neighbours": 1}, {"adapt": True})
    )
    np.testing.assert_allclose(whole.mean(), alone.mean(), rtol=1e-4)  # no neighbour helps
    if keep_mean is False:
        assert whole.mean() < 0.5 * counts.mean()
    else:
        np.testing.assert_allclose([whole.mean(), bent.mean()], counts.mean(), rtol=0.01)


def test_what_does_not_fit_is_refused():
    for other in ({"neighbours": 2}, {"mix": "check"}):
        with pytest.raises(ValueError, match=r"adapt is for single frames .*leave one of them out"):
            Denoiser("photo-tiny", adapt=True, **other)
    with pytest.raises(ValueError, match=r"the model rain takes something else than noise .*choose the model photo"):
        Denoiser("rain-tiny", adapt=True)
    with pytest.raises(ValueError, match="adapt is for the models in the box"):
        Denoiser(Model(create("phase-unet-tiny", channels=1)), adapt=True)
