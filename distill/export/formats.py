"""Names of the formats, and what cannot be exported."""

from __future__ import annotations

from bsn.models import Model, is_blind

__all__ = ["FORMATS", "ExportError", "check_exportable", "facts"]

FORMATS = {"onnx": ".onnx", "torch": ".pt2", "safetensors": ".safetensors", "darktable": ".dtmodel", "web": ""}


class ExportError(ValueError):
    """A model cannot be exported, or a file that was written does not give the model's images."""


def check_exportable(model: Model) -> None:
    """Refuse models whose inference is more than one pass of a network that works on any part of an image.

    Parameters
    ----------
    model : Model
        Model that is to be exported.

    Raises
    ------
    ExportError
        If the model cannot be exported; the message says why.
    """
    network = model.network
    if is_blind(network) or network.global_statistics or model.context:
        raise ExportError(
            f"this model is a {type(network).__name__}, whose inference is more than one pass of a network; distil it into a "
            "student first with `bsn distill`"
        )


def facts(model: Model) -> dict[str, str]:
    """What an exported file says of itself: the texts of a model file, and how to feed it.

    Parameters
    ----------
    model : Model
        A student.

    Returns
    -------
    dict of str to str
    """
    import json

    from bsn.models import network_name

    return {
        "producer": "blindspot-denoising",
        "network": network_name(model.network),
        "channels": str(model.channels),
        "provenance": json.dumps(model.provenance),
        "weights_licence": model.weights_licence,
    }
