"""Weights of a half-plane teacher as the beginning of a student (AT-BSN)."""

from __future__ import annotations

import re

import torch
from torch import nn

from bsn.models import ImageNetwork, create
from distill.students.nbsn import NBSN

__all__ = ["can_begin_as", "fill_from_teacher"]


def can_begin_as(student: str, teacher: ImageNetwork) -> bool:
    """Whether a student has layers in common with a teacher.

    Parameters
    ----------
    student : str
        Preset of the student.
    teacher : ImageNetwork
        Any network.

    Returns
    -------
    bool
    """
    try:
        return fill_from_teacher(create(student, channels=teacher.channels), teacher) > 2
    except ValueError:
        return False


def fill_from_teacher(student: nn.Module, teacher: nn.Module) -> int:
    """Copy the weights of a half-plane teacher's U-Net into a student, where names and shapes agree.

    A directional convolution is a plain one whose features were moved by one row; without the moves, the same weights see the
    same shapes around the pixel. (Of a diagonal half-plane the taps that it does not use are zero in the copy.)

    Parameters
    ----------
    student : nn.Module
        An :class:`NBSN`; it is changed in place.
    teacher : nn.Module
        A half-plane network with a U-Net.

    Returns
    -------
    int
        Number of tensors copied.

    Raises
    ------
    ValueError
        If the student is no :class:`NBSN`, or no tensor of the teacher fits it.
    """
    if not isinstance(student, NBSN):
        raise ValueError(
            f"a student {type(student).__name__} has no layers in common with a teacher; start with random weights, or take "
            "the student nbsn-lean"
        )
    own = student.state_dict()
    fitting = {}
    for key, value in teacher.state_dict().items():
        name = _student_key(key)
        if name in own and own[name].shape == value.shape:
            fitting[name] = _used_taps(teacher, value)
    if not fitting:
        raise ValueError(
            f"no layer of the teacher {type(teacher).__name__} fits the student; start with random weights, or take a student "
            "as wide as the teacher"
        )
    student.load_state_dict({**own, **fitting})
    return len(fitting)


def _student_key(key: str) -> str | None:
    """Name of a half-plane U-Net's tensor in an :class:`NBSN`; None for what has no partner."""
    if match := re.fullmatch(r"body\.intro\.convs\.0\.(weight|bias)", key):
        return f"intro.{match[1]}"
    if match := re.fullmatch(r"body\.encoders\.(\d+)\.convs\.0\.(weight|bias)", key):
        return f"encoders.{match[1]}.{match[2]}"
    if match := re.fullmatch(r"body\.decoders\.(\d+)\.convs\.([01])\.(weight|bias)", key):
        return f"{('decoders', 'last')[int(match[2])]}.{match[1]}.{match[3]}"
    return None


def _used_taps(teacher: nn.Module, value: torch.Tensor) -> torch.Tensor:
    diagonal = getattr(teacher.config, "plane", "straight") == "diagonal"
    return torch.triu(value) if diagonal and value.ndim == 4 else value
