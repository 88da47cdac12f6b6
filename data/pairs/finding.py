"""Pairs of a degraded and a clean image: which files belong together, and that no background is on both sides of a split."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bsn.data.arrays.planes import check_finite, native_planes
from bsn.data.errors import DataError, name_some
from bsn.data.files.images import read_image
from bsn.data.files.listing import list_images
from bsn.data.files.options import ReadOptions
from bsn.data.files.partners import partner_options
from bsn.data.pairs.rules import PairLayout, PairRule, get_layout

__all__ = ["Pair", "check_no_leak", "find_pairs", "read_pair"]

Paths = str | Path | Sequence[str | Path]


@dataclass(frozen=True)
class Pair:
    """Two images that belong together.

    Parameters
    ----------
    degraded : Path
        The noisy or degraded image.
    clean : Path or None
        Its truth: the same file where `halves` says so, None where no truth is known.
    group : str
        Name of the background: pairs of one group show the same picture with different degradations.
    halves : str, optional
        "clean left" or "clean right" where both images are halves of one file.
    """

    degraded: Path
    clean: Path | None
    group: str
    halves: str | None = None

    @property
    def name(self) -> str:
        """Name in messages and tables."""
        return self.degraded.name

    @property
    def truth(self) -> Path:
        """The clean file; a DataError where none is known."""
        if self.clean is None:
            raise DataError(str(self.degraded), "has no clean partner, and this needs one", "give its clean image")
        return self.clean


def find_pairs(
    degraded: Paths,
    clean: Paths | None = None,
    *,
    layout: str = "auto",
    pattern: str | None = None,
    clean_name: str = r"\1",
    group_pattern: str | None = None,
) -> list[Pair]:
    r"""List the pairs of a set.

    Parameters
    ----------
    degraded : path or sequence of paths
        Degraded images, as in `bsn.data.files.listing.list_images`; or the root of a set whose layout names its folders.
    clean : path or sequence of paths, optional
        Clean images. Not needed where the layout finds them.
    layout : str
        See `bsn.data.pairs.rules`.
    pattern, clean_name : str
        A rule of one's own: regular expression for the stem of a degraded file, and the stem of its clean partner made of
        the groups, for example ``"(norain-\d+)x2"`` and ``"\1"``.
    group_pattern : str, optional
        Regular expression found in the stem of a file; its first group names the background. By default the clean
        file does, or with halves the stem.

    Returns
    -------
    list of Pair
        Pairs in natural order of the degraded files.

    Raises
    ------
    DataError
        Partners are missing (all in one message), two clean files have one stem, or the layout needs other folders.
    """
    plan = get_layout(layout)
    if plan.halves is not None:
        if clean is not None:
            raise DataError(f"layout {layout!r} with a clean folder", "both images are in one file", "leave it out")
        paths = list_images(degraded)
        return [Pair(path, path, _group(path.stem, path.stem, group_pattern), plan.halves) for path in paths]
    if clean is None:
        degraded, clean = _folders(degraded, layout, plan)
    rules = plan.rules if pattern is None else (PairRule(pattern, clean_name),)
    return _match(list_images(degraded), list_images(clean), rules, group_pattern)


def _folders(root: Paths, layout: str, plan: PairLayout) -> tuple[Path, Path]:
    if not plan.degraded:
        raise DataError(f"layout {layout!r}", "needs a degraded and a clean folder", "give both")
    if not isinstance(root, (str, Path)):
        raise DataError(f"{len(root)} paths for layout {layout!r}", "its root is one folder", "give that folder")
    base = Path(root)
    return base / plan.degraded, base / plan.clean


def _match(degraded: list[Path], clean: list[Path], rules: Sequence[PairRule], group_pattern: str | None) -> list[Pair]:
    partners: dict[str, Path] = {}
    for path in clean:
        if path.stem in partners:
            raise DataError(
                f"{partners[path.stem].name} and {path.name}", "are two clean files of one name", "remove one"
            )
        partners[path.stem] = path

    def found(rule: PairRule) -> list[Path | None]:
        return [partners.get(rule.partner(path.stem) or "") for path in degraded]

    best = max((found(rule) for rule in rules), key=lambda matches: sum(m is not None for m in matches))
    missing = [path.name for path, partner in zip(degraded, best, strict=True) if partner is None]
    if missing:
        raise DataError(
            f"{len(missing)} of {len(degraded)} degraded images",
            f"have no clean partner: {name_some(missing, 20)}",
            "add them under the same names, or say with a pattern (bsn restore ... --pattern) how names correspond",
            details=missing,
        )
    return [
        Pair(path, partner, _group(partner.stem, path.stem, group_pattern))
        for path, partner in zip(degraded, best, strict=True)
        if partner is not None
    ]


def _group(default: str, stem: str, pattern: str | None) -> str:
    if pattern is None:
        return default
    match = re.search(pattern, stem)
    if match is None or not match.groups():
        raise DataError(f"{stem!r}", f"the group pattern {pattern!r} finds no group in it", "correct the pattern")
    return match[1]


def read_pair(pair: Pair, options: ReadOptions | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Read both images of a pair.

    Parameters
    ----------
    pair : Pair
        Which files.
    options : ReadOptions, optional
        Their axes, and their key where a file holds several images.

    Returns
    -------
    degraded, clean : ndarray, shape (C, H, W)
        Both images in the type of the files, of one shape and type.

    Raises
    ------
    DataError
        A file cannot be read, holds a stack, has missing pixels that the options do not keep, or the two do not fit together.
    """
    degraded = _single(pair.degraded, options)
    if pair.halves is not None:
        half = degraded.shape[2] // 2
        if degraded.shape[2] % 2:
            raise DataError(str(pair.degraded), f"of {degraded.shape[2]} columns has no two equal halves", "repair it")
        left, right = degraded[..., :half], degraded[..., half:]
        return (right, left) if pair.halves == "clean left" else (left, right)
    clean = _single(pair.truth, options)
    if degraded.shape != clean.shape or degraded.dtype != clean.dtype:
        raise DataError(
            f"{pair.degraded} ({_kind(degraded)})",
            f"its partner {pair.truth.name} is {_kind(clean)}",
            "give equal ones",
        )
    return degraded, clean


