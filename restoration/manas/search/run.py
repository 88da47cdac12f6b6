"""From folders of pairs to a genotype."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import torch

from bsn.data import Missing, source_digest
from bsn.engine import LoopConfig, RunFolder, RunSettings, fit, plain, process_restored
from bsn.training import plain_read_settings, read_settings
from restoration.manas.genotype.genotype import Genotype
from restoration.manas.search.building import build_one_shot, build_search
from restoration.manas.search.config import SearchConfig
from restoration.manas.search.halving_run import HalvingSearch
from restoration.run import PairData, TrainingPairs, pair_settings, restore_pairs

__all__ = ["search"]


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
        ``genotype.svg`` its drawing; ``architecture.svg`` shows the current state of a search of weights. ``halving.csv`` and
        ``evolution.csv`` tell every network that was scored, and its score.
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
    ValueError
        If the settings do not fit together: a length in minutes, a strategy that cannot share devices.
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
    about = {**pair_settings(pairs), **plain_read_settings(how), "output": str(output), **plain(config)}
    settings = stored.again(about, about, loop, facts)
    if config.strategy == "halving":
        return HalvingSearch(source, folder, config, loop).run(settings, resume=resume)
    torch.manual_seed(loop.seed)
    build = build_search if config.strategy == "weights" else build_one_shot
    fit(build(source, config, loop), loop, folder, resume=resume, settings=settings)
    return Genotype.load(Path(output) / "genotype.json")
