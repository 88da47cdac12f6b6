"""Distillation: a light student that gives a teacher's picture in one pass, and its export.

====================  ==========================================================================
``distil``            train a student from a teacher and noisy images
``make_cache``        the teacher's answers, once per image, in one file
``TeacherCache``      read them
``export_onnx`` ...   files that run elsewhere, see ``distill.export``
``compare``           teacher against students, see ``distill.report``
====================  ==========================================================================

Names are imported when they are first used.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from distill.cache import TeacherCache
    from distill.cache_making import make_cache
    from distill.config import DistillConfig, TeacherInference
    from distill.recipes import RECIPES, get_recipe
    from distill.run import distil
    from distill.teacher import ModelTeacher, Teacher

_HOME = {
    "DistillConfig": "config",
    "ModelTeacher": "teacher",
    "RECIPES": "recipes",
    "Teacher": "teacher",
    "TeacherCache": "cache",
    "TeacherInference": "config",
    "distil": "run",
    "get_recipe": "recipes",
    "make_cache": "cache_making",
}

__all__ = [
    "RECIPES",
    "DistillConfig",
    "ModelTeacher",
    "Teacher",
    "TeacherCache",
    "TeacherInference",
    "distil",
    "get_recipe",
    "make_cache",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"distill.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
