"""Kinds of damage that are made on clean images while training: pairs without a degraded photograph.

==============  ==========================================================================================
module          idea
==============  ==========================================================================================
``kinds``       what a kind of damage is, and how a package adds one: a function and one line
``weather``     rain, snow and haze
``camera``      noise and JPEG
``light``       low light and water
``mixture``     one kind or two for each sample, as a function of seed, step and number
``clean_data``  clean images and the kinds that a run makes on them
``batches``     pairs for training, and fixed ones for validation
==============  ==========================================================================================
"""

from restoration.damage.batches import FixedDamage, MadeBatches, validation_pairs
from restoration.damage.clean_data import CleanData, CleanSource
from restoration.damage.kinds import Damage, Place, damages, find_damages, register_damage
from restoration.damage.mixture import Mixture

__all__ = [
    "CleanData",
    "CleanSource",
    "Damage",
    "FixedDamage",
    "MadeBatches",
    "Mixture",
    "Place",
    "damages",
    "find_damages",
    "register_damage",
    "validation_pairs",
]
