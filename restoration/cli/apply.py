"""``bsn restore apply``: what ``bsn denoise`` does, for a model of this package."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from bsn.cli.command import Command
from bsn.cli.denoise import COMMAND as DENOISE

if TYPE_CHECKING:
    from jsonargparse import Namespace

EXAMPLES = """examples:
  bsn restore apply rainy/ --model run -o restored/           every image of a folder, same names, same dtype
  bsn restore apply photo.png --model run -o dry.png --ensemble
"""


def run(options: Namespace) -> int:
    """Restore, and list what failed at the end; refuse a model that was not trained to restore.

    Parameters
    ----------
    options : Namespace
        The parsed options.

    Returns
    -------
    int
        Exit code; 0 means success.
    """
    if options.model is None:
        raise ValueError("no model was given; restoration needs --model with a run of bsn restore train")
    check_restores(options.model)
    return DENOISE.run(options)


def check_restores(path: str) -> None:
    """Refuse a model that was not trained on pairs of degraded and clean images.

    Parameters
    ----------
    path : str
        A model file or the folder of a run.

    Raises
    ------
    ValueError
        For denoisers.
    ModelFileError
        If the file cannot be read.
    """
    from bsn.models import Model

    model = Model.load(path)
    published = type(model.network).__module__.split(".")[0] == "restoration"
    if not published and "training_pairs" not in model.provenance:
        raise ValueError(
            f"{path} is a denoiser, not a restoration model; run bsn denoise with it, or give a run of bsn restore train"
        )


COMMAND: Command = dataclasses.replace(
    DENOISE, summary="restore images with a trained model", examples=EXAMPLES, run=run
)
