import csv
import json
from pathlib import Path

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from bsn.evaluation import PROTOCOLS, Protocol, ScoreTable, fit_affine, get_protocol
from bsn.evaluation.protocol import with_mean_of
from tests.helpers.golden import load_golden

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"


@pytest.mark.parametrize("name", ["tbsn", "ap-bsn"])
def test_published_metrics(name):
    golden = load_golden("tbsn/metrics.safetensors")
    psnr, ssim = golden[f"{name.replace('-', '')}.psnr_ssim"].tolist()
    score = get_protocol(name).score(golden["input"].numpy(), golden["gt"].numpy())
    assert score.psnr == pytest.approx(psnr, abs=1e-10)
    assert score.ssim == pytest.approx(ssim, abs=1e-10)


def test_protocols_differ_where_they_should():
    golden = load_golden("tbsn/metrics.safetensors")
    scores = {n: p.score(golden["input"].numpy(), golden["gt"].numpy()) for n, p in PROTOCOLS.items()}
    assert scores["tbsn"].psnr == scores["ap-bsn"].psnr
    assert abs(scores["tbsn"].ssim - scores["ap-bsn"].ssim) > 1e-3
    assert len({p.hash for p in PROTOCOLS.values()}) == len(PROTOCOLS)


@pytest.mark.skipif(not DATA.is_dir(), reason="the real images of ../shared/data are not here")
@pytest.mark.parametrize(("folder", "protocol", "column"), [("w2s", "affine", "psnr_affine"), ("cc15", "rgb8", "psnr")])
def test_measured_scores_of_real_pairs(folder, protocol, column):
    from bsn.data import read_image

    with (DATA / "index.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["set"] == folder][:3]
    for row in rows:
        noisy, clean = (np.atleast_3d(read_image(DATA / row[k]).pixels / 255.0) for k in ("noisy", "clean"))
        score = get_protocol(protocol).score(np.moveaxis(noisy, -1, 0), np.moveaxis(clean, -1, 0))
        assert score.psnr == pytest.approx(float(row[column]), abs=1e-3)


def test_affine_fit_undoes_gain_and_offset():
    rng = np.random.default_rng(0)
    truth = rng.random((1, 32, 32))
    assert np.allclose(fit_affine(truth, 0.3 * truth + 0.2), 0.3 * truth + 0.2)
    assert get_protocol("affine").score(0.3 * truth + 0.2, truth).psnr > 100
    assert get_protocol("float").score(0.3 * truth + 0.2, truth).psnr < 20


def test_border_is_cropped():
    truth = np.zeros((1, 32, 32))
    spoiled = truth.copy()
    spoiled[:, :2] = 1
    assert Protocol("x", "", border=2).score(spoiled, truth).psnr == np.inf


def test_wrong_shapes_are_named():
    with pytest.raises(ValueError, match=r"result \(1, 8, 8\) and truth \(1, 8, 9\) cannot be compared"):
        get_protocol("rgb8").score(np.zeros((1, 8, 8)), np.zeros((1, 8, 9)))
    with pytest.raises(ValueError, match="smaller than the SSIM window 7"):
        get_protocol("rgb8").score(np.zeros((1, 6, 8)), np.zeros((1, 6, 8)))
    with pytest.raises(ValueError, match="no protocol 'psnr'; choose one of rgb8"):
        get_protocol("psnr")


def test_table_round_trip():
    table = ScoreTable(get_protocol("rgb8"), {"model": "none"})
    table.add("a.png", {"psnr": 30.0, "ssim": 0.5})
    table.add("b.png", {"psnr": 32.0, "ssim": 0.7})
    lines = table.to_csv().splitlines()
    assert lines[0].startswith("# protocol rgb8 (")
    assert lines[1:] == ["image,psnr,ssim", "a.png,30.0,0.5", "b.png,32.0,0.7", "mean,31.0,0.6"]
    content = json.loads(table.to_json())
    assert content["means"] == {"psnr": 31.0, "ssim": 0.6}
    assert content["protocol"]["hash"] == get_protocol("rgb8").hash


class TestLowLight:
    """Protocols of papers on low light: RGB as it is, and with the brightness of the truth."""

    truth = np.random.default_rng(0).uniform(0.1, 0.6, (3, 32, 30)).astype(np.float32)

    def test_as_scikit_image_has_it(self):
        result = np.clip(self.truth * 0.8 + 0.02, 0, 1)
        rounded = [np.floor(255 * x.astype(np.float64) + 0.5) / 255 for x in (self.truth, result)]
        score = get_protocol("lowlight").score(result, self.truth)
        assert score.psnr == pytest.approx(peak_signal_noise_ratio(*rounded, data_range=1))
        options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
        assert score.ssim == pytest.approx(structural_similarity(*rounded, data_range=1, channel_axis=0, **options))

    def test_the_mean_of_the_truth_makes_up_for_exposure_and_nothing_else(self):
        plain, scaled = get_protocol("lowlight"), get_protocol("lowlight-mean")
        assert plain.score(0.5 * self.truth, self.truth).psnr < 16
        assert scaled.score(0.5 * self.truth, self.truth).psnr > 60
        cast = self.truth * np.array([1.0, 0.6, 1.0], np.float32)[:, None, None]
        assert scaled.score(cast, self.truth).psnr < 30
        assert scaled.hash != plain.hash

    def test_by_hand(self):
        """Luma 0.299 x 0.2 + 0.587 x 0.4 + 0.114 x 0.6 = 0.363 against half of it: twice the result."""
        truth = np.array([0.2, 0.4, 0.6])[:, None, None] * np.ones((3, 4, 4))
        result = np.array([0.1815, 0.1815, 0.1815])[:, None, None] * np.ones((3, 4, 4))
        np.testing.assert_allclose(with_mean_of(result, truth), 0.363, atol=1e-9)
        result[0, 0, 0] = np.nan
        np.testing.assert_allclose(with_mean_of(result, truth)[1], 0.363, atol=1e-9)
        np.testing.assert_array_equal(with_mean_of(np.zeros((3, 4, 4)), truth), 0)
