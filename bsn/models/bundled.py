"""The model in the box: weights that come with the package."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from bsn.models.model import Model, ModelFileError

__all__ = ["BUNDLED", "bundled_path", "load_bundled"]

BUNDLED = "photo-tiny"


def bundled_path() -> Path:
    """File of the weights; its model card lies beside it, with the suffix ``.md``."""
    return Path(__file__).parent / "weights" / f"{BUNDLED}.safetensors"


def load_bundled() -> Model:
    """Load the model that is used where none is named.

    Returns
    -------
    Model
        A student for photographs with white noise of any strength, see the model card.

    Raises
    ------
    ModelFileError
        If the package was installed without its weights.
    """
    path = bundled_path()
    if not path.is_file():
        raise ModelFileError(f"the weights {path.name} are missing from this installation; install the package again")
    model = Model.load(path)
    return dataclasses.replace(model, inference=dataclasses.replace(model.inference, cut_spots=True))
