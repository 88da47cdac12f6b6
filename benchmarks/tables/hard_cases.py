"""Table of the hard cases."""

from __future__ import annotations

from typing import Any

from benchmarks.tables.markdown import Table, bold
from benchmarks.tables.stored import value

__all__ = ["hard_cases"]

_METHODS = ("noisy", "non-local means", "photo-base", "camera-base")
_NOISES = {"white": "white, 25", "camera": "camera, strong", "weak camera": "camera, weak"}
_FITTING = {"white": "photo-base", "camera": "camera-base", "weak camera": "camera-base"}


def hard_cases() -> Table:
    """PSNR of each case, and what the fitting model does to colours, surroundings of edges, and stars."""
    rows = []
    for case, noises in value("hard_cases", "table").items():
        for noise, scores in noises.items():
            best = max(scores, key=lambda method, of=scores: of[method]["psnr"])
            cells = [_psnr(scores[method], best=method == best) for method in _METHODS]
            rows.append([case, _NOISES[noise], *cells, *_harm(scores["noisy"], scores[_FITTING[noise]])])
    header = ["case", "noise", *_METHODS, "colour cast", "overshoot", "blotches", "stars"]
    return Table(header, rows, ["hard_cases"])


def _psnr(score: dict[str, Any], *, best: bool) -> str:
    text = f"{score['psnr']:.2f}"
    return bold(text) if best else text


def _harm(noisy: dict[str, Any], result: dict[str, Any]) -> list[str]:
    """Numbers of the noisy image, then of the result."""
    casts = [max(abs(mean) for mean in found["colour_cast"]) for found in (noisy, result)]
    pairs = [casts, *([found[name] for found in (noisy, result)] for name in ("haloes", "slow_error"))]
    cells = [f"{before:.1f} → {after:.1f}" for before, after in pairs]
    stars = f"{noisy['stars']:.0%} → {result['stars']:.0%}" if "stars" in result else "-"
    return [*cells, stars]
