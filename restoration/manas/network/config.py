"""Shape of a MANAS network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from restoration.manas.genotype.genotype import Genotype
from restoration.manas.genotype.shipped import shipped_genotype

__all__ = ["MANASConfig"]


@dataclass(frozen=True)
class MANASConfig:
    """What a :class:`restoration.models.MANAS` is built from.

    Parameters
    ----------
    genotype : Genotype, mapping or Path
        What a search chose: also as the mapping of its fields that model files hold, or as the file that a search wrote.
    widths : tuple of int
        Channels of the scales instead of the genotype's; empty for those.
    channels : int
        Channels of the image, in and out.
    residual : bool
        Predict what to add to the image, at first nothing, instead of the image: short runs learn the rain at once. Published
        networks predict the image.
    prune : bool
        Own the chosen candidates only. False: all of them, and a stem even if it is not used, as published checkpoints do;
        the result is the same.

    Raises
    ------
    GenotypeError
        If they do not fit together.
    """

    genotype: Genotype = field(default_factory=lambda: shipped_genotype("published"))
    widths: tuple[int, ...] = ()
    channels: int = 3
    residual: bool = False
    prune: bool = True

    def __post_init__(self) -> None:
        genotype = _as_genotype(self.genotype)
        if self.widths:
            genotype = genotype.with_widths(self.widths)
        if self.channels < 1:
            raise ValueError(f"channels {self.channels} cannot be an image's; use 1 or more")
        object.__setattr__(self, "genotype", genotype)
        object.__setattr__(self, "widths", ())  # the genotype has them now


def _as_genotype(given: Genotype | Mapping[str, Any] | Path) -> Genotype:
    """A text is no path here: model files are read from strangers, and must not name files of this machine."""
    if isinstance(given, Path):
        return Genotype.load(given)
    return Genotype.from_mapping(given) if isinstance(given, Mapping) else given
