"""Rain streaks without training, on synthetic and on real rain.

    python -m benchmarks.real_rain --parts sets spa real [--data ../shared/data] [--save FOLDER]

Parts: ``sets``, the test parts of Rain100L and Rain100H, their clean backgrounds, and rain of our own on free photographs;
``spa``, a photograph of real rain whose truth others estimated from a video; ``real``, thirty photographs without a truth;
``picture``, the picture of the documentation. Each part is stored as soon as it is done, in benchmarks/results/real_rain.json;
pictures of real rain go to ``--save``, and never into the repository.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy import ndimage

from benchmarks.measure import write_part
from benchmarks.picture import save as save_panels
from benchmarks.rain_images import load, restorer, save
from bsn.data import SyntheticRain, list_images
from bsn.evaluation import get_protocol
from restoration.streaks import remove_streaks, streak_direction

NAME = "real_rain"
PROTOCOL = get_protocol("y")
PHOTOGRAPHS, SIDE = 12, 384
PICTURE = Path(__file__).parents[1] / "docs" / "images" / "rain_streaks.jpg"
SHOWN, PART = "gb82-nyc.webp", (slice(None), slice(140, 440), slice(100, 420))


def median_of_rows(planes: np.ndarray, width: int = 7) -> np.ndarray:
    """The median filter along rows: the plainest way to get rid of upright streaks."""
    return ndimage.median_filter(planes, size=(1, 1, width), mode="nearest")


def score(rainy: np.ndarray, truth: np.ndarray) -> dict[str, Any]:
    """Scores of an image as it is, behind the median filter, and without its streaks."""
    dry, seen = remove_streaks(rainy), streak_direction(rainy - truth)
    rows = {"rainy": rainy, "median of 7 in rows": median_of_rows(rainy), "streaks": dry.planes}
    return {
        **{name: dataclasses.asdict(PROTOCOL.score(found, truth)) for name, found in rows.items()},
        "angle": dry.direction.angle,
        "strength": dry.direction.strength,
        "true_angle": seen.angle if seen.strength else None,
        "replaced": float(dry.mask.mean()),
    }


def summary(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Means of a set, and how many images lose."""
    methods = ("rainy", "median of 7 in rows", "streaks")
    means = {m: {key: float(np.mean([row[m][key] for row in rows])) for key in ("psnr", "ssim")} for m in methods}
    gains = [row["streaks"]["psnr"] - row["rainy"]["psnr"] for row in rows]
    wrong = [abs(row["angle"] - row["true_angle"]) for row in rows if row["true_angle"] is not None]
    return {
        "means": means,
        "images": len(rows),
        "worse": sum(gain < -0.05 for gain in gains),
        "worst_gain": min(gains),
        "replaced": float(np.mean([row["replaced"] for row in rows])),
        "within_3_degrees": sum(error <= 3 for error in wrong),
        "rows": list(rows),
    }


def sets(options: argparse.Namespace) -> dict[str, Any]:
    rain, found = options.data / "rain", {}
    clean = {path.name: path for path in list_images(rain / "rain100l" / "test" / "clean")}
    for name in ("rain100l", "rain100h"):
        files = list_images(rain / name / "test" / "rainy")
        found[name] = summary([score(load(path), load(clean[path.name])) for path in files])
    photographs = list_images(options.data / "free" / "photos")
    photographs = photographs[:: len(photographs) // PHOTOGRAPHS][:PHOTOGRAPHS]
    truths = [load(path)[:, :SIDE, :SIDE] for path in photographs]
    rains = [SyntheticRain(angle=angle, veil=0) for angle in np.linspace(-30, 30, len(truths))]
    found["free photographs"] = summary(
        [score(rain(t, i), t) for i, (rain, t) in enumerate(zip(rains, truths, strict=True))]
    )
    found["untouched"] = {"rain100l": _untouched(map(load, clean.values())), "free photographs": _untouched(truths)}
    for name, row in found.items():
        print(name, {key: value for key, value in row.items() if key != "rows"}, flush=True)
    return found


def _untouched(truths: Iterable[np.ndarray]) -> dict[str, Any]:
    """How many images without rain come back as they are, and what the others lose."""
    shares = [float(remove_streaks(truth).mask.mean()) for truth in truths]
    return {"images": len(shares), "unchanged": sum(share == 0 for share in shares), "most_replaced": max(shares)}


def spa(options: argparse.Namespace) -> dict[str, Any]:
    folder = options.data / "rain" / "spa" / "test"
    (path,) = list_images(folder / "rainy")
    rainy, truth = load(path), load(folder / "clean" / path.name)
    row = score(rainy, truth)
    for model in options.models:
        row[Path(model).stem] = dataclasses.asdict(PROTOCOL.score(restorer(model)(rainy), truth))
    print("spa", row, flush=True)
    _keep(options, "spa", remove_streaks(rainy).planes)
    return row


def real(options: argparse.Namespace) -> dict[str, Any]:
    rows = {}
    models = {Path(model).name: restorer(model) for model in options.models} if options.save is not None else {}
    for path in list_images(options.data / "rain" / "real"):
        rainy = load(path)
        dry = remove_streaks(rainy)
        rows[path.stem] = {**dataclasses.asdict(dry.direction), "replaced": float(dry.mask.mean())}
        print(path.stem, rows[path.stem], flush=True)
        _keep(options, path.stem, dry.planes)
        for name, restore in models.items():
            _keep(options, f"{path.stem}_{name}", restore(rainy))
    shares = [row["replaced"] for row in rows.values()]
    return {"images": len(rows), "changed": float(np.mean(np.array(shares) > 0)), "most": max(shares), "rows": rows}


def _keep(options: argparse.Namespace, name: str, planes: np.ndarray) -> None:
    if options.save is not None:
        save(options.save / f"{name}.png", planes)


def picture(options: argparse.Namespace) -> dict[str, Any]:
    """The picture of the documentation: rain of our own on a free photograph."""
    truth = load(options.data / "free" / "photos" / SHOWN)[PART]
    rainy = SyntheticRain(angle=-14, veil=0)(truth, 1)
    dry = remove_streaks(rainy)
    save_panels([rainy, dry.planes, np.repeat(dry.mask[None].astype(np.float32), 3, 0)], PICTURE)
    return {"photograph": SHOWN, **score(rainy, truth)}


PARTS = {"picture": picture, "sets": sets, "spa": spa, "real": real}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--parts", nargs="+", choices=list(PARTS), default=["sets", "spa", "real"])
    parser.add_argument("--models", nargs="*", default=["rain-tiny"], help="compared with on real rain")
    parser.add_argument("--save", type=Path, help="folder for the pictures of real rain")
    options = parser.parse_args()
    torch.set_num_threads(1)
    for part in options.parts:
        write_part(NAME, part, PARTS[part](options), list(PARTS))


if __name__ == "__main__":
    main()
