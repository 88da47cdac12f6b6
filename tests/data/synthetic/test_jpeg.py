"""What JPEG does to crops, against Pillow itself; qualities of files."""

import io

import numpy as np
import pytest
from PIL import Image

from bsn.data import ArraySource, DataError, JoinedSource, jpeg_compressed, jpeg_quality


def photo(channels=3):
    return np.random.default_rng(0).integers(0, 256, (channels, 40, 56)).astype(np.float32) / 255


@pytest.mark.parametrize(("channels", "quality"), [(1, 70), (3, 95)])
def test_it_is_what_pillow_gives(channels, quality):
    image = photo(channels)
    pixels = np.rint(255 * np.moveaxis(image, 0, -1)).astype(np.uint8)
    stored = io.BytesIO()
    Image.fromarray(pixels[..., 0] if channels == 1 else pixels).save(stored, "JPEG", quality=quality, subsampling=0)
    expected = np.asarray(Image.open(stored), np.float32).reshape(40, 56, channels) / 255
    assert np.array_equal(jpeg_compressed(image, quality), np.moveaxis(expected, -1, 0))


def test_the_grid_moves_with_the_offset():
    """The blocks of an image that begins at (3, 5) of the grid are those of the image framed to begin at (0, 0)."""
    image = photo()
    framed = np.pad(image, ((0, 0), (3, 0), (5, 0)), mode="edge")
    assert np.array_equal(jpeg_compressed(image, 90, (3, 5)), jpeg_compressed(framed, 90)[:, 3:, 5:])
    assert not np.array_equal(jpeg_compressed(image, 90, (3, 5)), jpeg_compressed(image, 90))


@pytest.mark.parametrize("quality", [35, 75, 92, 100])
def test_the_quality_of_a_file_is_that_it_was_written_with(tmp_path, quality):
    Image.fromarray(np.zeros((16, 16, 3), np.uint8)).save(tmp_path / "a.jpg", quality=quality)
    assert jpeg_quality(tmp_path / "a.jpg") == quality


def test_other_files_have_no_quality(tmp_path):
    Image.fromarray(np.zeros((16, 16), np.uint8)).save(tmp_path / "a.png")
    assert jpeg_quality(tmp_path / "a.png") is None
    (tmp_path / "b.jpg").write_bytes(b"no picture")
    assert jpeg_quality(tmp_path / "b.jpg") is None
    assert jpeg_quality(tmp_path / "none.jpg") is None


def test_what_jpeg_cannot_hold_is_refused():
    with pytest.raises(DataError, match="grey or RGB"):
        jpeg_compressed(photo(2), 90)
    with pytest.raises(DataError, match="1 to 100"):
        jpeg_compressed(photo(), 0)


def test_joined_sources_are_one_after_the_other():
    a, b = np.zeros((2, 20, 24), np.uint8), np.full((1, 30, 16), 0.5, np.float32)
    joined = JoinedSource([ArraySource(a, "ZYX"), ArraySource(b, "ZYX")])
    assert [joined.size(i) for i in range(len(joined))] == [(20, 24), (20, 24), (30, 16)]
    assert joined.name(2) == ArraySource(b, "ZYX").name(0)
    assert joined.crop(2, 3, 4, 5, 6).shape == (1, 5, 6)
    assert float(joined.image(2).mean()) == 0.5
    assert float(joined.image(1).max()) == 0.0
    with pytest.raises(DataError, match="of one kind"):
        JoinedSource([ArraySource(a, "ZYX"), ArraySource(np.zeros((20, 20, 3), np.uint8), "YXC")])
    for index in (-1, len(joined)):
        with pytest.raises(DataError, match="count from 0 to"):
            joined.image(index)
