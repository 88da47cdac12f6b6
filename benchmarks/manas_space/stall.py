"""How far the logits of the edges go with and without the published weight decay; the supernet's weights are held fast."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch

from benchmarks.manas_space.setting import LOOP, SEARCH, Images
from benchmarks.manas_space.why import PUBLISHED_DECAY, loss_of, warmed_up
from restoration.manas.search import build_search

WARM_UP, STEPS, RATE = 10, 40, 0.05


def compare(where: Images) -> dict[str, Any]:
    """Train the architecture alone, from the same start and on the same crops, with both decays."""
    torch.manual_seed(0)
    task = build_search(where.search.open(), SEARCH, replace(LOOP, steps=WARM_UP + STEPS))
    warmed_up(task, WARM_UP)
    architecture = task.supernet.architecture
    start = {name: value.clone() for name, value in architecture.state_dict().items()}
    found = {}
    for decay in (0.0, PUBLISHED_DECAY):
        architecture.load_state_dict(start)
        optimizer = torch.optim.Adam(
            architecture.parameters(), lr=RATE, betas=SEARCH.architecture_betas, weight_decay=decay
        )
        for step in range(STEPS):
            optimizer.zero_grad()
            loss_of(task, 1, step).backward()
            optimizer.step()
        beta = architecture.beta.detach()
        found[str(decay)] = {
            "largest_weight": float(beta.softmax(1).max(1).values.mean()),
            "largest_logit": float((beta - beta.mean(1, keepdim=True)).max(1).values.mean()),
        }
    return {"warm_up": WARM_UP, "steps": STEPS, "rate": RATE, "decay": found}
