"""Who may ask: pages of this server alone, by people who have its key.

A web page of another host can send requests to 127.0.0.1, by its own name (its ``Origin`` tells) or under a name that resolves
to 127.0.0.1 (DNS rebinding: the ``Host`` tells). Other users of the same machine can connect, too; they lack the key.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from urllib.parse import urlencode

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

__all__ = ["HEADERS", "Guard"]

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
    "Server": "bsn app",
}
"""Sent with every response: nothing is loaded from, sent to, or shown within another host."""

_SAFE = (hdrs.METH_GET, hdrs.METH_HEAD)


@dataclass(frozen=True)
class Guard:
    """Checks of every request, websockets included.

    Parameters
    ----------
    port : int
        Where the server listens.
    key : str
        Has to be in the address once, then in the cookie that the first answer sets.
    """

    port: int
    key: str

    @property
    def hosts(self) -> tuple[str, ...]:
        """Names under which the page is opened."""
        return (f"127.0.0.1:{self.port}", f"localhost:{self.port}")

    @property
    def cookie(self) -> str:
        """Name of the cookie; cookies do not tell ports apart."""
        return f"bsn-app-{self.port}"

    @property
    def address(self) -> str:
        """Address of the page, with the key."""
        return f"http://{self.hosts[0]}/?{urlencode({'key': self.key})}"

    def fault(self, request: web.Request) -> str:
        """What is wrong with where a request comes from.

        Parameters
        ----------
        request : aiohttp.web.Request
            Any request.

        Returns
        -------
        str
            Empty if nothing is.
        """
        if request.headers.get(hdrs.HOST, "") not in self.hosts:
            return "this page is opened as 127.0.0.1 or localhost, under no other name"
        origin = request.headers.get(hdrs.ORIGIN)
        upgrade = hdrs.UPGRADE in request.headers
        if origin is None and (upgrade or request.method not in _SAFE):
            return "the request does not say which page sent it"
        if origin is not None and origin not in {f"http://{host}" for host in self.hosts}:
            return "a page of another origin may not use this server"
        if request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
            return "a page of another site may not use this server"
        return ""

    def knows(self, given: str | None) -> bool:
        """Whether a key is the right one, in a time that tells nothing about it.

        Parameters
        ----------
        given : str or None
            The key of a request.

        Returns
        -------
        bool
        """
        return given is not None and hmac.compare_digest(given.encode(), self.key.encode())

    def middleware(self) -> Middleware:
        """The checks, as aiohttp calls them.

        Returns
        -------
        callable
        """

        @web.middleware
        async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
            fault = self.fault(request)
            if fault:
                raise web.HTTPForbidden(text=fault)
            if request.path == "/" and self.knows(request.query.get("key")):
                answer = web.HTTPFound("/")  # so that the key is in no history and no title
                answer.set_cookie(self.cookie, self.key, httponly=True, samesite="Strict", path="/")
                raise answer
            if not self.knows(request.cookies.get(self.cookie)):
                raise web.HTTPForbidden(text="open the address that bsn app has printed: it has the key of this page")
            return await handler(request)

        return check


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Add :data:`HEADERS` to a response, errors and files included.

    Parameters
    ----------
    request : aiohttp.web.Request
        The request.
    response : aiohttp.web.StreamResponse
        Changed in place.
    """
    response.headers.update(HEADERS)
