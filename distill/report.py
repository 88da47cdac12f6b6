"""Teacher against students: how much is lost, how much is won."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

import numpy as np

from bsn.data import Pair, ReadOptions
from bsn.evaluation import HtmlReport, Protocol, environment, residual_statistics
from bsn.inference import Denoiser, Scene, by_model_unrounded, scenes
from bsn.models import Model, count_parameters, macs_per_pixel

__all__ = ["Comparison", "Contender", "compare", "render"]

_SHOWN_SIDE = 256
_TIMED_SIDE = 512


@dataclass(frozen=True)
class Contender:
    """A model under its name, with the inference it is judged by."""

    name: str
    denoiser: Denoiser


@dataclass(frozen=True)
class Comparison:
    """Result of :func:`compare`.

    Parameters
    ----------
    protocol : str
        Name, hash and text of the protocol; empty without clean images.
    rows : list of dict
        One per contender, the teacher first: parameters, macs_per_pixel, ms_per_megapixel, file_bytes, db_to_teacher,
        and with clean images psnr, ssim, db_lost, without residual_std and residual_lag1.
    pictures : list of tuple
        The same crop noisy, of every contender, and clean if known: (image (C, h, w), caption).
    images : int
        Number of images.
    """

    protocol: str
    rows: list[dict[str, Any]]
    pictures: list[tuple[np.ndarray, str]]
    images: int

    def content(self) -> dict[str, Any]:
        """All but the pictures as values of JSON."""
        content = {name: value for name, value in asdict(self).items() if name != "pictures"}
        return {**content, "environment": environment()}

    def to_json(self) -> str:
        """JSON text of :meth:`content`."""
        return json.dumps(self.content(), indent=1)


def compare(
    teacher: Contender,
    students: Sequence[Contender],
    pairs: Sequence[Pair],
    protocol: Protocol,
    options: ReadOptions | None = None,
    *,
    repeats: int = 5,
    progress: Callable[[str], None] = lambda _: None,
) -> Comparison:
    """Judge students by their teacher, and both by the truth where it is known.

    Parameters
    ----------
    teacher : Contender
        The teacher, by name.
    students : sequence of Contender
        The students, by name.
    pairs : sequence of Pair
        Noisy files, all with clean partners or all without.
    protocol : Protocol
        How results are compared with clean images; the agreement with the teacher is a plain PSNR of range 1.
    options : ReadOptions, optional
        How all files are read. Missing pixels that it keeps enter no number.
    repeats : int
        Calls that are timed; the median counts.
    progress : callable
        Called with the name after each file.

    Returns
    -------
    Comparison

    Raises
    ------
    DataError, ValueError
        For files that cannot be read or do not fit the models.
    """
    contenders = [teacher, *students]
    scores: dict[str, list[dict[str, float]]] = {contender.name: [] for contender in contenders}
    pictures: list[tuple[np.ndarray, str]] = []
    answers = {contender.name: by_model_unrounded(contender.denoiser) for contender in contenders}
    for scene in scenes(pairs, answers, options, progress=progress):
        for name, result in scene.results.items():
            scores[name].append(_numbers(scene, result, scene.results[teacher.name], protocol))
        pictures = pictures or _pictures(scene)
    rows = [_row(contender, scores[contender.name], repeats) for contender in contenders]
    if "psnr" in rows[0]:
        for row in rows:
            row["db_lost"] = rows[0]["psnr"] - row["psnr"]
    named = f"{protocol.name} ({protocol.hash}): {protocol.description}" if "psnr" in rows[0] else ""
    return Comparison(named, rows, pictures, len(pairs))


def _numbers(scene: Scene, result: np.ndarray, reference: np.ndarray, protocol: Protocol) -> dict[str, float]:
    present = np.isfinite(result) & np.isfinite(reference)
    error = float(np.mean((result.astype(np.float64) - reference)[present] ** 2))
    numbers = {"db_to_teacher": -10 * np.log10(error) if error > 0 else float("inf")}
    if scene.truth is not None:
        score = protocol.score(result, scene.truth)
        return {**numbers, "psnr": score.psnr, "ssim": score.ssim}
    left = residual_statistics(scene.image, result)
    lag = fmean([*(left.lags_x[:1] or [0.0]), *(left.lags_y[:1] or [0.0])])
    return {**numbers, "residual_std": left.std, "residual_lag1": lag}


def _row(contender: Contender, scores: Sequence[Mapping[str, float]], repeats: int) -> dict[str, Any]:
    model = contender.denoiser.model
    grid = model.network.size_multiple
    return {
        "name": contender.name,
        "parameters": count_parameters(model.network),
        "macs_per_pixel": macs_per_pixel(model.network, -(-128 // grid) * grid),
        "ms_per_megapixel": _milliseconds(contender.denoiser, repeats),
        "file_bytes": _file_bytes(model),
        **{key: fmean(score[key] for score in scores) for key in scores[0]},
    }


def _milliseconds(denoiser: Denoiser, repeats: int) -> float:
    """Median of whole calls, uint8 in to uint8 out, per million pixels."""
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (denoiser.model.channels, _TIMED_SIDE, _TIMED_SIDE), dtype=np.uint8)
    denoiser(image, "CYX")
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        denoiser(image, "CYX")
        times.append(time.perf_counter() - start)
    return 1000 * statistics.median(times) / (_TIMED_SIDE**2 / 1e6)


def _file_bytes(model: Model) -> int:
    from safetensors.torch import save

    return len(save({name: value.cpu().contiguous() for name, value in model.network.state_dict().items()}))


def _pictures(scene: Scene) -> list[tuple[np.ndarray, str]]:
    """The crop of most contrast of the teacher's image, stretched alike in all pictures."""
    teacher = next(iter(scene.results.values()))
    side = min(_SHOWN_SIDE, *teacher.shape[1:])
    places = [
        (top, left)
        for top in range(0, teacher.shape[1] - side + 1, max(1, side // 2))
        for left in range(0, teacher.shape[2] - side + 1, max(1, side // 2))
    ]
    top, left = max(places, key=lambda at: _contrast(teacher[:, at[0] : at[0] + side, at[1] : at[1] + side]))
    window = (slice(None), slice(top, top + side), slice(left, left + side))
    present = teacher[window][np.isfinite(teacher[window])]
    low, high = np.percentile(present, (0.5, 99.5)) if present.size else (0.0, 1.0)
    shown = {"noisy": scene.image, **scene.results, **({} if scene.truth is None else {"clean": scene.truth})}
    return [(np.nan_to_num((image[window] - low) / max(high - low, 1e-12)), name) for name, image in shown.items()]


def _contrast(pixels: np.ndarray) -> float:
    """Standard deviation; that of a part with missing pixels does not count where there are others."""
    return float(pixels.std()) if np.isfinite(pixels).all() else -1.0


_COLUMNS = {
    "name": ("model", "{}"),
    "psnr": ("PSNR (dB)", "{:.2f}"),
    "ssim": ("SSIM", "{:.4f}"),
    "db_lost": ("lost (dB)", "{:+.2f}"),
    "db_to_teacher": ("to teacher (dB)", "{:.1f}"),
    "residual_std": ("residual std", "{:.4f}"),
    "residual_lag1": ("residual lag 1", "{:+.3f}"),
    "ms_per_megapixel": ("ms per megapixel", "{:.0f}"),
    "parameters": ("parameters", "{:,}"),
    "macs_per_pixel": ("MAC per pixel", "{:,.0f}"),
    "file_bytes": ("weights (bytes)", "{:,}"),
}


def table(comparison: Comparison) -> tuple[list[str], list[list[str]]]:
    """Headings and cells of a comparison as texts.

    Parameters
    ----------
    comparison : Comparison
        Comparison with at least one row.

    Returns
    -------
    tuple of list
        Headings, and a list of cells per row.
    """
    columns = [name for name in _COLUMNS if name in comparison.rows[0]]
    heads = [_COLUMNS[name][0] for name in columns]
    return heads, [[_COLUMNS[name][1].format(row[name]) for name in columns] for row in comparison.rows]


def render(comparison: Comparison) -> str:
    """HTML page of a comparison.

    Parameters
    ----------
    comparison : Comparison
        What :func:`compare` found.

    Returns
    -------
    str
    """
    page = HtmlReport("Teacher and students")
    judged = (
        f"Protocol {comparison.protocol}."
        if comparison.protocol
        else ("No clean images were given: the residual, noisy less denoised, should have the noise's own correlation.")
    )
    page.paragraph(f"{comparison.images} images. {judged}")
    page.table(*table(comparison))
    page.paragraph(
        f"Times are whole calls on {environment()['machine']}, 8-bit in to 8-bit out, {_TIMED_SIDE} x {_TIMED_SIDE}, median. "
        "The weights are counted in the precision they are loaded in."
    )
    page.heading("The same crop")
    page.pictures(comparison.pictures)
    return page.render()
