"""Docstring examples run, and everything public has a docstring."""

import doctest
import importlib
import importlib.util
import inspect
import pkgutil

import pytest

import bsn
import distill
import restoration
from tests.helpers.docstrings import gaps

PACKAGES = [bsn, distill, restoration]
# The widgets are loaded by napari alone, and need it.
HAS_NAPARI = importlib.util.find_spec("napari") is not None and importlib.util.find_spec("qtpy") is not None
MODULES = sorted(
    m.name
    for package in PACKAGES
    for m in pkgutil.walk_packages(package.__path__, package.__name__ + ".")
    if not m.name.endswith("__main__") and (HAS_NAPARI or not m.name.startswith("bsn.napari.widgets"))
)


@pytest.mark.parametrize("name", ["bsn", "distill", *MODULES])
def test_examples_run(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_there_are_examples():
    finder = doctest.DocTestFinder(exclude_empty=True)
    found = [test for name in MODULES for test in finder.find(importlib.import_module(name))]
    assert sum(len(test.examples) for test in found) > 60


@pytest.mark.parametrize("name", [name for name in MODULES if name.count(".") == 1])
def test_public_names_exist_and_say_what_they_are(name):
    module = importlib.import_module(name)
    for public in getattr(module, "__all__", []):
        value = getattr(module, public)
        if inspect.isclass(value) or inspect.isfunction(value):
            assert inspect.getdoc(value), f"{name}.{public} has no docstring"


def test_every_argument_says_what_it_is():
    assert [gap.place for gap in gaps()] == []
