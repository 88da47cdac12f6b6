"""Published NAFNet checkpoints: their constructor arguments and keys under our names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from bsn.models import unwrap_state_dict

__all__ = ["our_config", "our_key", "our_tensors"]

_STAGES = {"encoders": "encoder", "decoders": "decoder", "middle_blks": "middle"}
_MODULES = {
    "norm1": "norm1",
    "norm2": "norm2",
    "conv1": "expand",
    "conv2": "depthwise",
    "conv3": "project",
    "sca.1": "attention",
    "conv4": "feed_in",
    "conv5": "feed_out",
}


def our_tensors(state_dict: Mapping[str, Any]) -> dict[str, Tensor]:
    """Official tensors with the factors of each block as vectors.

    Parameters
    ----------
    state_dict : mapping of str to Tensor
        Under the official keys, possibly wrapped.

    Returns
    -------
    dict of str to Tensor
    """
    tensors = dict(unwrap_state_dict(state_dict))
    return {key: value.flatten() if key.endswith((".beta", ".gamma")) else value for key, value in tensors.items()}


def our_config(official: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    """Arguments of :class:`NAFNetConfig` for official ones, or for what the weights show.

    Parameters
    ----------
    official : mapping
        Official constructor arguments.
    tensors : mapping of str to Tensor
        Official tensors.

    Returns
    -------
    dict of str to Any

    Raises
    ------
    ValueError
        If the tensors are not those of a NAFNet.
    """
    if "intro.weight" not in tensors:
        raise ValueError("the weights have no tensor intro.weight, so they are not those of a NAFNet; check the file")
    width, channels = tensors["intro.weight"].shape[:2]
    levels = len(_numbers(tensors, r"downs\.(\d+)\."))
    counted = {
        stage: tuple(len(_numbers(tensors, rf"{stage}\.{level}\.(\d+)\.")) for level in range(levels))
        for stage in ("encoders", "decoders")
    }
    return {
        "channels": official.get("img_channel", channels),
        "width": official.get("width", width),
        "encoder": tuple(official.get("enc_blk_nums", counted["encoders"])),
        "middle": official.get("middle_blk_num", len(_numbers(tensors, r"middle_blks\.(\d+)\."))),
        "decoder": tuple(official.get("dec_blk_nums", counted["decoders"])),
    }


def _numbers(tensors: Mapping[str, Tensor], pattern: str) -> set[str]:
    return {match[1] for key in tensors if (match := re.match(pattern, key))}


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
        For keys that no official NAFNet has.
    """
    module, _, parameter = official.rpartition(".")
    if module in ("intro", "ending"):
        return f"{'embed' if module == 'intro' else 'output'}.{parameter}"
    if match := re.fullmatch(r"(downs|ups)\.(\d+)(\.0)?", module):
        return f"{match[1].removesuffix('s')}.{match[2]}{match[3] or ''}.{parameter}"
    match = re.fullmatch(r"(encoders\.\d+|decoders\.\d+|middle_blks)\.(\d+)(?:\.(.+))?", module)
    if match is None:
        raise KeyError(official)
    name, _, level = match[1].partition(".")
    place = ".".join(part for part in (_STAGES[name], level, match[2]) if part)
    if match[3] is None and parameter in ("beta", "gamma"):
        return f"{place}.{parameter}"
    if match[3] not in _MODULES:
        raise KeyError(official)
    return f"{place}.{_MODULES[match[3]]}.{parameter}"
