"""Tables of what a card measures, made of small results that were typed by hand."""

import json

import pytest

from benchmarks.tables import AWAITED, TABLES, card, damage, equal_time, manas_space, starting, streaks
from benchmarks.tables import stored as results

ENVIRONMENT = {"machine": "x86_64, 16 threads, NVIDIA H200", "python": "3.12", "torch": "2.13"}
FORM = {"seconds": 0.002, "floor_seconds": 0.0005, "launched_ratio": 3.0, "peak_bytes": 5e6}
TRAINED = {"set": "w2s", "size": "full", "steps": 900, "training_seconds": 240.0, "noisy_psnr": 18.0}
RESULTS = {
    "networks": {"step": [{"form": "literal", "ratio": 1.0, **FORM}, {"form": "graph", **FORM, "ratio": 8.0}]},
    "operators": {"gate": {"rows": [{"form": "triton", "train": True, "ratio": 2.5, **FORM}]}},
    "profile": {"step": {"kinds": {"convolutions": 0.03, "norms": 0.01}}},
    "training_w2s_attention_0": {"w2s, attention": {**TRAINED, "variant": "attention", "psnr": 36.0}},
    "training_w2s_attention_1": {"w2s, attention": {**TRAINED, "variant": "attention", "psnr": 36.2}},
    "training_w2s_off_0": {"w2s, off": {**TRAINED, "variant": "off", "psnr": 35.6}},
    "training_w2s_published_0": {"w2s, published recipe": {**TRAINED, "variant": "global", "psnr": 34.0}},
    "restoration_elf": {
        "rain100l, elf": {
            "steps": 1500, "training_seconds": 180.0,
            "scores": {"y": {"degraded": {"psnr": 26.9, "ssim": 0.83}, "runs/elf": {"psnr": 33.1, "ssim": 0.95}}},
        }
    },
    "throughput": {
        "tiny, network": [{"batch": 4, "megapixels_per_second": 512.0}],
        "tiny, files": {"files": 24, "side": 1024, "megapixels_per_second": 80.0, "device_busy": 0.25},
    },
}  # fmt: skip
EXPECTED = {
    card.gpu_networks: "| training step, 8 x 128 x 128 | graph | 2.0 ms | 8.0 x | 5 MB |",
    card.gpu_operators: "| gate | with gradients | triton | 2.000 ms | 2.50 x | 3.00 x | 4.0 x |",
    card.gpu_profile: "| step | convolutions | 30.00 ms | 75% |",
    card.gpu_restoration: "| ELF | 3.0 min | 1,500 | 26.90 dB | 33.10 dB | 0.950 |",
    card.gpu_throughput: "| tiny | 24 files of 1024 x 1024 | 80.0 | 25% |",
}


@pytest.fixture
def measured(tmp_path, monkeypatch):
    (tmp_path / "gpu").mkdir()
    for name, found in RESULTS.items():
        old, new = {"results": {}}, {"results": found}
        content = {"command": f"python -m benchmarks.gpu --only {name}", "environment": ENVIRONMENT, "runs": [old, new]}
        (tmp_path / "gpu" / f"{name}.json").write_text(json.dumps(content))
    for module in (results, card):
        monkeypatch.setattr(module, "RESULTS", tmp_path)
    results.stored.cache_clear()
    yield
    results.stored.cache_clear()


@pytest.mark.parametrize("maker", EXPECTED, ids=lambda maker: maker.__name__)
def test_tables(maker, measured):
    table = maker()
    assert EXPECTED[maker] in table.markdown()
    assert "NVIDIA H200" in table.provenance()


def test_trainings_are_compared_with_attention(measured):
    text = card.gpu_trainings().markdown()
    assert "strictly blind) | 4.0 min | 900 | 2 | 18.00 dB | **36.10 ± 0.14 dB** | +0.00 dB |" in text
    assert "| the same without attention | 4.0 min | 900 | 1 | 18.00 dB | 35.60 dB | -0.50 dB |" in text
    assert "| TBSN, published recipe | 4.0 min | 900 | 1 | 18.00 dB | 34.00 dB | -2.10 dB |" in text


def test_a_table_is_there_or_awaited():
    modules = (card, damage, equal_time, manas_space, starting, streaks)
    makers = {maker: awaited for module in modules for maker, awaited in module.MAKERS.items()}
    names = {maker.__name__ for maker in makers}
    assert names == (set(TABLES) & names) | set(AWAITED)
    assert not set(TABLES) & set(AWAITED)
