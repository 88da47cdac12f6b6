"""Published TBSN checkpoints: their constructor arguments and keys under our names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from bsn.models.published import PublishedConfigError

__all__ = ["our_config", "our_key"]

_STAGES = {
    "encoder_level1": "encoder.0",
    "encoder_level2": "encoder.1",
    "latent": "encoder.2",
    "decoder_level2": "decoder.1",
    "decoder_level1": "decoder.0",
    "refinement": "refinement",
}
_LAYERS = {"channel_attn": 0, "channel_ffn": 1, "spatial_attn": 2, "spatial_ffn": 3}
_SINGLE = {
    "patch_embed.proj": "head",
    "down1_2.body.0": "down.0.project",
    "down2_3.body.0": "down.1.project",
    "up3_2.body.0": "up.1.project",
    "up2_1.body.0": "up.0.project",
    "reduce_chan_level2": "reduce.1",
    "output": "output.0",
}
_DEFAULTS: dict[str, Any] = {
    "in_ch": 3,
    "out_ch": None,
    "dim": 48,
    "num_blocks": [4, 4, 4],
    "num_refinement_blocks": 4,
    "channel_heads": [1, 2, 4],
    "spatial_heads": [2, 2, 3],
    "overlap_ratio": [0.5, 0.5, 0.5],
    "window_size": 8,
    "spatial_dim_head": 16,
    "bias": False,
    "ffn_expansion_factor": 1,
    "LayerNorm_type": "BiasFree",
    "scale": 1,
}


def our_config(official: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of :class:`bsn.models.tbsn.TBSNConfig` for official constructor arguments.

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
        For options that no published network uses (``scale``).
    """
    given = {**_DEFAULTS, **{key: value for key, value in official.items() if key in _DEFAULTS}}
    if given["scale"] != 1:
        raise PublishedConfigError(f"scale {given['scale']} enlarges the input first; only scale 1 is a denoiser")
    dim = given["dim"]
    return {
        "channels": given["in_ch"],
        "outputs": None if given["out_ch"] in (None, given["in_ch"]) else given["out_ch"],
        "widths": (dim, 2 * dim, 4 * dim),
        "blocks": tuple(given["num_blocks"]),
        "refinement_blocks": given["num_refinement_blocks"],
        "channel_heads": tuple(given["channel_heads"]),
        "window_heads": tuple(given["spatial_heads"]),
        "head_dim": given["spatial_dim_head"],
        "window": given["window_size"],
        "overlaps": tuple(given["overlap_ratio"]),
        "ffn_expansion": given["ffn_expansion_factor"],
        "bias": given["bias"],
        "norm": "bias-free" if given["LayerNorm_type"] == "BiasFree" else "with-bias",
    }


def our_key(official: str) -> str | None:
    """Our key of an official one; None for masks, which are recomputed.

    Parameters
    ----------
    official : str
        Official key.

    Returns
    -------
    str or None

    Raises
    ------
    KeyError
        For keys that no official TBSN has.
    """
    if official.endswith((".mask", ".attention_mask")):
        return None
    module, _, parameter = official.rpartition(".")
    if module in _SINGLE:
        return f"{_SINGLE[module]}.{parameter}"
    match = re.fullmatch(r"(\w+)\.(\d+)\.(\w+)\.(.+)", official)
    if match is None or match[1] not in _STAGES:
        raise KeyError(official)
    block = f"{_STAGES[match[1]]}.{match[2]}"
    if match[3].startswith("norm"):
        return f"{block}.norms.{int(match[3][4:]) - 1}.{parameter}"
    rest = match[4].removeprefix("rel_pos_emb.")
    return f"{block}.layers.{_LAYERS[match[3]]}.{rest}"
