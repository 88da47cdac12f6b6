"""Blind-spot training: the task, its validation, named recipes."""

from bsn.training.config import TrainConfig
from bsn.training.leak_guard import ChannelLeakWarning
from bsn.training.recipes import RECIPES, Recipe, get_recipe
from bsn.training.run import CleanValidation, build_task, train
from bsn.training.task import BlindSpotTask

__all__ = [
    "RECIPES",
    "BlindSpotTask",
    "ChannelLeakWarning",
    "CleanValidation",
    "Recipe",
    "TrainConfig",
    "build_task",
    "get_recipe",
    "train",
]
