"""Restoration networks; importing this registers them, their presets and the converters of published weights.

`bsn.models` finds this module through the entry-point group ``bsn.networks``.
"""

import restoration.models.presets as _presets  # registers
from restoration.manas.network import MANAS, MANASConfig
from restoration.models.ddsa import DDSA, DDSAConfig
from restoration.models.drt import DRT, DRTConfig
from restoration.models.elf import ELF, ELFConfig
from restoration.models.nafnet import NAFNet, NAFNetConfig

__all__ = [
    "DDSA",
    "DRT",
    "ELF",
    "MANAS",
    "DDSAConfig",
    "DRTConfig",
    "ELFConfig",
    "MANASConfig",
    "NAFNet",
    "NAFNetConfig",
]

del _presets
