"""Tables of networks that were trained for the same time on the noisy images themselves: correlated noise, and white noise."""

from __future__ import annotations

from typing import Any

from benchmarks.tables.markdown import Table, bold, decibels
from benchmarks.tables.stored import RESULTS, stored, value

_CORRELATED = "correlated_noise*"
_WHITE = "white_networks"
_WHITE_W2S = ("w2s_white_phase-unet-tiny", "w2s_white_halfplane-cells")
_WAYS = {
    "noisy": "noisy",
    "non-local means, measured": "non-local means, measured level",
    "strides": "strides",
    "half-plane": "half-plane",
    "half-plane, mixed by SURE": "half-plane, mixed (`--mix image`)",
    "BM3D, true spectrum": "BM3D, true spectrum",
}


def correlated_synthetic() -> Table:
    """Synthetic correlated noise: mean PSNR, and in brackets the worst gain and how many images are worse than their input."""
    names = sorted(path.stem for path in RESULTS.glob(f"{_CORRELATED}.json"))
    cases: dict[str, dict[str, Any]] = {}
    for name in names:
        cases |= stored(name)["cases"]
    rows = [[case, *_compared(found)] for case, found in sorted(cases.items(), key=_order)]
    return Table(["noise", *_WAYS.values()], rows, names)


def _order(item: tuple[str, Any]) -> tuple[float, str]:
    """Cases by the strength of their noise, then by name: "rows, sigma 20, correlation 0.3"."""
    return float(item[0].split("sigma ")[1].split(",")[0]), item[0]


def _compared(found: dict[str, Any]) -> list[str]:
    """Cells of a case; the best of those that are not told the noise is bold."""
    trained = [way for way in _WAYS if way in found and way not in ("noisy", "BM3D, true spectrum")]
    best = max(trained, key=lambda way: found[way]["psnr"])
    cells = []
    for way in _WAYS:
        if way not in found:
            cells.append("-")
            continue
        row = found[way]
        cell = decibels(row["psnr"])
        if way in trained:
            cell += f" ({row['worst_gain']:+.1f}, {row['images_worse_than_noisy']})"
        cells.append(bold(cell) if way == best else cell)
    return cells


def white_networks() -> Table:
    """White noise: networks on phases and half-plane networks with a hole of one pixel, trained for the same time."""
    rows = [
        [name, decibels(row["psnr"]), str(row.get("steps", "-")), f"{row['worst_gain']:+.1f}"]
        for name, row in value(_WHITE, "rows").items()
    ]
    return Table(["network", "PSNR", "steps", "worst gain"], rows, [_WHITE])


def white_w2s() -> Table:
    """W2S: a network on phases and a half-plane network with a hole of one pixel, trained for the same time."""
    names = [name for name in _WHITE_W2S if (RESULTS / f"{name}.json").is_file()]
    rows = []
    for name in names:
        found = stored(name)
        scores = found["scores"]
        cells = [decibels(scores[f"one pass{way}"]["means"]["psnr"]) for way in ("", ", without the noisy pixel")]
        rows.append([f"`{name.removeprefix('w2s_white_')}`", *cells, f"{found['steps']:,}", _minutes(found)])
    return Table(["network", "as `bsn denoise` gives it", "surroundings alone", "steps", "minutes"], rows, names)


def _minutes(found: dict[str, Any]) -> str:
    return f"{found['training_seconds'] / 60:.1f}"


MAKERS = {
    correlated_synthetic: (_CORRELATED, "python -m benchmarks.correlated_noise"),
    white_networks: (_WHITE, "python -m benchmarks.white_networks"),
    white_w2s: (
        "w2s_white_*",
        "python -m benchmarks.w2s --minutes 6 --model halfplane-cells --name white_halfplane-cells",
    ),
}
"""Tables, the files that they are made of, and the command that brings those."""
