"""Who may ask: another host name, another origin, or nobody's key are refused, on every kind of request."""

import aiohttp
import pytest

from tests.bsn.app.serving import KEY, settings_for, visit

ROUTES = [
    ("GET", "/"),
    ("GET", "/static/app.js"),
    ("GET", "/api/state"),
    ("GET", "/api/folder?root=0&path="),
    ("PUT", "/api/uploads?name=a.png"),
    ("POST", "/api/denoise"),
    ("GET", "/nothing"),
]
FOREIGN = {
    "another host (DNS rebinding)": {"Host": "evil.example"},
    "another port": {"Host": "127.0.0.1:1"},
    "another origin": {"Origin": "http://evil.example"},
    "the null origin of a sandbox": {"Origin": "null"},
    "the same host over another scheme": {"Origin": "https://127.0.0.1"},
    "a request that a page of another site made": {"Origin": None, "Sec-Fetch-Site": "cross-site"},
    "a page on another port of this machine": {"Sec-Fetch-Site": "same-site"},
    "no key": {"Cookie": None},
    "a wrong key": {"Cookie": "bsn-app-1=guess"},
}


@pytest.mark.parametrize("headers", FOREIGN.values(), ids=FOREIGN)
def test_whoever_is_not_this_page_is_refused(tmp_path, headers):
    async def story(visitor):
        for method, path in ROUTES:
            status, said, _ = await visitor.ask(method, path, headers=headers, data=b"" if method != "GET" else None)
            assert status == 403, (method, path, said)
        assert visitor.desk.state()["items"] == []

    visit(settings_for(tmp_path), story)


def test_a_request_that_changes_something_says_its_origin(tmp_path):
    async def story(visitor):
        status, _, _ = await visitor.ask("POST", "/api/denoise", headers={"Origin": None}, json={"items": []})
        assert status == 403
        status, said, _ = await visitor.ask("POST", "/api/denoise", json={"items": []})
        assert (status, said["error"].split(":")[0]) == (400, "no images")

    visit(settings_for(tmp_path), story)


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "http://evil.example"}, {"Origin": None}, {"Host": "evil.example"}, {"Cookie": None}],
    ids=["origin", "no origin", "host", "no key"],
)
def test_websockets_are_guarded_too(tmp_path, headers):
    async def story(visitor):
        own = {"Origin": visitor.base, "Cookie": f"{visitor.guard.cookie}={KEY}"}
        address = f"{visitor.base}/api/live"
        async with visitor.session.ws_connect(address, headers=own) as socket:
            assert (await socket.receive_json())["items"] == []
        said = {name: value for name, value in {**own, **headers}.items() if value is not None}
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await visitor.session.ws_connect(address, headers=said)
        assert refused.value.status == 403

    visit(settings_for(tmp_path), story)


def test_the_key_of_the_address_becomes_a_cookie_that_scripts_and_other_sites_cannot_use(tmp_path):
    async def story(visitor):
        status, _, headers = await visitor.ask("GET", f"/?key={KEY}", headers={"Origin": None, "Cookie": None})
        assert (status, headers["Location"]) == (302, "/")
        cookie = headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        status, _, _ = await visitor.ask("GET", "/?key=guess", headers={"Origin": None, "Cookie": None})
        assert status == 403

    visit(settings_for(tmp_path), story)


def test_every_answer_forbids_other_hosts(tmp_path):
    async def story(visitor):
        for path in ("/", "/static/app.js", "/api/state", "/nothing"):
            _, _, headers = await visitor.ask("GET", path)
            policy = headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert "http" not in policy
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert headers["Cache-Control"] == "no-store"

    visit(settings_for(tmp_path), story)
