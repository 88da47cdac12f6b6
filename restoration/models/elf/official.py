"""Published ELF checkpoints: their constructor arguments and keys under our names."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from bsn.models import unwrap_state_dict

__all__ = ["our_config", "our_key", "our_tensors"]

_NAMES = {
    "n_feat": "width",
    "orb_blocks": "branch_blocks",
    "stem_heads": "stem_heads",
    "ds_former_heads": "rain_heads",
    "ss_former_heads": "background_heads",
    "orb_heads": "branch_heads",
    "ffn_act": "activation",
    "topology": "topology",
    "ss_former_position": "block_position",
}
_NETWORKS = {"dsnet": "rain", "ssnet": "background"}
_TOP = {
    "shallow_feat1.0": "embed",
    "shallow_feat2.0": "embed_quadrants",
    "shallow_feat1.1": "block1",
    "shallow_feat2.1": "block2",
    "fuse_conv": "join",
    "tail": "tail",
    "S2FB_fuse": "fuse",
    "former.0": "former",
    "former": "former",
    "orsnet.orb": "branch",
    "deep_conv": "expand",
    "stem": "stem",
}
# Patterns of the remaining parts of a key, tried in this order on the whole.
_RULES: list[tuple[str, str | Callable[[re.Match[str]], str]]] = [
    (r"modules_body\.(\d+)", r"blocks.\1"),
    (r"(dsnn|ssnn)et_encoder\.down_stage([123])\.down\.1", lambda m: f"convolutional.down.{int(m[2]) - 1}.conv"),
    (r"(dsnn|ssnn)et_encoder\.encoder_level([123])", lambda m: f"convolutional.encoder.{int(m[2]) - 1}"),
    (r"(dsnn|ssnn)et_decoder\.up_stage([123])\.up\.1", lambda m: f"convolutional.up.{int(m[2]) - 1}.conv"),
    (r"(dsnn|ssnn)et_decoder\.(up|down)_(\d\d)\.(up|down)\.1", r"convolutional.\2_\3.conv"),
    (r"(dsnn|ssnn)et_decoder\.decoder_level([123])", lambda m: f"convolutional.decoder.{int(m[2]) - 1}"),
    (r"S2FB0\.DSC([123])", lambda m: f"join.convs.{int(m[1]) - 1}"),
    (r"S2FB0\.CA_fea", "join.gate"),
    (r"S2FB2?\.DSC", "fuse.conv"),
    (r"S2FB2?\.CA_fea", "fuse.gate"),
    (r"CAB1\.S2FB2", "block.fuse"),
    (r"CAB1", "block"),
    (r"body\.0", "conv1"),
    (r"body\.2", "conv2"),
    (r"\bDSC\b", "conv"),
    (r"\bCA(_fea)?\b", "gate"),
    (r"conv_du\.0", "squeeze"),
    (r"conv_du\.2", "excite"),
    (r"depth_conv", "depthwise"),
    (r"point_conv", "pointwise"),
    (r"ffn\.dwconv", "ffn.depthwise"),
    (r"ffn\.act1", "ffn.activation"),
    (r"stem\.former", "stem.block"),
    (r"conv_stem0", "image"),
    (r"conv_stem2", "rain"),
    (r"conv_stem3", "background"),
]
_SLOPE = re.compile(r"(dsnet|ssnet)\..*(?<!ffn)\.body\.1\.weight")


def our_tensors(state_dict: Mapping[str, Any]) -> dict[str, Tensor]:
    """Official tensors with the slope that each sub-network shares under one name.

    Parameters
    ----------
    state_dict : mapping of str to Tensor
        Under the official keys, possibly wrapped.

    Returns
    -------
    dict of str to Tensor
        The slopes are called ``dsnet.slope`` and ``ssnet.slope``.

    Raises
    ------
    ValueError
        If the slopes of a sub-network differ.
    """
    tensors = dict(unwrap_state_dict(state_dict))
    for key in [key for key in tensors if _SLOPE.fullmatch(key)]:
        shared, value = f"{key.split('.')[0]}.slope", tensors.pop(key)
        if not torch.equal(tensors.setdefault(shared, value), value):
            raise ValueError(f"{key} differs from the other slopes of its sub-network, which are one parameter")
    return tensors


def our_config(official: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    """Arguments of :class:`ELFConfig` for official arguments, what is missing read off the weights.

    Parameters
    ----------
    official : mapping
        Unknown entries are ignored.
    tensors : mapping of str to Tensor
        Result of :func:`our_tensors`.
    """
    config = _inferred(tensors)
    if official.get("variant") == "head":
        config |= {"topology": "residual", "block_position": "before"}
    return config | {ours: official[name] for name, ours in _NAMES.items() if name in official}


def _inferred(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    embed = tensors.get("dsnet.shallow_feat1.0.weight")
    if embed is not None:
        found |= {"width": embed.shape[0], "channels": embed.shape[1]}
    heads = {
        "stem_heads": "ssnet.stem.former.attn",
        "rain_heads": "dsnet.former.0.attn",
        "background_heads": "ssnet.former.0.attn",
        "branch_heads": "dsnet.orsnet.orb.modules_body.0.attn",
    }
    found |= {
        name: len(tensors[f"{key}.temperature"]) for name, key in heads.items() if f"{key}.temperature" in tensors
    }
    numbers = [re.match(r"dsnet\.orsnet\.orb\.modules_body\.(\d+)\.", key) for key in tensors]
    found["branch_blocks"] = 1 + max((int(m[1]) for m in numbers if m), default=-1)
    found["activation"] = "prelu" if any(key.endswith("ffn.act1.weight") for key in tensors) else "gelu"
    return found


def our_key(official: str, *, slopes: bool = True) -> str | None:
    """Our key of an official one.

    Parameters
    ----------
    official : str
        Official key.
    slopes : bool
        Whether the network's feed-forward networks have slopes.

    Returns
    -------
    str or None
        None for slopes that the network does not use.

    Raises
    ------
    KeyError
        For keys that no official ELF has.
    """
    network, _, rest = official.partition(".")
    if network not in _NETWORKS or not rest:
        raise KeyError(official)
    if rest.endswith("ffn.act1.weight") and not slopes:
        return None
    if rest == "slope":
        return f"{_NETWORKS[network]}.activation.weight"
    return f"{_NETWORKS[network]}.{translate(rest)}"


def translate(key: str) -> str:
    """Our name of an official module path inside a sub-network.

    Parameters
    ----------
    key : str
        Official path.

    Returns
    -------
    str
    """
    for ours in ("norm1", "norm2"):
        key = key.replace(f"{ours}.body.", f"{ours}.")
    # The published block calls the source of the query "key", and that of the key "query".
    key = key.replace("norm_key.body.", "norm_query!.").replace("norm_query.body.", "norm_key.")
    key = key.replace("norm_query!.", "norm_query.").replace("norm_value.body.", "norm_value.")
    if key.startswith("stem."):
        key = key.replace("stem.former.", "stem.block.").replace("stem.S2FB.", "stem.fuse.")
    else:
        for theirs in sorted(_TOP, key=len, reverse=True):
            if key.startswith(f"{theirs}."):
                key = _TOP[theirs] + key.removeprefix(theirs)
                break
    for pattern, replacement in _RULES:
        key = re.sub(pattern, replacement, key)
    return key
