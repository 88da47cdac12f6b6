"""``bsn restore apply``: what ``bsn denoise`` does, for a model that restores."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bsn.cli.command import Command
from bsn.cli.denoise import COMMAND as DENOISE
from bsn.cli.denoise import add_result_options
from bsn.cli.outcome import say

if TYPE_CHECKING:
    from jsonargparse import ArgumentParser, Namespace

    from bsn.models import Model


BOXED = "rain"
"""Kind of the model in the box that is used where none is named."""

EXAMPLES = """examples:
  bsn restore apply rainy.png -o clean.png                    rain, with the model in the box
  bsn restore apply rainy/ --model run -o restored/           every image of a folder, same names, same dtype
  bsn restore apply photo.png --model run -o dry.png --ensemble
"""

_FOR_DENOISERS = {
    "hole",
    "stride",
    "r3_passes",
    "r3_probability",
    "seed",
    "wiener",
    "same_noise",
    "posterior",
    "calibrate",
    "keep_mean",
    "strength",
    "mix",
    "polish",
    "adapt",
    "guard",
}


def add_arguments(parser: ArgumentParser, words: list[str]) -> None:
    """Declare the options; those of denoising, such as ``--stride``, are not among them.

    Parameters
    ----------
    parser : ArgumentParser
        Parser of the sub-command; it is changed in place.
    words : list of str
        Words of the command line, for options that change the defaults of others.
    """
    parser.add_argument("inputs", nargs="+", help="degraded images: files, folders or patterns")
    parser.add_argument(
        "--model",
        type=str | None,
        default=None,
        help="run of bsn restore train, a .safetensors model, or the name of one in the box (bsn models lists them); without "
        "it, the one in the box for rain",
    )
    add_result_options(parser, skip=_FOR_DENOISERS)


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
        options.model = boxed_name()
    purpose = check_restores(options.model).provenance.get("trained_for")
    if purpose:
        say(f"{options.model} was trained for {purpose}")
    options.uncertainty = options.keep_mean = False
    options.command_name, options.done = "bsn restore apply", "restored"
    return DENOISE.run(options)


def boxed_name() -> str:
    """Name of the model in the box for rain; says that it is taken.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If this installation has none.
    """
    from bsn.models import find_boxed

    found = find_boxed(BOXED)
    if found is None:
        raise ValueError(
            "no model was given, and this installation has none for rain; restoration needs --model with a run of "
            "bsn restore train"
        )
    say(
        f"model in the box: {found.name}; for anything but rain, train on pairs or clean images: bsn restore train --help"
    )
    return found.name


def check_restores(path: str) -> Model:
    """Refuse a model that was not trained on pairs of degraded and clean images.

    Parameters
    ----------
    path : str
        A model file, the folder of a run, or the name of a model in the box.

    Returns
    -------
    Model
        The model.

    Raises
    ------
    ValueError
        For denoisers.
    ModelFileError
        If the file cannot be read.
    """
    from bsn.models import load

    model = load(path)
    published = type(model.network).__module__.split(".")[0] == "restoration"
    if not published and "training_pairs" not in model.provenance:
        raise ValueError(
            f"{path} is a denoiser, not a restoration model; run bsn denoise with it, or give a run of bsn restore train"
        )
    return model


COMMAND = Command(
    "take rain off photographs with the model in the box, or restore images with a model that you trained",
    EXAMPLES,
    add_arguments,
    run,
    basic="help config inputs model output axes key nan range output_dtype overwrite ensemble tile device precision outliers",
)
