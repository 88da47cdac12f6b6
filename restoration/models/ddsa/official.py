"""Published DDSA checkpoints: their constructor arguments and keys under our names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from bsn.models import PublishedConfigError, unwrap_state_dict
from restoration.networks import known_options

__all__ = ["our_config", "our_key", "our_tensors"]

_DEFAULTS: dict[str, Any] = {
    "inp_channels": 3,
    "out_channels": 3,
    "dim": 48,
    "num_blocks": [4, 6, 6, 8],
    "num_refinement_blocks": 4,
    "heads": [1, 2, 4, 8],
    "ffn_expansion_factor": 2.66,
    "bias": False,
    "LayerNorm_type": "WithBias",
    "dual_pixel_task": False,
}
_SINGLE = {
    "patch_embed.proj": "embed",
    "down1_2.body.0": "down.0.project",
    "down2_3.body.0": "down.1.project",
    "down3_4.body.0": "down.2.project",
    "up4_3.body.0": "up.2.project",
    "up3_2.body.0": "up.1.project",
    "up2_1.body.0": "up.0.project",
    "reduce_chan_level3": "reduce.2",
    "reduce_chan_level2": "reduce.1",
    "skip_conv": "skip",
    "output": "output",
}
_STAGES = {
    "refinement0": "refinement_in",
    "encoder_level1": "encoder.0",
    "encoder_level2": "encoder.1",
    "encoder_level3": "encoder.2",
    "latent": "encoder.3",
    "decoder_level3": "decoder.2",
    "decoder_level2": "decoder.1",
    "decoder_level1": "decoder.0",
    "refinement": "refinement_out",
}
_LAYERS = {
    "norm1.body": "norm1",
    "norm2.body": "norm2",
    "attn": "attn",
    "attn.qkv": "attn.qkv",
    "attn.qkv_dwconv": "attn.qkv_dwconv",
    "attn.project_out": "attn.project_out",
    "ffn.conv1x1_in": "ffn.project_in",
    "ffn.dwconv3x3": "ffn.depthwise",
    "ffn.project_out": "ffn.project_out",
    "ffn.SAlayer.conv_sa.0": "ffn.gate.conv",
    "ffn.SAlayer.conv_sa.1": "ffn.gate.norm",
}


def our_config(official: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of :class:`DDSAConfig` for official constructor arguments.

    Parameters
    ----------
    official : mapping
        Official constructor arguments.

    Returns
    -------
    dict of str to Any

    Raises
    ------
    PublishedConfigError
        For unequal numbers of input and output channels.
    """
    given = known_options(official, _DEFAULTS)
    if given["inp_channels"] != given["out_channels"]:
        raise PublishedConfigError(
            f"inp_channels {given['inp_channels']} and out_channels {given['out_channels']} differ; restoration keeps them"
        )
    return {
        "channels": given["inp_channels"],
        "width": given["dim"],
        "blocks": tuple(given["num_blocks"]),
        "refinement_blocks": given["num_refinement_blocks"],
        "heads": tuple(given["heads"]),
        "expansion": given["ffn_expansion_factor"],
        "bias": given["bias"],
        "norm": "bias-free" if given["LayerNorm_type"] == "BiasFree" else "with-bias",
        "skip_to_output": given["dual_pixel_task"],
    }


def our_tensors(state_dict: Mapping[str, Any]) -> dict[str, Tensor]:
    """Official tensors with the two fusion scalars of each block joined to one parameter ``mix`` (dense, sparse).

    Parameters
    ----------
    state_dict : mapping of str to Tensor
        Under the official keys, possibly wrapped.

    Returns
    -------
    dict of str to Tensor
    """
    tensors = unwrap_state_dict(state_dict)
    for key in [key for key in tensors if key.endswith("attn.attn")]:
        if f"{key}1" in tensors:
            tensors[key.removesuffix("attn") + "mix"] = torch.cat([tensors.pop(key), tensors.pop(f"{key}1")])
    return tensors


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
        For keys that no official DDSA has.
    """
    module, _, parameter = official.rpartition(".")
    if module in _SINGLE:
        return f"{_SINGLE[module]}.{parameter}"
    match = re.fullmatch(r"(\w+)\.(\d+)\.(.+)", module)
    if match is None or match[1] not in _STAGES or match[3] not in _LAYERS:
        raise KeyError(official)
    return f"{_STAGES[match[1]]}.{match[2]}.{_LAYERS[match[3]]}.{parameter}"
