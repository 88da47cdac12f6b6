"""A second pass by the model in the box for cameras, which removes what a first result has left of the noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import Tensor

from bsn.inference.config import InferenceConfig
from bsn.models import Model, ValueScale
from bsn.models.bundled import BoxedModel, find_boxed

if TYPE_CHECKING:
    from bsn.inference.stages import Network

__all__ = ["POLISH", "Polish", "mixed_in_model", "polishing_model"]

POLISH = "camera"
"""Kind of model in the box that polishes."""

_COLOURS = 3


@dataclass(frozen=True)
class Polish:
    """Last stage of a result in image values.

    Where the noise of neighbours is correlated, a blind-spot network and the Wiener filter know the noise of these very images,
    but keep what they cannot tell from fine picture. A network that has learned clean photographs and the noise of cameras
    (:mod:`bsn.models.bundled`) knows more of pictures, but less of this noise: alone it leaves strong noise. One behind the
    other is better than either.

    Parameters
    ----------
    network : callable
        Maps (N, C, H, W) in its network values to the same.
    scale : ValueScale
        Map between image values and its network values.
    """

    network: Network
    scale: ValueScale

    def __call__(self, image: Tensor) -> Tensor:
        """Polish a result.

        Parameters
        ----------
        image : Tensor, shape (N, C, H, W)
            Image values; C is 3, or 1 for grey images, which are shown as colours.

        Returns
        -------
        Tensor, same shape
        """
        grey = image.shape[1] == 1
        seen = image.expand(-1, _COLOURS, -1, -1) if grey else image
        polished = self.scale.to_image(self.network(self.scale.to_network(seen)).to(image.dtype))
        return polished.mean(1, keepdim=True) if grey else polished


def polishing_model(model: Model, config: InferenceConfig) -> BoxedModel | None:
    """Find the model that polishes the results of another one.

    Parameters
    ----------
    model : Model
        The model whose results they are.
    config : InferenceConfig
        What the caller asks for. Stages that are chosen by hand, and mixtures, are not polished unless it is asked for.

    Returns
    -------
    BoxedModel or None
        None for results that stay as they are.

    Raises
    ------
    ValueError
        If it is asked for and the images are neither colour nor grey, the box has no such model, or the results are mixed.
    """
    by_hand = config.by_hand or config.hole != "auto"
    if config.polish is False or (config.polish is None and (not model.inference.polish or by_hand)):
        return None
    found = find_boxed(POLISH)
    if config.polish is None:
        return found if _knows(model) and config.mix in ("off", "check") else None
    if found is None:
        raise ValueError(f"this installation has no model {POLISH} that could polish; install the package again")
    if not _knows(model):
        raise ValueError(f"the model {POLISH} knows colour and grey, not {model.channels} channels; leave polish out")
    if config.mix not in ("off", "check"):
        raise ValueError(f"a mixture (mix={config.mix!r}) is not polished; leave one of the two out")
    return found


def mixed_in_model(model: Model, config: InferenceConfig) -> BoxedModel | None:
    """Find the model that is mixed with results of another one, in a mixture.

    Parameters
    ----------
    model : Model
        The model whose results they are.
    config : InferenceConfig
        What the caller asks for.

    Returns
    -------
    BoxedModel or None
        The one that would polish them; None for models that are no denoisers of photographs with correlated noise.
    """
    return find_boxed(POLISH) if model.inference.polish and _knows(model) and config.polish is not False else None


def _knows(model: Model) -> bool:
    """Whether the model in the box knows images of so many channels: colours, and grey."""
    return model.channels in (1, _COLOURS)
