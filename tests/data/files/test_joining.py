"""Files of one frame each become a stack, or are refused in a line."""

import numpy as np
import pytest
import tifffile
from skimage.io import imsave

from bsn.data import DataError, join_frames, open_source, read_image

FRAMES = np.random.default_rng(0).integers(0, 255, (12, 24, 32), dtype=np.uint8)


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "frames"
    place.mkdir()
    for number, frame in enumerate(FRAMES):
        imsave(place / f"f{number}.png", frame, check_contrast=False)
    return place


@pytest.mark.parametrize("axis", ["T", "z"])
def test_frames_follow_in_natural_order(folder, axis, tmp_path):
    assert join_frames(folder, tmp_path / "stack.tif", axis=axis) == 12
    found = read_image(tmp_path / "stack.tif")
    assert found.axes == f"{axis.upper()}YX"
    np.testing.assert_array_equal(found.pixels, FRAMES)
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "stack.tif"), FRAMES)
    assert open_source(tmp_path / "stack.tif").neighbour(3, 2) == 5


def test_colours_stay_colours(tmp_path):
    for number in range(3):
        imsave(tmp_path / f"c{number}.png", np.stack([FRAMES[number]] * 3, -1), check_contrast=False)
    assert join_frames(tmp_path / "c*.png", tmp_path / "stack.h5") == 3
    assert read_image(tmp_path / "stack.h5").axes == "TYXC"


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (
            FRAMES[0, :20],
            r"x.tif \(20 x 32, 1 channels, uint8\) among frames like f0.png \(24 x 32, 1 channels, uint8\)",
        ),
        (FRAMES[0].astype(np.uint16), "frames of a stack have one size, one number of channels and one type"),
        (FRAMES[:2], "holds 2 planes, not one frame"),
    ],
)
def test_frames_that_differ_are_refused_and_nothing_is_left(folder, other, said, tmp_path):
    tifffile.imwrite(folder / "x.tif", other)
    with pytest.raises(DataError, match=said) as told:
        join_frames(folder, tmp_path / "stack.tif")
    assert "\n" not in str(told.value)
    assert [path.name for path in tmp_path.iterdir()] == ["frames"]


def test_a_single_frame_and_other_axes_are_refused(folder, tmp_path):
    with pytest.raises(DataError, match="is a single frame, and a stack has two or more"):
        join_frames(folder / "f0.png", tmp_path / "stack.tif")
    with pytest.raises(DataError, match="use T or Z"):
        join_frames(folder, tmp_path / "stack.tif", axis="C")
