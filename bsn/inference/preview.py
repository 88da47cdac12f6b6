"""A page that shows what denoising did to files: before and after, what was removed, and the hardest place at full size."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bsn.data import DataError, ReadOptions, Shown, atomic_output, check_target, read_shown
from bsn.data.errors import writing
from bsn.data.files.formats.packed import is_packed
from bsn.evaluation import residual_statistics
from bsn.evaluation.removed import Removed, examine_removed
from bsn.evaluation.report import HtmlReport
from bsn.noise.neighbours import neighbour_noise

__all__ = ["PREVIEW", "PreviewSettings", "check_preview", "write_preview"]


@dataclass(frozen=True)
class PreviewSettings:
    """How much a page shows.

    Parameters
    ----------
    files : int
        Largest number of files on a page.
    looked_at : int
        Largest side of the middle part of an image that is shown, in pixels.
    shown : int
        Largest side of the picture of all of it on the page.
    window : int
        Side of the part at full size.
    zoom : int
        Side of one of its pixels on the screen.
    """

    files: int = 12
    looked_at: int = 4096
    shown: int = 1400
    window: int = 192
    zoom: int = 3


PREVIEW = PreviewSettings()


def check_preview(path: str | Path, *, overwrite: bool) -> None:
    """Refuse a page that cannot be written, before the work begins.

    Parameters
    ----------
    path : str or Path
        The file to come.
    overwrite : bool
        Replace a file that exists.

    Raises
    ------
    data.DataError
        A suffix other than .html, a file that exists, or a folder that does not.
    """
    if Path(path).suffix.lower() not in (".html", ".htm"):
        raise DataError(f"the preview {path}", "it is a page for a browser", "give a name that ends in .html")
    check_target(Path(path), overwrite=overwrite)


def write_preview(
    path: str | Path, results: Mapping[Path, Path], options: ReadOptions, said: str, *, overwrite: bool = False
) -> list[str]:
    """Write a page on files that were denoised.

    Parameters
    ----------
    path : str or Path
        The page.
    results : mapping of Path to Path
        Output by input. The first :attr:`PreviewSettings.files` are shown.
    options : ReadOptions
        How the inputs are read.
    said : str
        How they were denoised, for the top of the page.
    overwrite : bool
        Replace a page that exists.

    Returns
    -------
    list of str
        Names of the files of which more than noise seems to be removed.

    Raises
    ------
    data.DataError
        If the page cannot be written.
    """
    chosen = list(results.items())[: PREVIEW.files]
    report = HtmlReport("Denoised: before and after")
    more = "" if len(chosen) == len(results) else f" Shown are the first {len(chosen)} of {len(results)} files."
    report.paragraph(
        f"{said}.{more} Drag a divider, or press Tab and then the arrow keys, to see one picture in place of the other."
    )
    suspicious = [source.name for source, target in chosen if _add_file(report, source, target, options)]
    with atomic_output(Path(path), overwrite=overwrite) as partial, writing(Path(path)):
        partial.write_text(report.render(), encoding="utf-8")
    return suspicious


def _add_file(report: HtmlReport, source: Path, target: Path, options: ReadOptions) -> bool:
    """A section on one file; whether more than noise seems to be removed."""
    report.heading(source.name)
    if is_packed(source) and options.key is None:
        report.paragraph("A packed file of many images is not shown; name one of them with --key.")
        return False
    try:
        seen = read_shown(source, target, options, most=PREVIEW.looked_at)
    except DataError as error:
        report.paragraph(f"Not shown: {error}")
        return False
    assert seen.denoised is not None  # a result was given
    found = examine_removed(seen.noisy, seen.denoised)
    _add_verdict(report, seen, seen.denoised, found)
    _add_pictures(report, seen, seen.denoised, found)
    return found.looks_like_picture


def _add_verdict(report: HtmlReport, seen: Shown, denoised: np.ndarray, found: Removed) -> None:
    lags = residual_statistics(seen.noisy, denoised, 1)
    rows = [["removed, standard deviation in units of the file", f"{found.std * seen.units:.4g}"]]
    rows.append(["what was removed, correlation of neighbours", _numbers(lags.lags_x, lags.lags_y)])
    with contextlib.suppress(DataError):  # of images too small to be measured
        lag = neighbour_noise(seen.noisy).correlation
        rows.append(["noise in the flattest parts, correlation of neighbours", f"{lag:+.2f}"])
    if np.isfinite(found.structured):
        rows.append(["removed at edges and textures, relative to flat places", f"{found.structured:.2f}"])
        rows.append(["removed at the hardest place, relative to flat places", f"{found.there:.2f}"])
    report.table(["", "value"], rows)
    if found.looks_like_picture:
        report.warning(
            f"what was removed looks like picture. At edges and textures it is {found.structured:.2f} times as strong (in "
            f"variance) as the noise of flat places of the same brightness, at the hardest place {found.there:.2f} times; "
            "noise alone explains about 1. Look at the hardest place below; a lower --strength, or a model trained on such "
            "images, keeps more."
        )
    elif np.isfinite(found.structured):
        report.paragraph(
            "What was removed is hardly stronger at edges and textures than in flat places: it looks like noise."
        )
    where = [f"plane {seen.plane} of {seen.planes}"] if seen.planes > 1 else []
    where += [] if seen.whole else ["the middle of a larger image"]
    if where:
        report.paragraph(f"Shown: {', '.join(where)}.")


def _numbers(*lags: tuple[float, ...]) -> str:
    return " and ".join(f"{values[0]:+.2f}" for values in lags if values) or "too small to tell"


def _add_pictures(report: HtmlReport, seen: Shown, clean: np.ndarray, found: Removed) -> None:
    low, high = seen.display_range
    noisy, denoised = ((image - low) / (high - low) for image in (seen.noisy, clean))
    gain = 0.125 / max(found.std, 1e-12)
    removed = 0.5 + gain * (seen.noisy - clean)
    small = [_reduced(np.nan_to_num(image)) for image in (noisy, denoised, removed)]
    report.slider(small[0], small[1], ("before", "after"), "The whole image.")
    top, left = (_start(centre, size) for centre, size in zip(found.place, noisy.shape[-2:], strict=True))
    part = (slice(None), slice(top, top + PREVIEW.window), slice(left, left + PREVIEW.window))
    report.slider(
        np.nan_to_num(noisy[part]),
        np.nan_to_num(denoised[part]),
        ("before", "after"),
        f"The hardest place, pixel by pixel: where what was removed looks most like picture (row {top}, column {left}).",
        zoom=PREVIEW.zoom,
    )
    report.pictures(
        [
            (
                np.nan_to_num(removed[part]),
                "what was removed there: it should look like noise; black and white parts may show, where noise is cut off",
            ),
            (
                small[2],
                "what was removed from the whole image, grey for nothing, four standard deviations to black and white",
            ),
        ]
    )


def _start(centre: int, size: int) -> int:
    return max(0, min(centre - PREVIEW.window // 2, size - PREVIEW.window))


def _reduced(image: np.ndarray) -> np.ndarray:
    """A picture of at most the size that is shown."""
    from skimage.transform import resize

    factor = PREVIEW.shown / max(image.shape[-2:])
    if factor >= 1:
        return image
    size = tuple(max(1, round(side * factor)) for side in image.shape[-2:])
    reduced: np.ndarray = resize(image, (len(image), *size), order=1, anti_aliasing=True)
    return reduced
