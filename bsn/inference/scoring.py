"""Scores of folders: what models or files make of images, against the truth or, without one, by the residual."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bsn.data import (
    DataError,
    Image,
    Pair,
    ReadOptions,
    find_pairs,
    list_images,
    partner_options,
    read_image,
    read_pair,
    read_planes,
    to_planes,
)
from bsn.data.arrays.planes import check_finite
from bsn.evaluation import Protocol, ScoreTable, residual_statistics
from bsn.inference.contenders import Contender, GivenImage, by_model
from bsn.inference.denoiser import Denoiser

__all__ = ["Scene", "pair_files", "scenes", "score_contenders", "score_files"]


def pair_files(
    images: str | Path | Sequence[str | Path], clean: str | Path | Sequence[str | Path] | None = None
) -> list[Pair]:
    """Pairs of images and, where it is known, their truth.

    Parameters
    ----------
    images : path or sequence of paths
        Noisy or degraded images: files, folders or patterns.
    clean : path or sequence of paths, optional
        Clean images, matched by name, whatever the suffix.

    Returns
    -------
    list of Pair
        In natural order of the images; ``clean`` is None where no clean images are given.

    Raises
    ------
    DataError
        All missing partners in one message.
    """
    if clean is not None:
        return find_pairs(images, clean)
    return [Pair(path, None, path.stem) for path in list_images(images)]


@dataclass(frozen=True, eq=False)
class Scene:
    """One plane of one pair, and what every contender made of it.

    Parameters
    ----------
    name : str
        Name of the file; of stacks with the number of the plane.
    image : ndarray, shape (C, H, W), float32, image values
        The noisy or degraded image.
    truth : ndarray, shape (C, H, W), float32, optional
        The clean image, where it is known.
    results : mapping of str to ndarray
        Results by name of the contender, of the same shape.
    """

    name: str
    image: np.ndarray
    truth: np.ndarray | None
    results: Mapping[str, np.ndarray]


def scenes(
    pairs: Sequence[Pair],
    contenders: Mapping[str, Contender],
    options: ReadOptions | None = None,
    *,
    progress: Callable[[str], None] = lambda _: None,
) -> Iterator[Scene]:
    """Go through files, and let every contender answer each of them.

    Parameters
    ----------
    pairs : sequence of Pair
        Files, see :func:`pair_files`.
    contenders : mapping of str to Contender
        Who answers, by name.
    options : ReadOptions, optional
        How all files are read. A key counts for files of formats with names.
    progress : callable
        Called with the name after each file.

    Yields
    ------
    Scene
        Planes of a stack one after the other.

    Raises
    ------
    DataError
        For files that cannot be read or do not fit together.
    """
    for pair in pairs:
        given, truth = _read(pair, options or ReadOptions())
        results = {name: answer(given) for name, answer in contenders.items()}
        for what, planes in (("its truth", truth), *results.items()):
            if planes is not None and planes.shape != given.planes.shape:
                raise DataError(
                    f"{pair.name} of shape {given.planes.shape}",
                    f"does not fit {what} of {planes.shape}",
                    "give images of one size",
                )
        for index, image in enumerate(given.planes):
            name = pair.name if len(given.planes) == 1 else f"{pair.name}[{index}]"
            answers = {contender: planes[index] for contender, planes in results.items()}
            yield Scene(name, image, None if truth is None else truth[index], answers)
        progress(pair.name)


def _read(pair: Pair, options: ReadOptions) -> tuple[GivenImage, np.ndarray | None]:
    how = partner_options(pair.degraded, options)
    if pair.halves is not None:
        degraded, clean = read_pair(pair, options)
        image = Image(degraded, "CYX")
        return GivenImage(pair, image, _planes(image, how), how), _planes(Image(clean, "CYX"), how)
    image = read_image(pair.degraded, how)
    check_finite(image.pixels, str(pair.degraded), how.nan)
    truth = None if pair.clean is None else read_planes(pair.clean, options)
    return GivenImage(pair, image, _planes(image, how), how), truth


def _planes(image: Image, how: ReadOptions) -> np.ndarray:
    return to_planes(image.pixels, image.axes, nan=how.nan, value_range=how.value_range)[0]


def score_contenders(
    pairs: Sequence[Pair],
    protocol: Protocol,
    contenders: Mapping[str, Contender],
    options: ReadOptions | None = None,
    *,
    before: bool = False,
    progress: Callable[[str], None] = lambda _: None,
) -> dict[str, ScoreTable]:
    """Score every contender on every file.

    Parameters
    ----------
    pairs : sequence of Pair
        Files, see :func:`pair_files`.
    protocol : Protocol
        How results are compared with the truth.
    contenders : mapping of str to Contender
        Who is scored, by name, see :mod:`bsn.inference.contenders`.
    options : ReadOptions, optional
        How all files are read. Missing pixels that it keeps enter no score.
    before : bool
        Score the image as it was given, too, in columns ``noisy_psnr`` and ``noisy_ssim`` of every table.
    progress : callable
        Called with the name after each file.

    Returns
    -------
    dict of str to ScoreTable
        By name of the contender. With truth: PSNR and SSIM. Without: mean, standard deviation and lag-1 autocorrelation of
        image - result.

    Raises
    ------
    DataError
        For files that cannot be read or do not fit together.
    """
    tables = {name: ScoreTable(protocol, {"source": name}) for name in contenders}
    for scene in scenes(pairs, contenders, options, progress=progress):
        given = _given_numbers(scene, protocol) if before else {}
        for name, result in scene.results.items():
            tables[name].add(scene.name, {**_numbers(scene, result, protocol), **given})
    return tables


def score_files(
    pairs: Sequence[Pair],
    protocol: Protocol,
    contender: Denoiser | Contender,
    options: ReadOptions | None = None,
    *,
    before: bool = True,
    progress: Callable[[str], None] = lambda _: None,
) -> ScoreTable:
    """Score one model, or results that exist already.

    Parameters
    ----------
    pairs : sequence of Pair
        Files, see :func:`pair_files`.
    protocol : Protocol
        How results are compared with the truth.
    contender : Denoiser or Contender
        Who is scored.
    options, before, progress
        See :func:`score_contenders`.

    Returns
    -------
    ScoreTable

    Raises
    ------
    DataError
        For files that cannot be read or do not fit together.
    """
    chosen = by_model(contender) if isinstance(contender, Denoiser) else contender
    return score_contenders(pairs, protocol, {"": chosen}, options, before=before, progress=progress)[""]


def _numbers(scene: Scene, result: np.ndarray, protocol: Protocol) -> dict[str, float]:
    if scene.truth is not None:
        score = protocol.score(result, scene.truth)
        return {"psnr": score.psnr, "ssim": score.ssim}
    found = residual_statistics(scene.image, result)
    lags = {"residual_lag1_x": found.lags_x, "residual_lag1_y": found.lags_y}
    return {"residual_mean": found.mean, "residual_std": found.std, **{k: v[0] if v else 0.0 for k, v in lags.items()}}


def _given_numbers(scene: Scene, protocol: Protocol) -> dict[str, float]:
    if scene.truth is None:
        return {}
    score = protocol.score(scene.image, scene.truth)
    return {"noisy_psnr": score.psnr, "noisy_ssim": score.ssim}
