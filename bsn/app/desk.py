"""What the page shows and what it may ask for, held by the server and not by any tab."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
from pathlib import Path
from typing import Any

from bsn.app.bulletin import Bulletin
from bsn.app.lane import Lane, OrderFailed
from bsn.app.settings import AppSettings
from bsn.app.shelf import Shelf
from bsn.app.workshop import Workshop
from bsn.data.errors import DataError
from bsn.data.files.listing import natural_key

__all__ = ["Desk"]


class Desk:
    """State of one server.

    Parameters
    ----------
    settings : AppSettings
        Folders and limits.
    look, work, runs : Lane, optional
        Where pictures, denoising and trainings are made; real processes by default.

    Attributes
    ----------
    bulletin : Bulletin
        Who is told of changes.
    shelf : Shelf
        The images.
    workshop : Workshop
        The jobs.
    cache : Path
        Folder for pictures, which goes with the server.
    """

    def __init__(
        self, settings: AppSettings, *, look: Lane | None = None, work: Lane | None = None, runs: Lane | None = None
    ) -> None:
        self.settings = settings
        self.look, self.work, self.runs = look or Lane(), work or Lane(), runs or Lane()
        self.cache = Path(tempfile.mkdtemp(prefix="bsn-app-"))
        self.bulletin = Bulletin()
        self.shelf = Shelf(settings, self.look, self.work, self.bulletin, self.cache)
        self.workshop = Workshop(settings, self.shelf, self.work, self.runs, self.bulletin, self._find_model)
        self._box: list[dict[str, str]] = []
        self._first: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Start the workers, and show what earlier sessions left."""
        self._first = {asyncio.create_task(self._list_box()), asyncio.create_task(self.look.warm())}
        await asyncio.sleep(0)  # the list of models comes before what is measured
        self.shelf.find_uploads()
        self.workshop.find_paused()

    async def close(self) -> None:
        """Stop everything; trainings write a checkpoint first."""
        await asyncio.gather(self.runs.close(), self.work.close(), self.look.close())
        self.shelf.close()
        self.workshop.close()
        for task in self._first:
            task.cancel()
        shutil.rmtree(self.cache, ignore_errors=True)

    def state(self) -> dict[str, Any]:
        """Everything that the page shows, as values of JSON."""
        return {
            "items": [item.summary() for item in self.shelf.items.values()],
            "jobs": [job.summary() for job in self.workshop.jobs.values()],
            "models": self.models(),
            "folders": [str(folder) for folder in self.settings.folders],
            "output": str(self.settings.output),
            "upload_limit": self.settings.upload_limit,
        }

    async def _list_box(self) -> None:
        with contextlib.suppress(OrderFailed):
            self._box = (await self.work.do("box", {}))["models"]
        self.bulletin.changed()

    def models(self) -> list[dict[str, str]]:
        """Models that the page offers: those in the box, and finished runs.

        Returns
        -------
        list of dict
            "value" for requests, "name" and "what".
        """
        boxed = [{"value": f"box:{model['name']}", "name": model["name"], "what": model["what"]} for model in self._box]
        runs = self.settings.runs
        finished = sorted(runs.glob("*/final.safetensors"), key=natural_key) if runs.is_dir() else []
        own = [
            {"value": f"run:{path.parent.name}", "name": path.parent.name, "what": "trained on your images"}
            for path in finished
        ]
        return [*boxed, *own]

    def _find_model(self, value: str) -> str | None:
        """What a worker loads for a choice; never a path that the browser named."""
        if value == "auto":
            return None
        if value not in {model["value"] for model in self.models()}:
            raise DataError(f"the model {value!r}", "it is not in the list", "choose one of the list")
        kind, _, name = value.partition(":")
        return name if kind == "box" else str(self.settings.runs / name)
