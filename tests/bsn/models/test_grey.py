"""Grey networks made of colour networks."""

import pytest
import torch

from bsn.models import HalfPlane, HalfPlaneConfig, PhaseUNet, PhaseUNetConfig
from bsn.models.grey import as_grey

NETWORKS = {
    "phases": PhaseUNet(PhaseUNetConfig(widths=(8, 8), blocks=(1, 1))),
    "cells": HalfPlane(HalfPlaneConfig(body="pyramid", widths=(4, 6), cell=2, hole="square:3")),
    "pixels": HalfPlane(HalfPlaneConfig(width=4, levels=2, hole="square:3")),
}


def _image():
    return torch.rand(2, 1, 24, 32, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("name", NETWORKS)
def test_a_grey_image_is_seen_as_before(name):
    network, x = NETWORKS[name], _image()
    with torch.no_grad():
        expected = network(x.expand(-1, 3, -1, -1)).mean(1, keepdim=True)
        torch.testing.assert_close(as_grey(network)(x), expected, atol=1e-5, rtol=0)


def test_the_uncertainty_is_the_first_channels():
    network, x = PhaseUNet(PhaseUNetConfig(widths=(8, 8), blocks=(1, 1), outputs=9)), _image()
    with torch.no_grad():
        whole, grey = network(x.expand(-1, 3, -1, -1)), as_grey(network)(x)
    assert grey.shape[1] == 2
    torch.testing.assert_close(grey[:, 0], whole[:, :3].mean(1), atol=1e-5, rtol=0)
    torch.testing.assert_close(grey[:, 1], whole[:, 3], atol=1e-5, rtol=0)


def test_grey_networks_stay_and_context_is_refused():
    grey = PhaseUNet(PhaseUNetConfig(channels=1, widths=(8, 8), blocks=(1, 1)))
    assert as_grey(grey) is grey
    with pytest.raises(ValueError, match=r"2 neighbouring frames .*use one without context"):
        as_grey(PhaseUNet(PhaseUNetConfig(widths=(8, 8), blocks=(1, 1), context=2)))
