"""The routes of the page: what a browser may ask for, and how it is answered."""

from __future__ import annotations

import asyncio
import contextlib
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

from aiohttp import WSCloseCode, web
from aiohttp.typedefs import Handler

from bsn.app.desk import Desk
from bsn.app.guard import Guard, add_headers
from bsn.app.lane import OrderFailed
from bsn.app.packing import packed_results
from bsn.app.places import list_folder
from bsn.app.uploads import TooLarge, receive
from bsn.data.errors import DataError

__all__ = ["make_application"]

_PAGE = Path(__file__).parent / "page"
_FILES = {
    "app.css": "text/css",
    "icon.svg": "image/svg+xml",
    **dict.fromkeys(("app.js", "charts.js", "folders.js", "jobs.js", "net.js", "viewer.js"), "text/javascript"),
}
_SECONDS = 0.2  # between two messages to a tab
_LONGEST_REQUEST = 1 << 20  # bytes, but for uploads
_DESK = web.AppKey("desk", Desk)
_SOCKETS = web.AppKey("sockets", set[web.WebSocketResponse])


def make_application(desk: Desk, guard: Guard) -> web.Application:
    """Build the application.

    Parameters
    ----------
    desk : Desk
        What it shows.
    guard : Guard
        Who may ask.

    Returns
    -------
    aiohttp.web.Application
    """
    application = web.Application(middlewares=[guard.middleware(), _errors_as_json], client_max_size=_LONGEST_REQUEST)
    application[_DESK] = desk
    application[_SOCKETS] = set()
    application.on_response_prepare.append(add_headers)
    application.on_startup.append(_open)
    application.on_shutdown.append(_close_sockets)
    application.on_cleanup.append(_close)
    application.add_routes(
        [
            web.get("/", _index),
            web.get("/static/{name}", _static),
            web.get("/api/live", _live),
            web.get("/api/state", _state),
            web.get("/api/folder", _folder),
            web.post("/api/folder", _add_folder),
            web.put("/api/uploads", _upload),
            web.get("/api/items/{number}", _item),
            web.patch("/api/items/{number}", _read_as),
            web.delete("/api/items/{number}", _remove),
            web.post("/api/items/{number}/measure", _measure),
            web.get("/api/items/{number}/picture", _picture),
            web.get("/api/items/{number}/result", _result),
            web.get("/api/pictures/{key}/{kind}", _picture_file),
            web.get("/api/results.zip", _all_results),
            web.post("/api/denoise", _denoise),
            web.post("/api/train", _train),
            web.post("/api/jobs/{number}/{what}", _job),
            web.get("/api/jobs/{number}/preview/{name}", _preview),
        ]
    )
    return application


async def _open(application: web.Application) -> None:
    await application[_DESK].open()


async def _close_sockets(application: web.Application) -> None:
    sockets = application[_SOCKETS]
    for socket in list(sockets):
        await socket.close(code=WSCloseCode.GOING_AWAY, message=b"the server ends")


async def _close(application: web.Application) -> None:
    await application[_DESK].close()


