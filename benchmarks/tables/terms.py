"""Tables of the restoration networks at equal terms."""

from __future__ import annotations

from statistics import fmean, stdev
from typing import Any

from benchmarks.tables.markdown import Table, bold
from benchmarks.tables.stored import stored

_NAME, _TILES, _BOX = "restoration_terms", "restoration_tiles", "rain_box"
_PARTS = {"rain100l": "Rain100L", "rain100h": "Rain100H", "rain800": "Rain800"}
_TITLES = {**_PARTS, "spa": "SPA-Data, real rain"}


def equal_steps() -> Table:
    """Restoration networks of the tiny sizes after equally many steps."""
    return _scores("steps")


def equal_time() -> Table:
    """Restoration networks of the tiny sizes after equal core time."""
    return _scores("seconds")


def terms_cost() -> Table:
    """What the restoration networks of the tiny sizes cost, and how they were trained."""
    found = stored(_NAME)
    rows = []
    for network, cost in found["cost"].items():
        runs = _runs(found, "", network)
        if not runs:
            continue
        chosen = found["tuning"][network]["chosen"]
        rows.append(
            [
                f"`{network}`",
                f"{cost['parameters']:,}",
                f"{cost['macs_per_pixel']:,.0f}",
                f"{cost['seconds']:.2f} s",
                f"{cost['peak_bytes'] / 1e6:,.0f} MB",
                f"{chosen['rate']:g}, {'growing' if chosen['growing'] else 'fixed'}",
                f"{fmean(run['seconds']['steps'] for run in runs):,.0f}",
            ]
        )
    header = ["network", "parameters", "MACs per pixel", "core time of 480 x 320", "memory", "rate, crops", "steps"]
    return Table([*header[:-1], f"steps in {found['settings']['seconds']:g} s"], rows, [_NAME])


def restoration_tiles() -> Table:
    """Restoration networks in tiles against the whole image at once."""
    found = stored(_TILES)
    sides = [row["tile"] for row in next(iter(found["networks"].values()))["tiles"]]
    rows = []
    for network, result in found["networks"].items():
        cells = ["refused" if "refused" in row else f"{row['share']:.2%}" for row in result["tiles"]]
        rows.append([f"`{network}`", "yes" if result["pools"] else "no", f"{result['exact']:.0e}", *cells])
    header = ["network", "pools", "`--tile 0` against the network itself", *(f"tiles of {side}" for side in sides)]
    return Table(header, rows, [_TILES])


def rain_box() -> Table:
    """The model in the box for rain on images that it was not trained on."""
    found = stored(_BOX)
    rows = [
        [
            _TITLES.get(name, name),
            f"{row['images']}",
            *(_one(row[method]) for method in ("rainy", "median 1 x 5")),
            bold(_one(row["model"])),
            f"{row['worse']}",
        ]
        for name, row in found["sets"].items()
    ]
    header = ["set", "images", "rainy", "median 1 x 5", f"`{found['model']}`", "images that it makes worse"]
    return Table(header, rows, [_BOX])


def _scores(mark: str) -> Table:
    """A row for each network: its scores on each set where it was trained on that set alone, and on all of them."""
    found = stored(_NAME)
    rows = [
        [name, *(_one(scores[part]) for part in _PARTS), *("" for _ in _PARTS)]
        for name, scores in found["classical"].items()
    ]
    for network in found["cost"]:
        alone = [_several(found, part, network, part, mark) for part in _PARTS]
        mixed = [_several(found, "mixed", network, part, mark) for part in _PARTS]
        if any(alone) or any(mixed):
            rows.append([f"`{network}`", *alone, *mixed])
    header = ["", *_PARTS.values(), *(f"{title}, one model for all" for title in _PARTS.values())]
    return Table(header, rows, [_NAME])


def _runs(found: dict[str, Any], name: str, network: str) -> list[dict[str, Any]]:
    """Runs of a network on a set, or on any where none is named, with both marks."""
    return [
        run
        for key, run in found["runs"].items()
        if key.split("/")[1] == network and name in ("", key.split("/")[0]) and len(run) == 2
    ]


def _one(scores: dict[str, float]) -> str:
    return f"{scores['psnr']:.2f} / {scores['ssim']:.3f}"


def _several(found: dict[str, Any], name: str, network: str, part: str, mark: str) -> str:
    """Mean over the seeds, and with several the standard deviation of the PSNR."""
    scores = [run[mark]["scores"][part] for run in _runs(found, name, network)]
    if not scores:
        return ""
    psnr = [score["psnr"] for score in scores]
    spread = f" ± {stdev(psnr):.2f}" if len(psnr) > 1 else ""
    return f"{fmean(psnr):.2f}{spread} / {fmean(score['ssim'] for score in scores):.3f}"
