"""From folders of pairs to a genotype."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import torch

from bsn.data import DataError, GroupedCrops, MirroredSource, Missing, background_members, source_digest
from bsn.engine import LoopConfig, RunFolder, RunSettings, fit, plain, process_restored
from bsn.training import MendedSource, divide_groups, plain_read_settings, read_settings
from restoration.manas.genotype.genotype import Genotype
from restoration.manas.search.config import SearchConfig
from restoration.manas.search.supernet import Supernet
from restoration.manas.search.task import SearchTask
from restoration.run import PairData, TrainingPairs, pair_settings, restore_pairs

__all__ = ["build_search", "halves", "search"]


@process_restored()
def search(
    pairs: PairData | TrainingPairs | None,
    output: str | Path,
    config: SearchConfig | None = None,
    loop: LoopConfig | None = None,
    *,
    axes: str | None = None,
    key: str | None = None,
    nan: Missing | None = None,
    value_range: tuple[float, float] | None = None,
    resume: bool = False,
) -> Genotype:
    """Search a network on pairs.

    Parameters
    ----------
    pairs : PairData, PairSource or PackedPairs
        Files of the pairs, or an opened source.
    output : str or Path
        Folder of the run; it must be new, or with `resume` hold a checkpoint. ``genotype.json`` in it is the result,
        ``genotype.svg`` its drawing; ``architecture.svg`` shows the current state of a running search.
    config : SearchConfig, optional
        Settings of the search.
    loop : LoopConfig, optional
        Its average of the weights is not used.
    axes, key, nan, value_range : optional
        How files are read, see :func:`restoration.train`.
    resume : bool
        Go on from the last checkpoint, with the settings of the run; the search ends in the same bits as one that was never
        stopped. Settings that are given nevertheless have to be the same; `pairs` is None for those of the run.

    Returns
    -------
    Genotype

    Raises
    ------
    DataError
        If pairs cannot be read, or too few backgrounds have enough degraded images.
    RunError, TrainingDiverged, Interrupted
        See :func:`bsn.engine.fit`.
    """
    folder = RunFolder(Path(output))
    if not resume:
        folder.check_free()
    stored = RunSettings.of_run(folder) if resume else RunSettings()
    loop = None if loop is None else dataclasses.replace(loop, ema=0.0)
    if resume:
        config, loop, pairs = (
            stored.restore(SearchConfig, config),
            stored.restore_loop(loop),
            restore_pairs(stored, pairs),
        )
    how = read_settings(stored, axes=axes, key=key, nan=nan, value_range=value_range)
    config = config or SearchConfig()
    loop = loop or LoopConfig(ema=0.0)
    assert pairs is not None
    if loop.minutes is not None:
        raise ValueError("the warm-up is a fraction of a known number of steps; give steps instead of minutes")
    source = pairs.open(how) if isinstance(pairs, PairData) else pairs
    facts = {"images": source_digest(source)}
    stored.check_images(facts["images"], None)
    torch.manual_seed(loop.seed)
    task = build_search(source, config, loop)
    about = {**pair_settings(pairs), **plain_read_settings(how), "output": str(output), **plain(config)}
    fit(task, loop, folder, resume=resume, settings=stored.again(about, about, loop, facts))
    return Genotype.load(Path(output) / "genotype.json")


def build_search(source: TrainingPairs, config: SearchConfig, loop: LoopConfig) -> SearchTask:
    """Task of a search: supernet, both halves of the data.

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
    supernet = Supernet(
        config.shape,
        channels=source.channels,
        mix_input=config.mix_input,
        edge_weights=config.edge_weights,
        residual=config.residual,
    )
    mirrored = MirroredSource(MendedSource(source, "ignore"), config.crop)
    parts = halves(source.groups, config.group_size, config.architecture_share, loop.seed)
    crops = [
        GroupedCrops(mirrored, source.groups, config.crop, config.group_size, seed=loop.seed + number, only=part)
        for number, part in enumerate(parts)
    ]
    about = {"searched_pairs": len(source), "backgrounds": [len(part.members) for part in crops]}
    return SearchTask(supernet, (crops[0], crops[1]), config, loop.length, about)


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
