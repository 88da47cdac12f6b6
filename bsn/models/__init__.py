"""Blind-spot networks, presets by name, model files."""

import bsn.models.presets as _presets  # registers the networks and presets of this package
from bsn.models.dbsnl import DBSNl, DBSNlConfig
from bsn.models.halfplane import ATBSN, TMBSN, HalfPlane, HalfPlaneConfig
from bsn.models.interface import BlindSpotNetwork, ImageNetwork, image_network, main_output, merged
from bsn.models.model import InferenceDefaults, Model, ModelFileError
from bsn.models.phase_unet import PhaseUNet, PhaseUNetConfig
from bsn.models.registry import (
    OldNameWarning,
    Preset,
    UnknownModelError,
    build,
    create,
    current_name,
    presets,
    register_network,
    register_preset,
)
from bsn.models.tbsn import TBSN, TBSNConfig
from bsn.models.training_values import Mismatch, TrainingValues
from bsn.noise.model import NoiseModel
from bsn.noise.value_scale import ValueScale

__all__ = [
    "ATBSN",
    "TBSN",
    "TMBSN",
    "BlindSpotNetwork",
    "DBSNl",
    "DBSNlConfig",
    "HalfPlane",
    "HalfPlaneConfig",
    "ImageNetwork",
    "InferenceDefaults",
    "Mismatch",
    "Model",
    "ModelFileError",
    "NoiseModel",
    "OldNameWarning",
    "PhaseUNet",
    "PhaseUNetConfig",
    "Preset",
    "TBSNConfig",
    "TrainingValues",
    "UnknownModelError",
    "ValueScale",
    "build",
    "create",
    "current_name",
    "image_network",
    "main_output",
    "merged",
    "presets",
    "register_network",
    "register_preset",
]

del _presets
