"""Which model in the box an image is for, by its noise."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from bsn.data import DataError, ReadOptions, open_image
from bsn.data.arrays.pixel_types import grey_level
from bsn.data.errors import name_some
from bsn.data.files.formats import jpeg
from bsn.data.files.formats.mosaic import mosaic_in
from bsn.data.files.formats.packed import is_packed
from bsn.data.sources.samples import middle
from bsn.inference.fitness import ImagePlanes
from bsn.inference.neighbours import stacks_in
from bsn.models.bundled import BoxedModel, find_boxed
from bsn.noise.neighbours import NEIGHBOURS, NeighbourNoise, neighbour_noise

__all__ = ["BoxChoice", "choose_for_files", "choose_for_planes"]

WHITE, SHARED = "photo", "camera"

_SIDE = 1024
_WHY_MOSAIC = "the noise of a raw mosaic is independent between neighbours, and it is denoised before demosaicing"


@dataclass(frozen=True)
class BoxChoice:
    """A model in the box, and the files that it is for.

    Parameters
    ----------
    model : BoxedModel or None
        None where the box has no model at all.
    files : list of Path
        The files, in the order in which they were given.
    why : str
        What was seen of their noise, half a sentence.
    shared : bool
        Neighbours share the noise of these files.
    stacks : list of Path
        Those of them whose planes follow each other in time or depth.
    """

    model: BoxedModel | None
    files: list[Path]
    why: str
    shared: bool
    stacks: list[Path] = field(default_factory=list)

    @property
    def fits(self) -> bool:
        """Whether the model knows such noise; False where the box has none that does."""
        return not self.shared or (self.model is not None and self.model.kind == SHARED)


def choose_for_planes(image: ImagePlanes, level: float) -> BoxedModel | None:
    """Choose for an image in memory.

    Parameters
    ----------
    image : ImagePlanes
        The middle of its first plane is looked at.
    level : float
        Distance of two values of its dtype, in image values; 0 for floats.

    Returns
    -------
    BoxedModel or None
        None where the box is empty.
    """
    if find_boxed(SHARED) is None:
        return find_boxed(WHITE)
    try:
        noise = neighbour_noise(image.read_unit(0, *middle(image.size, _SIDE)), level)
    except DataError:  # too small, or nothing but missing pixels
        return find_boxed(WHITE)
    return find_boxed(SHARED if noise.shared else WHITE)


def choose_for_files(paths: Iterable[Path], options: ReadOptions) -> list[BoxChoice]:
    """Choose for each file: the model for cameras where neighbours share their noise, otherwise that for white noise.

    Parameters
    ----------
    paths : iterable of Path
        Files. Those that cannot be read are left to who reads them whole.
    options : ReadOptions
        How they are read.

    Returns
    -------
    list of BoxChoice
        One for each kind of noise, the files in their order.
    """
    white: dict[Path, NeighbourNoise | None] = {}
    shared: dict[Path, NeighbourNoise | None] = {}
    mosaics: list[Path] = []
    stacks: set[Path] = set()
    for path in paths:
        seen = _look_at(path, options)
        if seen.stack:
            stacks.add(path)
        if seen.mosaic:
            mosaics.append(path)
            continue
        is_jpeg = path.suffix.lower() in jpeg.SUFFIXES
        (shared if is_jpeg or (seen.noise is not None and seen.noise.shared) else white)[path] = seen.noise
    choices = []
    if mosaics:
        choices.append(BoxChoice(find_boxed(WHITE), mosaics, _WHY_MOSAIC, shared=False))
    if white:
        choices.append(BoxChoice(find_boxed(WHITE), list(white), _why_white(white.values()), shared=False))
    if shared:
        choices.append(
            BoxChoice(find_boxed(SHARED) or find_boxed(WHITE), list(shared), _why_shared(shared), shared=True)
        )
    return [replace(choice, stacks=[path for path in choice.files if path in stacks]) for choice in choices]


class _Seen(NamedTuple):
    """How neighbours share the noise of a file, whether it is a mosaic, and whether its planes follow each other."""

    noise: NeighbourNoise | None = None
    mosaic: bool = False
    stack: bool = False


def _look_at(path: Path, options: ReadOptions) -> _Seen:
    if options.key is None and is_packed(path):
        return _Seen()
    stack = False
    try:
        with open_image(path, options) as reader:
            if mosaic_in(reader.metadata) is not None:
                return _Seen(mosaic=True)
            stack = any(len(planes) > 1 for planes in stacks_in(reader.stacked, reader.planes))
            level = grey_level(reader.dtype, reader.options.value_range)
            return _Seen(neighbour_noise(reader.read_unit(0, *middle(reader.size, _SIDE)), level), stack=stack)
    except DataError:
        return _Seen(stack=stack)


def _why_white(found: Iterable[NeighbourNoise | None]) -> str:
    seen = [noise.strongest for noise in found if noise is not None]
    if not seen:
        return "the noise could not be measured and is taken to be independent between neighbours"
    strongest = max(seen, key=abs)
    if strongest > NEIGHBOURS.strong:
        return f"the noise is too weak to tell whether neighbours share it (correlation {strongest:+.2f})"
    return f"the noise is independent between neighbours (correlation {strongest:+.2f})"


def _why_shared(found: dict[Path, NeighbourNoise | None]) -> str:
    measured = {path: noise.strongest for path, noise in found.items() if noise is not None and noise.shared}
    others = [path for path in found if path not in measured]
    said = []
    if measured:
        names = name_some([path.name for path in measured])
        said.append(f"the noise of {names} is correlated between neighbours (up to {max(measured.values()):.2f})")
    if others:
        said.append(f"{name_some([path.name for path in others])}: JPEG correlates noise")
    return "; ".join(said)
