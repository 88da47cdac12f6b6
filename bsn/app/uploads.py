"""Files that a browser sends, received piece by piece and checked before they are shown."""

from __future__ import annotations

import asyncio
import secrets
import shutil
from pathlib import Path
from typing import IO, Protocol

from bsn.app.items import Item
from bsn.app.names import free_name, safe_image_name
from bsn.app.shelf import Shelf
from bsn.data import suffix_of
from bsn.data.errors import DataError

__all__ = ["TooLarge", "receive"]

_PIECE = 1 << 20
_SPARE = 1 << 27  # bytes of the disk that stay free


class TooLarge(DataError):
    """An upload above the limit, or more than the disk can take."""


class Stream(Protocol):
    """What is received."""

    async def read(self, count: int = -1) -> bytes:
        """Read up to so many bytes; none at the end.

        Parameters
        ----------
        count : int
            Most bytes.

        Returns
        -------
        bytes
        """
        ...


async def receive(shelf: Shelf, name: str, length: int | None, content: Stream) -> Item:
    """Receive a file, check it, and show it.

    Parameters
    ----------
    shelf : Shelf
        Where it is shown.
    name : str
        What the browser calls it.
    length : int or None
        What the browser says of its size; what comes is counted anyway.
    content : stream
        Its bytes.

    Returns
    -------
    Item

    Raises
    ------
    TooLarge
        It is above the limit, or more than the disk can take.
    DataError
        Its name has no ending of an image that the page opens.
    OrderFailed
        It is no image, or a small file that stands for a huge image. Nothing of it is decoded for that, and nothing stays.
    """
    settings = shelf.settings
    name = safe_image_name(name)
    if length is not None and length > settings.upload_limit:
        raise _too_large(name, settings.upload_limit)
    settings.uploads.mkdir(parents=True, exist_ok=True)
    if length is not None and shutil.disk_usage(settings.uploads).free < length + _SPARE:
        raise TooLarge(name, "the disk has no room for it", "free some space, or choose another --output")
    # Hidden until it is checked, with an ending by which it can be.
    partial = settings.uploads / f".{secrets.token_hex(8)}.part{suffix_of(Path(name))}"
    try:
        with partial.open("wb") as file:
            await _copy(content, file, name, settings.upload_limit)
        await shelf.check(partial, name)
        path = settings.uploads / free_name(name, lambda taken: (settings.uploads / taken).exists())
        partial.rename(path)
    finally:
        partial.unlink(missing_ok=True)
    return shelf.add_upload(path)


async def _copy(content: Stream, file: IO[bytes], name: str, limit: int) -> None:
    count = 0
    while piece := await content.read(_PIECE):
        count += len(piece)
        if count > limit:
            raise _too_large(name, limit)
        await asyncio.to_thread(file.write, piece)
    if not count:
        raise DataError(name, "it is empty", "choose another file")


def _too_large(name: str, limit: int) -> TooLarge:
    return TooLarge(
        name,
        f"it is larger than {limit / 1e9:.3g} GB, the limit of uploads",
        "open its folder in place of dropping it, or start bsn app with a larger --upload_limit",
    )