@web.middleware
async def _errors_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Tell errors of users in one line, with a status that fits."""
    try:
        return await handler(request)
    except TooLarge as error:
        return _refusal(str(error), 413)
    except (DataError, OrderFailed) as error:
        return _refusal(str(error), 400)
    except OSError as error:
        return _refusal(
            f"the computer refused: {(error.strerror or str(error)).lower()}; check the disk and the folder", 507
        )
    except KeyError:
        return _refusal("there is no such thing on this page any more; load it again", 404)


def _refusal(text: str, status: int) -> web.Response:
    return web.json_response({"error": " ".join(text.split())}, status=status)


# ---- requests into values


def _number(request: web.Request) -> int:
    text = request.match_info["number"]
    if not text.isdecimal():
        raise KeyError(text)
    return int(text)


async def _body(request: web.Request) -> dict[str, Any]:
    """Object of a request in JSON."""
    if request.content_type != "application/json":
        raise DataError("the request", "it is not JSON", "send application/json")
    try:
        content = json.loads(await request.text())
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise DataError("the request", "it is not an object of JSON", "send one")
    return content


def _take(body: dict[str, Any], name: str, kind: type | tuple[type, ...], default: Any) -> Any:
    value = body.get(name, default)
    if value is not default and (not isinstance(value, kind) or isinstance(value, bool)):
        raise DataError(f"{name} {value!r}", "it is of another type than expected", "send what the page sends")
    return value


def _numbers(body: dict[str, Any]) -> list[int]:
    values = _take(body, "items", list, [])
    if not all(isinstance(value, int) for value in values):
        raise DataError("items", "they are not numbers", "send what the page sends")
    return list(values)


# ---- the page


async def _index(request: web.Request) -> web.StreamResponse:
    return web.FileResponse(_PAGE / "index.html")


async def _static(request: web.Request) -> web.StreamResponse:
    name = request.match_info["name"]
    if name not in _FILES:
        raise web.HTTPNotFound
    return web.Response(body=(_PAGE / name).read_bytes(), content_type=_FILES[name], charset="utf-8")


async def _state(request: web.Request) -> web.StreamResponse:
    return web.json_response(request.app[_DESK].state())


async def _live(request: web.Request) -> web.StreamResponse:
    """The state, again after every change, as long as the tab is open."""
    desk = request.app[_DESK]
    socket = web.WebSocketResponse(heartbeat=20, max_msg_size=1024)
    await socket.prepare(request)
    request.app[_SOCKETS].add(socket)
    changed = desk.bulletin.listen()

    async def send() -> None:
        with contextlib.suppress(ConnectionError):
            while not socket.closed:
                await changed.wait()
                changed.clear()
                await socket.send_json(desk.state())
                await asyncio.sleep(_SECONDS)

    sender = asyncio.create_task(send())
    try:
        async for _ in socket:  # a tab says nothing; this waits for its end
            pass
    finally:
        sender.cancel()
        request.app[_SOCKETS].discard(socket)
        desk.bulletin.unlisten(changed)
    return socket


# ---- images


def _where(values: Any) -> tuple[int, str]:
    root, path = values.get("root", 0), values.get("path", "")
    if not str(root).isdecimal() or not isinstance(path, str):
        raise DataError("the folder", "it is not named by a number and a path", "send what the page sends")
    return int(root), path


async def _folder(request: web.Request) -> web.StreamResponse:
    number, below = _where(request.query)
    listing = await asyncio.to_thread(list_folder, request.app[_DESK].settings.folders, number, below)
    return web.json_response({"folders": listing.folders, "images": [path.name for path in listing.images]})


async def _add_folder(request: web.Request) -> web.StreamResponse:
    body = await _body(request)
    number, below = _where(body)
    names = _take(body, "names", list, None)
    if names is not None and not all(isinstance(name, str) for name in names):
        raise DataError("names", "they are not names", "send what the page sends")
    added = request.app[_DESK].shelf.add_folder(number, below, names)
    return web.json_response({"items": [item.number for item in added]})


async def _upload(request: web.Request) -> web.StreamResponse:
    item = await receive(
        request.app[_DESK].shelf, request.query.get("name", ""), request.content_length, request.content
    )
    return web.json_response({"item": item.number})


async def _item(request: web.Request) -> web.StreamResponse:
    item = request.app[_DESK].shelf.item(_number(request))
    return web.json_response({**item.summary(), "inspection": item.inspection})


async def _read_as(request: web.Request) -> web.StreamResponse:
    body = await _body(request)
    reading = {name: _take(body, name, str, "") for name in ("axes", "key")}
    request.app[_DESK].shelf.set_reading(_number(request), {**reading, "axes": reading["axes"].strip().upper()})
    return web.json_response({})


async def _measure(request: web.Request) -> web.StreamResponse:
    shelf = request.app[_DESK].shelf
    item = shelf.item(_number(request))
    if item.state == "unmeasured":
        shelf.measure(item)
    return web.json_response({})


async def _remove(request: web.Request) -> web.StreamResponse:
    request.app[_DESK].shelf.remove(_number(request))
    return web.json_response({})


async def _picture(request: web.Request) -> web.StreamResponse:
    plane, row, column = (_natural(request.query.get(name)) for name in ("plane", "row", "column"))
    around = None if row is None or column is None else (row, column)
    return web.json_response(await request.app[_DESK].shelf.picture(_number(request), plane, around))


def _natural(text: str | None) -> int | None:
    if text is not None and not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise DataError(f"the number {text!r}", "it is not a natural number", "send what the page sends")
    return None if text is None else int(text)


async def _picture_file(request: web.Request) -> web.StreamResponse:
    path = request.app[_DESK].shelf.picture_file(request.match_info["key"], request.match_info["kind"])
    return web.FileResponse(path)


async def _result(request: web.Request) -> web.StreamResponse:
    item = request.app[_DESK].shelf.item(_number(request))
    if item.work != "done" or item.target is None or not item.target.exists():
        raise DataError(item.name, "it has no result yet", "denoise it first")
    if item.target.is_dir():
        return await _zip(request, [item.target], f"{item.target.name}.zip")
    return _attachment(item.target, item.target.name)


async def _all_results(request: web.Request) -> web.StreamResponse:
    items = request.app[_DESK].shelf.items.values()
    paths = [item.target for item in items if item.work == "done" and item.target is not None and item.target.exists()]
    if not paths:
        raise DataError("the results", "there are none yet", "denoise images first")
    return await _zip(request, paths, "denoised.zip")


async def _zip(request: web.Request, paths: list[Path], name: str) -> web.StreamResponse:
    return _attachment(await asyncio.to_thread(packed_results, paths, request.app[_DESK].cache), name)


def _attachment(path: Path, name: str) -> web.FileResponse:
    """A file to be saved, never to be shown by the browser."""
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}",
        "Content-Type": "application/octet-stream",
    }
    return web.FileResponse(path, headers=headers)


# ---- jobs


async def _denoise(request: web.Request) -> web.StreamResponse:
    body = await _body(request)
    job = request.app[_DESK].workshop.denoise(
        _numbers(body),
        _take(body, "model", str, "auto"),
        float(_take(body, "strength", (int, float), 1.0)),
        _take(body, "neighbours", int, 0),
    )
    return web.json_response({"job": job.number})


async def _train(request: web.Request) -> web.StreamResponse:
    body = await _body(request)
    job = request.app[_DESK].workshop.train(
        _numbers(body),
        minutes=float(_take(body, "minutes", (int, float), 10.0)),
        name=_take(body, "name", str, ""),
        steps=_take(body, "steps", int, None),
    )
    return web.json_response({"job": job.number})


async def _job(request: web.Request) -> web.StreamResponse:
    workshop, number = request.app[_DESK].workshop, _number(request)
    what = request.match_info["what"]
    if what == "pause":
        await workshop.pause(number)
    elif what == "resume":
        workshop.resume(number)
    elif what == "cancel":
        await workshop.cancel(number)
    elif what == "forget":
        workshop.forget(number)
    else:
        raise KeyError(what)
    return web.json_response({})


async def _preview(request: web.Request) -> web.StreamResponse:
    path = request.app[_DESK].workshop.preview_file(_number(request), request.match_info["name"])
    return web.FileResponse(path)
