"""Small folders of several degraded images of each background."""

import numpy as np
import pytest

from bsn.data import Image, SyntheticRain, write_image
from restoration.manas.search import SearchConfig
from restoration.run import PairData

COUNT = 2


@pytest.fixture
def layers(tmp_path):
    """Where pairs lie: four backgrounds of 40 x 48 pixels, two layers of rain over each."""
    rows, columns = np.mgrid[:40, :48] / 48
    for folder in ("rainy", "clean"):
        (tmp_path / folder).mkdir()
    for index in range(4):
        waves = [0.5 + 0.4 * np.sin(3 * (c + 1) * rows + index) * np.cos(2 * columns + c) for c in range(3)]
        clean = np.stack(waves).astype(np.float32)
        images = {f"rainy/{index}x{k}": SyntheticRain(angle=20 * k - 10)(clean, 10 * index + k) for k in range(COUNT)}
        for name, image in {f"clean/{index}": clean, **images}.items():
            pixels = np.moveaxis((255 * image + 0.5).astype(np.uint8), 0, -1)
            write_image(tmp_path / f"{name}.png", Image(pixels, "YXC"))
    return PairData([str(tmp_path / "rainy")], [str(tmp_path / "clean")], pattern=r"(\d+)x\d")


@pytest.fixture
def toy():
    """The smallest search there is: two scales, one module."""
    return SearchConfig(widths=(16, 16), modules=(1, 1), crop=16, backgrounds=1, warmup=0.3)
