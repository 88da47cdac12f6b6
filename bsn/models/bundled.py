"""The models in the box: weights that come with the package, found by name.

A name is a kind and a size: ``photo-tiny``. The kind alone, ``photo``, stands for the largest size that is installed. What
is in the box is what lies in the folder ``weights``; nothing else is listed or offered. Some remove noise, and others restore
(``bsn restore apply``): these are found by name, and never chosen for a noisy image. Beside them there are priors,
``blind-white`` and ``blind-shared``: blind networks that ``bsn train`` starts from.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from bsn.models.model import Model, ModelFileError

__all__ = [
    "KINDS",
    "PRIORS",
    "RESTORED",
    "BoxedModel",
    "all_boxed",
    "boxed_models",
    "boxed_priors",
    "find_boxed",
    "load",
    "load_bundled",
]

WEIGHTS = Path(__file__).parent / "weights"

KINDS = {
    "photo": "photographs with white noise",
    "camera": "files of cameras, whose noise neighbours share",
}
"""What each kind that denoises is for."""

RESTORED = {"rain": "photographs in rain, for bsn restore apply"}
"""What each kind that restores is for."""

PRIOR = "blind"

PRIORS = {
    "white": "start of bsn train where the noise is independent",
    "shared": "start of bsn train where neighbours share their noise",
}
"""Noise of each prior, and what it is for."""

SIZES = ("base", "tiny")
"""From the largest to the smallest."""


@dataclass(frozen=True)
class BoxedModel:
    """Weights that come with the package.

    Parameters
    ----------
    kind, size : str
        What it is for, a key of :data:`KINDS` or :data:`RESTORED`, and how large it is: tiny or base. Of a prior "blind", and
        a key of :data:`PRIORS`.
    path : Path
        The file; its model card lies beside it, with the suffix ``.md``.
    """

    kind: str
    size: str
    path: Path

    @property
    def name(self) -> str:
        """Kind and size, as in ``photo-tiny``."""
        return f"{self.kind}-{self.size}"

    @property
    def restores(self) -> bool:
        """Whether it takes something else than noise off a picture."""
        return self.kind in RESTORED

    @property
    def prior(self) -> bool:
        """Whether it is a start of trainings, and no model to denoise with."""
        return self.kind == PRIOR

    @property
    def purpose(self) -> str:
        """What it is for, half a sentence."""
        return PRIORS[self.size] if self.prior else {**KINDS, **RESTORED}[self.kind]

    def load(self) -> Model:
        """Read the weights.

        Returns
        -------
        Model
            Its provenance has the kind, too.

        Raises
        ------
        ModelFileError
            If the file is broken.
        """
        model = Model.load(self.path)
        return dataclasses.replace(
            model,
            # What is bright in the dark may be a drop of rain, and a prior is trained further on images as they are.
            inference=dataclasses.replace(model.inference, cut_spots=self.kind in KINDS),
            provenance={**model.provenance, "kind": self.kind},
        )


def boxed_models(*, restoring: bool = False) -> list[BoxedModel]:
    """List what is in the box.

    Parameters
    ----------
    restoring : bool
        The models that restore, instead of those that denoise.

    Returns
    -------
    list of BoxedModel
        By kind, the largest first.
    """
    kinds = RESTORED if restoring else KINDS
    listed = [BoxedModel(kind, size, WEIGHTS / f"{kind}-{size}.safetensors") for kind in kinds for size in SIZES]
    return [model for model in listed if model.path.is_file()]


def boxed_priors() -> list[BoxedModel]:
    """List the priors in the box, see :data:`PRIORS`.

    Returns
    -------
    list of BoxedModel
    """
    listed = [BoxedModel(PRIOR, noise, WEIGHTS / f"{PRIOR}-{noise}.safetensors") for noise in PRIORS]
    return [prior for prior in listed if prior.path.is_file()]


def all_boxed() -> list[BoxedModel]:
    """List all that is in the box: models that denoise, those that restore, and priors.

    Returns
    -------
    list of BoxedModel
    """
    return [*boxed_models(), *boxed_models(restoring=True), *boxed_priors()]


def find_boxed(name: str) -> BoxedModel | None:
    """Find weights by name.

    Parameters
    ----------
    name : str
        Kind and size, or the kind alone for its largest size; of a prior its whole name.

    Returns
    -------
    BoxedModel or None
        None where the box has none of that name.
    """
    models = (model for model in all_boxed() if name == model.name or (name == model.kind and not model.prior))
    return next(models, None)


def load_bundled(name: str = "photo") -> Model:
    """Load a model in the box.

    Parameters
    ----------
    name : str
        See :func:`find_boxed`.

    Returns
    -------
    Model

    Raises
    ------
    ModelFileError
        If there is none of that name.
    """
    found = find_boxed(name)
    if found is None:
        raise ModelFileError(
            f"the weights {name} are missing from this installation, which has {_names()}; install the package again"
        )
    return found.load()


def load(path: str | Path) -> Model:
    """Read a model file, the final model of a run folder, or a model in the box.

    Parameters
    ----------
    path : str or Path
        A safetensors file, the folder of a run, or a name such as ``photo`` or ``photo-tiny``. A file or run of that name
        comes before the box.

    Returns
    -------
    Model
        See :meth:`Model.load`.

    Raises
    ------
    ModelFileError
        If it is missing, broken, or not one of ours.
    """
    found = find_boxed(str(path))
    if found is not None and not _is_run(Path(path)):
        return found.load()
    if not Path(path).exists() and Path(path).name == str(path) and not Path(path).suffix:
        raise ModelFileError(
            f"there is no model {path}; give a .safetensors file, the folder of a run, or one of those in the box: {_names()}"
        )
    return Model.load(path)


def _is_run(path: Path) -> bool:
    return path.is_file() or any(path.glob("*.safetensors")) or (path / "last.ckpt").exists()


def _names() -> str:
    return ", ".join(model.name for model in all_boxed()) or "none"
