"""Scores of folders: results against the truth, or residuals where there is none."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bsn.data import DataError, ReadOptions, list_images, partner_options, read_image, read_planes
from bsn.data.arrays.planes import to_planes
from bsn.evaluation import Protocol, ScoreTable, residual_statistics
from bsn.inference.denoiser import Denoiser

__all__ = ["PairedFiles", "pair_files", "score_files"]


@dataclass(frozen=True)
class PairedFiles:
    """Files that belong together."""

    noisy: Path | None
    result: Path | None
    clean: Path | None

    @property
    def name(self) -> str:
        """Name in tables."""
        path = self.noisy or self.result
        assert path is not None
        return path.name


def pair_files(
    noisy: Sequence[str] | None, result: Sequence[str] | None, clean: Sequence[str] | None
) -> list[PairedFiles]:
    """Match files of up to three lists by name, whatever the suffix.

    Parameters
    ----------
    noisy, result, clean : sequence of str, optional
        Files, folders or patterns. The first that is given decides which files there are; partners missing in the others
        are an error.

    Raises
    ------
    DataError
        All missing partners in one message.
    """
    lists = [None if paths is None else list_images(list(paths)) for paths in (noisy, result, clean)]
    leading = next(paths for paths in lists if paths is not None)
    tables = [None if paths is None else {path.stem: path for path in paths} for paths in lists]
    pairs, missing = [], []
    for path in leading:
        row = [None if table is None else table.get(path.stem) for table in tables]
        if any(table is not None and partner is None for table, partner in zip(tables, row, strict=True)):
            missing.append(path.name)
        pairs.append(PairedFiles(*row))
    if missing:
        names = ", ".join(missing[:3]) + (f" and {len(missing) - 3} more" if len(missing) > 3 else "")
        raise DataError(
            f"{len(missing)} of {len(leading)} images", f"have no partner of the same name: {names}", "add them"
        )
    return pairs


def score_files(
    pairs: Sequence[PairedFiles],
    protocol: Protocol,
    denoiser: Denoiser | None,
    options: ReadOptions | None = None,
    *,
    progress: Callable[[str], None] = lambda _: None,
) -> ScoreTable:
    """Score results, made by `denoiser` or read from files.

    Parameters
    ----------
    pairs : sequence of PairedFiles
        Files of each image: noisy, result and clean where they exist.
    protocol : Protocol
        How results are compared with the truth.
    denoiser : Denoiser, optional
        Denoises the noisy files; None: the result files are read.
    options : ReadOptions, optional
        How all files are read. Missing pixels that it keeps enter no score; a key counts for files of formats with names.
    progress : callable
        Called with the name after each image.

    Returns
    -------
    ScoreTable
        With truth: PSNR and SSIM of the result, and of the noisy image if given. Without: mean, standard deviation and
        lag-1 autocorrelation of noisy - result.

    Raises
    ------
    DataError
        For files that cannot be read or do not fit together.
    """
    table = ScoreTable(protocol)
    for pair in pairs:
        noisy = None if pair.noisy is None else read_planes(pair.noisy, options)
        result = (
            read_planes(pair.result, options) if pair.result is not None else _denoised(denoiser, pair.noisy, options)
        )
        clean = None if pair.clean is None else read_planes(pair.clean, options)
        for other, path in ((noisy, pair.noisy), (clean, pair.clean)):
            if other is not None and other.shape != result.shape:
                raise DataError(
                    f"{path} of shape {other.shape}", f"does not fit {pair.name} of {result.shape}", "pair equals"
                )
        for plane, name in enumerate(_plane_names(pair.name, len(result))):
            numbers = _numbers(
                protocol,
                result[plane],
                None if noisy is None else noisy[plane],
                None if clean is None else clean[plane],
            )
            table.add(name, numbers)
        progress(pair.name)
    return table


def _denoised(denoiser: Denoiser | None, path: Path | None, options: ReadOptions | None) -> np.ndarray:
    if denoiser is None or path is None:
        raise ValueError("there is nothing to score: give results, or a model and noisy images")
    how = partner_options(path, options)
    image = read_image(path, how)
    # The result is scored as a file would hold it: in the dtype of the image.
    result = denoiser(image.pixels, image.axes, nan=how.nan, value_range=how.value_range)
    return to_planes(np.asarray(result), image.axes, nan=how.nan, value_range=how.value_range)[0]


def _plane_names(name: str, count: int) -> Iterator[str]:
    return (name if count == 1 else f"{name}[{index}]" for index in range(count))


def _numbers(
    protocol: Protocol, result: np.ndarray, noisy: np.ndarray | None, clean: np.ndarray | None
) -> dict[str, float]:
    if clean is not None:
        score = protocol.score(result, clean)
        numbers = {"psnr": score.psnr, "ssim": score.ssim}
        if noisy is not None:
            before = protocol.score(noisy, clean)
            numbers |= {"noisy_psnr": before.psnr, "noisy_ssim": before.ssim}
        return numbers
    if noisy is None:
        raise ValueError("without clean images the noisy ones are needed, to look at what was removed")
    found = residual_statistics(noisy, result)
    lags = {"residual_lag1_x": found.lags_x, "residual_lag1_y": found.lags_y}
    return {"residual_mean": found.mean, "residual_std": found.std, **{k: v[0] if v else 0.0 for k, v in lags.items()}}
