"""Tables of trainings of equal time, made of small results that were typed by hand."""

import json

import pytest

from benchmarks.tables import equal_time
from benchmarks.tables import stored as results

ABOUT = {"command": "python -m benchmarks.x", "environment": {"machine": "x86_64", "python": "3.11", "torch": "2.13"}}
SCORE = {"worst_gain": 1.25, "images_worse_than_noisy": 0}
MIXED = {"half-plane, mixed by SURE": {"psnr": 27.935, "worst_gain": -0.14, "images_worse_than_noisy": 2}}
RESULTS = {
    "correlated_noise": {
        "cases": {"rows, sigma 20, correlation 0.3": {"noisy": {"psnr": 22.276, **SCORE}, **MIXED}},
    },
    "correlated_noise_10": {
        "cases": {
            "rows, sigma 10, correlation 0.3": {
                "noisy": {"psnr": 28.0, **SCORE},
                "strides": {"psnr": 29.0, **SCORE},
                "BM3D, true spectrum": {"psnr": 33.0, **SCORE},
            }
        }
    },
    "white_networks": {"rows": {"noisy": {"psnr": 20.5, **SCORE}, "halfplane": {"psnr": 28.0, "steps": 90, **SCORE}}},
    "w2s_white_halfplane-cells": {
        "steps": 1234,
        "training_seconds": 360.0,
        "scores": {
            "one pass": {"means": {"psnr": 36.2}},
            "one pass, without the noisy pixel": {"means": {"psnr": 35.1}},
        },
    },
}


@pytest.fixture(autouse=True)
def measured(tmp_path, monkeypatch):
    for name, found in RESULTS.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(ABOUT | found))
    for module in (results, equal_time):
        monkeypatch.setattr(module, "RESULTS", tmp_path)
    results.stored.cache_clear()
    yield
    results.stored.cache_clear()


def test_cases_of_all_files_by_the_strength_of_their_noise():
    table = equal_time.correlated_synthetic()
    weak, strong = table.markdown().splitlines()[2:]
    assert weak == ("| rows, sigma 10, correlation 0.3 | 28.00 dB | - | **29.00 dB (+1.2, 0)** | - | - | 33.00 dB |")
    assert strong == "| rows, sigma 20, correlation 0.3 | 22.28 dB | - | - | - | **27.93 dB (-0.1, 2)** | - |"
    assert table.sources == ["correlated_noise", "correlated_noise_10"]


def test_white_noise():
    assert "| halfplane | 28.00 dB | 90 | +1.2 |" in equal_time.white_networks().markdown()
    text = equal_time.white_w2s().markdown()
    assert "| `halfplane-cells` | 36.20 dB | 35.10 dB | 1,234 | 6.0 |" in text
