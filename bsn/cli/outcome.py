"""What a command says at the end of a run."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bsn.engine import FitResult

__all__ = ["say", "tell_failed", "tell_outcome"]


def say(line: str) -> None:
    """Print a line to standard output, once for all processes of a run.

    Parameters
    ----------
    line : str
        A whole line, without its end.
    """
    from bsn.engine import is_first_process

    if is_first_process():
        print(line)


def tell_failed(command: str, failed: Mapping[Path, str]) -> None:
    """Print a line for each file that failed to standard error, with its name.

    Parameters
    ----------
    command : str
        Who speaks, such as "bsn denoise".
    failed : mapping of Path to str
        Why each of the files failed.
    """
    for path, message in failed.items():
        named_already = "" if path.name in message else f"{path.name}: "
        print(f"{command}: {named_already}{' '.join(message.split())}", file=sys.stderr)


def tell_outcome(done: str, result: FitResult, what_now: Sequence[str]) -> None:
    """Say how long a run was, how good its result is, and what to do with it.

    Parameters
    ----------
    done : str
        What the run did, such as "trained".
    result : FitResult
        Its length and its validation numbers.
    what_now : sequence of str
        Lines at the end: where the model lies, and the next command.
    """
    say(f"{done} {result.steps} steps in {result.seconds / 60:.1f} minutes")
    for name, value in result.validation.items():
        say(f"  {name} {value:.5g}")
    if result.best_step is not None:
        say(f"  best validation {result.best:.5g} at step {result.best_step} (best.safetensors)")
    if result.kept_step != result.steps:
        say(f"  the model has the weights of step {result.kept_step}: later ones fit the training crops alone")
    for line in what_now:
        say(line)
