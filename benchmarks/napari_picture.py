"""The picture of the plugin in the guide: a noisy photograph, half of it denoised in napari.

    xvfb-run python -m benchmarks.napari_picture

Needs napari, a Qt and a display.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import napari
from PIL import Image
from qtpy.QtWidgets import QApplication

TARGET = Path(__file__).resolve().parents[1] / "docs" / "images" / "napari.jpg"
SIZE, WIDTH, QUALITY = (1400, 860), 1120, 82
LONGEST = 300  # seconds


def work_until(holds: Callable[[], bool]) -> None:
    """Let the window work until something holds."""
    end = time.monotonic() + LONGEST
    while not holds():
        if time.monotonic() > end:
            raise SystemExit(f"nothing came within {LONGEST} seconds")
        QApplication.processEvents()
        time.sleep(0.01)


def settle(seconds: float = 1.0) -> None:
    """Let the window draw what it has to draw."""
    end = time.monotonic() + seconds
    work_until(lambda: time.monotonic() > end)


def main() -> None:
    """Denoise the sample in a window and save its picture."""
    viewer = napari.Viewer(show=True)
    viewer.window.resize(*SIZE)
    for name in ("Inspect", "Train", "Verify", "Denoise"):
        dock, widget = viewer.window.add_plugin_dock_widget("blindspot-denoising", name, tabify=name != "Inspect")
    viewer.open_sample("blindspot-denoising", "photograph")
    dock.raise_()
    widget.job.start_button.click()
    work_until(lambda: not widget.job.running)
    noisy, clean = viewer.layers
    half = noisy.data.shape[1] // 2
    clean.data = clean.data[:, half:]
    clean.translate = (0, half)
    settle()
    pixels = viewer.window.screenshot(canvas_only=False, flash=False)[..., :3]
    picture = Image.fromarray(pixels)
    picture.resize((WIDTH, round(WIDTH * picture.height / picture.width)), Image.Resampling.LANCZOS).save(
        TARGET, quality=QUALITY
    )
    print(TARGET)
    viewer.close()


if __name__ == "__main__":
    main()
