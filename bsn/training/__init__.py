"""Blind-spot training: the task, its validation, named recipes."""

from bsn.engine import Recipe
from bsn.training.config import Scheme, TrainConfig
from bsn.training.counted import agreeing_at_both_sizes, agreeing_where_uncounted
from bsn.training.crop_task import Batches, CropTask, ModelTask, full_inference, values_of
from bsn.training.held_back import divide_groups, fit_crop, held_back_crops, held_back_groups
from bsn.training.hole_settings import HALF_PLANES, PHASES
from bsn.training.leak_guard import ChannelLeakWarning
from bsn.training.mended_source import MendedSource
from bsn.training.pair_task import PairTask, decibels
from bsn.training.preview import PreviewTimes, learned_so_far
from bsn.training.reading import plain_read_settings, read_settings
from bsn.training.recipes import RECIPES, get_recipe
from bsn.training.run import build_task, train
from bsn.training.settling import Settled, settle, settle_inspected
from bsn.training.sighted_run import build_sighted_task
from bsn.training.sighted_task import SightedTask
from bsn.training.student_step import StudentStep
from bsn.training.task import BlindSpotTask, Crops
from bsn.training.validation_images import CleanValidation, image_pairs

__all__ = [
    "HALF_PLANES",
    "PHASES",
    "RECIPES",
    "Batches",
    "BlindSpotTask",
    "ChannelLeakWarning",
    "CleanValidation",
    "CropTask",
    "Crops",
    "MendedSource",
    "ModelTask",
    "PairTask",
    "PreviewTimes",
    "Recipe",
    "Scheme",
    "Settled",
    "SightedTask",
    "StudentStep",
    "TrainConfig",
    "agreeing_at_both_sizes",
    "agreeing_where_uncounted",
    "build_sighted_task",
    "build_task",
    "decibels",
    "divide_groups",
    "fit_crop",
    "full_inference",
    "get_recipe",
    "held_back_crops",
    "held_back_groups",
    "image_pairs",
    "learned_so_far",
    "plain_read_settings",
    "read_settings",
    "settle",
    "settle_inspected",
    "train",
    "values_of",
]
