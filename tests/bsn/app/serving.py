"""A server of the page within a test: real routes on a real port, tasks in threads in place of processes."""

import asyncio
import contextlib
import threading

import aiohttp
from aiohttp import web

from bsn.app.desk import Desk
from bsn.app.guard import Guard
from bsn.app.lane import OrderFailed
from bsn.app.server import make_application
from bsn.app.serving import _listen
from bsn.app.settings import AppSettings
from bsn.app.tasks import Stopped, find_task

KEY = "the-key"


class ThreadLane:
    """Does orders as a worker does, in a thread; those in `instead` by a function of the test."""

    def __init__(self, **instead):
        self.instead, self.orders = instead, []
        self.stopping = threading.Event()

    async def do(self, task, order, told=lambda _: None, *, seconds=None):
        self.orders.append((task, order))
        self.stopping.clear()
        loop = asyncio.get_running_loop()
        told({"begun": True})
        work = self.instead.get(task) or find_task(task)
        thread = asyncio.ensure_future(
            asyncio.to_thread(work, order, lambda message: loop.call_soon_threadsafe(told, message), self.stopping)
        )
        try:
            return await asyncio.shield(thread)
        except asyncio.CancelledError:
            self.stopping.set()
            await asyncio.wait([thread])  # as a process that was killed writes nothing afterwards
            raise
        except Stopped:
            return {"stopped": True}
        except (ValueError, RuntimeError, OSError) as error:
            raise OrderFailed(str(error)) from None

    async def stop(self):
        self.stopping.set()

    def kill(self):
        self.stopping.set()

    async def close(self):
        self.stopping.set()

    async def warm(self):
        pass


INSPECTED = {
    "kind": "8-bit grey",
    "axes": "YX",
    "headline": "Strong noise",
    "sentences": [],
    "reasons": [],
    "noise": None,
}


def fake_work(**instead):
    """A lane that measures and denoises nothing."""
    tasks = {
        "box": lambda *_: {"models": [{"name": "photo-tiny", "what": "photographs"}]},
        "inspect": lambda *_: dict(INSPECTED),
    }
    return ThreadLane(**{**tasks, **instead})


def settings_for(folder, **limits):
    return AppSettings((folder.resolve(),), folder.resolve() / "out", **limits)


class Visitor:
    """A page of this server, which says its origin and has the key."""

    def __init__(self, session, guard, desk):
        self.session, self.guard, self.desk = session, guard, desk
        self.base = f"http://127.0.0.1:{guard.port}"

    async def ask(self, method, path, *, headers=None, **more):
        said = {"Origin": self.base, "Cookie": f"{self.guard.cookie}={KEY}", **(headers or {})}
        said = {name: value for name, value in said.items() if value is not None}
        async with self.session.request(
            method, self.base + path, headers=said, allow_redirects=False, **more
        ) as answer:
            text = await answer.text() if answer.content_type in ("application/json", "text/plain", "text/html") else ""
            content = await answer.json() if answer.content_type == "application/json" else text
            return answer.status, content, answer.headers

    async def upload(self, name, content):
        return await self.ask("PUT", "/api/uploads", params={"name": name}, data=content)

    async def until(self, ready, seconds=20):
        """Wait until the state is as a function of it says."""
        for _ in range(int(seconds / 0.02)):
            if ready(self.desk.state()):
                return self.desk.state()
            await asyncio.sleep(0.02)
        raise AssertionError(self.desk.state())


@contextlib.asynccontextmanager
async def visiting(settings, **lanes):
    lanes = {"look": ThreadLane(), "work": fake_work(), "runs": fake_work(), **lanes}
    listening = _listen(0)
    guard = Guard(listening.getsockname()[1], KEY)
    desk = Desk(settings, **lanes)
    runner = web.AppRunner(make_application(desk, guard), access_log=None)
    await runner.setup()
    await web.SockSite(runner, listening).start()
    try:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
            yield Visitor(session, guard, desk)
    finally:
        await runner.cleanup()


def visit(settings, story, **lanes):
    """Run a story, a coroutine of a visitor, against a server."""

    async def run():
        async with visiting(settings, **lanes) as visitor:
            return await story(visitor)

    return asyncio.run(run())
