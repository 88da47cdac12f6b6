"""Genotypes: what a search finds, as text, as a picture, and how it is derived."""

from restoration.manas.genotype.choices import Choices
from restoration.manas.genotype.derive import DeriveMode, derive, genotype_of_indices
from restoration.manas.genotype.genotype import FORMAT, Genotype, GenotypeError
from restoration.manas.genotype.shipped import SHIPPED, shipped_genotype

__all__ = [
    "FORMAT",
    "SHIPPED",
    "Choices",
    "DeriveMode",
    "Genotype",
    "GenotypeError",
    "derive",
    "genotype_of_indices",
    "shipped_genotype",
]
