"""The images on the page: added, measured, looked at, removed."""

from __future__ import annotations

import asyncio
import itertools
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bsn.app.bulletin import Bulletin
from bsn.app.items import Item
from bsn.app.lane import Lane, OrderFailed
from bsn.app.places import list_folder
from bsn.app.settings import AppSettings
from bsn.data.errors import DataError, name_some
from bsn.data.files.listing import natural_key

__all__ = ["Shelf", "without_folder"]

_MOST_ITEMS = 2000
_MEASURED_AT_ONCE = 12  # images of a folder
_KEPT_PICTURES = 48
_LOOK_SECONDS = 120.0  # that a file may take to be opened and shown
_KINDS = ("before.png", "after.png", "removed.png")


class Shelf:
    """Images by number.

    Parameters
    ----------
    settings : AppSettings
        Folders and limits.
    look, work : Lane
        Where pictures are made, and where images are measured.
    bulletin : Bulletin
        Told of changes.
    cache : Path
        Folder for pictures.
    """

    def __init__(self, settings: AppSettings, look: Lane, work: Lane, bulletin: Bulletin, cache: Path) -> None:
        self.settings, self.look, self.work, self.cache = settings, look, work, cache
        self.items: dict[int, Item] = {}
        self._bulletin = bulletin
        self._numbers = itertools.count(1)
        self._tasks: set[asyncio.Task[None]] = set()
        self._pictures: dict[str, asyncio.Task[dict[str, Any]]] = {}
        self.is_used: Callable[[int], bool] = lambda number: False

    def close(self) -> None:
        """Cancel the measurements and the drawing that still go on."""
        for task in [*self._tasks, *self._pictures.values()]:
            task.cancel()

    def find_uploads(self) -> None:
        """Show what was dropped into the page in earlier sessions."""
        if self.settings.uploads.is_dir():
            for path in sorted(self.settings.uploads.iterdir(), key=natural_key):
                if path.name.startswith("."):
                    path.unlink()  # of an upload that was never finished
                elif path.is_file():
                    self._add(Item(next(self._numbers), path, uploaded=True), measure=True)

    def _add(self, item: Item, *, measure: bool) -> Item:
        if len(self.items) >= _MOST_ITEMS:
            raise DataError(
                f"more than {_MOST_ITEMS} images", "the page does not show so many", "use bsn denoise for such folders"
            )
        self.items[item.number] = item
        item.state = "unmeasured"
        if measure:
            self.measure(item)
        self._bulletin.changed()
        return item

    def item(self, number: int) -> Item:
        """Find an image.

        Parameters
        ----------
        number : int
            See :class:`Item`.

        Returns
        -------
        Item

        Raises
        ------
        KeyError
            There is none of that number.
        """
        return self.items[number]

    async def check(self, path: Path, name: str) -> None:
        """Refuse a file that is no image, or too large when it is decoded, before anything of it is decoded.

        Parameters
        ----------
        path : Path
            The file.
        name : str
            What it is called in messages.

        Raises
        ------
        OrderFailed
        """
        try:
            await self.look.do(
                "gauge", {"path": str(path), "limit": self.settings.decoded_limit}, seconds=_LOOK_SECONDS
            )
        except OrderFailed as failed:
            raise OrderFailed(str(failed).replace(str(path), name).replace(path.name, name)) from None

    def add_upload(self, path: Path) -> Item:
        """Show a file that was uploaded.

        Parameters
        ----------
        path : Path
            In the folder of uploads.

        Returns
        -------
        Item
        """
        return self._add(Item(next(self._numbers), path, uploaded=True), measure=True)

    def add_folder(self, number: int, below: str, names: Sequence[str] | None = None) -> list[Item]:
        """Show the images of a folder.

        Parameters
        ----------
        number, below
            See :func:`bsn.app.places.place_inside`.
        names : sequence of str, optional
            Some of its images; all by default.

        Returns
        -------
        list of Item
            The new ones.

        Raises
        ------
        DataError
            The folder is outside, or has no such images.
        """
        found = list_folder(self.settings.folders, number, below).images
        if names is not None:
            by_name = {path.name: path for path in found}
            strange = [name for name in names if name not in by_name]
            if strange:
                raise DataError(
                    name_some(strange),
                    "it is not inside the folder, or it is not an image",
                    "choose images of the list",
                )
            found = tuple(by_name[name] for name in names)
        if not found:
            raise DataError(f"the folder {below or '.'}", "it has no images that this page opens", "choose another one")
        shown = {item.path for item in self.items.values()}
        new = [path.resolve() for path in found if path.resolve() not in shown]
        return [
            self._add(Item(next(self._numbers), path, where=below or "."), measure=index < _MEASURED_AT_ONCE)
            for index, path in enumerate(new)
        ]

    def remove(self, number: int) -> None:
        """Take an image off the page; an uploaded copy is deleted, results stay.

        Parameters
        ----------
        number : int
            See :class:`Item`.

        Raises
        ------
        DataError
            A job needs it.
        """
        item = self.item(number)
        if self.is_used(number):
            raise DataError(item.name, "a job is using it", "cancel the job first, or wait for its end")
        del self.items[number]
        if item.uploaded:
            item.path.unlink(missing_ok=True)
        self._bulletin.changed()

    def set_reading(self, number: int, reading: dict[str, str]) -> None:
        """Say how an image is read, and measure it again.

        Parameters
        ----------
        number : int
            See :class:`Item`.
        reading : dict
            "axes" and "key"; empty ones are left to the file.
        """
        item = self.item(number)
        item.reading = {name: value for name, value in reading.items() if value}
        item.version += 1
        item.result, item.work, item.failure = None, "", ""
        self.measure(item)

    def measure(self, item: Item) -> None:
        """Inspect an image when the worker has time.

        Parameters
        ----------
        item : Item
            One that is not being inspected.
        """
        item.state, item.problem = "waiting", ""
        task = asyncio.create_task(self._measure(item))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self._bulletin.changed()

    async def _measure(self, item: Item) -> None:
        order = {"path": str(item.path), "reading": item.reading, "limit": self.settings.decoded_limit}

        def begun(told: dict[str, Any]) -> None:
            item.state = "measuring"
            self._bulletin.changed()

        try:
            found = await self.work.do("inspect", order, begun)
        except OrderFailed as failed:
            item.state, item.problem = "broken", without_folder(str(failed), item.path)
        else:
            item.state, item.inspection = "known", found
        self._bulletin.changed()

    async def picture(self, number: int, plane: int | None, around: tuple[int, int] | None = None) -> dict[str, Any]:
        """Pictures of a plane of an image, made when they are first asked for.

        Parameters
        ----------
        number : int
            See :class:`Item`.
        plane : int or None
            Number of the plane; None for the middle one.
        around : tuple of int, optional
            Row and column in the middle of the part of a large plane that is shown pixel by pixel; None for all of it,
            reduced.

        Returns
        -------
        dict
            See :func:`bsn.app.tasks.looking.picture`, with "key", the name of the folder below :attr:`cache`.

        Raises
        ------
        OrderFailed
            The image cannot be read.
        """
        item = self.item(number)
        where = "all" if around is None else f"{around[0]}.{around[1]}"
        key = f"{item.number}-{item.version}-{'m' if plane is None else plane}-{where}"
        if key not in self._pictures:
            self._pictures[key] = asyncio.create_task(self._draw(item, key, plane, around))
            self._forget_pictures()
        try:
            return {**await asyncio.shield(self._pictures[key]), "key": key}
        except OrderFailed as failed:
            self._pictures.pop(key, None)
            raise OrderFailed(without_folder(str(failed), item.path)) from None

    async def _draw(self, item: Item, key: str, plane: int | None, around: tuple[int, int] | None) -> dict[str, Any]:
        done = item.work == "done" and item.target is not None and item.target.exists()
        order = {
            "path": str(item.path),
            "reading": item.reading,
            "limit": self.settings.decoded_limit,
            "result": str(item.target) if done else None,
            "plane": plane,
            "around": around,
            "folder": str(self.cache / key),
        }
        return await self.look.do("picture", order, seconds=_LOOK_SECONDS)

    def picture_file(self, key: str, kind: str) -> Path:
        """File of a picture that was made.

        Parameters
        ----------
        key : str
            From :meth:`picture`.
        kind : str
            "before.png", "after.png" or "removed.png".

        Returns
        -------
        Path

        Raises
        ------
        KeyError
            There is none.
        """
        path = self.cache / key / kind
        if key not in self._pictures or kind not in _KINDS or not path.is_file():
            raise KeyError(key)
        return path

    def _forget_pictures(self) -> None:
        while len(self._pictures) > _KEPT_PICTURES:
            oldest = next(iter(self._pictures))
            del self._pictures[oldest]
            shutil.rmtree(self.cache / oldest, ignore_errors=True)


def without_folder(message: str, path: Path) -> str:
    """Say a message with the name of a file in place of its path.

    Parameters
    ----------
    message : str
        One line.
    path : Path
        The file.

    Returns
    -------
    str
    """
    return message.replace(str(path), path.name)
