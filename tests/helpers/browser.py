"""A headless Chromium for tests of pages, and why there is none where there is none."""

import contextlib
import os
import shutil
import time

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


def chromium():
    """Path of a Chromium that is installed; None where there is none."""
    named = os.environ.get("BSN_CHROMIUM")
    return named or next((found for name in NAMES if (found := shutil.which(name))), None)


def missing_browser():
    """Why pages cannot be tested here; empty where they can."""
    try:
        import playwright.sync_api  # noqa: F401
    except ImportError:
        return "needs Playwright's client: pip install playwright"
    return "" if chromium() else "needs Chromium: apt install chromium, or BSN_CHROMIUM=/path/to/it"


needs_browser = pytest.mark.skipif(bool(missing_browser()), reason=missing_browser() or "there is a browser")


@contextlib.contextmanager
def launched():
    """A new browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


@contextlib.contextmanager
def browsing(width=1280, height=900, **options):
    """A page of a new browser, which notes the requests that go to other hosts and the errors of scripts.

    ``page.foreign`` and ``page.errors`` hold them. A refusal by the server (400) is no error of the page.
    """
    with launched() as browser:
        page = browser.new_context(viewport={"width": width, "height": height}, **options).new_page()
        page.foreign, page.errors = [], []
        page.on("request", lambda asked: None if is_local(asked.url) else page.foreign.append(asked.url))
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        page.on("console", lambda said: page.errors.append(said.text) if is_error(said) else None)
        yield page


def is_error(said):
    return said.type == "error" and "status of 400" not in said.text


def is_local(address):
    return address.startswith(("http://127.0.0.1:", "ws://127.0.0.1:", "blob:", "data:"))


def until(page, script, seconds=120):
    """Wait until a script of the page gives something true; a page without eval cannot wait by itself."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = page.evaluate(script)
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds} s: {script}\n{page.inner_text('body')[:3000]}")
