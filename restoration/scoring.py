"""Scores of restoration models and of results on pairs of files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from bsn.data import Pair, ReadOptions
from bsn.evaluation import Protocol, ScoreTable
from bsn.inference import Contender, Denoiser, InferenceConfig, by_model, from_files, score_contenders, unchanged

__all__ = ["DEGRADED", "score_models"]

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
        Called with the name after each file.

    Returns
    -------
    dict of str to ScoreTable
        Scores by name of the model or folder, the degraded images first.

    Raises
    ------
    DataError, ModelFileError
        For files that cannot be read or do not fit together.
    """
    contenders: dict[str, Contender] = {DEGRADED: unchanged}
    contenders |= {str(model): by_model(Denoiser(model, inference)) for model in models}
    contenders |= {str(folder): from_files(folder, pairs) for folder in results}
    return score_contenders(pairs, protocol, contenders, options, progress=progress)
