"""Presets of the restoration networks, and the converters of their published weights.

The sizes of ``ddsa``, ``drt``, ``elf`` and ``nafnet`` are the published ones. The ``-tiny`` ones are designed to learn on
two CPU cores in minutes: narrow where pixels are many, no batch norm (its statistics over small batches are noise).
"""

from __future__ import annotations

from bsn.models import (
    Converter,
    InferenceDefaults,
    Preset,
    ValueScale,
    register_converter,
    register_network,
    register_preset,
)
from restoration.manas.genotype import shipped_genotype
from restoration.manas.network import MANAS, MANASConfig
from restoration.manas.network.pickled import read_checkpoint
from restoration.models.ddsa import DDSA, DDSAConfig
from restoration.models.drt import DRT, DRTConfig
from restoration.models.elf import ELF, ELFConfig
from restoration.models.nafnet import NAFNet, NAFNetConfig

register_network("ddsa", DDSAConfig)(DDSA)
register_network("drt", DRTConfig)(DRT)
register_network("elf", ELFConfig)(ELF)
register_network("manas", MANASConfig)(MANAS)
register_network("nafnet", NAFNetConfig)(NAFNet)

_NO_LICENCE = "published without a licence ({}); ask its authors"
for _name, _class, _crop, _terms in (
    ("ddsa", DDSA, 128, _NO_LICENCE.format("zt-fan/IDT-DDSA")),
    ("drt", DRT, 56, _NO_LICENCE.format("YC-Liang/DRT")),
    ("elf", ELF, 256, _NO_LICENCE.format("kuijiang94/Magic-ELF")),
):
    register_converter(
        _name,
        Converter(
            _class.from_official, InferenceDefaults(training_crop=_crop, outliers="ignore"), _terms, ValueScale()
        ),
    )

register_converter(
    "nafnet",
    Converter(
        NAFNet.from_official,
        InferenceDefaults(training_crop=256, outliers="ignore"),
        "MIT (megvii-research/NAFNet); the terms of the training images apply",
        ValueScale(),
    ),
)

register_converter(
    "manas",
    Converter(
        MANAS.from_official,
        InferenceDefaults(training_crop=64, outliers="ignore"),
        _NO_LICENCE.format("lcai-gz/MANAS"),
        ValueScale(),
        read_checkpoint,
    ),
)

_PRESETS = {
    "ddsa": ("ddsa", DDSAConfig(), "published size of DDSA: dense and top-k channel attention, supervised"),
    "drt": ("drt", DRTConfig(), "published size of DRT (CVPRW 2022): recursive windows at full resolution, supervised"),
    "elf": ("elf", ELFConfig(), "published size of ELF (ACM MM 2022): rain and background networks, supervised"),
    "elf-head": (
        "elf",
        ELFConfig(branch_blocks=5, stem_heads=1, topology="residual", block_position="before"),
        "ELF as its last published code builds it: 5 blocks, predicts what to subtract",
    ),
    "elf-lw": (
        "elf",
        ELFConfig(width=32, branch_blocks=5, branch_heads=1, activation="gelu"),
        "the published light ELF",
    ),
    "elf-wide": (
        "elf",
        ELFConfig(width=64, branch_blocks=8, rain_heads=2, background_heads=2),
        "a wider ELF of the published history",
    ),
    "ddsa-tiny": (
        "ddsa",
        DDSAConfig(
            width=16,
            blocks=(1, 1, 2),
            refinement_blocks=0,
            heads=(1, 2, 4),
            expansion=1.5,
            gate_norm="none",
            start_at_identity=True,
        ),
        "a DDSA that learns on two CPU cores in minutes, supervised",
    ),
    "drt-tiny": (
        "drt",
        DRTConfig(
            width=48, layers=5, recursions=1, heads=2, patch=2, start_at_identity=True, unused_convolutions=False
        ),
        "a DRT that learns on two CPU cores in minutes, supervised",
    ),
    "elf-tiny": (
        "elf",
        ELFConfig(
            width=24,
            branch_blocks=2,
            branch_heads=1,
            stem_heads=2,
            activation="gelu",
            topology="residual",
            start_at_identity=True,
        ),
        "an ELF that learns on two CPU cores in minutes, supervised",
    ),
    "manas": ("manas", MANASConfig(), "published size of MANAS (TCSVT 2023), or that of a genotype; supervised"),
    "manas-tiny": (
        "manas",
        MANASConfig(shipped_genotype("tiny"), residual=True),
        "a MANAS that learns on two CPU cores in minutes, supervised",
    ),
    "nafnet": ("nafnet", NAFNetConfig(), "published size of NAFNet (ECCV 2022), width 32, supervised: the baseline"),
    "nafnet-wide": ("nafnet", NAFNetConfig(width=64), "published size of NAFNet, width 64, supervised"),
    "nafnet-tiny": (
        "nafnet",
        NAFNetConfig(width=16, encoder=(1, 1, 2), middle=2, decoder=(1, 1, 1), start_at_identity=True),
        "a NAFNet that learns on two CPU cores in minutes, supervised",
    ),
}
for _name, (_network, _config, _summary) in _PRESETS.items():
    register_preset(Preset(_name, _network, _config, _summary, blind=False))
