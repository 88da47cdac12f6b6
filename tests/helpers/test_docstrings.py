"""The helper that looks for undocumented arguments finds them, and nothing else."""

import pytest

from tests.helpers.docstrings import gaps_of

DOCUMENTED = '''
def f(x, y, *, z=1):
    """Do it.

    Parameters
    ----------
    x, y : int
        Sides.
    z : float, optional
        Depth.

    Returns
    -------
    int
    """
'''


def missing(source):
    return [gap.missing for gap in gaps_of(source, "a.py", "a")]


def test_documented_arguments_are_no_gap():
    assert missing(DOCUMENTED) == []


@pytest.mark.parametrize(
    ("change", "left_out"),
    [
        (("x, y : int", "x : int"), ("y",)),
        (("    z : float, optional\n        Depth.\n", ""), ("z",)),
        (("Parameters\n    ----------", "Arguments:"), ("x", "y", "z")),
        (("x, y : int", "x, u : int"), ("y",)),
    ],
)
def test_what_is_left_out_is_found(change, left_out):
    assert missing(DOCUMENTED.replace(*change)) == [left_out]


def test_a_function_without_a_docstring_is_found():
    assert missing("def f(x): ...") == [("x",)]


def test_private_names_overloads_and_empty_lists_are_passed_over():
    assert missing("def _f(x): ...\ndef g(): ...\n@overload\ndef h(x): ...\nclass _C:\n    def f(self, x): ...") == []


def test_methods_of_public_classes_are_looked_at():
    assert missing("class C:\n    def f(self, x): ...\n    def g(self): ...") == [("x",)]


def test_a_bare_entry_is_found():
    bare = DOCUMENTED.replace("        Depth.\n", "")
    assert [(gap.missing, gap.bare) for gap in gaps_of(bare, "a.py", "a")] == [((), ("z",))]


def test_a_bare_entry_of_a_class_is_found():
    source = (
        'class C:\n    """Hold it.\n\n    Parameters\n    ----------\n    x : int\n        Side.\n    y : int\n    """'
    )
    assert [gap.bare for gap in gaps_of(source, "a.py", "a")] == [("y",)]
