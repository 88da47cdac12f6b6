"""Where the packages lie: the folder ``data`` is installed as ``bsn.data``. Everything else stands in ``pyproject.toml``.

A top-level module called ``data`` would lose to any ``data.py`` or ``data/`` beside a user's script, or to another
project of that name. Type checkers and editors, which do not run this file, find the same place through the link ``bsn/data``.
"""

from setuptools import find_packages, setup

TOP_LEVEL = ["bsn", "bsn.*", "distill", "distill.*", "restoration", "restoration.*"]

setup(
    package_dir={"bsn.data": "data"},
    packages=[
        *find_packages(include=TOP_LEVEL, exclude=["bsn.data", "bsn.data.*"]),
        "bsn.data",
        *(f"bsn.data.{name}" for name in find_packages("data")),
    ],
)
