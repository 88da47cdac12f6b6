"""Optimisers by name, and Muon for convolutions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, Protocol, get_args

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from bsn.engine.recording import record

__all__ = ["Muon", "OptimizerName", "OptimizerSettings", "make_optimizer", "orthogonalise"]

OptimizerName = Literal["muon", "adamw", "adam"]

_QUINTIC = (3.4445, -4.7750, 2.0315)  # steep at zero; five of them bring [0.002, 1] between 0.68 and 1.21
_ITERATIONS = 5
_STEP_OF_ADAM = 0.2  # root mean square of an element's step of AdamW, in learning rates (Liu et al. 2025)


class OptimizerSettings(Protocol):
    """Settings of every task that is trained by one optimiser."""

    @property
    def optimizer(self) -> str:
        """One of :data:`OptimizerName`."""

    @property
    def learning_rate(self) -> float:
        """Peak of the schedule."""

    @property
    def weight_decay(self) -> float:
        """Decoupled, but for "adam"."""

    @property
    def betas(self) -> tuple[float, float]:
        """Of Adam, also for what Muon leaves to it."""


def make_optimizer(settings: OptimizerSettings, modules: Iterable[nn.Module]) -> Optimizer:
    """Optimiser of all trained parameters of `modules`.

    Parameters
    ----------
    settings : OptimizerSettings
        The configuration of a task.
    modules : iterable of nn.Module
        Modules whose parameters are trained.

    Returns
    -------
    torch.optim.Optimizer

    Raises
    ------
    ValueError
        For an optimiser that does not exist.
    """
    modules = list(modules)
    trained = [p for module in modules for p in module.parameters() if p.requires_grad]
    values: dict[str, Any] = {
        "lr": settings.learning_rate,
        "betas": settings.betas,
        "weight_decay": settings.weight_decay,
    }
    if settings.optimizer == "muon":
        matrices = {id(weight) for module in modules for weight in _matrices(module)}
        return Muon(
            [p for p in trained if id(p) in matrices],
            [p for p in trained if id(p) not in matrices],
            **values,
        )
    kinds = {"adamw": torch.optim.AdamW, "adam": torch.optim.Adam}
    if settings.optimizer not in kinds:
        raise ValueError(f"there is no optimizer {settings.optimizer!r}; use {', '.join(get_args(OptimizerName))}")
    return kinds[settings.optimizer](trained, **values)


def _matrices(module: nn.Module) -> Iterable[Tensor]:
    """Weights that map channels to channels; not depthwise kernels, tables and scales."""
    for part in module.modules():
        weight = part._parameters.get("weight")
        if weight is not None and weight.ndim > 1 and min(weight.shape[:2]) > 1:
            yield weight


def _as_matrix(weight: Tensor) -> Tensor:
    return weight.reshape(len(weight), -1)


def orthogonalise(matrices: Tensor) -> Tensor:
    """Bring all singular values near one, by five Newton-Schulz iterations of a quintic.

    Parameters
    ----------
    matrices : Tensor
        (N, rows, columns), float32.

    Returns
    -------
    Tensor
        (N, rows, columns), of the same singular vectors; singular values above two thousandths of the matrix's norm lie
        between 0.68 and 1.21. A matrix of zeros stays one.

    References
    ----------
    Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024.
    """
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.mT if tall else matrices
    x = x / x.flatten(1).norm(dim=1).clamp_min(1e-7)[:, None, None]
    # Every iteration multiplies x from the left by a polynomial of its Gram matrix, which for a kernel is much smaller.
    gram = x @ x.mT
    identity = torch.eye(x.shape[1], dtype=x.dtype, device=x.device).expand_as(gram)
    product = identity
    a, b, c = _QUINTIC
    for _ in range(_ITERATIONS):
        factor = a * identity + torch.baddbmm(gram, gram, gram, beta=b, alpha=c)
        product = factor @ product
        gram = factor @ gram @ factor
    x = product @ x
    return x.mT if tall else x


class _Orthogonal:
    """Orthogonalised directions of weights, as long as a step of learning rate 1 / :data:`_STEP_OF_ADAM`.

    Matrices of one shape are orthogonalised together. On a GPU the many small products are recorded once and replayed.
    """

    def __init__(self, parameters: Sequence[Tensor]) -> None:
        self._shapes = [p.shape for p in parameters]
        alike: dict[torch.Size, list[int]] = defaultdict(list)
        for index, p in enumerate(parameters):
            alike[_as_matrix(p).shape].append(index)
        device = parameters[0].device
        self._stacks = [
            (torch.zeros(len(own), *shape, dtype=torch.float32, device=device), own) for shape, own in alike.items()
        ]
        self._directions = self._by_parameter(stack for stack, _ in self._stacks)
        self._recorded: tuple[Any, list[Tensor]] | None = None

    def _by_parameter(self, stacks: Iterable[Tensor]) -> list[Tensor]:
        """Views of the matrices in `stacks`, in the order and shapes of the parameters."""
        found = {
            index: matrix.view(self._shapes[index])
            for matrices, (_, own) in zip(stacks, self._stacks, strict=True)
            for matrix, index in zip(matrices, own, strict=True)
        }
        return [found[index] for index in range(len(found))]

    def fits(self, parameters: Sequence[Tensor]) -> bool:
        """Whether it was made for such weights."""
        return self._shapes == [p.shape for p in parameters]

    def __call__(self, directions: Sequence[Tensor]) -> list[Tensor]:
        """What to subtract from each weight; overwritten by the next call."""
        torch._foreach_copy_(self._directions, list(directions))
        if self._directions[0].device.type != "cuda" or torch.distributed.is_initialized():
            return self._compute()
        if self._recorded is None:
            self._recorded = record(self._compute)
        graph, updates = self._recorded
        graph.replay()
        return updates

    def _compute(self) -> list[Tensor]:
        return self._by_parameter(orthogonalise(stack) * max(stack.shape[1:]) ** 0.5 for stack, _ in self._stacks)


class Muon(Optimizer):
    """Muon for the weights that map channels to channels, AdamW for all others.

    The momentum of a weight is orthogonalised before it is applied, so that rare directions of the gradient move as far
    as frequent ones. A convolution's kernel (out, in, h, w) is a matrix (out, in h w). Steps have the size of AdamW's, and
    one learning rate serves both (Liu et al. 2025).

    Parameters
    ----------
    matrices, others : iterable of Tensor
        Parameters with at least two axes, and those for AdamW.
    lr : float
        Learning rate of both.
    betas : tuple of float
        Decay rates of AdamW's averages.
    momentum : float
        Nesterov momentum of the matrices.
    weight_decay : float
        Decoupled, for both.

    References
    ----------
    Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024. Liu et al., "Muon is scalable for LLM
    training", 2025.
    """

    def __init__(
        self,
        matrices: Iterable[Tensor],
        others: Iterable[Tensor] = (),
        *,
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.99),
        momentum: float = 0.95,
        weight_decay: float = 0.0,
    ) -> None:
        self._orthogonal: _Orthogonal | None = None
        settings = {"lr": lr, "betas": betas, "momentum": momentum, "weight_decay": weight_decay}
        groups = [{"params": list(matrices), "orthogonal": True}, {"params": list(others), "orthogonal": False}]
        super().__init__([group for group in groups if group["params"]], settings)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update the parameters once from their gradients.

        Parameters
        ----------
        closure : callable, optional
            Computes the loss, as torch's optimisers allow.

        Returns
        -------
        Any
            What the closure returns.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            parameters = [p for p in group["params"] if p.grad is not None]
            if parameters:
                torch._foreach_mul_(parameters, 1 - group["lr"] * group["weight_decay"])
                (self._step_matrices if group["orthogonal"] else self._step_adam)(parameters, group)
        return loss

    # All parameters of a group move in one launch per operation: on a GPU, launches would take longer than the arithmetic.

    def _step_matrices(self, parameters: list[Tensor], group: dict[str, Any]) -> None:
        gradients = [_gradient(p) for p in parameters]
        for p in parameters:
            if not self.state[p]:
                self.state[p]["momentum"] = torch.zeros_like(p)
        momenta = [self.state[p]["momentum"] for p in parameters]
        torch._foreach_lerp_(momenta, gradients, 1 - group["momentum"])
        directions = torch._foreach_lerp(gradients, momenta, group["momentum"])
        if self._orthogonal is None or not self._orthogonal.fits(parameters):
            self._orthogonal = _Orthogonal(parameters)
        torch._foreach_sub_(parameters, self._orthogonal(directions), alpha=group["lr"] * _STEP_OF_ADAM)

    def _step_adam(self, parameters: list[Tensor], group: dict[str, Any]) -> None:
        first, second = group["betas"]
        gradients = [_gradient(p) for p in parameters]
        for p in parameters:
            if not self.state[p]:
                self.state[p] |= {"step": 0, "mean": torch.zeros_like(p), "square": torch.zeros_like(p)}
            self.state[p]["step"] += 1
        steps = [self.state[p]["step"] for p in parameters]
        means = [self.state[p]["mean"] for p in parameters]
        squares = [self.state[p]["square"] for p in parameters]
        torch._foreach_lerp_(means, gradients, 1 - first)
        torch._foreach_lerp_(squares, torch._foreach_mul(gradients, gradients), 1 - second)
        scales = torch._foreach_sqrt(squares)
        torch._foreach_div_(scales, [(1 - second**step) ** 0.5 for step in steps])
        torch._foreach_add_(scales, 1e-8)
        torch._foreach_addcdiv_(parameters, means, scales, [-group["lr"] / (1 - first**step) for step in steps])


def _gradient(parameter: Tensor) -> Tensor:
    assert parameter.grad is not None  # `step` takes no others
    return parameter.grad
