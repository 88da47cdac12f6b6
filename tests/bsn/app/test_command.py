"""``bsn app`` on the command line: what is wrong is said in one line, before anything listens."""

import socket

import pytest

from bsn.cli import main
from tests.helpers.command_line import complaint


def test_wrong_options_are_refused_in_one_line(capsys, tmp_path):
    assert "no such folder" in complaint(capsys, "app", "--folder", tmp_path / "gone")
    assert "above 0" in complaint(capsys, "app", "--folder", tmp_path, "--decoded_limit", "-1")
    assert "no such port" in complaint(capsys, "app", "--folder", tmp_path, "--port", "99999")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert "use 0 for a free one" in complaint(
            capsys, "app", "--folder", tmp_path, "--port", taken.getsockname()[1]
        )
    assert list(tmp_path.iterdir()) == []


def test_a_missing_package_is_named_with_the_way_to_get_it(capsys, tmp_path, monkeypatch):
    import importlib

    real = importlib.import_module

    def without(name, *more):
        if name == "aiohttp":
            raise ImportError(name)
        return real(name, *more)

    monkeypatch.setattr(importlib, "import_module", without)
    assert 'pip install "blindspot-denoising[app]"' in complaint(capsys, "app", "--folder", tmp_path)


def test_several_folders_and_no_browser_are_understood(monkeypatch, tmp_path, capsys):
    seen = {}

    def serve(settings, port, *, browser, say):
        seen.update(settings=settings, port=port, browser=browser)

    monkeypatch.setattr("bsn.app.serving.serve", serve)
    (tmp_path / "b").mkdir()
    words = ["--folder", str(tmp_path), "--folder", str(tmp_path / "b"), "--no_browser", "--upload_limit", "0.5"]
    assert main(["app", *words]) == 0
    assert seen["settings"].folders == (tmp_path.resolve(), (tmp_path / "b").resolve())
    assert seen["settings"].output == tmp_path.resolve() / "bsn-app"
    assert seen["settings"].upload_limit == pytest.approx(5e8)
    assert (seen["port"], seen["browser"]) == (0, False)