def _single(path: Path, options: ReadOptions | None) -> np.ndarray:
    how = partner_options(path, options)
    image = read_image(path, how)
    check_finite(image.pixels, str(path), how.nan)
    planes = native_planes(image.pixels, image.axes)[0]
    if len(planes) != 1:
        raise DataError(str(path), f"holds {len(planes)} planes", "pairs are single images: split the stack")
    return planes[0]


def _kind(pixels: np.ndarray) -> str:
    channels, height, width = pixels.shape
    return f"{height} x {width}, {channels} channel{'s' * (channels != 1)}, {pixels.dtype}"


def clean_digest(pair: Pair, options: ReadOptions | None = None) -> str:
    """SHA-256 of the shape and the pixels of the clean image, whatever file they come from.

    Parameters
    ----------
    pair : Pair
        Files of the degraded and of the clean image.
    options : ReadOptions, optional
        How the file is read.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    clean = np.ascontiguousarray(read_pair(pair, options)[1])
    return hashlib.sha256(repr((clean.shape, clean.dtype.name)).encode() + clean.tobytes()).hexdigest()


def check_no_leak(training: Sequence[Pair], test: Sequence[Pair], options: ReadOptions | None = None) -> None:
    """Refuse a split that has a background on both sides.

    Compared are the clean files themselves (links followed) and the pixels of the clean images, so that copies under other
    names or in other formats are found. A picture that was compressed again differs in its pixels and is not.

    Parameters
    ----------
    training, test : sequence of Pair
        The two sides.
    options : ReadOptions, optional
        How the clean images are read.

    Raises
    ------
    DataError
        Which test images are affected.
    """
    files = {pair.truth.resolve() for pair in training}
    contents = {clean_digest(pair, options) for pair in {p.truth.resolve(): p for p in training}.values()}
    leaked = [pair.name for pair in test if pair.truth.resolve() in files or clean_digest(pair, options) in contents]
    if leaked:
        raise DataError(
            f"{len(leaked)} of {len(test)} test images",
            f"have a background that is trained on: {name_some(leaked, 20)}",
            "leave it out on one side",
            details=leaked,
        )
