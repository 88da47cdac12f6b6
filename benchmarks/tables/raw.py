"""The table of raw mosaics: denoised before demosaicing and after it."""

from __future__ import annotations

from benchmarks.tables.markdown import Table, bold, decibels
from benchmarks.tables.stored import stored

_WAYS = {
    "noisy": "noisy",
    "after, photo-base": "after demosaicing, `photo-base`",
    "after, camera-base": "after demosaicing, `camera-base`",
    "before, plane by plane": "before, each plane by itself, `photo-base`",
    "before, bsn denoise": "before, as `bsn denoise` does it, `photo-base`",
}


def raw_mosaics() -> Table:
    """Raw mosaics of photographs with photon and read noise: PSNR of the developed picture."""
    found = stored("raw_mosaics")
    noises = found["noises"]
    rows = []
    for way, text in _WAYS.items():
        cells = [text, *(decibels(found["psnr"][noise][way]) for noise in noises)]
        rows.append([bold(cell) for cell in cells] if way == "before, bsn denoise" else cells)
    header = ["way", *(f"gain {line['gain']:g}, read noise {line['read_noise']:g}" for line in noises.values())]
    return Table(header, rows, ["raw_mosaics"])
