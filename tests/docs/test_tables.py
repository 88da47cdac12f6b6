"""Tables in the docstrings of packages are well formed. The build of the pages refuses others; this finds them in a second."""

import ast

import pytest

from tests.docs.pages import ROOT

PACKAGES = sorted(
    path
    for package in ("bsn", "data", "distill", "restoration")
    for path in (ROOT / package).rglob("__init__.py")
    if "\n===" in path.read_text(encoding="utf-8")
)


def faults(docstring):
    """Borders that differ from the first of their table, and rows with text between two columns."""
    found, border = [], None
    for line in docstring.splitlines():
        if line.startswith("==="):
            border = border or line
            found += [line] * (line != border)
        elif not line.strip():
            border = None
        elif border is not None and any(a == " " != b for a, b in zip(border, line, strict=False)):
            found.append(line)
    return found


@pytest.mark.parametrize("path", PACKAGES, ids=lambda path: str(path.parent.relative_to(ROOT)))
def test_tables_keep_to_their_columns(path):
    assert faults(ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))) == []


def test_a_row_across_the_columns_is_found():
    assert faults("====  ===\n``a``  b\n====  ===") == ["``a``  b"]
    assert faults("====  ===\nab    b\n===  ===") == ["===  ==="]
    assert faults("====  ===\nname  b\n====  ===\nab    b\n====  ===\n\nText = ab") == []
