"""Tasks of a search: a supernet, and both parts of the data."""

from __future__ import annotations

from collections.abc import Sequence

from bsn.data import DataError, GroupedCrops, MirroredSource, background_members
from bsn.engine import LoopConfig
from bsn.training import MendedSource, divide_groups
from restoration.manas.search.config import SearchConfig
from restoration.manas.search.one_shot import OneShotTask
from restoration.manas.search.supernet import Supernet
from restoration.manas.search.task import SearchTask
from restoration.run import TrainingPairs

__all__ = ["build_one_shot", "build_search", "halves"]


def build_search(source: TrainingPairs, config: SearchConfig, loop: LoopConfig) -> SearchTask:
    """Task of a search of weights.

    Parameters
    ----------
    source : PairSource or PackedPairs
        Opened pairs.
    config : SearchConfig
        Settings of the search.
    loop : LoopConfig
        Its seed and its number of steps.

    Raises
    ------
    DataError
        If fewer than two backgrounds have enough degraded images.
    """
    supernet, crops = _supernet(source, config), _crops(source, config, loop.seed)
    return SearchTask(supernet, crops, config, loop.length, _about(source, crops))


def build_one_shot(source: TrainingPairs, config: SearchConfig, loop: LoopConfig) -> OneShotTask:
    """Task of an evolution on the weights of a supernet.

    Parameters
    ----------
    source : PairSource or PackedPairs
        Opened pairs.
    config : SearchConfig
        Settings of the search.
    loop : LoopConfig
        Its seed and its number of steps.

    Raises
    ------
    DataError
        If fewer than two backgrounds have enough degraded images.
    ValueError
        For several devices: each step trains another part of the supernet.
    """
    if loop.devices * loop.num_nodes > 1:
        raise ValueError(
            f"{loop.devices * loop.num_nodes} devices: the strategy evolution trains one path a step, which processes cannot "
            "share; use one device"
        )
    supernet, crops = _supernet(source, config), _crops(source, config, loop.seed)
    return OneShotTask(supernet, crops, config, loop, _about(source, crops))


def _supernet(source: TrainingPairs, config: SearchConfig) -> Supernet:
    return Supernet(
        config.shape,
        channels=source.channels,
        mix_input=config.mix_input,
        edge_weights=config.edge_weights,
        residual=config.residual,
    )


def _crops(source: TrainingPairs, config: SearchConfig, seed: int) -> tuple[GroupedCrops, GroupedCrops]:
    mirrored = MirroredSource(MendedSource(source, "ignore"), config.crop)
    first, second = (
        GroupedCrops(mirrored, source.groups, config.crop, config.group_size, seed=seed + number, only=part)
        for number, part in enumerate(halves(source.groups, config.group_size, config.architecture_share, seed))
    )
    return first, second


def _about(source: TrainingPairs, crops: tuple[GroupedCrops, GroupedCrops]) -> dict[str, object]:
    return {"searched_pairs": len(source), "backgrounds": [len(part.members) for part in crops]}


def halves(groups: Sequence[str], count: int, share: float, seed: int) -> tuple[list[str], list[str]]:
    """Divide the backgrounds between weights and architecture.

    Parameters
    ----------
    groups : sequence of str
        Background of each pair.
    count : int
        Degraded images that a background needs; others are left out.
    share : float
        Share of the architecture.
    seed : int
        Seed of the division.

    Returns
    -------
    weights, architecture : list of str
        Backgrounds of each.

    Raises
    ------
    DataError
        If there are fewer than two backgrounds.
    """
    names = list(background_members(groups, count))
    if len(names) < 2:
        raise DataError(
            f"1 background with {count} degraded images",
            "weights and architecture are trained on different backgrounds",
            "give two or more",
        )
    return divide_groups(names, share, seed)
