"""Scores of models and results on pairs of files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from bsn.data import (
    DataError,
    Pair,
    ReadOptions,
    atomic_output,
    list_images,
    name_some,
    read_pair,
    read_planes,
    to_unit,
    writing,
)
from bsn.evaluation import Protocol, ScoreTable
from bsn.inference import Denoiser, InferenceConfig

__all__ = ["DEGRADED", "score_models", "write_scores"]

DEGRADED = "degraded"


def score_models(
    pairs: Sequence[Pair],
    protocol: Protocol,
    models: Sequence[str | Path] = (),
    results: Sequence[str | Path] = (),
    inference: InferenceConfig | None = None,
    *,
    options: ReadOptions | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> dict[str, ScoreTable]:
    """Score the degraded images, every model and every folder of results against the truth.

    Parameters
    ----------
    pairs : sequence of Pair
        Files of the degraded and clean images.
    protocol : Protocol
        How results are compared with the truth.
    models : sequence of path
        Runs or model files.
    results : sequence of path
        Folders with a restored image of the stem of each degraded one.
    inference : InferenceConfig, optional
        Tiles, device and precision; the models' defaults if left out.
    options : ReadOptions, optional
        How all files are read. Missing pixels that it keeps enter no score; a key counts for files of formats with names.
    progress : callable
        Called with the name after each image.

    Returns
    -------
    dict of str to ScoreTable
        Scores by name of the model or folder, the degraded images first.

    Raises
    ------
    DataError, ModelFileError
        For files that cannot be read or do not fit together.
    """
    how = options or ReadOptions()
    tables = {name: ScoreTable(protocol, {"source": name}) for name in (DEGRADED, *map(str, (*models, *results)))}
    denoisers = {str(model): Denoiser(model, inference) for model in models}
    folders = {str(folder): _results(folder, pairs) for folder in results}
    for pair in pairs:
        degraded, clean = read_pair(pair, how)
        truth = to_unit(clean, how.value_range)
        images = {DEGRADED: degraded}
        # A restored image is scored as a file would hold it: in the type of the degraded one.
        images |= {
            name: np.asarray(denoiser(degraded, "CYX", nan=how.nan, value_range=how.value_range))
            for name, denoiser in denoisers.items()
        }
        units = {name: to_unit(image, how.value_range) for name, image in images.items()}
        units |= {name: read_planes(paths[pair.degraded.stem], how)[0] for name, paths in folders.items()}
        for name, image in units.items():
            if image.shape != truth.shape:
                raise DataError(
                    f"{name}: {pair.name} of shape {image.shape}", f"its truth is {truth.shape}", "pair equals"
                )
            score = protocol.score(image, truth)
            tables[name].add(pair.name, {"psnr": score.psnr, "ssim": score.ssim})
        progress(pair.name)
    return tables


def _results(folder: str | Path, pairs: Sequence[Pair]) -> dict[str, Path]:
    paths = {path.stem: path for path in list_images(folder)}
    missing = [pair.name for pair in pairs if pair.degraded.stem not in paths]
    if missing:
        raise DataError(f"{folder}", f"lacks results of {name_some(missing, 20)}", "restore them first")
    return paths


def write_scores(tables: dict[str, ScoreTable], folder: Path) -> None:
    """Write a CSV per model, and all of them in ``scores.json``.

    Parameters
    ----------
    tables : dict of str to ScoreTable
        Scores by name of the model or folder.
    folder : Path
        Made if it does not exist.

    Raises
    ------
    DataError
        If it cannot be written.
    """
    import json

    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    texts = {
        f"{number:02d}_{Path(name).name}.csv": table.to_csv() for number, (name, table) in enumerate(tables.items())
    }
    texts["scores.json"] = json.dumps({name: json.loads(table.to_json()) for name, table in tables.items()}, indent=1)
    for name, text in texts.items():
        with atomic_output(folder / name, overwrite=True) as partial, writing(folder / name):
            partial.write_text(text, encoding="utf-8")
