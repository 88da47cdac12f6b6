import csv
import json
from pathlib import Path

import numpy as np
import pytest

from bsn.evaluation import PROTOCOLS, Protocol, ScoreTable, fit_affine, get_protocol
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
