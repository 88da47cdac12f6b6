"""Small folders of pairs."""

import numpy as np
import pytest

from bsn.data import Image, SyntheticRain, write_image


@pytest.fixture
def pairs(tmp_path):
    """Folder with ``rainy`` and ``clean``: six RGB pictures of smooth blobs, 8-bit, with synthetic rain."""
    rows, columns = np.mgrid[:64, :72] / 64
    for folder in ("rainy", "clean"):
        (tmp_path / folder).mkdir()
    for index in range(6):
        waves = [0.5 + 0.4 * np.sin(3 * (c + 1) * rows + index) * np.cos(2 * columns + c) for c in range(3)]
        clean = np.stack(waves).astype(np.float32)
        rainy = SyntheticRain(angle=10 * index - 25)(clean, index)
        for folder, image in (("clean", clean), ("rainy", rainy)):
            pixels = np.moveaxis((255 * image + 0.5).astype(np.uint8), 0, -1)
            write_image(tmp_path / folder / f"{index}.png", Image(pixels, "YXC"))
    return tmp_path
