"""Blind-spot networks, presets by name, model files."""

import bsn.models.presets as _presets  # registers the networks and presets of this package
from bsn.models.bundled import find_boxed, load, load_bundled
from bsn.models.convert import Converter, read_published, register_converter
from bsn.models.dbsnl import DBSNl, DBSNlConfig
from bsn.models.halfplane import ATBSN, TMBSN, HalfPlane, HalfPlaneConfig
from bsn.models.interface import BlindSpotNetwork, ImageNetwork, image_network, is_blind, main_output, merged
from bsn.models.light import Light, LightConfig, LightPair, LightPairConfig, MergedConv, first_network
from bsn.models.measure import count_parameters, macs_per_pixel
from bsn.models.model import InferenceDefaults, Model, ModelFileError, OutlierTreatment, stored_config
from bsn.models.phase_unet import PhaseUNet, PhaseUNetConfig
from bsn.models.published import PublishedConfigError, load_published, unwrap_state_dict
from bsn.models.registry import (
    OldNameWarning,
    Preset,
    UnknownModelError,
    build,
    create,
    current_name,
    network_name,
    presets,
    register_network,
    register_preset,
)
from bsn.models.storage import Bits
from bsn.models.tbsn import TBSN, TBSNConfig
from bsn.models.training_values import Mismatch, TrainingValues
from bsn.noise.model import NoiseModel
from bsn.noise.value_scale import ValueScale

__all__ = [
    "ATBSN",
    "TBSN",
    "TMBSN",
    "Bits",
    "BlindSpotNetwork",
    "Converter",
    "DBSNl",
    "DBSNlConfig",
    "HalfPlane",
    "HalfPlaneConfig",
    "ImageNetwork",
    "InferenceDefaults",
    "Light",
    "LightConfig",
    "LightPair",
    "LightPairConfig",
    "MergedConv",
    "Mismatch",
    "Model",
    "ModelFileError",
    "NoiseModel",
    "OldNameWarning",
    "OutlierTreatment",
    "PhaseUNet",
    "PhaseUNetConfig",
    "Preset",
    "PublishedConfigError",
    "TBSNConfig",
    "TrainingValues",
    "UnknownModelError",
    "ValueScale",
    "build",
    "count_parameters",
    "create",
    "current_name",
    "find_boxed",
    "first_network",
    "image_network",
    "is_blind",
    "load",
    "load_bundled",
    "load_published",
    "macs_per_pixel",
    "main_output",
    "merged",
    "network_name",
    "presets",
    "read_published",
    "register_converter",
    "register_network",
    "register_preset",
    "stored_config",
    "unwrap_state_dict",
]

del _presets
