"""Which regions of a plane are judged, and what is measured of it."""

import numpy as np
import pytest
import torch

from bsn.inference.judged_plane import JudgedPlane
from bsn.inference.measuring import Filled, region_of
from bsn.inference.stages import Place


@pytest.mark.parametrize(
    ("size", "places", "shape"),
    [
        ((100, 70), [(0, 0)], (100, 70)),
        ((383, 500), [(88, 152)], (192, 192)),
        ((400, 601), [(88, 152), (88, 312), (176, 152), (176, 312)], (128, 128)),
    ],
)
def test_the_middle_of_a_small_plane_and_four_parts_of_a_large_one(size, places, shape):
    frames = torch.arange(2 * size[0] * size[1], dtype=torch.float64).reshape(1, 2, *size)
    judged = JudgedPlane(region_of(frames), lambda part: part[:, :1], size).judged(8)
    assert judged.places == [Place(*place) for place in places]
    for region, (top, left), noisy in zip(judged.regions, places, judged.noisy, strict=True):
        inside = (slice(top, top + shape[0]), slice(left, left + shape[1]))
        assert torch.equal(region, frames[..., *inside])
        assert torch.equal(noisy, frames[:, :1, *inside].float())
    assert judged.results(lambda _, place: place) == judged.places


@pytest.mark.parametrize(
    ("size", "tops", "lefts"),
    [((300, 800), [0], [0]), ((600, 900), [0, 232, 472], [0, 384, 768]), ((120, 3000), [0], [0, 1432, 2872])],
)
def test_parts_that_are_spread_reach_from_edge_to_edge(size, tops, lefts):
    frame = torch.zeros(1, 1, *size)
    spread = JudgedPlane(region_of(frame), lambda part: part, size).spread(8)
    assert spread.places == [Place(top, left) for top in tops for left in lefts]
    whole = size[0] * size[1] <= 512**2
    shape = size if whole else (min(size[0], 128), 128)
    assert all(region.shape[-2:] == shape for region in spread.regions)


def test_missing_pixels_are_not_measured():
    frame, hole = torch.ones(1, 1, 20, 30), np.zeros((1, 20, 30), bool)
    hole[0, 3, 4] = True
    read = Filled(region_of(frame), lambda *box: hole)
    (seen,) = JudgedPlane(read, lambda part: part, (20, 30)).measured()
    np.testing.assert_array_equal(np.isnan(seen), hole)
