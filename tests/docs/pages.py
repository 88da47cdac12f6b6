"""Markdown pages of the documentation and what is written in them."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
MADE = ("_build", "packages")  # by the build
PAGES = sorted(p for p in (ROOT / "docs").rglob("*.md") if not set(p.relative_to(ROOT).parts) & set(MADE))


def blocks(text, language):
    """Contents of the fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def name(path):
    """Name of a page for messages."""
    return str(path.relative_to(ROOT))
