"""``bsn restore streaks``: files keep axes, type and every bit outside the streaks; bad files are named."""

import numpy as np
import pytest

from bsn.data import Image, SyntheticRain, read_image, write_image
from bsn.data.photographs import photograph
from tests.helpers.command_line import complaint, run


@pytest.fixture(scope="module")
def rainy():
    picture = SyntheticRain(angle=10, spread=0, veil=0)(photograph("astronaut.png")[:, :160, 100:290], rng=0)
    return np.moveaxis(picture, 0, -1)


def test_a_folder_of_all_types(capsys, tmp_path, rainy):
    given = tmp_path / "rainy"
    given.mkdir()
    write_image(given / "a.png", Image((255 * rainy).astype(np.uint8), "YXC"))
    write_image(given / "b.tif", Image((65535 * rainy[None, ..., 0]).astype(np.uint16), "TYX"))
    missing = (300 * rainy[..., 1]).astype(np.float32)
    missing[20:24, 30:34] = np.nan
    write_image(given / "c.tif", Image(missing, "YX"))
    (given / "d.png").write_bytes(b"no picture")
    code, out, err = run(capsys, "restore", "streaks", given, "-o", tmp_path / "dry", "--nan", "keep")
    assert code == 2
    assert "d.png" in err
    assert "3 of 4 images written" in out
    assert "a.png: streaks at +10 degrees" in out
    for name in ("a.png", "b.tif", "c.tif"):
        before, after = (read_image(folder / name).pixels for folder in (given, tmp_path / "dry"))
        assert after.dtype == before.dtype
        assert after.shape == before.shape
        changed = ~((after == before) | (np.isnan(before) & np.isnan(after)))
        assert 0.01 < changed.mean() < 0.3
        assert (after[changed] < before[changed]).all()


def test_a_picture_without_rain_keeps_its_bits(capsys, tmp_path):
    pixels = np.moveaxis((255 * photograph("coffee.png")[:, :128, :128]).astype(np.uint8), 0, -1)
    write_image(tmp_path / "dry.png", Image(pixels, "YXC"))
    code, out, _ = run(capsys, "restore", "streaks", tmp_path / "dry.png", "-o", tmp_path / "same.png")
    assert code == 0
    assert "no streaks found, unchanged" in out
    assert (read_image(tmp_path / "same.png").pixels == pixels).all()


@pytest.mark.parametrize(
    ("words", "said"),
    [(["--angle", "80"], "too flat for rain"), (["--false_share", "1.5"], "false_share 1.5 is out of range")],
)
def test_bad_options_write_nothing(capsys, tmp_path, words, said):
    write_image(tmp_path / "a.png", Image(np.zeros((16, 16), np.uint8), "YX"))
    assert said in complaint(capsys, "restore", "streaks", tmp_path / "a.png", "-o", tmp_path / "b.png", *words)
    assert not (tmp_path / "b.png").exists()
