"""Settings of a search."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from restoration.manas.genotype.derive import DeriveMode
from restoration.manas.search.cost import CostKind
from restoration.manas.search.evolution import EvolutionConfig
from restoration.manas.search.halving import HalvingConfig
from restoration.manas.search.supernet import EdgeWeights
from restoration.manas.space.candidates import candidate_names
from restoration.manas.space.modules import MixInput
from restoration.manas.space.shape import Shape

__all__ = ["SearchConfig"]


@dataclass(frozen=True)
class SearchConfig:
    """What is searched, and how. The defaults are for two CPU cores.

    Parameters
    ----------
    widths : tuple of int
        Channels at full resolution, at a half, a quarter, an eighth ..., see :class:`restoration.manas.space.Shape`.
    modules : tuple of int
        Blocks of the stem, then modules of each cell; as many entries as `widths`.
    nodes : int
        Nodes of an attention block.
    stem : bool
        Whether a residual stem widens the image before the first transition.
    residual : bool
        The networks predict what to add to the image.
    mix_input : {"input", "chained"}
        What a fusion module is fed with: the input of the mixture, or "chained" the output of the parallel module, as in
        the published program.
    edge_weights : {"softmax", "raw"}
        Weights of the candidates of an edge: the softmax of their logits as in the paper, or "raw" the logits themselves
        as in the published program.
    derive : {"per_branch", "shared"}
        See :func:`restoration.manas.genotype.derive`; "shared" is the published program's.
    exclude_none : bool
        Never choose "none" (nor draw it, with the other strategies), as DARTS derives its cells (Liu et al., ICLR 2019): in the
        mixture "none" only scales what the others do, so its weight does not say that the edge is better left out.
    crop : int
        Side of the crops in pixels.
    backgrounds : int
        Per step, device and half of the data.
    group_size : int
        Degraded images of each background in a batch. Backgrounds with fewer are left out; 1 searches without internal loss.
    architecture_share : float
        Share of the backgrounds that the architecture is trained on; the weights are trained on the others.
    warmup : float
        Fraction of the run in which the weights alone are trained.
    weight_optimizer : {"sgd", "adam"}
        SGD has momentum 0.9.
    learning_rate : float
        Learning rate of the weights; it follows the schedule of the run.
    weight_decay : float
        Weight decay of the weights.
    architecture_rate : float
        Learning rate of the architecture's Adam; it is constant.
    architecture_decay : float
        Weight decay of the architecture's Adam. The published 1e-3 pulls a logit of 0.1 as hard as the data push it, so that in
        short searches the weights on the edges stay nearly equal.
    architecture_betas : tuple of float
        Decay rates of the averages of the architecture's Adam.
    order : {"first", "second"}
        Second order: the architecture's gradient looks through the next step of the weights, at about four times the work.
    architecture_statistics : {"batch", "running"}
        Batch statistics in steps of the architecture, or running ones, which lag behind the changing mixture (published).
    internal : float
        Weight of the internal loss.
    internal_from : float
        Fraction of the run at which it begins.
    entropy : float
        Weight of the mean entropies of modules and edges.
    complexity : float
        Weight of the expected cost relative to the cheapest and the dearest network.
    cost : {"macs", "parameters"}
        What counts as cost.
    strategy : {"weights", "halving", "evolution"}
        "weights": the published search, which trains a weight for every choice together with a supernet of all choices.
        "halving": random networks are trained, the better half of them twice as long, and so on; `steps` is the length of
        the longest training. "evolution": the supernet is trained along random paths, one module at each place and one
        candidate on each edge, and regularised evolution searches the network that does best with its weights.
    target : float, optional
        Cost of the networks that "halving" and "evolution" look at; by default the mean of all networks.
    tolerance : float
        Largest difference from it, relative to it; also that of the random networks of the baseline.
    halving : HalvingConfig
        Settings of the strategy "halving".
    evolution : EvolutionConfig
        Settings of the strategy "evolution".

    Raises
    ------
    ValueError
        For values outside their range.
    """

    widths: tuple[int, ...] = (16, 16, 24, 32)
    modules: tuple[int, ...] = (1, 1, 1, 2)
    nodes: int = 2
    stem: bool = True
    residual: bool = True
    mix_input: MixInput = "input"
    edge_weights: EdgeWeights = "softmax"
    derive: DeriveMode = "per_branch"
    exclude_none: bool = True
    crop: int = 64
    backgrounds: int = 2
    group_size: int = 2
    architecture_share: float = 0.5
    warmup: float = 0.2
    weight_optimizer: Literal["sgd", "adam"] = "adam"
    learning_rate: float = 2e-3
    weight_decay: float = 0.0
    architecture_rate: float = 1e-2
    architecture_decay: float = 0.0
    architecture_betas: tuple[float, float] = (0.5, 0.999)
    order: Literal["first", "second"] = "first"
    architecture_statistics: Literal["batch", "running"] = "batch"
    internal: float = 1.0
    internal_from: float = 0.025
    entropy: float = 0.01
    complexity: float = 0.01
    cost: CostKind = "macs"
    strategy: Literal["weights", "halving", "evolution"] = "weights"
    target: float | None = None
    tolerance: float = 0.02
    halving: HalvingConfig = field(default_factory=HalvingConfig)
    evolution: EvolutionConfig = field(default_factory=EvolutionConfig)

    def __post_init__(self) -> None:
        multiple = self.shape.multiple
        rules = {
            "crop": (self.crop >= 16 and self.crop % multiple == 0, f"a multiple of {multiple}, 16 or more"),
            "backgrounds": (self.backgrounds >= 1, "1 or more"),
            "group_size": (self.group_size >= 1, "1 or more"),
            "architecture_share": (0 < self.architecture_share < 1, "a share between 0 and 1"),
            "warmup": (0 <= self.warmup < 1, "a fraction from 0 to less than 1"),
            "internal_from": (0 <= self.internal_from <= 1, "a fraction from 0 to 1"),
            "learning_rate": (self.learning_rate > 0, "more than 0"),
            "architecture_rate": (self.architecture_rate > 0, "more than 0"),
            "target": (self.target is None or self.target > 0, "more than 0"),
        }
        rules |= {
            name: (getattr(self, name) >= 0, "0 or more")
            for name in ("weight_decay", "architecture_decay", "internal", "entropy", "complexity", "tolerance")
        }
        for name, (legal, range_) in rules.items():
            if not legal:
                raise ValueError(f"{name} {getattr(self, name)} is out of range; use {range_}")

    @property
    def names(self) -> tuple[str, ...]:
        """Candidates that may be chosen."""
        return tuple(name for name in candidate_names() if not (self.exclude_none and name == "none"))

    @property
    def shape(self) -> Shape:
        """What is not searched."""
        return Shape(self.widths, self.modules, self.nodes, self.stem)
