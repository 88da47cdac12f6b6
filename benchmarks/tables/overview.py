"""The one table of the README: a row for each thing that the toolkit does."""

from __future__ import annotations

from typing import Any

from benchmarks.tables.markdown import Table, decibels
from benchmarks.tables.stored import SMALL, TINY, stored, value
from benchmarks.tables.white_noise import PUBLISHED

_TRAINED = ("model", "`halfplane-cells`, the default, 8 minutes")
_BOXED = ("camera-base", "`camera-base` in the box")


def overview() -> Table:
    """Main results, each with the best classical method that was measured beside it."""
    w2s = f"w2s_{TINY}_phase_auto_muon_seed0"
    white = f"synthetic_gaussian_known_{SMALL}_muon"
    adapted = f"{white}_adapt_2000"
    variation = next(row["psnr"] for row in stored("w2s_classical")["methods"] if row["name"] == "total variation")
    bm3d = value("synthetic_gaussian_bm3d", "scores/kodak24/BM3D/psnr")
    clip = stored("stacks_carphone_30")
    frames = {row["method"]: row["all"] for row in clip["rows"]}
    rows = [
        [
            "W2S microscopy, trained on 18 noisy frames",
            decibels(value(w2s, "scores/one pass/means/noisy_psnr")),
            f"{variation:.1f} dB (total variation, tuned on the truth)",
            f"{decibels(value(w2s, 'scores/eight views/means/psnr'))} (`{TINY}`, 16 minutes)",
        ],
        [
            "Kodak, white noise of 25 grey levels",
            decibels(value(white, "scores/kodak24/one pass/noisy_psnr")),
            f"{decibels(bm3d)} (BM3D with the true noise level)",
            f"{decibels(value(adapted, 'scores/kodak24/eight views, Wiener/psnr'))} (`{SMALL}`, adapted)",
        ],
        [
            "Kodak, the same noise, not clipped",
            decibels(value("box_kodak24", "table/25/noisy/psnr")),
            f"{PUBLISHED[('kodak24', '25')][0]} dB (BM3D with the true noise level, as published)",
            f"{decibels(value('box_kodak24', 'table/25/photo-base/psnr'))} (`photo-base` in the box, not told the level)",
        ],
        _photographs("PolyU camera photographs, trained on others of the set", "camera_polyu", "polyu", _TRAINED),
        _photographs("Nam camera photographs, trained on PolyU", "camera_polyu", "nam", _TRAINED),
        _photographs("CC15 camera photographs, without any training", "camera_boxed", "cc15", _BOXED),
        [
            "20 frames of a moving face, white noise of 30",
            decibels(frames["noisy"]),
            f"{decibels(clip['classical']['BM4D'])} (BM4D with the true noise level)",
            f"{decibels(frames['`photo-base`, with 3 neighbours'])} (`photo-base` in the box, `--neighbours 3`)",
        ],
    ]
    sources = [
        w2s,
        "w2s_classical",
        adapted,
        "synthetic_gaussian_bm3d",
        "box_kodak24",
        "camera_polyu",
        "camera_boxed",
        "stacks_carphone_30",
    ]
    return Table(["noisy images", "noisy", "classical", "Blindspot"], rows, sources)


def _photographs(title: str, name: str, images: str, ours: tuple[str, str]) -> list[str]:
    scores: dict[str, Any] = value(name, f"scores/{images}")
    method, words = ours
    return [
        title,
        decibels(scores["noisy"]["mean"]),
        f"{decibels(scores['non-local means, measured']['mean'])} (non-local means at the level we measure)",
        f"{decibels(scores[method]['mean'])} ({words})",
    ]
