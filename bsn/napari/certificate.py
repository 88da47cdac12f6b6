"""Verify that a model is blind."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bsn.napari.control import Control

if TYPE_CHECKING:
    import numpy as np

    from bsn.blindness import Verdict
    from bsn.models import Model

__all__ = ["Certificate", "certify", "picture_of_sight"]

_ZOOM = 4


class Certificate(NamedTuple):
    """What was found.

    Parameters
    ----------
    verdict : Verdict
        That of the checks.
    made_blind : bool
        Whether the network is made to be blind; models in the box and students are not.
    """

    verdict: Verdict
    made_blind: bool


def certify(name: str, control: Control, *, size: int = 64) -> Certificate:
    """Run the checks of ``bsn verify`` on a model.

    Parameters
    ----------
    name : str
        Name in the box, or path.
    control : Control
        It may cancel the work between two checks, and is told which one runs.
    size : int
        Side of the image that is certified, in pixels.

    Returns
    -------
    Certificate

    Raises
    ------
    ModelFileError
        If the model cannot be loaded.
    Cancelled
        The user cancelled.
    """
    from bsn.blindness import VerifyConfig, verify
    from bsn.engine import generators_restored
    from bsn.models import is_blind
    from bsn.models.bundled import load

    control.tell("loading the model")
    model = load(name)  # a copy of its own, since the checks move weights

    def say(text: str) -> None:
        control.look()
        control.tell(text)

    with generators_restored():
        config = VerifyConfig((size, size), value_range=_range_of(model))
        verdict = verify(model.network, model.channels, config, name=name, say=say)
    return Certificate(verdict, is_blind(model.network))


def picture_of_sight(name: str, *, size: int = 64) -> np.ndarray:
    """Draw which pixels one output pixel of a model sees.

    Parameters
    ----------
    name : str
        Name in the box, or path.
    size : int
        Side of the image, in pixels.

    Returns
    -------
    ndarray, shape (4 size, 4 size, 3), float32, range [0, 1]
        The gradient on a logarithmic scale of six decades. Blue: exactly zero. Green: the pixel itself, not seen. Red: the
        pixel itself, seen.
    """
    import numpy as np

    from bsn.blindness import Condition, receptive_field
    from bsn.engine import generators_restored
    from bsn.models.bundled import load

    model = load(name)
    condition = Condition("picture", (size, size), False, value_range=_range_of(model))
    with generators_restored():
        field = receptive_field(
            model.network, (model.channels, size, size), (size // 2, size // 2), condition=condition, draws=1
        )
    picture = np.kron(field.picture().numpy(), np.ones((1, _ZOOM, _ZOOM)))
    return np.moveaxis(picture, 0, -1).astype(np.float32)


def _range_of(model: Model) -> tuple[float, float]:
    """Network values of image values 0 and 1."""
    import torch

    low, high = (float(model.scale.to_network(torch.tensor(value))) for value in (0.0, 1.0))
    return low, high
