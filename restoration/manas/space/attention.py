"""Attention blocks: a small graph over groups of channels, each edge a candidate or a mixture of all."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from restoration.manas.space.candidates import SqueezeGate, candidate_names, make_candidate
from restoration.manas.space.layers import conv_norm

__all__ = ["AttentionBlock", "ChosenEdge", "MixedEdge"]


class ChosenEdge(nn.Module):
    """One candidate.

    Parameters
    ----------
    channels : int
        Channels in and out.
    choice : str
        Name of the candidate.
    keep_all : bool
        Own all published candidates, as published checkpoints do, although only the chosen one runs.
    """

    def __init__(self, channels: int, choice: str, *, keep_all: bool = False) -> None:
        super().__init__()
        self.choice = choice
        names = dict.fromkeys((*candidate_names(), choice)) if keep_all else (choice,)
        self.candidates = nn.ModuleDict({name: make_candidate(name, channels) for name in names})

    def forward(self, x: Tensor, weights: Tensor | None = None) -> Tensor:
        """Apply the candidates of an edge.

        Parameters
        ----------
        x : Tensor, shape (N, C, H, W)
            Features.
        weights : Tensor, optional
            Weights of the candidates during a search.

        Returns
        -------
        Tensor, shape (N, C, H, W)
        """
        return self.candidates[self.choice](x)


class MixedEdge(nn.Module):
    """Weighted sum of all candidates, or one of them.

    Parameters
    ----------
    channels : int
        Channels in and out.
    names : sequence of str
        The candidates, in the order of the weights.
    """

    def __init__(self, channels: int, names: Sequence[str]) -> None:
        super().__init__()
        self.candidates = nn.ModuleDict({name: make_candidate(name, channels) for name in names})

    def forward(self, x: Tensor, weights: Tensor | None = None) -> Tensor:
        """Map (N, C, H, W) to the same shape.

        Parameters
        ----------
        x : Tensor
            Features, shape (N, C, H, W).
        weights : Tensor, shape (candidates,), or whole number of shape ()
            Weights of the candidates; or the number of the one that is computed alone.
        """
        assert weights is not None
        if not weights.is_floating_point():
            return self._operators()[int(weights)](x)
        parts = zip(weights, self.candidates.items(), strict=True)
        # Zeros times a weight are zeros, and so is their gradient.
        return sum((w * op(x) for w, (name, op) in parts if name != "none"), torch.zeros_like(x))

    def _operators(self) -> list[nn.Module]:
        return list(self.candidates.children())


class AttentionBlock(nn.Module):
    """Groups of channels, nodes that collect them along edges, and their recombination around a shortcut.

    Node k is the sum of its own group and of all earlier nodes, each through its edge. The nodes, and a gated sum of all
    groups, are joined by two 1x1 convolutions; the input is added, the sum gated again.

    Parameters
    ----------
    channels : int
        Channels in and out.
    nodes : int
        Groups, and nodes.
    make_edge : callable
        ``make_edge(channels, number)`` builds an edge; they are numbered node by node, the own group first.
    """

    def __init__(self, channels: int, nodes: int, make_edge: Callable[[int, int], nn.Module]) -> None:
        super().__init__()
        group = channels // nodes
        self.nodes = nodes
        self.edges = nn.ModuleList(make_edge(group, number) for number in range(nodes * (nodes + 1) // 2))
        self.sum_gate = SqueezeGate(group)
        self.join = nn.Sequential(
            *conv_norm(channels + group, channels, 1), nn.ReLU(), *conv_norm(channels, channels, 1)
        )
        self.gate = SqueezeGate(channels, reduction=16)

    def forward(self, x: Tensor, weights: Tensor | None = None) -> Tensor:
        """Map (N, C, H, W) to the same shape.

        Parameters
        ----------
        x : Tensor
            Features, shape (N, C, H, W).
        weights : Tensor, shape (edges, candidates) or (edges,), optional
            Weights or numbers of the candidates, for blocks of mixed edges.
        """
        groups = x.chunk(self.nodes, 1)
        nodes: list[Tensor] = []
        edges = iter(zip(self.edges, [None] * len(self.edges) if weights is None else weights, strict=True))
        for group in groups:
            parts = []
            for source in (group, *nodes):
                edge, weight = next(edges)
                parts.append(edge(source, weight))
            nodes.append(sum(parts[1:], parts[0]))
        joined = torch.cat([*nodes, self.sum_gate(sum(groups[1:], groups[0]))], 1)
        return self.gate(self.join(joined) + x)
