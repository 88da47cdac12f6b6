"""Check the links inside built pages: ``python docs/check_links.py docs/_build`` lists dead ones and exits with 1."""

from __future__ import annotations

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """Targets and anchors of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.anchors: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect what a tag points to, and where it can be pointed to."""
        found = dict(attrs)
        self.anchors.update(value for key in ("id", "name") if (value := found.get(key)))
        self.targets += [value for key in ("href", "src") if (value := found.get(key))]


def dead_links(site: Path) -> list[str]:
    """Lines that name a page and a target in the site that does not exist.

    Parameters
    ----------
    site : Path
        Folder with the built pages.
    """
    pages = {path.resolve(): Page(path) for path in site.rglob("*.html")}
    dead = []
    for path, page in pages.items():
        for target in page.targets:
            parts = urlsplit(target)
            if parts.scheme or parts.netloc:
                continue
            file = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            missing = not file.exists()
            lost = file in pages and parts.fragment and unquote(parts.fragment) not in pages[file].anchors
            if missing or lost:
                dead.append(f"{path.relative_to(site.resolve())}: {target}")
    return dead


if __name__ == "__main__":
    found = dead_links(Path(sys.argv[1]))
    print(*found, sep="\n")
    sys.exit(1 if found else 0)
