"""Batches that are denoised, and trainings: begun, paused, resumed, cancelled."""

from __future__ import annotations

import asyncio
import itertools
import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bsn.app.bulletin import Bulletin
from bsn.app.items import Item
from bsn.app.jobs import ENDED, Job
from bsn.app.lane import Lane, OrderFailed
from bsn.app.names import free_name, safe_name
from bsn.app.settings import AppSettings
from bsn.app.shelf import Shelf, without_folder
from bsn.data import result_name, suffix_of
from bsn.data.errors import DataError, name_some
from bsn.data.files.listing import natural_key

__all__ = ["Workshop"]

_PREVIEW = re.compile(r"(before|step-\d{1,9})\.png")
_JPEG = (".jpg", ".jpeg")
_GRACE = 3.0  # seconds that denoising has to stop at the end of a plane


class Workshop:
    """Jobs by number.

    Parameters
    ----------
    settings : AppSettings
        Folders and limits.
    shelf : Shelf
        The images.
    work, runs : Lane
        Where images are denoised, and where networks are trained.
    bulletin : Bulletin
        Told of changes.
    find_model : callable
        Gives what a worker loads for a choice of the page, or raises :class:`DataError`.
    """

    def __init__(
        self,
        settings: AppSettings,
        shelf: Shelf,
        work: Lane,
        runs: Lane,
        bulletin: Bulletin,
        find_model: Callable[[str], str | None],
    ) -> None:
        self.settings, self.shelf, self.work, self.runs = settings, shelf, work, runs
        self.jobs: dict[int, Job] = {}
        self._bulletin, self._find_model = bulletin, find_model
        self._numbers = itertools.count(1)
        self._tasks: dict[int, asyncio.Task[None]] = {}
        shelf.is_used = self.uses

    def close(self) -> None:
        """Cancel the tasks that wait for the workers."""
        for task in self._tasks.values():
            task.cancel()

    def uses(self, number: int) -> bool:
        """Whether a job that goes on needs an image.

        Parameters
        ----------
        number : int
            Of the image.

        Returns
        -------
        bool
        """
        return any(number in job.items and job.state not in (*ENDED, "paused") for job in self.jobs.values())

    def job(self, number: int) -> Job:
        """Find a job.

        Parameters
        ----------
        number : int
            See :class:`Job`.

        Returns
        -------
        Job

        Raises
        ------
        KeyError
            There is none of that number.
        """
        return self.jobs[number]

    def _chosen(self, numbers: Sequence[int]) -> list[Item]:
        chosen = [self.shelf.items[number] for number in numbers if number in self.shelf.items]
        if not chosen:
            raise DataError("no images", "there is nothing to work on", "add images, or select some of the list")
        return chosen

    def denoise(self, numbers: Sequence[int], model: str = "auto", strength: float = 1.0, neighbours: int = 0) -> Job:
        """Denoise images, one after another.

        Parameters
        ----------
        numbers : sequence of int
            The images.
        model : str
            "auto", or the value of one of :meth:`models`.
        strength : float
            From 0 to 1.5, see :class:`bsn.inference.InferenceConfig`.
        neighbours : int
            Frames of a stack on each side that are averaged first.

        Returns
        -------
        Job

        Raises
        ------
        DataError
            There are no images, no such model, or a number is out of range.
        """
        if not 0 <= strength <= 1.5:
            raise DataError(f"strength {strength:g}", "it is out of range", "use 0 for the image itself, at most 1.5")
        if not 0 <= neighbours <= 16:
            raise DataError(f"neighbours {neighbours}", "it is out of range", "use 0 to 16")
        chosen, loaded = self._chosen(numbers), self._find_model(model)
        images = []
        for item in chosen:
            item.target = item.target or self._free_target(item)
            images.append(
                {"item": item.number, "path": str(item.path), "reading": item.reading, "target": str(item.target)}
            )
            item.work, item.failure, item.planes = "waiting", "", []
        order = {
            "images": images,
            "model": loaded,
            "strength": strength,
            "neighbours": neighbours,
            "limit": self.settings.decoded_limit,
        }
        what = chosen[0].name if len(chosen) == 1 else f"{len(chosen)} images"
        return self._begin(Job(next(self._numbers), "denoise", f"Denoise {what}", order, [i.number for i in chosen]))

    def _free_target(self, item: Item) -> Path:
        used = {other.target.name for other in self.shelf.items.values() if other.target is not None}
        folder = self.settings.results
        # JPEG stays JPEG, as people expect of a page: it is written at a quality that shows no loss.
        name = item.name if suffix_of(item.path) in _JPEG else result_name(item.path)
        return folder / free_name(name, lambda name: name in used or (folder / name).exists())

    def train(self, numbers: Sequence[int], *, minutes: float = 10.0, name: str = "", steps: int | None = None) -> Job:
        """Train on images.

        Parameters
        ----------
        numbers : sequence of int
            The images.
        minutes : float
            Length of the training.
        name : str
            Name of the run; that of the first image by default.
        steps : int, optional
            Length in steps instead.

        Returns
        -------
        Job

        Raises
        ------
        DataError
            There are no images, or the length is out of range.
        """
        if not 0 < minutes <= 7 * 24 * 60 or (steps is not None and steps < 1):
            raise DataError(f"{minutes:g} minutes", "it is out of range", "use more than 0 and at most a week")
        named = self._chosen(numbers)
        broken = [item.name for item in named if item.state == "broken"]
        chosen = self._chosen([item.number for item in named if item.state != "broken"])
        runs = self.settings.runs
        wanted = safe_name(name) if name.strip() else chosen[0].name.split(".")[0]
        taken = {Path(job.order["run"]).name for job in self.jobs.values() if job.kind == "train"}
        folder = runs / free_name(wanted, lambda name: name in taken or (runs / name).exists())
        order = {
            "images": [str(item.path) for item in chosen],
            "reading": chosen[0].reading,
            "limit": self.settings.decoded_limit,
            "run": str(folder),
            "minutes": minutes,
            "steps": steps,
        }
        job = Job(next(self._numbers), "train", f"Train “{folder.name}”", order, [item.number for item in chosen])
        if broken:
            job.said.append(f"left out, since they cannot be read: {name_some(broken)}")
        return self._begin(job)

    def find_paused(self) -> None:
        """Show the trainings that earlier sessions have paused."""
        runs = self.settings.runs
        for checkpoint in sorted(runs.glob("*/last.ckpt"), key=natural_key) if runs.is_dir() else []:
            folder = checkpoint.parent
            if not (folder / "final.safetensors").exists():
                order = {"images": [], "limit": self.settings.decoded_limit, "run": str(folder)}
                job = Job(next(self._numbers), "train", f"Train “{folder.name}”", order, state="paused")
                self.jobs[job.number] = job

    def _begin(self, job: Job) -> Job:
        self.jobs[job.number] = job
        job.state = "waiting"
        if job.kind == "train":
            job.order["previews"] = str(self.shelf.cache / f"job-{job.number}")
        self._tasks[job.number] = asyncio.create_task(self._run(job))
        self._bulletin.changed()
        return job

    async def _run(self, job: Job) -> None:
        lane, hear = (self.runs, job.hear) if job.kind == "train" else (self.work, self._hear_denoising)
        try:
            result = await lane.do(job.kind, job.order, self._starting(job, hear))
        except OrderFailed as failed:
            if job.state == "pausing":
                job.state = "paused"
            elif job.state != "cancelling":
                job.state, job.error = "failed", str(failed)
        else:
            stopped = result.get("paused") or result.get("stopped")
            if job.state != "cancelling":
                job.state = "paused" if stopped else "done"
            job.progress |= {name: value for name, value in result.items() if name in ("done", "failed", "steps")}
        self._settle_items(job)
        self._bulletin.changed()

    def _starting(self, job: Job, hear: Callable[[dict[str, Any]], None]) -> Callable[[dict[str, Any]], None]:
        """Note what a worker tells; the first word says that the job has left its queue."""

        def told(message: dict[str, Any]) -> None:
            if job.state == "waiting":
                job.state = "running"
            if "begun" not in message:
                hear(message)
            self._bulletin.changed()

        return told

    def _hear_denoising(self, told: dict[str, Any]) -> None:
        item = self.shelf.items.get(told["item"])
        if item is None:
            return
        if "done" in told:
            item.work, item.result, item.planes, item.failure = "done", told["done"], [], ""
            item.version += 1
        elif "failed" in told:
            item.work, item.planes, item.failure = "failed", [], without_folder(told["failed"], item.path)
        else:
            item.work, item.planes = "working", told.get("planes", [])

    def _settle_items(self, job: Job) -> None:
        """Images that a denoising job has not reached are as they were before."""
        if job.kind == "denoise":
            for item in (self.shelf.items[number] for number in job.items if number in self.shelf.items):
                if item.work in ("waiting", "working"):
                    item.work, item.planes = "done" if item.result is not None else "", []

    async def pause(self, number: int) -> None:
        """Pause a training: it writes a checkpoint and stops.

        Parameters
        ----------
        number : int
            See :class:`Job`.

        Raises
        ------
        DataError
            It is not running.
        """
        job = self.job(number)
        if job.kind != "train" or job.state not in ("running", "waiting"):
            raise DataError(job.title, f"it is {job.state}", "only a running training can be paused")
        waiting, job.state = job.state == "waiting", "pausing"
        self._bulletin.changed()
        if waiting:
            self._tasks[number].cancel()
            job.state = "paused"
        elif "step" in job.progress:
            await self.runs.stop()
        else:  # nothing is learned yet that a checkpoint could keep
            self.runs.kill()
        self._bulletin.changed()

    def resume(self, number: int) -> None:
        """Go on with a paused training.

        Parameters
        ----------
        number : int
            See :class:`Job`.

        Raises
        ------
        DataError
            It is not paused.
        """
        job = self.job(number)
        if job.state != "paused":
            raise DataError(job.title, f"it is {job.state}", "only a paused training can be resumed")
        job.error = ""
        self._begin(job)

    async def cancel(self, number: int) -> None:
        """End a job for good; the folder of an unfinished training is deleted, finished images stay.

        Parameters
        ----------
        number : int
            See :class:`Job`.
        """
        job = self.job(number)
        if job.state in (*ENDED, "cancelling"):
            return
        running, job.state = job.state in ("running", "pausing"), "cancelling"
        self._bulletin.changed()
        task = self._tasks.get(number)
        if job.kind == "denoise" and running and task is not None:
            await self.work.stop()
            await asyncio.wait([task], timeout=_GRACE)
        if task is not None and not task.done():
            task.cancel()  # kills the worker where the job has its turn
            await asyncio.wait([task])
        await asyncio.to_thread(self._clean_after, job)
        job.state = "cancelled"
        self._settle_items(job)
        self._bulletin.changed()

    def _clean_after(self, job: Job) -> None:
        if job.kind == "train":
            shutil.rmtree(job.order["run"], ignore_errors=True)
        elif self.settings.results.is_dir():
            for partial in self.settings.results.glob(".*.part"):
                partial.unlink(missing_ok=True)

    def forget(self, number: int) -> None:
        """Take an ended job off the list.

        Parameters
        ----------
        number : int
            See :class:`Job`.

        Raises
        ------
        DataError
            It has not ended.
        """
        job = self.job(number)
        if job.state not in ENDED:
            raise DataError(job.title, f"it is {job.state}", "cancel it first")
        del self.jobs[number]
        self._bulletin.changed()

    def preview_file(self, number: int, name: str) -> Path:
        """File of a picture of a training.

        Parameters
        ----------
        number : int
            See :class:`Job`.
        name : str
            "before.png" or "step-N.png".

        Returns
        -------
        Path

        Raises
        ------
        KeyError
            There is none.
        """
        path = Path(self.job(number).order.get("previews", "")) / name
        if not _PREVIEW.fullmatch(name) or not path.is_file():
            raise KeyError(name)
        return path
