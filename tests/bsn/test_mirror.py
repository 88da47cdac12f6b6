"""Mirror padding, compared with numpy's."""

import numpy as np
import pytest
import torch

from bsn.mirror import mirror, mirror_to_multiple, mirrored_position


@pytest.mark.parametrize("repeat_edge", [False, True])
@pytest.mark.parametrize("size", [(5, 7), (1, 3), (2, 1), (19, 11)])
def test_mirroring_is_that_of_numpy(size, repeat_edge):
    x = torch.rand(2, 3, *size)
    missing = [(0, 0), (0, 0), (0, 19 - size[0]), (0, 11 - size[1])]
    expected = np.pad(x.numpy(), missing, mode="symmetric" if repeat_edge else "reflect")
    np.testing.assert_array_equal(mirror(x, 19, 11, repeat_edge=repeat_edge).numpy(), expected)


def test_positions_are_those_of_the_tensor():
    for length in range(1, 6):
        expected = np.pad(np.arange(length), (0, 23 - length), mode="reflect").tolist()
        assert [mirrored_position(i, length) for i in range(23)] == expected


def test_multiples():
    assert mirror_to_multiple(torch.zeros(1, 1, 9, 8), 4).shape == (1, 1, 12, 8)
    x = torch.rand(1, 1, 8, 8)
    assert mirror_to_multiple(x, 4) is x


class Mirrored(torch.nn.Module):
    def forward(self, x):
        return mirror_to_multiple(x, 8, repeat_edge=True)


def test_an_exported_graph_mirrors_any_size():
    sides = {2: torch.export.Dim("h", min=2, max=64), 3: torch.export.Dim("w", min=2, max=64)}
    graph = torch.export.export(Mirrored(), (torch.rand(1, 1, 11, 13),), dynamic_shapes=(sides,)).module()
    x = torch.rand(1, 1, 9, 30)
    expected = np.pad(x.numpy(), [(0, 0), (0, 0), (0, 7), (0, 2)], mode="symmetric")
    np.testing.assert_array_equal(graph(x).numpy(), expected)
