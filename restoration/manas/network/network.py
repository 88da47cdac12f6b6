"""MANAS: the network of a genotype."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from bsn.mirror import mirror_to_multiple
from bsn.models import load_published
from restoration.manas.genotype.genotype import Genotype
from restoration.manas.network.config import MANASConfig
from restoration.manas.network.official import our_genotype, our_key, our_tensors
from restoration.manas.space.attention import AttentionBlock, ChosenEdge
from restoration.manas.space.body import MultiScaleBody
from restoration.manas.space.candidates import candidate
from restoration.manas.space.modules import make_module, module_reach
from restoration.networks import RestorationNetwork, zero

__all__ = ["MANAS"]


class MANAS(RestorationNetwork):
    """Multi-scale attentive network of a genotype, with the chosen operators only.

    Parameters
    ----------
    genotype : Genotype or MANASConfig, optional
        Default: the published size.
    **options
        Further fields of :class:`MANASConfig`: ``widths``, ``channels``, ``residual``, ``prune``.

    References
    ----------
    Cai et al., "Multi-scale Attentive Image De-raining Networks via Neural Architecture Search", IEEE TCSVT 33(2), 2023,
    arXiv 2207.00728.

    Examples
    --------
    >>> import torch
    >>> from restoration.manas.genotype import shipped_genotype
    >>> MANAS(shipped_genotype("tiny"), widths=(16, 16, 16, 16))(torch.rand(1, 3, 37, 50)).shape
    torch.Size([1, 3, 37, 50])
    """

    global_statistics = True

    def __init__(self, genotype: Genotype | MANASConfig | None = None, **options: Any) -> None:
        super().__init__()
        if isinstance(genotype, Genotype):
            genotype = MANASConfig(genotype, **options)
        elif options:
            raise TypeError("options go with a genotype; a configuration holds them already")
        self.config: MANASConfig = genotype or MANASConfig()
        chosen, prune = self.config.genotype, self.config.prune
        self.body = MultiScaleBody(
            chosen.shape,
            self.config.channels,
            lambda cell, number, widths: make_module(chosen.modules[cell][number], widths),
            lambda cell, branch, channels: _attention(channels, chosen.edges[cell][branch], chosen.nodes, prune),
            unused_stem=not prune,
        )
        if self.config.residual:
            zero(self.body.last)

    @classmethod
    def from_official(
        cls, state_dict: Mapping[str, Any], config: Mapping[str, Any], *, genotype: Genotype | None = None
    ) -> MANAS:
        """Network with published weights.

        Parameters
        ----------
        state_dict : mapping of str to Tensor
            Under the official keys, bare or wrapped; what :func:`restoration.manas.network.pickled.read_pickled` gives.
        config : mapping
            ``list_channels``, ``list_module``, ``steps``, ``stem``, ``arch`` follow from the weights where they are missing.
            The candidate on each edge does not: ``auto_official_by_stage`` (numbers per cell, for all its branches) or
            ``auto_per_branch``. Where both are given, the class ``cls`` = "MixedAutoNet" takes the latter, others the first.
        genotype : Genotype, optional
            Instead of what the configuration says of modules and edges.

        Returns
        -------
        MANAS
            The network in eval mode, in the dtype of the weights, for images in [0, 1]. All candidates are kept;
            :meth:`pruned` drops those that are not used.

        Raises
        ------
        ValueError
            If keys or shapes do not fit, or nothing says which candidates were chosen.
        """
        tensors = our_tensors(state_dict)
        found = genotype or our_genotype(config, tensors, state_dict.get("chosen_edges"))
        channels = tensors["final_conv.0.weight"].shape[0]
        network = cls(MANASConfig(found, channels=channels, prune=False))
        return load_published(network, tensors, lambda key: f"body.{our_key(key)}")

    def pruned(self) -> MANAS:
        """The same network with the chosen candidates only, in eval mode."""
        import dataclasses

        network = type(self)(dataclasses.replace(self.config, prune=True))
        state = self.state_dict()
        network.load_state_dict({key: state[key] for key in network.state_dict()})
        return network.to(next(self.parameters()).dtype).eval()

    @property
    def size_multiple(self) -> int:
        """Grid on which tiles start."""
        return self.config.genotype.shape.multiple

    @property
    def halo(self) -> int:
        """Farthest pixel that can influence an output, statistics of the whole image aside."""
        genotype = self.config.genotype
        reach = genotype.stem_blocks if genotype.stem else 0
        for cell, (modules, attention) in enumerate(zip(genotype.modules, genotype.edges, strict=True)):
            branches = genotype.shape.branches(cell)
            coarsest = 2 ** (branches - 1)
            reach += coarsest + sum(module_reach(name, branches) for name in modules)
            reach += coarsest * genotype.nodes * max(candidate(name).reach for branch in attention for name in branch)
        return reach + 2 * genotype.shape.multiple

    def forward(self, x: Tensor) -> Tensor:
        """Restore a batch.

        Parameters
        ----------
        x : Tensor, shape (N, C, H, W)
            Any size, values nominally in [0, 1].

        Returns
        -------
        Tensor, shape (N, C, H, W)
            Not clipped.
        """
        height, width = x.shape[-2:]
        restored = self.body(mirror_to_multiple(x, self.size_multiple))[..., :height, :width]
        return x + restored if self.config.residual else restored.contiguous()


def _attention(channels: int, names: Sequence[str], nodes: int, prune: bool) -> AttentionBlock:
    return AttentionBlock(channels, nodes, lambda group, number: ChosenEdge(group, names[number], keep_all=not prune))
