"""From folders of pairs to a trained model."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from bsn.data import (
    CropBatch,
    Missing,
    PackedPairs,
    Pair,
    PairSource,
    ReadOptions,
    check_no_leak,
    find_pairs,
    is_packed,
    source_digest,
    subset,
)
from bsn.engine import (
    FitResult,
    LoopConfig,
    RunError,
    RunFolder,
    RunSettings,
    fit,
    named_images,
    plain,
    process_restored,
)
from bsn.evaluation import ImagePair, Validation, get_protocol
from bsn.models import TrainingValues
from bsn.training import (
    Batches,
    MendedSource,
    held_back_groups,
    image_pairs,
    plain_read_settings,
    read_settings,
    values_of,
)
from restoration.config import RestoreConfig
from restoration.damage import CleanData, CleanSource, FixedDamage, MadeBatches, validation_pairs
from restoration.damage.settings import clean_settings, restore_clean
from restoration.starting import starting_network
from restoration.task import PairBatches, RestorationTask

__all__ = ["PairData", "TrainingPairs", "ValidationData", "build_task", "train"]

TrainingPairs = PairSource | PackedPairs
Watched = PairSource | CleanSource

_IN_PROVENANCE = ("crop", "batch_size", "optimizer", "learning_rate", "weight_decay")


@dataclass(frozen=True)
class PairData:
    r"""Where pairs lie, and how they find each other.

    Parameters
    ----------
    degraded : list of str
        Files, folders or patterns of degraded images; a file of ``bsn restore pack``; or the root of a set with a layout.
    clean : list of str, optional
        Clean images.
    layout : str
        See :mod:`bsn.data.pairs.rules`: auto, names, rain100, rain200, rain800, did, rain13k, spa, snow100k, rain1400.
    pattern : str, optional
        Regular expression for the stem of a degraded file; `clean_name` makes the stem of its partner of the groups.
    clean_name : str
        Name of the clean image, for example ``\1``, the first group.
    group_pattern : str, optional
        Its first group, found in the stem, names the background, for several degraded images of one.
    """

    degraded: list[str]
    clean: list[str] | None = None
    layout: str = "auto"
    pattern: str | None = None
    clean_name: str = r"\1"
    group_pattern: str | None = None

    def pairs(self) -> list[Pair]:
        """Pairs of files.

        Raises
        ------
        DataError
            See :func:`bsn.data.find_pairs`.
        """
        rooted = self.clean is None and len(self.degraded) == 1
        return find_pairs(
            self.degraded[0] if rooted else list(self.degraded),
            None if self.clean is None else list(self.clean),
            layout=self.layout,
            pattern=self.pattern,
            clean_name=self.clean_name,
            group_pattern=self.group_pattern,
        )

    def open(self, options: ReadOptions | None = None) -> TrainingPairs:
        """Source of the pairs; bad ones are all refused here, before anything starts.

        Parameters
        ----------
        options : ReadOptions, optional
            How all files are read.

        Returns
        -------
        PairSource or PackedPairs

        Raises
        ------
        DataError
        """
        single = Path(self.degraded[0])
        if len(self.degraded) == 1 and is_packed(single):
            return PackedPairs(single, options)
        return PairSource(self.pairs(), options)


@dataclass(frozen=True)
class ValidationData:
    """Optional pairs to watch while training.

    Parameters
    ----------
    degraded : str, optional
        Folder of degraded images.
    clean : str, optional
        Folder of the true images. Alone, where tasks are named: clean images on which fixed pairs are made.
    layout : str
        Name of a layout, see :class:`PairData`.
    protocol : str
        See :mod:`bsn.evaluation`.
    """

    degraded: str | None = None
    clean: str | None = None
    layout: str = "auto"
    protocol: str = "y"

    def __post_init__(self) -> None:
        get_protocol(self.protocol)


@process_restored()
def train(
    pairs: PairData | TrainingPairs | CleanData | CleanSource | None,
    output: str | Path,
    config: RestoreConfig | None = None,
    loop: LoopConfig | None = None,
    *,
    axes: str | None = None,
    key: str | None = None,
    nan: Missing | None = None,
    value_range: tuple[float, float] | None = None,
    validate: ValidationData | None = None,
    resume: bool = False,
) -> FitResult:
    """Train a restoration network on pairs, or on clean images on which the pairs are made.

    Parameters
    ----------
    pairs : PairData, PairSource, PackedPairs, CleanData or CleanSource
        Files of the pairs, or an opened source; clean images with the tasks that are made on them.
    output : str or Path
        Folder of the run; it must be new, or with `resume` hold a checkpoint. The model is ``final.safetensors`` in it.
    config : RestoreConfig, optional
        Network, loss and crops; those of the run if it is resumed.
    loop : LoopConfig, optional
        Length, learning rate, precision and the like; those of the run if it is resumed.
    axes, key, nan, value_range : optional
        How files are read, see :class:`bsn.data.ReadOptions`; as in the run if it is resumed. Not for a source that is open
        already. Missing pixels that are kept are filled for the network, and enter neither the loss nor a score.
    validate : ValidationData, optional
        Validation pairs; by default some backgrounds are held back. With tasks, a clean folder alone gives fixed pairs of
        each task.
    resume : bool
        Go on from the last checkpoint, with the settings of the run. Settings that are given nevertheless have to be the same,
        but for the number of steps, which may grow; `pairs` is None for those of the run.

    Returns
    -------
    FitResult

    Raises
    ------
    ValueError
        Without images, with settings that exclude each other, or for a blind-spot network.
    DataError
        If pairs cannot be read or do not fit together, or a validation background is trained on.
    RunError, TrainingDiverged, Interrupted
        See :func:`bsn.engine.fit`.
    """
    if pairs is None and not resume:
        raise ValueError(
            "no images were given, and only a run that is resumed has its own; give pairs, or clean images with tasks"
        )
    folder = RunFolder(Path(output))
    if not resume:
        folder.check_free()
    stored = RunSettings.of_run(folder) if resume else RunSettings()
    if resume:
        config, loop = stored.restore(RestoreConfig, config), stored.restore_loop(loop)
        pairs, validate = _restore_images(stored, pairs), stored.restore(ValidationData, validate, at="validate")
    how = read_settings(stored, axes=axes, key=key, nan=nan, value_range=value_range)
    config, loop, validate = config or RestoreConfig(), loop or LoopConfig(), validate or ValidationData()
    assert pairs is not None
    if config.progressive_crops and loop.minutes is not None:
        raise ValueError(
            "progressive crops begin at fractions of a known number of steps; give steps instead of minutes"
        )
    source = pairs.open(how) if isinstance(pairs, (PairData, CleanData)) else pairs
    facts = {"images": source_digest(source.images if isinstance(source, CleanSource) else source)}
    stored.check_images(facts["images"], None)
    watched = _open_watched(source, validate, how)
    torch.manual_seed(loop.seed)
    task = build_task(source, config, loop, watched=watched, protocol=validate.protocol)
    about = clean_settings(pairs) if isinstance(pairs, (CleanData, CleanSource)) else pair_settings(pairs)
    about |= {**plain_read_settings(how), "output": str(output), "validate": plain(validate)}
    settings = stored.again({**about, **plain(task.config)}, {**about, **plain(config)}, loop, facts)
    return fit(task, loop, folder, resume=resume, settings=settings)


def _restore_images(
    stored: RunSettings, given: PairData | TrainingPairs | CleanData | CleanSource | None
) -> PairData | TrainingPairs | CleanData | CleanSource:
    """Images of a resumed run, which goes on with pairs, or with clean images, as it began."""
    tasks, clean = stored.settled.get("tasks"), isinstance(given, (CleanData, CleanSource))
    if given is not None and stored.settled and clean != bool(tasks):
        own = f"makes its pairs by the tasks {', '.join(tasks)}" if tasks else "was trained on pairs, without tasks"
        raise RunError(f"the run {own}, and something else is given now; leave the images out, or start anew")
    if isinstance(given, (CleanData, CleanSource)) or tasks:
        return restore_clean(stored, given if isinstance(given, (CleanData, CleanSource)) else None)
    return restore_pairs(stored, given)


def _open_watched(source: TrainingPairs | CleanSource, validate: ValidationData, how: ReadOptions) -> Watched | None:
    """Validation images that were named; a background that is trained on is refused."""
    if validate.degraded is None and validate.clean is None:
        return None
    watched: Watched
    if validate.degraded is not None:
        clean = None if validate.clean is None else [validate.clean]
        watched = PairSource(PairData([validate.degraded], clean, validate.layout).pairs(), how)
    elif isinstance(source, CleanSource) and validate.clean is not None:
        watched = CleanData([validate.clean], source.tasks).open(how)
    else:
        raise ValueError("validation needs degraded images too; give --validate.degraded")
    if isinstance(source, (PairSource, CleanSource)):
        check_no_leak(source.pairs, watched.pairs, how)
    return watched


def pair_settings(pairs: PairData | TrainingPairs) -> dict[str, Any]:
    """Where the pairs of a run lie, as its config.yaml says it; nothing for a source that was opened already.

    Parameters
    ----------
    pairs : PairData or TrainingPairs
        Files and folders, or an opened source.

    Returns
    -------
    dict of str to Any
    """
    if not isinstance(pairs, PairData):
        return {"degraded": [], "clean": None}
    return {**plain(pairs), **_named(pairs.degraded, pairs.clean)}


def restore_pairs(stored: RunSettings, given: PairData | TrainingPairs | None) -> PairData | TrainingPairs:
    """Pairs of a resumed run: those given, which are to be those of the run, or else its own. They may lie elsewhere.

    Parameters
    ----------
    stored : RunSettings
        Settings of the run.
    given : PairData, PairSource or PackedPairs, optional
        What the caller gives now; None takes the pairs of the run.

    Returns
    -------
    PairData, PairSource or PackedPairs

    Raises
    ------
    RunError
        If other files are given, or none where the run had none of its own.
    """
    if given is not None and not isinstance(given, PairData):
        return given
    if given is not None and given.degraded:
        # They may have moved: whether they are the same is seen by their content, see `RunSettings.check_images`.
        stored.restore_images(given.degraded, "degraded", moved=True)
        clean = stored.restore_images(given.clean, "clean", moved=True) if stored.settled.get("clean") else given.clean
        named = _named(given.degraded, clean)
        return stored.restore(PairData, dataclasses.replace(given, **named), free=named)
    stored.restore_images(None, "degraded")
    return stored.restore(PairData, None)


def _named(degraded: Sequence[str], clean: Sequence[str] | None) -> dict[str, Any]:
    return {"degraded": named_images(degraded), "clean": named_images(clean) or None}


def build_task(
    source: TrainingPairs | CleanSource,
    config: RestoreConfig,
    loop: LoopConfig,
    *,
    watched: Watched | None = None,
    protocol: str = "y",
    held: Sequence[int] | None = None,
) -> RestorationTask:
    """Task of a run: network, crops, validation.

    Parameters
    ----------
    source : PairSource, PackedPairs or CleanSource
        Opened pairs, or clean images on which they are made.
    config : RestoreConfig
        Settings of the training.
    loop : LoopConfig
        Its seed and its number of steps.
    watched : PairSource or CleanSource, optional
        Validation pairs, or clean images on which they are made; by default some backgrounds of `source` are held back.
    protocol : str
        Name of the protocol that scores the validation.
    held : sequence of int, optional
        Pairs of `source` that are held back for it; by default chosen by the seed.

    Returns
    -------
    RestorationTask

    Raises
    ------
    ValueError
        For a network that cannot be trained on these pairs, see :func:`restoration.starting.starting_network`.
    """
    if held is None:
        held = [] if watched is not None else held_back_groups(source.groups, config.validation_images, loop.seed)
    kept = sorted(set(range(len(source))) - set(held))
    shown = (
        _validation(source, held, config.validation_crop)
        if watched is None
        else _validation(watched, range(len(watched)), config.validation_crop)
    )
    network, began = starting_network(config, source.channels)
    provenance: dict[str, Any] = {**began, "training_pairs": len(kept), "image_dtype": str(source.dtype)}
    provenance |= {name: getattr(config, name) for name in _IN_PROVENANCE}
    validation = Validation(shown, get_protocol(protocol))
    batches, values = _training(source, kept, config, loop)
    if isinstance(source, CleanSource):
        provenance |= {"tasks": list(source.tasks), "mixed": source.mixed, "untouched": source.untouched}
        provenance |= {"trained_for": source.purpose}
        provenance["validation_degraded"] = validation.untouched()
    return RestorationTask(network, batches, config, validation, provenance, values)


def _training(
    source: TrainingPairs | CleanSource, kept: Sequence[int], config: RestoreConfig, loop: LoopConfig
) -> tuple[Batches[CropBatch], TrainingValues | None]:
    """Crops to train on, and the values of the degraded images."""
    if isinstance(source, CleanSource):
        images = subset(MendedSource(source.images, "ignore"), kept)
        made = MadeBatches(images, config, loop.length, loop.seed, source.mixture)
        return made.batch, values_of(FixedDamage(subset(source.images, kept), source.mixture))
    backgrounds = source.groups
    groups = [backgrounds[index] for index in kept]
    pairs = PairBatches(subset(MendedSource(source, "ignore"), kept), config, loop.length, loop.seed, groups)
    return pairs.batch, values_of(subset(source, kept))


def _validation(source: TrainingPairs | CleanSource, indices: Sequence[int], crop: int) -> list[ImagePair]:
    if isinstance(source, CleanSource):
        return validation_pairs(source.images, indices, crop, source.mixture)
    return image_pairs(source, indices, crop)
