"""Tables of rain streaks that go without training, in photographs and in video."""

from __future__ import annotations

from typing import Any

from benchmarks.tables.markdown import Table, bold, decibels
from benchmarks.tables.stored import stored

_SETS = {
    "rain100l": "Rain100L, light",
    "rain100h": "Rain100H, heavy",
    "free photographs": "own rain on free photographs",
}
_METHODS = ("rainy", "median of 7 in rows", "streaks")


def real_rain() -> Table:
    """Rainy images, a median filter along rows, and the streaks removed, on synthetic rain and on one real photograph."""
    found = stored("real_rain")
    rows = [_set(title, found["sets"][name]) for name, title in _SETS.items()]
    pair = found["spa"]
    known = f"{abs(pair['angle'] - pair['true_angle']) <= 3:d} of 1"
    worse = f"{pair['streaks']['psnr'] < pair['rainy']['psnr']:d}"
    rows.append(["SPA, real rain", "1", *_three(pair), f"{pair['replaced']:.1%}", known, worse])
    header = [
        "images",
        "number",
        "rainy",
        "median along rows",
        "`bsn restore streaks`",
        "replaced",
        "direction",
        "worse",
    ]
    return Table(header, rows, ["real_rain"])


def _set(title: str, row: dict[str, Any]) -> list[str]:
    known = f"{row['within_3_degrees']} of {row['images']}"
    return [title, str(row["images"]), *_three(row["means"]), f"{row['replaced']:.1%}", known, str(row["worse"])]


def _three(means: dict[str, dict[str, float]]) -> list[str]:
    best = max(means[method]["psnr"] for method in _METHODS)
    return [_quality(means[method], marked=means[method]["psnr"] == best) for method in _METHODS]


def _quality(row: dict[str, float], *, marked: bool = False) -> str:
    psnr = decibels(row["psnr"])
    return f"{bold(psnr) if marked else psnr} / {row['ssim']:.3f}"


def rain_video() -> Table:
    """Rain in a clip, over a scene that stands still and one that the camera pans across."""
    scenes = stored("rain_video")["rows"]
    best = {scene: max(row["psnr"] for row in rows.values()) for scene, rows in scenes.items()}
    names = [name for name in scenes["still"] if name in scenes["pan"]]
    rows = [
        [name, *(_quality(scenes[s][name], marked=scenes[s][name]["psnr"] == best[s]) for s in ("still", "pan"))]
        for name in names
    ]
    return Table(["method", "still scene", "panning camera"], rows, ["rain_video"])


def rain_networks() -> Table:
    """Networks that were trained on the rainy images of Rain100L alone, and what they add to the removal of streaks."""
    rows = []
    found = stored("rain_networks")
    for part, title in (("columns", "half-plane, columns:9"), ("pairs", "pairs of dry images and the rain of others")):
        if part in found:
            trained = f"{found[part]['steps']:,} steps, {found[part]['minutes']:.1f} min"
            rows += [[title, method, _quality(row), trained] for method, row in found[part]["scores"].items()]
    return Table(["trained", "pixels in streaks", "PSNR / SSIM (Y)", "training"], rows, ["rain_networks"])


MAKERS = {rain_networks: ("rain_networks", "python -m benchmarks.rain_networks")}
"""Tables that are there once their benchmark has run, see :data:`benchmarks.tables.AWAITED`."""
