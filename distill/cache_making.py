"""Making a cache of teacher images: in parts, on several devices, continued after an interruption."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bsn.data import (
    DataError,
    ImageSource,
    PlaneSource,
    ReadOptions,
    atomic_output,
    check_target,
    reading,
    reading_attributes,
    writing,
)
from bsn.engine import keep_freed_memory
from bsn.inference import Filled
from bsn.models import OutlierTreatment
from bsn.training import MendedSource
from distill.cache import FORMAT, FORMAT_VERSION, TeacherCache
from distill.fingerprint import Fingerprint
from distill.teacher import Teacher

__all__ = ["make_cache"]

_CHUNK = 128
Progress = Callable[[int, int], None]


def make_cache(
    teacher: Teacher,
    source: ImageSource,
    path: str | Path,
    *,
    outliers: OutlierTreatment = "keep",
    devices: Sequence[str] = ("auto",),
    rebuild: bool = False,
    progress: Progress = lambda done, total: None,
) -> TeacherCache:
    """Answer every image once, or open the cache where that was done before.

    Parameters
    ----------
    teacher : Teacher
        Teacher that answers the images.
    source : ImageSource
        Noisy images.
    path : str or Path
        The HDF5 file. ``<path>.parts`` holds what is finished until all is.
    outliers : {"keep", "repair", "ignore"}
        "ignore" shows the teacher outliers of the images; otherwise it sees their surroundings in their place, as it does of
        missing pixels.
    devices : sequence of str
        One process for each; one device works in this process.
    rebuild : bool
        Throw away what was made of another teacher, other options or other images.
    progress : callable
        Called as ``progress(done, total)`` after each image.

    Returns
    -------
    TeacherCache

    Raises
    ------
    DataError
        The cache is stale (the message says what changed) or damaged, the channels do not fit, the disk is full.
    """
    path = Path(path)
    if teacher.channels != source.channels:
        raise DataError(
            f"images with {source.channels} channel{'s' * (source.channels != 1)}",
            f"the teacher denoises images of {teacher.channels}",
            "use a teacher trained on such images",
        )
    seen = MendedSource(source, outliers)
    wanted = Fingerprint.of(teacher, seen)
    parts = path.with_name(path.name + ".parts")
    if rebuild:
        path.unlink(missing_ok=True)
        shutil.rmtree(parts, ignore_errors=True)
    if path.exists():
        cache = TeacherCache(path)
        _check_fresh(path, cache.fingerprint, wanted)
        progress(len(source), len(source))
        return cache
    check_target(path, overwrite=False)
    _prepare(parts, wanted, path)
    _answer_all(teacher, seen, parts, devices, progress)
    with atomic_output(path) as temporary, writing(path):
        _assemble(teacher, source, parts, wanted, temporary)
    shutil.rmtree(parts, ignore_errors=True)
    return TeacherCache(path)


def _check_fresh(path: Path, found: Fingerprint, wanted: Fingerprint) -> None:
    changed = found.differences(wanted)
    if changed:
        raise DataError(
            str(path),
            f"is stale: it was made with other {' and other '.join(changed)}",
            "make it anew with --rebuild, or name another cache",
        )


def _prepare(parts: Path, wanted: Fingerprint, path: Path) -> None:
    """Folder of the parts, new or of the same fingerprint."""
    note = parts / "fingerprint.json"
    if note.is_file():
        with reading(note, "delete its folder"):
            found = Fingerprint(**json.loads(note.read_text(encoding="utf-8")))
        _check_fresh(parts, found, wanted)
        return
    with writing(path):
        parts.mkdir(exist_ok=True)
        with atomic_output(note, overwrite=True) as temporary:
            temporary.write_text(json.dumps(dataclasses.asdict(wanted)), encoding="utf-8")


def _part(parts: Path, index: int) -> Path:
    return parts / f"{index:06d}.h5"


def _answer_all(
    teacher: Teacher, source: MendedSource, parts: Path, devices: Sequence[str], progress: Progress
) -> None:
    total = len(source)
    missing = [index for index in range(total) if not _part(parts, index).exists()]
    if len(devices) == 1 or len(missing) < 2:
        local = teacher.on(devices[0])
        for index in missing:
            _answer_one(local, source, index, _part(parts, index))
            progress(sum(_part(parts, i).exists() for i in range(total)), total)
        return
    shares = [missing[rank :: len(devices)] for rank in range(len(devices))]
    jobs = [(teacher.on("cpu"), source, parts, device, share) for device, share in zip(devices, shares, strict=True)]
    _in_processes(jobs, lambda: progress(sum(_part(parts, i).exists() for i in range(total)), total))


def _in_processes(jobs: Sequence[tuple[Any, ...]], tick: Callable[[], None]) -> None:
    """Run :func:`_work` on each job in a process of its own."""
    import multiprocessing

    context = multiprocessing.get_context("spawn")
    errors = context.SimpleQueue()
    threads = max(1, torch.get_num_threads() // len(jobs))
    workers = [context.Process(target=_work, args=(errors, threads, *job), daemon=True) for job in jobs]
    for worker in workers:
        worker.start()
    while any(worker.is_alive() for worker in workers):
        workers[0].join(0.2)
        tick()
        for worker in workers[1:]:
            worker.join(0.2)
    if not errors.empty():
        raise DataError(*errors.get())
    if any(worker.exitcode for worker in workers):
        raise RuntimeError("a process that asks the teacher died; start again (finished images are kept)")


def _work(
    errors: Any, threads: int, teacher: Teacher, source: MendedSource, parts: Path, device: str, share: Sequence[int]
) -> None:
    torch.set_num_threads(threads)
    if device == "cpu":
        keep_freed_memory()  # the process is our own
    try:
        local = teacher.on(device)
        for index in share:
            _answer_one(local, source, index, _part(parts, index))
    except (ValueError, OSError, RuntimeError) as error:
        fields = (
            (error.given, error.why, error.remedy)
            if isinstance(error, DataError)
            else (f"device {device}", str(error), "start again, what is finished is kept")
        )
        errors.put(fields)


def _answer_one(teacher: Teacher, source: MendedSource, index: int, path: Path) -> None:
    """Write the answer to one image, shape (layers * C, H, W), whole or not at all."""
    import h5py

    height, width = source.size(index)
    channels = source.channels

    def read(top: int, left: int, rows: int, columns: int) -> Tensor:
        region = source.crop(index, top, left, rows, columns)
        if not np.isfinite(region).all():
            raise DataError(source.name(index), "has pixels that are not numbers", "leave it out or repair it")
        return torch.from_numpy(region)[None]

    def missing(top: int, left: int, rows: int, columns: int) -> np.ndarray:
        return ~source.counted(index, top, left, rows, columns)[None]

    with atomic_output(path, overwrite=True) as temporary, writing(path), h5py.File(temporary, "w") as file:
        shape = (teacher.layers * channels, height, width)
        chunks = (shape[0], min(_CHUNK, height), min(_CHUNK, width))
        target = file.create_dataset("answer", shape, np.float32, chunks=chunks)
        for layer, top, rows in teacher.answer(Filled(read, missing), (height, width), index):
            if not bool(torch.isfinite(rows).all()):
                raise DataError(
                    source.name(index), "makes the teacher give values that are not numbers", "leave it out"
                )
            target[layer * channels : (layer + 1) * channels, top : top + rows.shape[1]] = rows.numpy()


def _assemble(teacher: Teacher, source: ImageSource, parts: Path, wanted: Fingerprint, temporary: Path) -> None:
    """One file of all parts and the noisy images."""
    import h5py

    with h5py.File(temporary, "w") as file:
        missing = False
        for index in range(len(source)):
            with reading(_part(parts, index), "delete it and start again"), h5py.File(_part(parts, index), "r") as part:
                part.copy("answer", file, f"answers/{index:06d}")
            missing |= _copy_noisy(file, source, index)
        file.attrs.update({"format": FORMAT, "format_version": FORMAT_VERSION, "count": len(source)})
        file.attrs.update({"channels": source.channels, "targets": teacher.layers - teacher.gives_spread})
        file.attrs.update({"spread": int(teacher.gives_spread), "blind": int(teacher.blind)})
        how = source.options if isinstance(source, PlaneSource) else ReadOptions()
        file.attrs.update(reading_attributes(how, missing=missing))
        file.attrs["fingerprint"] = json.dumps(dataclasses.asdict(wanted))
        file.attrs["scale"] = json.dumps(dataclasses.asdict(teacher.scale))
        file.attrs["about"] = json.dumps({**teacher.about, "inference": teacher.options()})


def _copy_noisy(file: Any, source: ImageSource, index: int) -> bool:
    """Copy a noisy image; tells whether pixels are missing."""
    height, width = source.size(index)
    chunks = (source.channels, min(_CHUNK, height), min(_CHUNK, width))
    cut, dtype = (source.native, source.dtype) if isinstance(source, PlaneSource) else (source.crop, np.float32)
    dataset = file.create_dataset(f"noisy/{index:06d}", (source.channels, height, width), dtype, chunks=chunks)
    dataset.attrs["name"] = source.name(index)
    missing = False
    for top in range(0, height, _CHUNK):
        rows = min(_CHUNK, height - top)
        band = cut(index, top, 0, rows, width)
        missing |= not np.isfinite(band).all()
        dataset[:, top : top + rows] = band
    return missing
