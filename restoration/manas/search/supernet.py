"""The network that a search trains: every choice as a weighted sum of all its possibilities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import Tensor, nn

from bsn.mirror import mirror_to_multiple
from bsn.models import load_published
from restoration.manas.genotype.choices import Choices
from restoration.manas.network.official import our_key, our_tensors
from restoration.manas.space.attention import AttentionBlock, MixedEdge
from restoration.manas.space.body import MultiScaleBody
from restoration.manas.space.candidates import PUBLISHED_ORDER, candidate_names
from restoration.manas.space.modules import MODULES, MixedModule, MixInput
from restoration.manas.space.shape import Shape
from restoration.networks import zero

__all__ = ["Architecture", "EdgeWeights", "Supernet"]

EdgeWeights = Literal["softmax", "raw"]

_START = 1e-3


class Architecture(nn.Module):
    """What is searched: logits of the modules and of the edges.

    Parameters
    ----------
    shape : Shape
        Cells, branches and blocks of the network.
    names : tuple of str
        Candidates of every edge.

    Attributes
    ----------
    alpha : Parameter, shape (modules, 2)
        Logits of parallel and fusion, see :meth:`Shape.places`.
    beta : Parameter, shape (blocks * edges, candidates)
        See :meth:`Shape.blocks`.
    """

    def __init__(self, shape: Shape, names: tuple[str, ...]) -> None:
        super().__init__()
        self.shape, self.names = shape, names
        modules, blocks = len(list(shape.places())), len(list(shape.blocks()))
        self.alpha = nn.Parameter(_START * torch.randn(modules, len(MODULES)))
        self.beta = nn.Parameter(_START * torch.randn(blocks * shape.edges, len(names)))

    def probabilities(self) -> tuple[Tensor, Tensor]:
        """Softmax of the rows of alpha and beta."""
        return self.alpha.softmax(1), self.beta.softmax(1)


class Supernet(nn.Module):
    """Continuous relaxation of the search space.

    Parameters
    ----------
    shape : Shape
        Cells, branches and blocks of the network.
    channels : int
        Channels of the image.
    mix_input : {"input", "chained"}
        What a fusion module is fed with; "chained", the parallel module's output, as the published program does.
    edge_weights : {"softmax", "raw"}
        Weights of candidates: softmax of beta as in the paper, or beta itself as in the published program (weights may be
        negative, and "none" then gets no gradient from the data).
    residual : bool
        Predict what to add to the image, see :class:`restoration.models.MANASConfig`.
    names : tuple of str, optional
        Candidates; default: all that are registered.
    """

    def __init__(
        self,
        shape: Shape,
        *,
        channels: int = 3,
        mix_input: MixInput = "input",
        edge_weights: EdgeWeights = "softmax",
        residual: bool = False,
        names: tuple[str, ...] | None = None,
    ) -> None:
        super().__init__()
        self.shape, self.channels, self.edge_weights, self.residual = shape, channels, edge_weights, residual
        names = names or candidate_names()
        self.body = MultiScaleBody(
            shape,
            channels,
            lambda cell, number, widths: MixedModule(widths, mix_input=mix_input),
            lambda cell, branch, width: AttentionBlock(width, shape.nodes, lambda group, _: MixedEdge(group, names)),
        )
        self.architecture = Architecture(shape, names)
        if residual:
            zero(self.body.last)

    @classmethod
    def from_official(cls, content: Mapping[str, Any], config: Mapping[str, Any], **options: Any) -> Supernet:
        """Supernet of a published search checkpoint.

        Parameters
        ----------
        content : mapping
            ``state_dict`` under the official keys, ``arch_param`` and ``auto_param``: tensors, or lists of one tensor as in the
            last file of a search. Modules that the published program builds and never uses are left out.
        config : mapping
            ``list_channels``, ``list_module``, ``steps``, as in the published constructor.
        **options
            Of this class. The published program is ``mix_input="chained", edge_weights="raw"``.

        Raises
        ------
        ValueError
            If keys or shapes do not fit.
        """
        shape = Shape(tuple(config["list_channels"]), tuple(config["list_module"]), config.get("steps", 2), stem=True)
        network = cls(shape, names=PUBLISHED_ORDER, **options)

        def rename(key: str) -> str | None:
            parts = key.split(".")
            if key.startswith("stage") and int(parts[1]) >= shape.modules[int(parts[0].removeprefix("stage")) - 1]:
                return None
            return our_key(key)

        load_published(network.body, our_tensors(content), rename)
        architecture = network.architecture.to(next(network.body.parameters()).dtype)
        with torch.no_grad():
            for name, parameter in (("arch_param", architecture.alpha), ("auto_param", architecture.beta)):
                given = content[name][0] if isinstance(content[name], (list, tuple)) else content[name]
                if given.shape != parameter.shape:
                    raise ValueError(f"{name} is {tuple(given.shape)}, the shape has {tuple(parameter.shape)}")
                parameter.copy_(given)
        return network.eval()

    def forward(self, x: Tensor, path: Choices | None = None) -> Tensor:
        """Restore a batch with the current mixture, or along one path.

        Parameters
        ----------
        x : Tensor, shape (N, C, H, W)
            Any size.
        path : Choices, optional
            One module at each place and one candidate on each edge, which alone are computed; by default all are mixed.

        Returns
        -------
        Tensor, shape (N, C, H, W)
        """
        height, width = x.shape[-2:]
        if path is None:
            alpha, beta = self.architecture.probabilities()
            weights = beta if self.edge_weights == "softmax" else self.architecture.beta
        else:
            alpha, weights = torch.tensor(path.modules), torch.tensor(path.edges)
        restored = self.body(mirror_to_multiple(x, self.shape.multiple), alpha, weights)[..., :height, :width]
        return x + restored if self.residual else restored
