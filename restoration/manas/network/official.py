"""Published MANAS checkpoints: their keys under our names, and the genotype in their configuration and weights."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from bsn.models import PublishedConfigError, unwrap_state_dict
from restoration.manas.genotype.derive import genotype_of_indices
from restoration.manas.genotype.genotype import Genotype
from restoration.manas.space.candidates import PUBLISHED_ORDER
from restoration.manas.space.shape import Shape

__all__ = ["our_genotype", "our_key", "our_tensors", "published_shape"]

_CBAM = {"channel.0": "ChannelGate.mlp.1", "channel.2": "ChannelGate.mlp.3", "conv": "SpatialGate.spatial.conv"}
_CBAM |= {"norm": "SpatialGate.spatial.bn"}
_ATTENTION = {"sum_gate.": "se.", "gate.": "se2.", "join.": "channel_back."}


def our_key(official: str) -> str:
    """Our key, below ``body.``, of an official one.

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
        For keys that no official network has.
    """
    for pattern, replacement in _RULES:
        match = re.fullmatch(pattern, official)
        if match is not None:
            return replacement(match)
    raise KeyError(official)


def _our_candidate(match: re.Match[str]) -> str:
    name = PUBLISHED_ORDER[int(match[4])]
    back = {theirs: ours for ours, theirs in _CBAM.items()}
    inner = back[match[5]] if name == "CBAM" else match[5]
    return f"attention.{int(match[1]) - 1}.{match[2]}.edges.{match[3]}.candidates.{name}.{inner}.{match[6]}"


def _our_module(match: re.Match[str]) -> str:
    kind = {"horizontal.": "parallel.", "fuse.": "fusion.", None: ""}[match[3]]
    inner = f"blocks.{match[5]}." if match[5] else "paths."
    return f"cells.{int(match[1]) - 2}.{match[2]}.{kind}{inner}{match[6]}"


def _our_block(match: re.Match[str]) -> str:
    ours = {theirs: ours for ours, theirs in _ATTENTION.items()}[match[3]]
    return f"attention.{int(match[1]) - 1}.{match[2]}.{ours}{match[4]}"


_RULES: tuple[tuple[str, Callable[[re.Match[str]], str]], ...] = (
    (r"stage1\.(.+)", lambda m: f"stem.{m[1]}"),
    (r"final_conv\.0\.(.+)", lambda m: f"last.{m[1]}"),
    (r"final_fuse\.fuse_layers\.(.+)", lambda m: f"fusion.paths.{m[1]}"),
    (r"transition(\d+)\.transition_layers\.(.+)", lambda m: f"transitions.{int(m[1]) - 1}.paths.{m[2]}"),
    (r"stage(\d+)\.(\d+)\.(horizontal\.|fuse\.)?(branches\.(\d+)\.0\.|fuse_layers\.)(.+)", _our_module),
    (r"auto(\d+)\.(\d+)\.ops\.(\d+)\.ops\.(\d)\.(.+)\.(\w+)", _our_candidate),
    (r"auto(\d+)\.(\d+)\.(se\.|se2\.|channel_back\.)(.+)", _our_block),
)


def our_tensors(state_dict: Mapping[str, Any]) -> dict[str, Tensor]:
    """Official tensors without their wrappers.

    Search checkpoints store the architecture's own parameters beside them; those are left out.

    Parameters
    ----------
    state_dict : mapping
        Content of an official checkpoint.

    Returns
    -------
    dict of str to Tensor
    """
    tensors = unwrap_state_dict(state_dict)
    return {key: value for key, value in tensors.items() if key not in ("arch_param", "auto_param")}


def _count(tensors: Mapping[str, Tensor], pattern: str) -> int:
    """One more than the largest number that a pattern finds at the start of a key."""
    found = (re.match(pattern, key) for key in tensors)
    return 1 + max((int(match[1]) for match in found if match), default=-1)


def published_shape(config: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Shape:
    """Shape that a configuration states, or that the weights show.

    Parameters
    ----------
    config : mapping
        Official constructor arguments.
    tensors : mapping of str to Tensor
        Weights by official key.

    Returns
    -------
    Shape

    Raises
    ------
    PublishedConfigError
        If the weights are of another architecture.
    """
    try:
        first, width = tensors["transition1.transition_layers.0.0.weight"], tensors["final_conv.0.weight"].shape[1]
        scales = _count(tensors, r"final_fuse\.fuse_layers\.0\.(\d+)\.")
        widths = [width] + [tensors[f"final_fuse.fuse_layers.0.{j}.0.weight"].shape[1] for j in range(1, scales)]
        modules = [_count(tensors, rf"stage{s}\.(\d+)\.") for s in range(1, scales + 1)]
        edges = _count(tensors, r"auto1\.0\.ops\.(\d+)\.")
        nodes = next(k for k in range(1, edges + 1) if k * (k + 1) // 2 == edges)
    except (KeyError, StopIteration):
        raise PublishedConfigError("these are not weights of a MANAS network; check the model name") from None
    return Shape(
        tuple(config.get("list_channels") or widths),
        tuple(config.get("list_module") or modules),
        config.get("steps") or nodes,
        config.get("stem", first.shape[1] == 4 * width),
    )


def our_genotype(
    config: Mapping[str, Any], tensors: Mapping[str, Tensor], chosen: Sequence[Any] | None = None
) -> Genotype:
    """Genotype of published weights.

    Parameters
    ----------
    config : mapping
        See :meth:`restoration.models.MANAS.from_official`.
    tensors : mapping of str to Tensor
        Under the official keys.
    chosen : sequence, optional
        Per cell, per branch, the candidate on each edge, where a pickled network told it.

    Raises
    ------
    PublishedConfigError
        If nothing says which candidates were chosen: weights do not.
    """
    shape = published_shape(config, tensors)
    arch = config.get("arch")
    if arch is None:
        arch = [int(f"stage{s + 2}.{m}.fuse_layers.0.1.0.weight" in tensors) for s, m in shape.places()]
    per_branch, by_stage = config.get("auto_per_branch", chosen), config.get("auto_official_by_stage")
    if by_stage is not None and (per_branch is None or config.get("cls", "FixedMixedAutoNet") != "MixedAutoNet"):
        per_branch = [[edges] * shape.branches(cell) for cell, edges in enumerate(by_stage)]
    if per_branch is None:
        raise PublishedConfigError(
            "weights do not say which attention candidate was chosen on which edge; give auto_official_by_stage or "
            "auto_per_branch in the configuration, or a genotype"
        )
    modules = [int(number) for number in torch.as_tensor(arch).flatten().tolist()]
    return genotype_of_indices(modules, per_branch, shape, about={"source": "published checkpoint"})
