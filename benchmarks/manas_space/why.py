"""Why the weights on the edges stay equal: the gradients that reach the logits, and how alike the candidates are."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from statistics import fmean
from typing import Any

import torch
from torch import Tensor

from benchmarks.manas_space.setting import LOOP, SEARCH, Images
from restoration.manas.search import SearchTask, Supernet, build_search
from restoration.manas.search.losses import mean_entropy, search_loss

WARM_UP = 40
BATCHES = 24
PUBLISHED_DECAY, LOGIT = 1e-3, 0.1


def explain(where: Images) -> dict[str, Any]:
    """Numbers of a supernet whose weights were trained alone, at the start of the architecture's training."""
    torch.manual_seed(0)
    task = build_search(where.search.open(), SEARCH, replace(LOOP, steps=WARM_UP + BATCHES))
    net, architecture = task.supernet, task.supernet.architecture
    warmed_up(task, WARM_UP)
    found: dict[str, list[Tensor]] = {"alpha": [], "beta": []}
    for step in range(BATCHES):
        gradients = torch.autograd.grad(loss_of(task, 1, step), [architecture.alpha, architecture.beta])
        for name, gradient in zip(found, gradients, strict=True):
            found[name].append(gradient)
    decay = PUBLISHED_DECAY * LOGIT
    regular = 0.01 * (mean_entropy(architecture.alpha) + mean_entropy(architecture.beta))
    cost = 0.01 * task.costs.relative(*architecture.probabilities())
    terms = {
        name: _size(torch.autograd.grad(value, architecture.beta)[0])
        for name, value in (("entropy", regular), ("complexity", cost))
    }
    return {
        "warm_up": WARM_UP,
        "batches": BATCHES,
        "modules": _noise(torch.stack(found["alpha"])),
        "edges": _noise(torch.stack(found["beta"])),
        "edge_gradient_of_other_terms": {**terms, "decay": decay},
        "candidates": _alike(task, net),
    }


def warmed_up(task: SearchTask, steps: int) -> None:
    """Train the weights of the supernet for some steps, then hold them fast."""
    body = task.supernet.body
    optimizer = torch.optim.Adam(body.parameters(), lr=SEARCH.learning_rate)
    for step in range(steps):
        optimizer.zero_grad()
        loss_of(task, 0, step).backward()
        torch.nn.utils.clip_grad_norm_(body.parameters(), 5.0)
        optimizer.step()
    body.requires_grad_(False)


def loss_of(task: SearchTask, half: int, step: int) -> Tensor:
    """Loss of the search on a batch of the weights' half of the data (0) or the architecture's (1)."""
    batch = task.halves[half].batch(step, SEARCH.backgrounds)
    assert batch.targets is not None
    task.supernet.train()
    outputs = task.supernet(torch.from_numpy(batch.pixels))
    return search_loss(outputs, torch.from_numpy(batch.targets), SEARCH.group_size, internal=1.0)


def _size(values: Tensor) -> float:
    return float(values.abs().median())


def _noise(gradients: Tensor) -> dict[str, float]:
    """Signal and noise of the gradients (batches, rows, choices) of one step; what half of the batches say of the other."""
    mean, spread = gradients.mean(0), gradients.std(0)
    first, second = gradients[::2].mean(0), gradients[1::2].mean(0)
    centred = [(half - half.mean(1, keepdim=True)).flatten() for half in (first, second)]
    return {
        "mean": _size(mean),
        "spread_between_batches": _size(spread),
        "signal_to_noise": float((mean.abs() / spread).median()),
        "beyond_two_standard_errors": float((mean.abs() > 2 * spread / len(gradients) ** 0.5).float().mean()),
        "same_best_choice_in_both_halves": float((first.argmin(1) == second.argmin(1)).float().mean()),
        "choices": gradients.shape[2],
        "correlation_of_halves": float(torch.corrcoef(torch.stack(centred))[0, 1]),
    }


@torch.no_grad()
def _alike(task: SearchTask, net: Supernet) -> dict[str, Any]:
    """Cosine between the outputs of two candidates of an edge, mean over edges; constant parts count, as in the sum."""
    outputs: dict[tuple[int, str], Tensor] = {}
    handles = []
    edges = [edge for blocks in net.body.attention for block in blocks.children() for edge in block.edges]
    for number, edge in enumerate(edges):
        for name, module in edge.candidates.items():
            handles.append(
                module.register_forward_hook(
                    lambda m, given, result, key=(number, name): outputs.__setitem__(key, result.flatten())
                )
            )
    loss_of(task, 1, 0)
    for handle in handles:
        handle.remove()
    names = sorted({name for _, name in outputs})
    cosines = {
        (a, b): fmean(
            float(torch.cosine_similarity(outputs[number, a], outputs[number, b], 0)) for number in range(len(edges))
        )
        for a, b in combinations(names, 2)
    }
    closest, farthest = max(cosines, key=cosines.__getitem__), min(cosines, key=cosines.__getitem__)
    return {
        "mean_cosine": fmean(cosines.values()),
        "least": {"names": farthest, "cosine": cosines[farthest]},
        "most": {"names": closest, "cosine": cosines[closest]},
    }
