"""Errors of a run, each one line for its user."""

from __future__ import annotations

__all__ = ["Interrupted", "RunError", "TrainingDiverged"]


class RunError(RuntimeError):
    """A run cannot start or go on: what was given, why it cannot work, what would."""


class TrainingDiverged(RunError):
    """The loss became NaN or infinite."""


class Interrupted(RunError):
    """The user or the system asked the run to stop; it can be resumed."""
