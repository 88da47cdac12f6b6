"""Published DRT checkpoints: their constructor arguments and keys under our names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from bsn.models import unwrap_state_dict
from restoration.networks import known_options

__all__ = ["UNUSED", "our_config", "our_key", "our_tensors"]

_DEFAULTS: dict[str, Any] = {
    "dim": 96,
    "recursive_depth": 6,
    "residual_depth": 3,
    "num_heads": 2,
    "window_size": 7,
    "mlp_ratio": 1.0,
    "patch_size": 1,
}
UNUSED = ("input_conv1.", "output_conv1.")
_LAYERS = {
    "norm1": "norm1",
    "norm2": "norm2",
    "attn": "attn",
    "attn.qkv": "attn.qkv",
    "attn.proj": "attn.project_out",
    "mlp.fc1": "mlp.fc1",
    "mlp.fc2": "mlp.fc2",
}


def our_config(official: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of :class:`DRTConfig` for official constructor arguments.

    Parameters
    ----------
    official : mapping
        Official constructor arguments.

    Returns
    -------
    dict of str to Any
    """
    given = known_options(official, _DEFAULTS)
    return {
        "width": given["dim"],
        "layers": given["recursive_depth"],
        "recursions": given["residual_depth"],
        "heads": given["num_heads"],
        "window": given["window_size"],
        "mlp_ratio": given["mlp_ratio"],
        "patch": given["patch_size"],
    }


def our_tensors(state_dict: Mapping[str, Any], window: int) -> dict[str, Tensor]:
    """Official tensors with bias tables turned to key minus query offsets.

    Parameters
    ----------
    state_dict : mapping of str to Tensor
        Under the official keys, possibly wrapped. Index buffers are checked and left out.
    window : int
        Side of a window in pixels.

    Returns
    -------
    dict of str to Tensor

    Raises
    ------
    ValueError
        If an index buffer is not the row of query minus key offsets in a table of (2 window - 1)^2 rows.
    """
    tensors = dict(unwrap_state_dict(state_dict))
    for key in list(tensors):
        if key.endswith("relative_position_bias_table"):
            tensors[key] = tensors[key].flip(0)
        elif key.endswith("relative_position_index") and not torch.equal(
            tensors.pop(key).long(), _published_index(window)
        ):
            raise ValueError(f"{key} is not the index of {window} x {window} windows; check window_size")
    return tensors


def _published_index(window: int) -> Tensor:
    axis = torch.arange(window)
    difference = axis[:, None] - axis[None, :] + window - 1
    rows = difference[:, None, :, None] * (2 * window - 1) + difference[None, :, None, :]
    return rows.reshape(window**2, window**2)


def our_key(official: str) -> str:
    """Our key of an official one.

    Parameters
    ----------
    official : str
        Official key.

    Returns
    -------
    str

    Raises
    ------
    KeyError
        For keys that no official DRT has.
    """
    if official.startswith(UNUSED):
        name, _, parameter = official.partition(".")
        return f"unused.{UNUSED.index(f'{name}.')}.{parameter}"
    module, _, parameter = official.rpartition(".")
    if module in ("patch_embed.proj", "patch_unembed.proj"):
        return f"{module.removeprefix('patch_').removesuffix('.proj')}.{parameter}"
    match = re.fullmatch(r"recursive_layers\.(\d+)\.(.+)", module)
    if match is None:
        raise KeyError(official)
    layer, rest = f"layers.{match[1]}", match[2]
    if rest == "conv_out":
        return f"{layer}.conv.{parameter}"
    inner = re.fullmatch(r"(block[12])\.transformer\.(.+)", rest)
    if inner is None or inner[2] not in _LAYERS:
        raise KeyError(official)
    parameter = "bias_table" if parameter == "relative_position_bias_table" else parameter
    return f"{layer}.{inner[1]}.{_LAYERS[inner[2]]}.{parameter}"
