"""A viewer of napari with a model that is small enough for tests."""

import os
import sys

import numpy as np
import pytest
import torch

from bsn.models import Model, create


def why_no_viewer():
    """Why no viewer can be opened here; empty where it can."""
    try:
        import napari  # noqa: F401
        import pytestqt  # noqa: F401
        import qtpy.QtWidgets  # noqa: F401
    except ImportError as error:
        return f'needs napari, a Qt and pytest-qt: pip install "napari[all]" pytest-qt ({error})'
    if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return "napari draws with OpenGL, which needs a display; run it under xvfb-run"
    return ""


WHY_NOT = why_no_viewer()
needs_viewer = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT or "there is a viewer")


@pytest.fixture(scope="session")
def model_file(tmp_path_factory):
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("model") / "tiny.safetensors"
    Model(create("phase-unet-tiny", channels=1)).save(path)
    return str(path)


@pytest.fixture
def viewer(make_napari_viewer):
    return make_napari_viewer()


@pytest.fixture
def until(qtbot):
    """Let the window work until something holds."""

    def wait(holds, seconds=60):
        qtbot.waitUntil(holds, timeout=1000 * seconds)

    return wait


@pytest.fixture
def noisy():
    def make(shape=(3, 40, 48), dtype=np.uint16):
        values = 30000 + 2000 * np.random.default_rng(0).standard_normal(shape)
        return np.clip(values, 0, 65535).astype(dtype)

    return make
