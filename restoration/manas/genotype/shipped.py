"""Genotypes that come with the program."""

from __future__ import annotations

import functools
from pathlib import Path

from restoration.manas.genotype.genotype import Genotype, GenotypeError

__all__ = ["SHIPPED", "shipped_genotype"]

SHIPPED = {
    "published": "the published size; its choices are a stand-in, since the published genotype is in no text",
    "tiny": "for two CPU cores; found by the search whose command and log it names",
}


@functools.cache
def shipped_genotype(name: str) -> Genotype:
    """Genotype that comes with the package.

    Parameters
    ----------
    name : str
        Name without suffix.

    Returns
    -------
    Genotype

    Raises
    ------
    GenotypeError
        For other names; the message lists those there are.
    """
    if name not in SHIPPED:
        raise GenotypeError(f"there is no genotype {name!r}; choose one of {', '.join(SHIPPED)}, or give a file")
    return Genotype.load(Path(__file__).parent / f"{name}.json")
