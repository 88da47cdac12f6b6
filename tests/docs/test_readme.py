"""The README: short, with the commands that CI runs, numbers that are stored, and links that lead somewhere."""

import re

from benchmarks.tables import TABLES
from tests.docs.pages import PAGES, README, ROOT, blocks

TEXT = README.read_text(encoding="utf-8")


def test_it_is_short():
    assert len(TEXT.splitlines()) <= 120


def test_ci_runs_the_two_commands_of_the_readme():
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    stored = dict(re.findall(r"^(\w+_command)='(.*)'$", script, re.MULTILINE))
    shown = [
        line for block in blocks(TEXT, "bash") for line in block.splitlines() if line.startswith("python3 -m venv")
    ]
    assert shown == [stored["demo_command"], stored["test_command"]]


def test_its_table_is_that_of_the_stored_results():
    assert TABLES["overview"]().markdown() in TEXT


def test_its_links_lead_to_files():
    targets = [target for target in re.findall(r"\]\(([^)#]+)[^)]*\)", TEXT) if "://" not in target]
    assert len(targets) > 8
    for target in targets:
        assert (ROOT / target).exists(), target


def test_every_page_is_reached_from_another():
    """A page that no table of contents holds is a warning of the build; this finds it in a second."""
    listed = {"docs/index.md"}
    for page in PAGES:
        for tree in re.findall(
            r"^```\{toctree\}\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
        ):
            entries = [line for line in tree.splitlines() if line and not line.startswith(":")]
            listed |= {str((page.parent / f"{entry}.md").relative_to(ROOT)) for entry in entries}
    assert {str(page.relative_to(ROOT)) for page in PAGES} <= listed
