"""Fixture ``assert_blind`` for the tests of anybody who has this package installed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

__all__ = ["assert_blind"]


@pytest.fixture(scope="session")
def assert_blind() -> Callable[..., Any]:
    """Function :func:`bsn.blindness.assert_blind`: ``assert_blind(model, size=64, lattice=2)``."""
    from bsn.blindness import assert_blind  # torch is imported by the tests that need it only

    return assert_blind
