"""Trainings of these tests take the networks by their usual names, but narrow."""

import pytest

from tests.helpers.networks import narrow_presets


@pytest.fixture(autouse=True)
def _narrow(monkeypatch):
    narrow_presets(monkeypatch, "phase-unet-tiny", "dbsnl", "halfplane-cells", "halfplane-cells-diamond")
