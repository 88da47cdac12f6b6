"""Shape of a MANAS network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from restoration.manas.genotype.genotype import Genotype
from restoration.manas.genotype.shipped import shipped_genotype

__all__ = ["MANASConfig"]


@dataclass(frozen=True)
class MANASConfig:
    """What a :class:`restoration.models.MANAS` is built from.

    Parameters
    ----------
    genotype : Genotype or mapping
        What a search chose; a mapping of its fields is turned into one, as model files hold it.
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
        genotype = self.genotype
        if isinstance(genotype, Mapping):
            genotype = Genotype.from_mapping(genotype)
        if self.widths:
            genotype = genotype.with_widths(self.widths)
        if self.channels < 1:
            raise ValueError(f"channels {self.channels} cannot be an image's; use 1 or more")
        object.__setattr__(self, "genotype", genotype)
        object.__setattr__(self, "widths", ())  # the genotype has them now
