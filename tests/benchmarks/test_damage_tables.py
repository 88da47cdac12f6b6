"""Tables of damage, from results made by hand."""

import pytest

from benchmarks.tables import damage


def score(psnr, ssim):
    return {"psnr": psnr, "ssim": ssim}


RESULTS = {
    "all_in_one": {
        "scores": {
            "rain": {"damaged": score(20.0, 0.7), "restored": score(25.5, 0.85)},
            "noise": {"damaged": score(22.0, 0.5), "restored": score(29.0, 0.8), "non-local means": score(28.0, 0.79)},
            "undamaged": {"restored": score(39.0, 0.99)},
        }
    },
    "lowlight": {
        "scores": {
            "lowlight": {
                "damaged, lowlight": score(8.0, 0.2),
                "restored, lowlight": score(18.0, 0.6),
                "damaged, lowlight-mean": score(17.0, 0.4),
                "restored, lowlight-mean": score(20.0, 0.61),
            }
        }
    },
    "underwater": {
        "scores": {
            "underwater": {
                "damaged, lowlight": score(15.0, 0.7),
                "restored, lowlight": score(19.0, 0.8),
                "damaged, lowlight-mean": score(16.0, 0.71),
                "restored, lowlight-mean": score(21.0, 0.82),
            }
        }
    },
}


@pytest.fixture(autouse=True)
def measured(monkeypatch):
    monkeypatch.setattr(damage, "stored", RESULTS.__getitem__)


def test_each_damage_has_a_row():
    text = damage.all_in_one().markdown()
    assert "| rain | 20.00 dB | 25.50 dB | 0.700 → 0.850 |  |" in text
    assert "| noise | 22.00 dB | 29.00 dB | 0.500 → 0.800 | 28.00 dB |" in text
    assert "| nothing |  | 39.00 dB | 0.990 |  |" in text


def test_low_light_has_both_protocols():
    text = damage.low_light().markdown()
    assert "| as it is | 8.00 dB, 0.200 | 18.00 dB, 0.600 |" in text
    assert "| scaled to the mean of the truth | 17.00 dB, 0.400 | 20.00 dB, 0.610 |" in text


def test_water_has_the_same_rows():
    assert "| scaled to the mean of the truth | 16.00 dB, 0.710 | 21.00 dB, 0.820 |" in damage.underwater().markdown()
